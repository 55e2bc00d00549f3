"""The photo at hand: its content's digest, its facts, its sidecar.  What the daemon and `ispd develop` both ask."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping

from ispd.decode.facts import read_facts
from ispd.errors import NotPermitted
from ispd.metadata.exiftool import ExifTool
from ispd.metadata.facts import facts_from_exiftool
from ispd.orders import Facts, Identity

CHUNK = 1 << 20


def identity_of(status: os.stat_result) -> Identity | None:
    """Which file this is, as far as the system tells; None of what is no regular file."""
    return Identity.of(status) if stat.S_ISREG(status.st_mode) else None


def digest_of(path: bytes, identity: Identity) -> str | None:
    """SHA-256 of the file, or None if it is not (or does not stay) the one that `identity` means.

    Raises NotPermitted where it cannot be read.
    """
    sha256 = hashlib.sha256()
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(fd, "rb", buffering=0) as file:
            if identity_of(os.fstat(fd)) != identity:
                return None
            while piece := file.read(CHUNK):
                sha256.update(piece)
            return sha256.hexdigest() if identity_of(os.fstat(fd)) == identity else None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotPermitted(f"the file cannot be read: {error.strerror}") from error


def facts_of(path: bytes, door: ExifTool) -> Facts:
    """By our own reader, or where that does not know the format, by exiftool (started when it is first needed)."""
    return read_facts(path) or facts_from_exiftool(door.read(path))


def note_sidecar(path: bytes, sidecars: dict[bytes, bytes]) -> None:
    """Remember an XMP file so that `find_sidecar` finds it: by its name, and by that in lower case."""
    folder, name = os.path.split(path)
    sidecars.setdefault(os.path.join(folder, name.lower()), path)
    sidecars[path] = path


def find_sidecar(path: bytes, sidecars: Mapping[bytes, bytes]) -> bytes | None:
    """The XMP file of a raw, among those noted: IMG.DNG.xmp, else IMG.xmp; in any case, but a raw's own goes first,
    since IMG.DNG and img.dng may be two photos."""
    folder, name = os.path.split(path)
    for base in (name, os.path.splitext(name)[0]):
        for candidate in (base + b".xmp", base + b".XMP", base.lower() + b".xmp"):
            if found := sidecars.get(os.path.join(folder, candidate)):
                return found
    return None
