"""Photos: what lies in the watched folders, from the first sight until a job is made of it."""

from __future__ import annotations

from collections.abc import Iterable

from ispd.daemon.ledger.rows import Cause, Observed, Photo, Seen
from ispd.orders import Identity


class Photos:
    """`ledger.photos`.  Every method is one commit; times are seconds since 1970, passed in."""

    def observe(self, folder: int, seen: Iterable[Seen], now: float) -> Observed:
        """Files that were looked at, a part of the folder.  New ones and those with another identity are `settling`
        (a replaced one loses its digest, and its job where that was not begun and no other photo has the content)."""
        raise NotImplementedError

    def scanned(self, folder: int, seen: Iterable[Seen], now: float) -> Observed:
        """The whole folder: as `observe`, and rows of files that are no longer there are forgotten, with jobs that were
        neither begun nor delivered.  Never call it for a root that is missing or not mounted."""
        raise NotImplementedError

    def settling(self, folder: int) -> tuple[Photo, ...]:
        """Photos that are still arriving, in the order they were first seen."""
        raise NotImplementedError

    def settle(self, photo: int, identity: Identity, digest: str, now: float) -> Photo:
        """The file is quiet, whole as far as we can tell, and this is its digest: `ready`.

        A content that this deliver folder knows gets no second job: the photo is bound to the one there is
        (`.job`), a waiting one is woken; or it is marked as `.duplicate_of` the photo that will get the job.
        The row as it is, where the file has another identity by now (a scan came between).
        """
        raise NotImplementedError

    def wait(self, photo: int, cause: Cause, reason: str, until: float | None, now: float) -> None:
        """`waiting`: asked again at `until`, or when `wake` or a changed file says so (None: only then)."""
        raise NotImplementedError

    def set_aside(self, photo: int, reason: str, now: float) -> None:
        """The file's fault; any change of the file wakes it."""
        raise NotImplementedError

    def due(self, now: float, limit: int) -> tuple[Photo, ...]:
        """Photos to plan: ready, no job yet, no duplicate; folders take turns, oldest-settled first.
        Waiting ones whose time has come are put back first: to `ready` (digest known) or `settling`."""
        raise NotImplementedError

    def wake(self, cause: Cause, folder: int | None = None) -> int:
        """Put photos that wait for this cause back to work now; how many."""
        raise NotImplementedError

    def get(self, photo: int) -> Photo | None:
        """One row."""
        raise NotImplementedError

    def at(self, folder: int, path: bytes) -> Photo | None:
        """The row of a path."""
        raise NotImplementedError

    def with_digest(self, folder: int, digest: str) -> tuple[Photo, ...]:
        """All photos of this content that the folder's deliver folder knows, duplicates last."""
        raise NotImplementedError
