"""Rows of the tables as the values of rows.py."""

from __future__ import annotations

from typing import Any

import msgspec

from ispd.daemon.ledger.rows import Folder, Job, Photo, Product
from ispd.daemon.ledger.store import Row, Store, Value, damaged, unsigned
from ispd.orders import Identity, Recipe, from_json

_FOLDERS = """SELECT folder.id, watch, path AS deliver, mark, method
    FROM folder JOIN deliver ON deliver.id = folder.deliver"""
_JOBS = "SELECT job.*, deliver.path AS path FROM job JOIN deliver ON deliver.id = job.deliver"


def folders(store: Store, where: str = "1", *values: Value) -> tuple[Folder, ...]:
    """Folders, in the order they were registered."""
    return tuple(Folder(*row) for row in store.rows(f"{_FOLDERS} WHERE {where} ORDER BY folder.id", *values))


def photos(store: Store, where: str, *values: Value) -> tuple[Photo, ...]:
    """Photos; `where` may go on with an ORDER BY."""
    return tuple(_photo(row) for row in store.rows(f"SELECT * FROM photo WHERE {where}", *values))


def photo(store: Store, number: int) -> Photo | None:
    """One."""
    return next(iter(photos(store, "id = ?", number)), None)


def jobs(store: Store, where: str, *values: Value) -> tuple[Job, ...]:
    """Jobs with their products; `where` may go on with an ORDER BY and a LIMIT."""
    found = store.rows(f"{_JOBS} WHERE {where}", *values)
    products: dict[int, list[Product]] = {row["id"]: [] for row in found}
    for row in _products(store, list(products)):
        products[row["job"]].append(_product(row))
    with_products = [(row, tuple(products[row["id"]])) for row in found]
    try:
        return tuple(_job(row, own) for row, own in with_products)
    except msgspec.DecodeError as error:
        raise damaged(store.path, "a job cannot be read") from error


def job(store: Store, number: int) -> Job | None:
    """One."""
    return next(iter(jobs(store, "job.id = ?", number)), None)


def recipe(store: Store, digest: str) -> Recipe:
    """A recipe by its digest, which is compared: a flipped bit must not become a picture."""
    row = store.row("SELECT json FROM recipe WHERE digest = ?", digest)
    try:
        found = from_json(row["json"], Recipe) if row else None
    except msgspec.DecodeError:
        found = None
    if found is None or found.digest != digest:
        raise damaged(store.path, "a recipe cannot be read")
    return found


def identity(row: Row) -> Identity:
    """The identity columns of a photo."""
    return Identity(unsigned(row["ino"]), row["size"], row["mtime_ns"], row["ctime_ns"])


def _products(store: Store, numbers: list[int]) -> list[Row]:
    """Products of many jobs, by chunks that SQLite's limit on parameters allows."""
    found: list[Row] = []
    for start in range(0, len(numbers), 500):
        chunk = numbers[start : start + 500]
        marks = ",".join("?" * len(chunk))
        found += store.rows(f"SELECT * FROM product WHERE job IN ({marks}) ORDER BY job, number", *chunk)
    return found


def _photo(row: Row) -> Photo:
    plain = ("digest", "state", "cause", "reason", "until", "since", "first_seen", "changed", "settled")
    bound = ("job", "duplicate_of", "wish")
    return Photo(row["id"], row["folder"], row["path"], identity(row), **_named(row, plain + bound))


def _product(row: Row) -> Product:
    dev, ino = row["claim_dev"], row["claim_ino"]
    claim = None if ino is None else (unsigned(dev), unsigned(ino))
    return Product(**_named(row, ("number", "base", "name", "staging", "sha256", "size")), claim=claim)


def _job(row: Row, products: tuple[Product, ...]) -> Job:
    own = tuple(name for name in Job.__dataclass_fields__ if name not in {"deliver", "products", "warnings"})
    warnings = msgspec.json.decode(row["warnings"], type=tuple[str, ...])
    return Job(**_named(row, own), deliver=row["path"], products=products, warnings=warnings)


def _named(row: Row, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: row[name] for name in names}
