"""Settle: has a file stopped changing?  `Settling` judges by clock and identities that are passed in.

Quiet is not whole: what has settled is still asked for a writer (`someone_writes`) and for its structure
(decode.facts.check_whole), since a copy over a slow network pauses for longer than anybody waits.

>>> from ispd.orders import Identity
>>> folder = Settling(quiet_seconds=3)
>>> photo = Identity(ino=1, size=10, mtime_ns=0, ctime_ns=0)
>>> folder.observe(b"a.dng", photo, now=0), folder.observe(b"a.dng", photo, now=3)
(False, True)
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
from dataclasses import dataclass

from ispd.orders import Identity
from ispd.photo import identity_of


@dataclass(frozen=True)
class Quiet:
    """What a file looked like, since when, and when to look again."""

    identity: Identity
    since: float
    due: float


class Settling:
    """The files that may still change.  `now` is monotonic seconds: a clock that jumps settles nothing early."""

    def __init__(self, quiet_seconds: float) -> None:
        self.quiet_seconds = quiet_seconds
        self._files: dict[bytes, Quiet] = {}

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, path: bytes) -> bool:
        return path in self._files

    def observe(self, path: bytes, identity: Identity, now: float) -> bool:
        """Note what `path` looks like now; True once it has looked so for the quiet time."""
        seen = self._files.get(path)
        if seen is None or seen.identity != identity:
            self._files[path] = Quiet(identity, now, now + self.quiet_seconds)
            return False
        return now - seen.since >= self.quiet_seconds

    def look_again(self, path: bytes, now: float, seconds: float) -> None:
        """It is quiet, yet not to be taken: ask again in `seconds`.  How long it has been quiet is kept."""
        seen = self._files[path]
        self._files[path] = Quiet(seen.identity, seen.since, now + seconds)

    def quiet_for(self, path: bytes, now: float) -> float:
        """Seconds without a change."""
        return now - self._files[path].since

    def forget(self, path: bytes) -> None:
        """It has been taken, or is gone."""
        self._files.pop(path, None)

    def due(self, now: float) -> list[bytes]:
        """The files worth a look now, those quiet longest first."""
        ripe = [(seen.since, path) for path, seen in self._files.items() if seen.due <= now]
        return [path for _, path in sorted(ripe)]

    def is_expecting(self, now: float) -> bool:
        """Whether a file is about to be taken: it has changed a moment ago."""
        return any(now - seen.since < 2 * self.quiet_seconds for seen in self._files.values())

    def next_due(self) -> float | None:
        """When the next file is worth a look; None: there is none."""
        return min((seen.due for seen in self._files.values()), default=None)


def look(path: bytes) -> Identity | None:
    """What the name means now; None: gone, or no regular file (links are not followed, pipes not opened)."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return identity_of(status)


def someone_writes(path: bytes) -> bool:
    """Whether any process has the file open for writing, by mmap too, as far as the kernel tells us.

    A read lease is refused while a writer is there.  Only the owner (or CAP_LEASE) may ask, and some file systems
    know no leases: then the answer is no, and the structural check decides alone.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # a writer that comes while we hold the lease has it broken by this signal; the usual SIGIO would kill us
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(fd)
    return False
