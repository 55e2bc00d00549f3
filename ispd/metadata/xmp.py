"""Is this XMP fit to be handed on?  Packets come from strangers, as sidecars and inside photos.

exiftool's own XMP reader expands no entities, but whoever opens our picture next may: so nothing that declares any,
or that is not well-formed, or larger than a person's edits ever get, goes further.
"""

from __future__ import annotations

import os
import stat
from xml.parsers import expat

from ispd.errors import PhotoError

LARGEST = 8 << 20  # bytes; sidecars with painted masks reach 2 MB
DEEPEST = 100  # elements inside each other
MOST = 200_000  # elements


def check_packet(packet: bytes) -> None:
    """Raises PhotoError, with the reason in a few words, where a packet should be ignored."""
    if len(packet) > LARGEST:
        raise PhotoError(f"it is larger than {LARGEST >> 20} MB")
    depth = count = 0
    names: set[str] = set()

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        names.add(name)
        if depth > DEEPEST or count > MOST:
            raise PhotoError("it is nested without measure")

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*declaration: object) -> None:
        raise PhotoError("it declares a document type, which XMP has no use for")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(packet.strip(b"\0 \t\r\n"), True)
    except expat.ExpatError as error:
        raise PhotoError(f"it is no XML ({error})") from error
    if not any(name.endswith(":RDF") for name in names):
        raise PhotoError("it holds no XMP")


def read_sidecar(path: bytes) -> bytes:
    """The packet of a sidecar file, checked.  Raises PhotoError where it should be ignored."""
    try:
        # not blocking, should the name be a pipe's
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise PhotoError("it is no file")
            packet = file.read(LARGEST + 1)
    except OSError as error:
        raise PhotoError(f"it cannot be read ({error.strerror})") from error
    check_packet(packet)
    return packet
