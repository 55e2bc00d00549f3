"""Publishing: staging files get their final names, and nothing is ever overwritten.

The daemon publishes with a ledger behind `Memory`, `ispd develop` with `Numbering`.  Staging lies in DELIVER/.ispd/,
on the file system of the deliver folder, so that giving the final name is one step: `link(2)`, which fails where the
name exists; where links do not work `renameat2(RENAME_NOREPLACE)`; where neither works an empty file of our own
under the final name, which the staging file then replaces.  Digests decide what is ours, never sizes or times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from ispd.orders import Written

Method: TypeAlias = Literal["link", "rename", "exclusive"]


@dataclass(frozen=True)
class Desk:
    """A deliver folder that is ready to take pictures.  Close it."""

    deliver: bytes  # absolute
    staging: bytes  # absolute; where an engine may create files
    mark: str  # content of DELIVER/.ispd/id
    method: Method

    def close(self) -> None:
        """Let go of the folder."""
        raise NotImplementedError


@dataclass(frozen=True)
class Staged:
    """One finished file that waits for its final name."""

    staging: bytes  # absolute
    name: str  # wanted, relative to the deliver folder
    sha256: str
    claim: tuple[int, int] | None = None  # (dev, ino) of an empty file that we made under `name`


class Memory(Protocol):
    """What must be remembered, for good, before the next step."""

    def next_name(self, number: int) -> str:
        """Output `number` found its name taken: the next one, committed."""

    def claim(self, number: int, dev: int, ino: int) -> None:
        """Output `number` made this empty file under its final name; commit it."""


def open_desk(deliver: bytes, mark: str) -> Desk:
    """The daemon's desk: makes DELIVER/.ispd/ (0700) and its id, probes the method, holds the folder's lock.

    `mark` is the id that the ledger remembers, "" for a folder that is new to it.  Raises FolderGone where the folder
    has no or another id, MachineError where another ispd holds it, CannotCreate, NotPermitted.
    """
    raise NotImplementedError


def open_desk_by_hand(deliver: bytes) -> Desk:
    """The desk of `ispd develop`: a locked staging folder of its own inside DELIVER/.ispd/, gone after `close`."""
    raise NotImplementedError


def staging_path(desk: Desk, job: int, number: int, extension: str) -> bytes:
    """Where output `number` of a job is made: STAGING/JOB.n.ext."""
    raise NotImplementedError


def check_desk(desk: Desk) -> None:
    """Raise FolderGone where DELIVER/.ispd/id is not the one we opened: unmounted, replaced, deleted."""
    raise NotImplementedError


def check_room(desk: Desk, size: int) -> None:
    """Raise CannotCreate where the file system has less than twice `size` bytes free."""
    raise NotImplementedError


def seal(path: bytes) -> Written:
    """Step 3's end, for a finished staging file: permissions by umask, fsync, SHA-256.  Raises CannotCreate."""
    raise NotImplementedError


def place(desk: Desk, staged: Staged, number: int, memory: Memory) -> str:
    """Step 5 for one output: give it its final name; returns the name.  Safe to repeat after a crash."""
    raise NotImplementedError


def sync_folders(desk: Desk, name: str) -> None:
    """Step 6: fsync every folder from the final name up to the deliver folder."""
    raise NotImplementedError


def publish(desk: Desk, files: tuple[Staged, ...], memory: Memory) -> tuple[str, ...]:
    """Steps 5 and 6 for all outputs of a job; the final names.  The caller then commits (7) and clears (8).
    Raises LostStaging where a file is neither placed nor staged any more: develop it again."""
    raise NotImplementedError


def clear(desk: Desk, files: Iterable[bytes]) -> None:
    """Step 8: unlink staging files; those that are gone already are fine."""
    raise NotImplementedError


def sweep(desk: Desk, keep: frozenset[bytes]) -> tuple[bytes, ...]:
    """Remove everything in DELIVER/.ispd/ that no live row needs; what was removed.  Only with the ledger's lock held,
    before engines start."""
    raise NotImplementedError


def recognised(desk: Desk, name: str, is_ours: Callable[[bytes], bool]) -> str | None:
    """The first of `name`, `name-2` … that exists and that `is_ours(absolute path)` accepts; for a lost ledger."""
    raise NotImplementedError


def numbered(name: str, number: int) -> str:
    """The naming policy: `a/DSC1.jpg`, `a/DSC1-2.jpg` …; the last component stays within 255 bytes.

    >>> numbered("a/DSC1.jpg", 1), numbered("a/DSC1.jpg", 2)
    ('a/DSC1.jpg', 'a/DSC1-2.jpg')
    """
    raise NotImplementedError


class Numbering:
    """The Memory of `ispd develop`: names in order, nothing to commit."""

    def __init__(self, names: tuple[str, ...]) -> None:
        raise NotImplementedError

    def next_name(self, number: int) -> str:
        raise NotImplementedError

    def claim(self, number: int, dev: int, ino: int) -> None:
        raise NotImplementedError
