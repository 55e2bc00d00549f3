"""TIFF as it is laid out on disk: directories of typed entries, and the blocks of pixels that they point to.

Children are written before their parents, so every offset is known when an entry needs it; only the header's pointer
to the first directory is patched at the end.

Source  TIFF 6.0, section 2; SubIFDs: TIFF/EP (ISO 12234-2)
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from math import floor
from typing import Literal, TypeAlias

ByteOrder: TypeAlias = Literal["little", "big"]
Number: TypeAlias = int | float | Fraction
Value: TypeAlias = str | bytes | Number | tuple[Number, ...] | list[int] | list[float]

STRIP_OFFSETS, STRIP_BYTE_COUNTS = 273, 279
TILE_OFFSETS, TILE_BYTE_COUNTS = 324, 325
SUB_IFDS, EXIF_IFD, GPS_IFD = 330, 34665, 34853


class Kind(IntEnum):
    """The type of an entry's value, as the file numbers it."""

    BYTE = 1
    ASCII = 2
    SHORT = 3
    LONG = 4
    RATIONAL = 5
    UNDEFINED = 7
    SRATIONAL = 10
    FLOAT = 11
    DOUBLE = 12


SIZE = {Kind.BYTE: 1, Kind.ASCII: 1, Kind.SHORT: 2, Kind.LONG: 4, Kind.RATIONAL: 8, Kind.UNDEFINED: 1} | {
    Kind.SRATIONAL: 8,
    Kind.FLOAT: 4,
    Kind.DOUBLE: 8,
}
LETTER = {Kind.BYTE: "B", Kind.SHORT: "H", Kind.LONG: "I", Kind.RATIONAL: "II", Kind.SRATIONAL: "ii"} | {
    Kind.FLOAT: "f",
    Kind.DOUBLE: "d",
}


@dataclass(frozen=True)
class Entry:
    """One tag with its value: text for ASCII, bytes as they are, otherwise one number or several."""

    tag: int
    kind: Kind
    value: Value


@dataclass(frozen=True)
class Directory:
    """One IFD: its entries, its blocks of pixels, and the directories below it."""

    entries: tuple[Entry, ...]
    blocks: tuple[bytes, ...] = ()
    tiled: bool = False  # blocks are tiles rather than strips
    images: tuple[Directory, ...] = ()  # SubIFDs
    exif: Directory | None = None
    gps: Directory | None = None


def encode_tiff(first: Directory, order: ByteOrder = "little") -> bytes:
    """The file whose first directory is `first`; several directories in a chain are not needed here."""
    mark = {"little": "<", "big": ">"}[order]
    file = bytearray({"little": b"II", "big": b"MM"}[order] + struct.pack(mark + "HI", 42, 0))
    at = _put_directory(file, first, mark)
    struct.pack_into(mark + "I", file, 4, at)
    return bytes(file)


def _put_directory(file: bytearray, directory: Directory, mark: str) -> int:
    entries = [*directory.entries]
    if directory.blocks:
        offsets, counts = (TILE_OFFSETS, TILE_BYTE_COUNTS) if directory.tiled else (STRIP_OFFSETS, STRIP_BYTE_COUNTS)
        entries.append(Entry(offsets, Kind.LONG, [_put(file, block) for block in directory.blocks]))
        entries.append(Entry(counts, Kind.LONG, [len(block) for block in directory.blocks]))
    if directory.images:
        places = [_put_directory(file, image, mark) for image in directory.images]
        entries.append(Entry(SUB_IFDS, Kind.LONG, places))
    for tag, below in ((EXIF_IFD, directory.exif), (GPS_IFD, directory.gps)):
        if below:
            entries.append(Entry(tag, Kind.LONG, _put_directory(file, below, mark)))
    rows = [_row(file, entry, mark) for entry in sorted(entries, key=lambda entry: entry.tag)]
    return _put(file, struct.pack(mark + "H", len(rows)) + b"".join(rows) + bytes(4))


def _row(file: bytearray, entry: Entry, mark: str) -> bytes:
    data = pack(entry.kind, entry.value, mark)
    head = struct.pack(mark + "HHI", entry.tag, entry.kind, len(data) // SIZE[entry.kind])
    if len(data) <= 4:
        return head + data.ljust(4, b"\0")
    return head + struct.pack(mark + "I", _put(file, data))


def _put(file: bytearray, data: bytes) -> int:
    """Append at an even offset, which TIFF demands of values."""
    file.extend(bytes(len(file) & 1))
    file.extend(data)
    return len(file) - len(data)


def pack(kind: Kind, value: Value, mark: str = "<") -> bytes:
    """The bytes of one entry's value.

    >>> pack(Kind.RATIONAL, 0.5)
    b'\\x01\\x00\\x00\\x00\\x02\\x00\\x00\\x00'
    """
    if isinstance(value, str):
        return value.encode() + b"\0"
    if isinstance(value, bytes):
        return value
    numbers = value if isinstance(value, tuple | list) else (value,)
    if kind in (Kind.RATIONAL, Kind.SRATIONAL):
        parts = [part for number in numbers for part in _ratio(number)]
        return struct.pack(f"{mark}{len(parts)}{LETTER[kind][0]}", *parts)
    return struct.pack(f"{mark}{len(numbers)}{LETTER[kind]}", *numbers)


def _ratio(number: Number) -> tuple[int, int]:
    """The nearest ratio whose halves fit 31 bits."""
    exact = Fraction(number)
    ratio = exact.limit_denominator(min(10**6, max(1, 2**31 // (floor(abs(exact)) + 1))))
    return ratio.numerator, ratio.denominator
