"""Looking into the ledger: what `status`, `jobs list|show` and `verify` print.  Never writes, never checkpoints."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from ispd.daemon.ledger import queries, schema
from ispd.daemon.ledger.lessons import Lessons
from ispd.daemon.ledger.rows import Counts, Folder, Job, Lesson, Listed, Photo
from ispd.daemon.ledger.shared import SAME_CONTENT
from ispd.daemon.ledger.store import Row, Store, in_words
from ispd.errors import ConfigError, NoInput
from ispd.orders import Recipe

NAME = "ledger.sqlite"
# photos that no job and no other photo speaks for
_ALONE = "photo.job IS NULL AND photo.duplicate_of IS NULL"
_LINES = f"""
    SELECT CAST(id AS TEXT) AS id, state, source, reason, profile, since FROM job WHERE NOT superseded AND {{which}}
    UNION ALL
    SELECT 'p' || id, state, path, reason, coalesce(wish, ''), since FROM photo WHERE {_ALONE} AND {{which}}
    ORDER BY since"""
_NAMES = """
    SELECT CAST(job AS TEXT), name FROM product JOIN job ON job.id = product.job WHERE NOT superseded AND {which}
    ORDER BY job, number"""


class Reading:
    """`ledger.reading`, or of its own by `read_ledger`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counts: tuple[Counts, ...] = ()
        self._counted_at: object = None

    def counts(self) -> tuple[Counts, ...]:
        """How many photos stand where, for each folder of the config.  Counted once a change: the loop asks often."""
        version = self._store.version()
        if version != self._counted_at:
            self._counts, self._counted_at = self._count(), version
        return self._counts

    def _count(self) -> tuple[Counts, ...]:
        jobs = self._store.rows("SELECT folder, state, count(*) FROM job WHERE NOT superseded GROUP BY folder, state")
        alone = self._store.rows(f"SELECT folder, state, count(*) FROM photo WHERE {_ALONE} GROUP BY folder, state")
        twins = self._store.rows(
            "SELECT folder, 'duplicates', count(*) FROM photo WHERE duplicate_of IS NOT NULL GROUP BY folder"
        )
        found = queries.folders(self._store, "active")
        return tuple(_counts(folder, [*jobs, *alone, *twins]) for folder in found)

    def folders(self) -> tuple[Folder, ...]:
        """Every folder that was ever registered."""
        return queries.folders(self._store)

    def listing(self, state: str | None = None) -> tuple[Listed, ...]:
        """Jobs (superseded ones left out), and photos that have none, by the time they came into their state.

        Of a hundred thousand photos too: only what a line shows is read.
        """
        which, values = ("1", ()) if state is None else ("state = ?", (state,))
        names: dict[str, tuple[str, ...]] = {}
        for job, name in self._store.rows(_NAMES.format(which=which), *values):
            names[job] = (*names.get(job, ()), name)
        rows = self._store.rows(_LINES.format(which=which), *values, *values)
        return tuple(Listed._make((*row, names.get(row["id"], ()))) for row in rows)

    def job(self, job: int) -> Job | None:
        """One job."""
        return queries.job(self._store, job)

    def photo(self, photo: int) -> Photo | None:
        """One photo."""
        return queries.photo(self._store, photo)

    def recipe(self, job: Job) -> Recipe:
        """What was to be done, as it was planned then."""
        return queries.recipe(self._store, job.recipe_digest)

    def lesson(self, make: str, model: str) -> Lesson | None:
        """The last fit of a camera's look; none where an older ispd wrote the ledger."""
        if schema.version(self._store.connection) < schema.VERSION:
            return None
        return Lessons(self._store).of(make, model)

    def photos_of(self, job: Job) -> tuple[Photo, ...]:
        """Photos with the content of this job, duplicates last."""
        where = f"{SAME_CONTENT} ORDER BY duplicate_of IS NOT NULL, id"
        return queries.photos(self._store, where, job.folder, job.photo_digest)

    def delivered(self) -> tuple[Job, ...]:
        """Every delivered job, oldest first."""
        return queries.jobs(self._store, "state = 'delivered' ORDER BY delivered, job.id")

    def last_delivered(self) -> tuple[Job, ...]:
        """Delivered jobs that no retry came after: of an older picture its owner may have thrown away."""
        return queries.jobs(
            self._store,
            """state = 'delivered' AND NOT EXISTS (SELECT 1 FROM job AS later WHERE later.deliver = job.deliver
               AND later.photo_digest = job.photo_digest AND later.generation > job.generation
               AND NOT later.superseded) ORDER BY delivered, job.id""",
        )


@contextmanager
def read_ledger(state: Path) -> Iterator[Reading]:
    """Open `STATE/ledger.sqlite` read-only.  Raises NoInput where there is none yet, ConfigError for a newer one."""
    path = state / NAME
    if not path.exists():
        raise NoInput(f"{path} does not exist: ispd has not run yet; start it with `ispd run` or `ispd once`")
    with in_words(path):
        connection = sqlite3.connect(_uri(path), uri=True, timeout=5, isolation_level=None)
    with closing(connection):
        with in_words(path):
            check_version(connection, path)
        yield Reading(Store(connection, path))


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Raise ConfigError where a newer ispd wrote the ledger."""
    if schema.version(connection) > schema.VERSION:
        raise ConfigError(
            f"{path} was written by a newer ispd; install that one again, or go back with a file of "
            f"{path.parent}/backups"
        )


def _uri(path: Path) -> str:
    return f"file:{quote(os.fsencode(path))}?mode=ro"


def _counts(folder: Folder, rows: list[Row]) -> Counts:
    own: dict[str, int] = {}
    for number, state, count in rows:
        if number == folder.id:
            own[state] = own.get(state, 0) + count
    return Counts(folder, **own)
