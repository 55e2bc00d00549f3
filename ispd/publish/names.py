"""The naming policy, and what may be a name inside a deliver folder."""

from __future__ import annotations

import unicodedata

STAGING = b".ispd"  # the folder inside a deliver folder that is ours alone
TRIES = 1000  # numbers that are tried before a name is given up
NAME_MAX = 255  # bytes of one component; ext4, XFS, btrfs, exFAT


def numbered(name: str, number: int) -> str:
    """The naming policy: `a/DSC1.jpg`, `a/DSC1-2.jpg` …; the last component stays within 255 bytes.

    >>> numbered("a/DSC1.jpg", 1), numbered("a/DSC1.jpg", 2)
    ('a/DSC1.jpg', 'a/DSC1-2.jpg')
    """
    if number == 1:
        return name
    folder, slash, leaf = name.rpartition("/")
    stem, dot, extension = leaf.rpartition(".")
    if not stem:
        stem, dot, extension = leaf, "", ""
    tail = f"-{number}{dot}{extension}"
    room = NAME_MAX - len(tail.encode())
    return folder + slash + stem.encode()[:room].decode(errors="ignore") + tail


def folded(name: str) -> str:
    """Equal for names that a file system which ignores letter case, or composes accents, takes for one.

    >>> folded("DSC1.JPG") == folded("dsc1.jpg")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def staging_name(job: int, number: int, extension: str) -> bytes:
    """Where output `number` of a job is made, inside the staging folder.

    >>> staging_name(12, 0, "jpg")
    b'12.0.jpg'
    """
    return f"{job}.{number}.{extension}".encode()


class Numbering:
    """The Memory of `ispd develop`: names in order, nothing to commit."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._numbers = [1] * len(names)

    def next_name(self, number: int) -> str:
        self._numbers[number] += 1
        return numbered(self._names[number], self._numbers[number])

    def claim(self, number: int, dev: int, ino: int) -> None:
        """Nobody will come back for it."""


def parts(name: str) -> list[bytes]:
    """Components of a final name.  Raises ValueError for names that a plan must not make."""
    parts = name.encode().split(b"/")
    if any(part in {b"", b".", b".."} for part in parts) or parts[0] == STAGING or b"\0" in name.encode():
        raise ValueError(f"{name!r} is no name inside a deliver folder")
    return parts


def join(deliver: bytes, name: str) -> bytes:
    """The absolute path of a final name."""
    return deliver + b"/" + name.encode()


def leaf(path: bytes) -> bytes:
    """The last component."""
    return path.rpartition(b"/")[2]
