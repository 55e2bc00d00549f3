"""Whether a delivered picture is still what was delivered; nothing is written."""

from __future__ import annotations

from typing import Literal, TypeAlias

from ispd.publish.disk import Disk, opened, sha256, walk
from ispd.publish.names import join, parts
from ispd.publish.words import in_words

Verdict: TypeAlias = Literal["whole", "missing", "changed"]


def verify(deliver: bytes, name: str, digest: str, disk: Disk | None = None) -> Verdict:
    """Compare DELIVER/name with the digest of the ledger.  A link or a folder in its place is a change.

    Raises MachineError where it cannot be read.
    """
    disk = disk or Disk()
    *folders, last = parts(name)
    with in_words(join(deliver, name)):
        try:
            with opened(disk.root(deliver)) as root, opened(walk(disk, root, folders)) as folder:
                return _compare(disk, folder, last, digest)
        except FileNotFoundError:
            return "missing"
        except (NotADirectoryError, IsADirectoryError):
            return "changed"


def _compare(disk: Disk, folder: int, name: bytes, digest: str) -> Verdict:
    if not disk.is_file(folder, name):
        return "changed"
    with opened(disk.file(folder, name)) as fd:
        return "whole" if sha256(fd) == digest else "changed"
