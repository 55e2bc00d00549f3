"""What the kernel says, as a sentence for somebody who did not write ispd."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from ispd.errors import CannotCreate, FolderGone, MachineError, NotPermitted
from ispd.sentences import shown


@contextmanager
def in_words(path: bytes) -> Iterator[None]:
    """Turn what the kernel says into a sentence of ours."""
    try:
        yield
    except OSError as error:
        raise said(error, path) from error


def said(error: OSError, path: bytes) -> MachineError:
    """The sentence for an OSError met while `path` was being written."""
    where = shown(path)
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return CannotCreate(f"{where}: no room left on the disk; make room, the photos wait")
        case errno.EROFS:
            return CannotCreate(f"{where} is mounted read-only; mount it writable, the photos wait")
        case errno.EIO:
            return CannotCreate(f"{where}: the disk reports an error; check the disk")
        case errno.EACCES | errno.EPERM:
            return NotPermitted(f"{where}: ispd may not write here; give its user the permission")
        case errno.ENOENT | errno.ESTALE | errno.ENODEV | errno.ENOTCONN | errno.ENXIO:
            return FolderGone(f"{where}: the folder is not there; mount it or make it, the photos wait")
        case errno.ELOOP | errno.ENOTDIR:
            return CannotCreate(f"{where}: a file or a link stands where a folder should be; move it away")
        case errno.EEXIST:
            return CannotCreate(f"{where} exists already")
        case errno.EFBIG:
            return CannotCreate(f"{where}: larger than this file system or the user's limit allows")
        case _:
            return CannotCreate(f"{where}: {os.strerror(error.errno or 0)}")
