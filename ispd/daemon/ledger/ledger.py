"""The ledger, opened for writing: exactly one process holds it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from ispd.daemon.ledger import files, schema
from ispd.daemon.ledger.folders import Folders
from ispd.daemon.ledger.jobs import Jobs
from ispd.daemon.ledger.lessons import Lessons
from ispd.daemon.ledger.photos import Photos
from ispd.daemon.ledger.reading import NAME, Reading
from ispd.daemon.ledger.store import Store, in_words


class Ledger:
    """Context manager.  `folders`, `photos`, `jobs`, `lessons` write (one commit a call); `reading` only looks.

    Every call may raise CannotCreate (the disk is full; the ledger stays sound and goes on when there is room) and
    Damaged, a MachineError: end with its exit code, the next start restores a backup.
    """

    def __init__(self, state: Path, now: float) -> None:
        """Lock, check, migrate and open `STATE/ledger.sqlite`.

        Raises MachineError (75) where another ispd holds it or the state folder lies on a network file system,
        ConfigError (78) where a newer ispd wrote it (the file stays untouched), CannotCreate, NotPermitted.
        """
        self.state = state
        files.make_state(state)
        self._lock = files.lock(state)
        try:
            self.recovered = files.prepare(state, now)  # a sentence where a backup took a damaged one's place; else ""
            self._connection = files.open_writer(state / NAME)
            self._migrate(now)
        except BaseException:
            os.close(self._lock)
            raise
        store = Store(self._connection, state / NAME)
        self.folders = Folders(store)
        self.photos = Photos(store)
        self.jobs = Jobs(store)
        self.lessons = Lessons(store)
        self.reading = Reading(store)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Checkpoint, close, unlock.  A killed process needs none of it."""
        with suppress(sqlite3.Error):  # nothing is lost: the write-ahead log is played at the next start
            self._connection.close()
        os.close(self._lock)

    def back_up(self, now: float) -> Path:
        """Copy the ledger while it is open (a few hundred ms at 100k jobs) to STATE/backups; keeps the newest three."""
        return files.back_up(self._connection, self.state, now)

    def _migrate(self, now: float) -> None:
        with in_words(self.state / NAME):
            if 0 < schema.version(self._connection) < schema.VERSION:
                self.back_up(now)  # the way back, should the older ispd be wanted again
            schema.migrate(self._connection)
