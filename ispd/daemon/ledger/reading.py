"""Looking into the ledger: what `status`, `jobs list|show` and `verify` print.  Never writes, never checkpoints."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from ispd.daemon.ledger.rows import Counts, Job, Listed, Photo


class Reading:
    """`ledger.reading`, or of its own by `read_ledger`."""

    def counts(self) -> tuple[Counts, ...]:
        """How many photos stand where, a folder each."""
        raise NotImplementedError

    def listing(self, state: str | None = None) -> tuple[Listed, ...]:
        """Jobs (superseded ones left out), and photos that have none; oldest first."""
        raise NotImplementedError

    def job(self, job: int) -> Job | None:
        """One job."""
        raise NotImplementedError

    def photo(self, photo: int) -> Photo | None:
        """One photo."""
        raise NotImplementedError

    def photos_of(self, job: Job) -> tuple[Photo, ...]:
        """Photos with the content of this job, duplicates last."""
        raise NotImplementedError

    def delivered(self) -> tuple[Job, ...]:
        """Every delivered job, oldest first."""
        raise NotImplementedError


def read_ledger(state: Path) -> AbstractContextManager[Reading]:
    """Open `STATE/ledger.sqlite` read-only.  Raises NoInput where there is none yet, ConfigError for a newer one."""
    raise NotImplementedError
