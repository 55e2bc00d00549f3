"""The steps from a finished staging file to its final name, one function each; a kill between any two does no harm.

Digests decide what is ours, never times; a size that differs only saves reading the file.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ispd.errors import CannotCreate, MachineError
from ispd.orders import Written
from ispd.publish.desk import Desk, at
from ispd.publish.disk import Disk, exists, opened, sha256, walk
from ispd.publish.names import TRIES, join, leaf, parts
from ispd.publish.words import in_words
from ispd.sentences import shown


class StagingLost(MachineError):
    """A file is neither under its final name nor staged any more: develop it again."""


@dataclass(frozen=True)
class Staged:
    """One finished file that waits for its final name."""

    staging: bytes  # absolute
    name: str  # wanted, relative to the deliver folder
    sha256: str
    size: int
    claim: tuple[int, int] | None = None  # (dev, ino) of an empty file that we made under `name`


class Memory(Protocol):
    """What must be remembered, for good, before the next step."""

    def next_name(self, number: int) -> str:
        """Output `number` found its name taken: the next one, committed."""

    def claim(self, number: int, dev: int, ino: int) -> None:
        """Output `number` made this empty file under its final name; commit it."""


def seal(path: bytes, disk: Disk | None = None) -> Written:
    """End of step 3, for a finished staging file: permissions as the umask wants them, fsync, SHA-256.

    Opens the file anew, because exiftool leaves another inode than was encoded.  Raises CannotCreate or NotPermitted;
    the file is then to be thrown away and made again, never synced again.
    """
    disk = disk or Disk()
    folder, name = os.path.split(path)
    with in_words(path), opened(disk.root(folder)) as above, opened(disk.file(above, name)) as fd:
        disk.fchmod(fd, 0o666 & ~_umask())
        disk.fsync(fd)
        return Written(path, sha256(fd), os.fstat(fd).st_size)


def publish(desk: Desk, files: tuple[Staged, ...], memory: Memory) -> tuple[str, ...]:
    """Steps 5 and 6 for all outputs of a job; the final names.  The caller then commits (7) and clears (8).

    Raises StagingLost where a file is neither placed nor staged any more, FolderGone, CannotCreate, NotPermitted.
    """
    names = tuple(place(desk, file, number, memory) for number, file in enumerate(files))
    for name in names:
        sync_folders(desk, name)
    return names


def publish_again(desk: Desk, files: tuple[Staged, ...], memory: Memory) -> tuple[str, ...]:
    """As `publish`, for rows that a start finds staged: what the disk kept is compared with the digests first."""
    with in_words(desk.deliver), at(desk) as (root, staging):
        for file in files:
            if not (_is_placed(desk, root, file) or holds(desk.disk, staging, leaf(file.staging), file)):
                raise StagingLost(f"{shown(file.staging)} did not survive; it is developed again")
    return publish(desk, files, memory)


def place(desk: Desk, staged: Staged, number: int, memory: Memory) -> str:
    """Step 5 for one output: give it its final name; returns the name.  Safe to repeat after a crash."""
    name, claim = staged.name, staged.claim
    for _ in range(TRIES):
        if _place_as(desk, name, _Wish(staged, number, claim, memory)):
            return name
        name, claim = memory.next_name(number), None
    raise CannotCreate(f"{shown(join(desk.deliver, staged.name))}: {TRIES} names are taken; tidy up the folder")


def sync_folders(desk: Desk, name: str) -> None:
    """Step 6: fsync every folder from the final name up to the deliver folder.

    Which of them were just made is not asked: after a crash nobody knows, and a clean folder costs 0.1 ms.
    """
    with in_words(join(desk.deliver, name)), at(desk) as (root, _):
        folders = parts(name)[:-1]
        for depth in range(len(folders), 0, -1):
            with opened(walk(desk.disk, root, folders[:depth])) as folder:
                desk.disk.fsync(folder)
        desk.disk.fsync(root)


def clear_job(desk: Desk, job: int) -> None:
    """Unlink whatever any attempt of this job left in staging, half-written and temporary files too.

    Before an engine gets the order (it creates its files exclusively), and as step 8.
    """
    with in_words(desk.deliver), at(desk) as (_, staging):
        for name in desk.disk.names(staging):
            if name.startswith(b"%d." % job):
                with suppress(FileNotFoundError):
                    desk.disk.unlink(staging, name)


@dataclass(frozen=True)
class _Wish:
    staged: Staged
    number: int
    claim: tuple[int, int] | None
    memory: Memory


def _place_as(desk: Desk, name: str, wish: _Wish) -> bool:
    """One name; False where somebody else has it."""
    last = parts(name)[-1]
    with (
        in_words(join(desk.deliver, name)),
        at(desk) as (root, staging),
        opened(_folder_of(desk.disk, root, name)) as folder,
    ):
        return holds(desk.disk, folder, last, wish.staged) or _take(desk, staging, (folder, last), wish)


def _take(desk: Desk, staging: int, target: tuple[int, bytes], wish: _Wish) -> bool:
    """Give the staging file its name; False where somebody else has it."""
    source = leaf(wish.staged.staging)
    try:
        if desk.method == "link":
            desk.disk.link(staging, source, *target)
        elif desk.method == "rename":
            desk.disk.rename_new(staging, source, *target)
        else:
            return _take_exclusively(desk.disk, (staging, source), target, wish)
    except FileExistsError:
        return holds(desk.disk, *target, wish.staged)  # a race, or a reply that a network lost
    except FileNotFoundError as error:
        if exists(staging, source):
            raise
        raise StagingLost(f"{shown(wish.staged.staging)} is gone; it is developed again") from error
    return True


def _take_exclusively(disk: Disk, source: tuple[int, bytes], target: tuple[int, bytes], wish: _Wish) -> bool:
    """Create the name empty, remember which file that is, then replace it: nobody else's file can be hit.

    Killed between the creation and the commit it leaves an empty file that nobody knows for ours: it stays.
    """
    if not _is_claimed(target, wish.claim):
        with opened(disk.create(*target, 0o600)) as fd:
            made = os.fstat(fd)
        wish.memory.claim(wish.number, made.st_dev, made.st_ino)
        if not _is_claimed(target, (made.st_dev, made.st_ino)):
            return False  # replaced, or already filled, by somebody else
    disk.rename_over(*source, *target)
    return True


def _is_claimed(target: tuple[int, bytes], claim: tuple[int, int] | None) -> bool:
    """Whether the name still means the empty file that we made."""
    try:
        found = os.stat(target[1], dir_fd=target[0], follow_symlinks=False)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == 0 and (found.st_dev, found.st_ino) == claim


def holds(disk: Disk, folder: int, name: bytes, file: Staged) -> bool:
    """Whether the name holds our content.  A link, a FIFO, a file that we may not read are somebody else's."""
    try:
        fd = disk.file(folder, name)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ELOOP, errno.EACCES, errno.EPERM, errno.ENXIO, errno.EISDIR}:
            return False
        raise
    with opened(fd):
        found = os.fstat(fd)
        return stat.S_ISREG(found.st_mode) and found.st_size == file.size and sha256(fd) == file.sha256


def _is_placed(desk: Desk, root: int, file: Staged) -> bool:
    *folders, last = parts(file.name)
    try:
        folder = walk(desk.disk, root, folders)
    except (FileNotFoundError, NotADirectoryError):
        return False
    with opened(folder):
        return holds(desk.disk, folder, last, file)


def _folder_of(disk: Disk, root: int, name: str) -> int:
    """The folder that a final name lies in, made where it is missing; links inside the deliver folder are refused."""
    here = os.dup(root)
    for part in parts(name)[:-1]:
        with opened(here):
            try:
                inner = disk.folder(here, part)
            except FileNotFoundError:
                with suppress(FileExistsError):
                    disk.mkdir(here, part, 0o777)
                inner = disk.folder(here, part)
        here = inner
    return here


def _umask() -> int:
    """Read, not set and set back: other threads create files meanwhile."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("Umask:"):
            return int(line.split()[1], 8)
    return 0o077
