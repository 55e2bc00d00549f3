"""Pictures that a lost ledger no longer knows: their XMP says from which photo and by which recipe they were made."""

from __future__ import annotations

import os
import stat

from ispd.orders import Written
from ispd.publish.desk import Desk, at
from ispd.publish.disk import Disk, opened, sha256, walk
from ispd.publish.names import TRIES, join, numbered, parts
from ispd.publish.words import in_words

PIECE = 1 << 20


def recognized(desk: Desk, name: str, source_digest: str, recipe_digest: str) -> tuple[str, Written] | None:
    """The first of `name`, `name-2` … that exists and carries both digests, and the file as it is; None: none does.

    Costs one stat where nothing has the name.  Raises FolderGone, CannotCreate, NotPermitted.
    """
    marks = (source_digest.encode(), recipe_digest.encode())
    *folders, _ = parts(name)
    with in_words(desk.deliver), at(desk) as (root, _):
        try:
            folder = walk(desk.disk, root, folders)
        except (FileNotFoundError, NotADirectoryError):
            return None
        with opened(folder):
            for number in range(1, TRIES + 1):
                candidate = numbered(name, number)
                try:
                    file = _look(desk.disk, folder, parts(candidate)[-1], marks)
                except FileNotFoundError:
                    return None
                if file is not None:
                    return candidate, Written(join(desk.deliver, candidate), *file)
    return None


def _look(disk: Disk, folder: int, name: bytes, marks: tuple[bytes, ...]) -> tuple[str, int] | None:
    """(digest, size) of a file that carries the marks.  They stand in its XMP as plain text, whatever the format."""
    if not disk.is_file(folder, name):
        return None
    with opened(disk.file(folder, name)) as fd:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or not _carries(fd, marks):
            return None
        return sha256(fd), found.st_size


def _carries(fd: int, marks: tuple[bytes, ...]) -> bool:
    """Read by pieces, not mapped: somebody who cuts the file short meanwhile would kill us by SIGBUS."""
    missing, end, overlap = set(marks), b"", max(map(len, marks)) - 1
    with open(fd, "rb", closefd=False) as file:
        while missing and (piece := file.read(PIECE)):
            missing -= {mark for mark in missing if mark in end + piece}
            end = piece[-overlap:]
        file.seek(0)
    return not missing
