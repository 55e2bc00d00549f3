"""The ledger, opened for writing: exactly one process holds it."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from ispd.daemon.ledger.folders import Folders
from ispd.daemon.ledger.jobs import Jobs
from ispd.daemon.ledger.photos import Photos
from ispd.daemon.ledger.reading import Reading


class Ledger:
    """Context manager.  `folders`, `photos`, `jobs` write (one commit a call); `reading` only looks."""

    folders: Folders
    photos: Photos
    jobs: Jobs
    reading: Reading
    recovered: str  # a sentence where the ledger was damaged and a backup or an empty one took its place; else ""

    def __init__(self, state: Path, now: float) -> None:
        """Lock, check, migrate and open `STATE/ledger.sqlite`.

        Raises MachineError (75) where another ispd holds it or the state folder lies on a network file system,
        ConfigError (78) where a newer ispd wrote it (the file stays untouched), CannotCreate / NotPermitted.
        """
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Checkpoint, close, unlock.  A killed process needs none of it."""
        raise NotImplementedError

    def back_up(self, now: float) -> Path:
        """Copy the ledger while it is open (a few hundred ms at 100k jobs) to STATE/backups; keeps the newest three."""
        raise NotImplementedError
