"""Products: the outputs of a job, their names and digests.  All inside the caller's transaction.

A name is reserved in its deliver folder while its job lives, so `DSC1.NEF` and `DSC1.DNG` never fight for `DSC1.jpg`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ispd.daemon.ledger.rows import Job
from ispd.daemon.ledger.store import Store, signed
from ispd.errors import CannotCreate
from ispd.orders import Recipe, Written
from ispd.publish import STAGING, TRIES, folded, numbered, staging_name


def reserve(store: Store, job: int, deliver: int, names: Sequence[str]) -> None:
    """A row for each output, all under the first number that leaves every name free."""
    bases = _apart(names)
    suffix = next((n for n in range(1, TRIES + 1) if _all_free(store, deliver, bases, n)), None)
    if suffix is None:
        raise _exhausted(bases[0])
    for number, base in enumerate(bases):
        name = numbered(base, suffix)
        store.run(
            "INSERT INTO product (job, number, deliver, base, suffix, name, reserved) VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(job, number, deliver, base, suffix, name, folded(name)),
        )


def next_name(store: Store, job: Job, number: int) -> str:
    """The next number that is free, for one output."""
    row = store.rows("SELECT * FROM product WHERE job = ? AND number = ?", job.id, number)[0]
    for suffix in range(row["suffix"] + 1, TRIES + 1):
        if _all_free(store, row["deliver"], [row["base"]], suffix):
            return _rename(store, job.id, number, row["base"], suffix)
    raise _exhausted(row["base"])


def assign_staging(store: Store, job: Job, recipe: Recipe) -> tuple[bytes, ...]:
    """Absolute paths of the files that an engine shall make."""
    folder = job.deliver + b"/" + STAGING + b"/"
    paths = tuple(folder + staging_name(job.id, n, out.extension) for n, out in enumerate(recipe.outputs))
    for number, path in enumerate(paths):
        store.run("UPDATE product SET staging = ? WHERE job = ? AND number = ?", path, job.id, number)
    return paths


def write_digests(store: Store, job: Job, files: Sequence[Written]) -> None:
    """What the engine made.  Raises ValueError where it is not what was ordered."""
    if [file.path for file in files] != [product.staging for product in job.products]:
        raise ValueError(f"the report of job {job.id} names other files than were ordered")
    for number, file in enumerate(files):
        store.run(
            "UPDATE product SET sha256 = ?, size = ? WHERE job = ? AND number = ?",
            *(file.sha256, file.size, job.id, number),
        )


def adopt(store: Store, job: Job, files: Sequence[tuple[str, Written]]) -> None:
    """Names and digests of files that lie in the deliver folder already; who had reserved such a name gets another."""
    release(store, job.id)
    for product, (name, file) in zip(job.products, files, strict=True):
        deliver = store.value("SELECT deliver FROM product WHERE job = ? AND number = ?", job.id, product.number)
        rival = store.row("SELECT * FROM product WHERE deliver = ? AND reserved = ?", deliver, folded(name))
        if rival is not None:
            store.run("UPDATE product SET reserved = NULL WHERE job = ? AND number = ?", rival["job"], rival["number"])
        store.run(
            "UPDATE product SET name = ?, reserved = ?, sha256 = ?, size = ? WHERE job = ? AND number = ?",
            *(name, folded(name), file.sha256, file.size, job.id, product.number),
        )
        if rival is not None:
            _first_free(store, rival["job"], rival["number"])


def claim(store: Store, job: int, number: int, file: tuple[int, int]) -> None:
    """(dev, ino) of the empty file that we made under the final name."""
    dev, ino = (signed(value) for value in file)
    store.run("UPDATE product SET claim_dev = ?, claim_ino = ? WHERE job = ? AND number = ?", dev, ino, job, number)


def forget_files(store: Store, job: int) -> None:
    """What lies in staging is nobody's from now on; names and claims stay."""
    store.run("UPDATE product SET staging = NULL, sha256 = '', size = 0 WHERE job = ?", job)


def release(store: Store, job: int) -> None:
    """Names that others may have."""
    store.run("UPDATE product SET reserved = NULL, claim_dev = NULL, claim_ino = NULL WHERE job = ?", job)


def live_staging(store: Store, deliver: bytes) -> frozenset[bytes]:
    """Names inside DELIVER/.ispd of rows that are staged, or wait with staged files."""
    rows = store.rows(
        """SELECT staging FROM product JOIN job ON job.id = product.job JOIN deliver ON deliver.id = job.deliver
           WHERE path = ? AND staging IS NOT NULL AND sha256 != '' AND state IN ('staged', 'waiting')""",
        deliver,
    )
    return frozenset(row["staging"].rpartition(b"/")[2] for row in rows)


def _apart(names: Sequence[str]) -> list[str]:
    """The same name twice in one plan becomes two."""
    found: list[str] = []
    for name in names:
        taken = {folded(other) for other in found}
        found.append(next(n for k in range(1, TRIES) if folded(n := numbered(name, k)) not in taken))
    return found


def _all_free(store: Store, deliver: int, bases: Sequence[str], suffix: int) -> bool:
    keys = [folded(numbered(base, suffix)) for base in bases]
    marks = ",".join("?" * len(keys))
    sql = f"SELECT 1 FROM product WHERE deliver = ? AND reserved IN ({marks}) LIMIT 1"
    return len(set(keys)) == len(keys) and store.row(sql, deliver, *keys) is None


def _first_free(store: Store, job: int, number: int) -> None:
    row = store.rows("SELECT * FROM product WHERE job = ? AND number = ?", job, number)[0]
    for suffix in range(1, TRIES + 1):
        if _all_free(store, row["deliver"], [row["base"]], suffix):
            _rename(store, job, number, row["base"], suffix)
            return
    raise _exhausted(row["base"])


def _rename(store: Store, job: int, number: int, base: str, suffix: int) -> str:
    name = numbered(base, suffix)
    store.run(
        """UPDATE product SET suffix = ?, name = ?, reserved = ?, claim_dev = NULL, claim_ino = NULL
           WHERE job = ? AND number = ?""",
        *(suffix, name, folded(name), job, number),
    )
    return name


def _exhausted(base: str) -> CannotCreate:
    return CannotCreate(f"{base}: {TRIES} photos have this name already; give the folder's `name` more detail")
