"""One connection to the ledger's file: transactions, and SQLite's errors as ours.  Nobody else knows sqlite3."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from ispd.errors import CannotCreate, MachineError, NotPermitted

Value: TypeAlias = int | float | str | bytes | None
Row: TypeAlias = sqlite3.Row

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}
_SIGNED = 1 << 63


class Damaged(MachineError):
    """The ledger's file is not what was written to it: the next start restores a backup."""


class Store:
    """A connection.  Its owner is one thread of one process."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        connection.row_factory = sqlite3.Row
        self.connection = connection
        self.path = path

    def rows(self, sql: str, *values: Value) -> list[Row]:
        """All rows of a query."""
        with in_words(self.path):
            return self.connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Value) -> Row | None:
        """The first row, or None."""
        found = self.rows(sql, *values)
        return found[0] if found else None

    def value(self, sql: str, *values: Value) -> Any:
        """The first column of a row that there must be."""
        return self.rows(sql, *values)[0][0]

    def run(self, sql: str, *values: Value) -> int:
        """How many rows a change touched."""
        with in_words(self.path):
            return self.connection.execute(sql, values).rowcount

    def insert(self, sql: str, *values: Value) -> int:
        """The new row's id."""
        with in_words(self.path):
            return self.connection.execute(sql, values).lastrowid or 0

    def many(self, sql: str, values: Iterable[tuple[Value, ...]]) -> None:
        """The same change for each."""
        with in_words(self.path):
            self.connection.executemany(sql, values)

    def version(self) -> tuple[int, int]:
        """Another one after each change, by this connection or by any other."""
        return self.connection.total_changes, self.value("PRAGMA data_version")

    @contextmanager
    def commit(self) -> Iterator[None]:
        """All that is done inside, or none of it; on disk when it returns.

        IMMEDIATE, because a transaction that begins by reading and writes after another writer is refused at once,
        without regard to any timeout (SQLITE_BUSY_SNAPSHOT).
        """
        self.run("BEGIN IMMEDIATE")
        try:
            yield
            self.run("COMMIT")
        finally:
            if self.connection.in_transaction:
                self.connection.rollback()


@contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into sentences."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _said(error, path) from error
    except UnicodeDecodeError as error:
        raise damaged(path, error) from error


def suspicion(path: Path) -> Path:
    """The note beside a ledger that was found damaged while in use; the next start reads it."""
    return path.with_name(path.name + ".damaged")


def damaged(path: Path, what: object) -> Damaged:
    """The error for a ledger that is not as it was written; notes it for the next start."""
    suspicion(path).touch()
    return Damaged(f"{path} is damaged ({what}); start ispd again: it takes the newest backup")


def _said(error: sqlite3.DatabaseError, path: Path) -> MachineError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary code; higher bits say where
    if code in _DAMAGE or str(error).startswith("Could not decode to UTF-8"):
        return damaged(path, error)
    if code == sqlite3.SQLITE_FULL:
        return CannotCreate(f"{path}: no room left on the disk for the ledger; make room, the photos wait")
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return MachineError(f"{path} is in use by another program; try again")
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH}:
        return NotPermitted(f"{path} cannot be opened or written ({error}); give ispd's user the permission")
    if code == sqlite3.SQLITE_IOERR:
        return CannotCreate(f"{path}: the disk reports an error ({error}); check the disk")
    raise error  # wrong SQL: a bug


def signed(number: int) -> int:
    """A 64-bit inode as SQLite's signed integer; network and FUSE file systems use the top bit."""
    return number - 2 * _SIGNED if number >= _SIGNED else number


def unsigned(number: int) -> int:
    """Back again."""
    return number + 2 * _SIGNED if number < 0 else number
