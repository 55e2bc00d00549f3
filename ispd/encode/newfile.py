"""A file that must not exist yet: written whole, or not there at all, and every refusal of the disk in a sentence.

The name is created exclusively and links are not followed, so nothing that stands can be overwritten, and nobody who
may write in the folder can lead us out of it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ispd.errors import CannotCreate
from ispd.sentences import shown

REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "its folder may not be written",
    errno.EPERM: "its folder may not be written",
    errno.ENOENT: "its folder does not exist",
    errno.ENOTDIR: "its folder does not exist",
    errno.EEXIST: "the name is taken",
    errno.ELOOP: "the name is a symbolic link",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EFBIG: "the file system takes no file of that size",
    errno.EIO: "the disk reports an error",
}


def cannot_create(path: bytes, error: OSError) -> CannotCreate:
    """What to tell people of a failed write."""
    if error.errno is None:  # numpy's writes know only how far they came
        reason = "the disk took only a part of it and is probably full"
    else:
        reason = REASONS.get(error.errno) or error.strerror or str(error)
    return CannotCreate(f"{shown(path)} cannot be written: {reason}")


@contextmanager
def new_file(path: bytes) -> Iterator[BinaryIO]:
    """A new binary file at `path`; what an error leaves half written is removed.  Raises CannotCreate.

    Its permissions are what the umask of the process leaves of rw for all.
    """
    try:
        with open(os.fsdecode(path), "x+b", opener=_no_links) as file:
            try:
                yield file
                file.flush()
            except BaseException:
                with suppress(OSError):
                    Path(os.fsdecode(path)).unlink()
                raise
    except OSError as error:
        raise cannot_create(path, error) from error


def _no_links(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NOFOLLOW, 0o666)
