"""The desk: a deliver folder that is ready to take pictures, its id, and its staging folder DELIVER/.ispd/.

No folder is held open between two steps: a drive can be unmounted at any time, and each step looks again whether
DELIVER/.ispd/id is the one it knows.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ispd.errors import CannotCreate, FolderGone
from ispd.publish.disk import Disk, exists, make_folder, opened, remove_tree, walk
from ispd.publish.names import STAGING, staging_name
from ispd.publish.words import in_words
from ispd.sentences import shown

Method: TypeAlias = Literal["link", "rename", "exclusive"]

MARK = b"id"
BY_HAND = b"hand-"
_UNSUPPORTED = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EMLINK, errno.EXDEV, errno.ENOTTY}


@dataclass(frozen=True)
class Desk:
    """A deliver folder that is ready to take pictures.  Holds nothing open."""

    deliver: bytes  # absolute
    staging: bytes  # absolute; where an engine may create files
    mark: str  # content of DELIVER/.ispd/id; "" where developing by hand
    method: Method
    disk: Disk = field(default_factory=Disk, repr=False, compare=False)


def open_desk(deliver: bytes, mark: str, disk: Disk | None = None) -> Desk:
    """The daemon's desk: makes DELIVER/.ispd/ (0700) and its id where they are new, and probes the method.

    `mark` is the id that the ledger remembers, "" for a folder that is new to it.  Raises FolderGone where the folder
    has no id or another one, CannotCreate, NotPermitted.
    """
    disk = disk or Disk()
    with in_words(deliver):
        if not mark:
            make_folder(disk, deliver)
        with opened(disk.root(deliver)) as root:
            if mark and _read_mark(disk, root) != mark:
                raise gone(deliver, mark)
            with opened(_staging_folder(disk, root)) as staging:
                method = _probe(disk, staging)
                found = mark or _read_mark(disk, root) or _write_mark(disk, root, staging)
    return Desk(deliver, deliver + b"/" + STAGING, found, method, disk)


@contextmanager
def open_desk_by_hand(deliver: bytes, disk: Disk | None = None) -> Iterator[Desk]:
    """The desk of `ispd develop`: a locked staging folder of its own inside DELIVER/.ispd/, gone afterwards.

    The lock tells a daemon that delivers to the same folder not to sweep it.
    """
    disk = disk or Disk()
    with in_words(deliver):
        make_folder(disk, deliver)
        root = disk.root(deliver)
        staging = _staging_folder(disk, root)
        name, hand = _locked_folder(disk, staging)
    try:
        with in_words(deliver):
            method = _probe(disk, hand)
        yield Desk(deliver, deliver + b"/" + STAGING + b"/" + name, "", method, disk)
    finally:
        with suppress(OSError):  # what is left is swept by the daemon, or stays hidden and harmless
            remove_tree(disk, staging, name)
            disk.rmdir(root, STAGING)
        for fd in (hand, staging, root):
            os.close(fd)


def staging_path(desk: Desk, job: int, number: int, extension: str) -> bytes:
    """Absolute path where output `number` of a job is made: STAGING/JOB.n.ext."""
    return desk.staging + b"/" + staging_name(job, number, extension)


def check_mounted(deliver: bytes, mark: str) -> None:
    """Raise FolderGone where DELIVER/.ispd/id is not `mark`, the one that the ledger remembers; for who only reads."""
    disk = Disk()
    with in_words(deliver), opened(disk.root(deliver)) as root:
        if mark and _read_mark(disk, root) != mark:
            raise gone(deliver, mark)


def check_room(desk: Desk, size: int) -> None:
    """Raise CannotCreate where the file system has less than twice `size` bytes free."""
    with in_words(desk.deliver), at(desk) as (root, _):
        free = desk.disk.free(root)
    if free < 2 * size:
        raise CannotCreate(
            f"{shown(desk.deliver)}: {free // 2**20} MB are free, the next picture needs {2 * size // 2**20 + 1} MB; "
            "make room, the photos wait"
        )


def sweep(desk: Desk, keep: frozenset[bytes]) -> tuple[bytes, ...]:
    """Remove everything in DELIVER/.ispd/ but the names in `keep`, the id, and the folders of a running
    `ispd develop`; what was removed.  Only with the ledger's lock held, before engines start."""
    swept = []
    with in_words(desk.deliver), at(desk) as (_, staging):
        for entry in desk.disk.names(staging):
            if entry != MARK and entry not in keep and remove_unlocked(desk.disk, staging, entry):
                swept.append(entry)
    return tuple(swept)


@contextmanager
def at(desk: Desk) -> Iterator[tuple[int, int]]:
    """The deliver folder and its staging folder, open, and both the ones we know."""
    with opened(desk.disk.root(desk.deliver)) as root:
        if desk.mark and _read_mark(desk.disk, root) != desk.mark:
            raise gone(desk.deliver, desk.mark)
        below = os.path.relpath(desk.staging, desk.deliver).split(b"/")
        with opened(walk(desk.disk, root, below)) as staging:
            yield root, staging


def _staging_folder(disk: Disk, root: int) -> int:
    with suppress(FileExistsError):
        disk.mkdir(root, STAGING, 0o700)
    return disk.folder(root, STAGING)


def _locked_folder(disk: Disk, staging: int) -> tuple[bytes, int]:
    """A new folder in staging with our lock on it: (name, descriptor)."""
    while True:
        name = BY_HAND + secrets.token_hex(4).encode()
        disk.mkdir(staging, name, 0o700)
        try:
            fd = disk.folder(staging, name)
        except FileNotFoundError:
            continue  # a daemon that started just now swept it before it was locked
        if disk.lock(fd) and exists(staging, name):
            return name, fd
        os.close(fd)


def remove_unlocked(disk: Disk, at: int, name: bytes) -> bool:
    """Remove a file, or a folder that nobody has locked; whether it went."""
    try:
        disk.unlink(at, name)
        return True
    except FileNotFoundError:
        return False
    except (IsADirectoryError, PermissionError):  # Linux says EISDIR, POSIX EPERM
        with opened(disk.folder(at, name)) as folder:
            if not disk.lock(folder):
                return False
            remove_tree(disk, at, name)
            return True


def _read_mark(disk: Disk, root: int) -> str:
    """Content of .ispd/id; "" where there is none."""
    try:
        with opened(disk.folder(root, STAGING)) as staging, opened(disk.file(staging, MARK)) as fd:
            return os.read(fd, 100).decode(errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def _write_mark(disk: Disk, root: int, staging: int) -> str:
    """A new id, whole or not at all.  Renamed over: the folder .ispd is ours, and an empty id is a torn one."""
    mark = secrets.token_hex(16)
    name = b"new-id-" + mark[:8].encode()
    with opened(disk.create(staging, name, 0o600)) as fd:
        disk.write(fd, mark.encode() + b"\n")
        disk.fsync(fd)
    disk.rename_over(staging, name, staging, MARK)
    disk.fsync(staging)
    disk.fsync(root)
    return mark


def _probe(disk: Disk, staging: int) -> Method:
    """How this file system gives a name without overwriting: tried on files of our own."""
    first, second = (b"probe-" + secrets.token_hex(4).encode() for _ in range(2))
    try:
        os.close(disk.create(staging, first, 0o600))
        if _works(lambda: disk.link(staging, first, staging, second)):
            return "link"
        os.close(disk.create(staging, second, 0o600))
        if _refuses(lambda: disk.rename_new(staging, first, staging, second)):
            return "rename"
        return "exclusive"
    finally:
        for name in (first, second):
            with suppress(FileNotFoundError):
                disk.unlink(staging, name)


def _works(call: Callable[[], None]) -> bool:
    try:
        call()
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return False
        raise
    return True


def _refuses(call: Callable[[], None]) -> bool:
    """Whether a name that is taken is answered by FileExistsError."""
    try:
        return _works(call) and False
    except FileExistsError:
        return True


def gone(deliver: bytes, mark: str) -> FolderGone:
    """The error where DELIVER/.ispd/id is not `mark`."""
    where = shown(deliver)
    return FolderGone(
        f"{where} is not the folder that was delivered to before: mount it; "
        f"or, if it was emptied on purpose, put {mark} into {where}/.ispd/id"
    )
