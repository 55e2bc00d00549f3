"""The system calls that publishing stands on, as one value: tests pass a `Disk` that fails or is
killed at the n-th call.

Names are bytes relative to an open folder, so that a folder that is unmounted or replaced in between is never written
by mistake.  Everything raises plain OSError; `words.py` says it in sentences.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

NO_REPLACE = 1  # RENAME_NOREPLACE, linux/fs.h
_OPEN = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # a FIFO or a link under our name must not catch us


class Disk:
    """Linux, unadorned."""

    def root(self, path: bytes) -> int:
        """A folder by its path; the owner's links are followed on the way."""
        return os.open(path, os.O_CLOEXEC | os.O_DIRECTORY)

    def folder(self, at: int, name: bytes) -> int:
        """A true folder inside another; a link is ENOTDIR."""
        return os.open(name, _OPEN | os.O_DIRECTORY, dir_fd=at)

    def file(self, at: int, name: bytes) -> int:
        """A file to read; a link is ELOOP."""
        return os.open(name, _OPEN | os.O_RDONLY, dir_fd=at)

    def is_file(self, at: int, name: bytes) -> bool:
        """Whether a name means a regular file; FileNotFoundError where it means nothing."""
        return stat.S_ISREG(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode)

    def create(self, at: int, name: bytes, mode: int) -> int:
        """A new empty file to write; FileExistsError where the name is taken."""
        return os.open(name, _OPEN | os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode, dir_fd=at)

    def mkdir(self, at: int, name: bytes, mode: int) -> None:
        os.mkdir(name, mode, dir_fd=at)

    def write(self, fd: int, data: bytes) -> None:
        """All of it."""
        while data:
            data = data[os.write(fd, data) :]

    def fchmod(self, fd: int, mode: int) -> None:
        os.fchmod(fd, mode)

    def fsync(self, fd: int) -> None:
        """Never call it again on a descriptor after an error: the kernel may have dropped the pages and say yes."""
        os.fsync(fd)

    def link(self, at: int, name: bytes, to: int, new: bytes) -> None:
        """FileExistsError where the new name is taken, by a dangling link too."""
        os.link(name, new, src_dir_fd=at, dst_dir_fd=to, follow_symlinks=False)

    def rename_new(self, at: int, name: bytes, to: int, new: bytes) -> None:
        """renameat2(RENAME_NOREPLACE): FileExistsError where the new name is taken."""
        if _libc().renameat2(at, name, to, new, NO_REPLACE) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), os.fsdecode(new))

    def rename_over(self, at: int, name: bytes, to: int, new: bytes) -> None:
        """rename(2): only for a new name that is known to be our own."""
        os.rename(name, new, src_dir_fd=at, dst_dir_fd=to)

    def names(self, fd: int) -> list[bytes]:
        """What lies in an open folder, sorted."""
        with os.scandir(fd) as entries:
            return sorted(os.fsencode(entry.name) for entry in entries)

    def unlink(self, at: int, name: bytes) -> None:
        os.unlink(name, dir_fd=at)

    def rmdir(self, at: int, name: bytes) -> None:
        os.rmdir(name, dir_fd=at)

    def lock(self, fd: int) -> bool:
        """flock, without waiting; False where somebody else holds it."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def free(self, fd: int) -> int:
        """Bytes that this user may still write to the file system."""
        room = os.fstatvfs(fd)
        return room.f_bavail * room.f_frsize


@cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):  # musl before 1.2.6: the probe then finds that renaming does not work
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    return libc


@contextmanager
def opened(fd: int) -> Iterator[int]:
    """A descriptor, closed at the end."""
    try:
        yield fd
    finally:
        os.close(fd)


def walk(disk: Disk, root: int, parts: list[bytes]) -> int:
    """An inner folder that exists."""
    at = os.dup(root)
    for part in parts:
        with opened(at):
            inner = disk.folder(at, part)
        at = inner
    return at


def exists(at: int, name: bytes) -> bool:
    """Whether a name means anything, a dangling link too."""
    try:
        os.stat(name, dir_fd=at, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def sha256(fd: int) -> str:
    """In hex, of an open file from where it stands."""
    with open(fd, "rb", closefd=False) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_folder(disk: Disk, path: bytes) -> None:
    """The deliver folder and what is missing above it, each synced into the folder above."""
    if Path(os.fsdecode(path)).is_dir():
        return
    above, name = os.path.split(path)
    make_folder(disk, above)
    with opened(disk.root(above)) as at:
        with suppress(FileExistsError):
            disk.mkdir(at, name, 0o777)
        disk.fsync(at)


def remove_tree(disk: Disk, at: int, name: bytes) -> None:
    """Remove a folder with all that is in it; links in it are removed, not followed."""
    with opened(disk.folder(at, name)) as folder:
        for entry in disk.names(folder):
            try:
                disk.unlink(folder, entry)
            except (IsADirectoryError, PermissionError):  # Linux says EISDIR, POSIX EPERM
                remove_tree(disk, folder, entry)
    disk.rmdir(at, name)
