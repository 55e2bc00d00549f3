"""The last step of an output before its name is published: it opens, it is on the disk, and its digest is known.

To be called after tagging, on the path: exiftool replaces the file, so what an earlier descriptor synced is gone.
After a failed fsync the kernel may have dropped the pages, and a second one would "succeed": so there is never a
second one, the file is thrown away and the photo rendered again.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from ispd.encode.newfile import cannot_create
from ispd.encode.picture import read_header
from ispd.errors import CannotCreate
from ispd.orders import Written


def seal(path: bytes) -> Written:
    """Check, fsync and digest the finished picture at `path`.  Raises CannotCreate; the file is then gone.

    The folder's entry is not synced: the name is only staging.
    """
    try:
        read_header(path)
        with open(os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            os.fsync(file.fileno())
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            return Written(path, sha256, os.fstat(file.fileno()).st_size)
    except OSError as error:
        _remove(path)
        raise cannot_create(path, error) from error
    except CannotCreate:
        _remove(path)
        raise


def _remove(path: bytes) -> None:
    with suppress(OSError):  # the sweep of the staging folder takes what stays
        Path(os.fsdecode(path)).unlink()
