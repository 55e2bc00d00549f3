"""TIFF structure: the directories of a DNG, or of another maker's TIFF-like raw, and their tags, read with suspicion.

Nothing a file says is believed before it is measured: directories, their depth, their tags and the length of every
value are bounded, loops end at the second visit, values that lie outside the file are noted as lost, and no more is
read than is asked for.  What is merely odd becomes a warning; what cannot be read at all is an error of ispd.errors.

    tiff = read_tiff(data)                     # bytes, mmap or any Source
    raw = tiff.raw                             # the directory of the sensor's picture, or None
    raw.numbers(Tag.BlackLevel)                # floats; 0/0 is NaN
    tiff.first.text(Tag.Model)                 # one clean line

Source  TIFF 6.0; BigTIFF (as libtiff documents it); DNG 1.7.1 chapter 3
"""

from __future__ import annotations

import math
import mmap
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ispd.decode.dng.codes import CFA_PHOTOMETRIC, LINEAR_RAW, Tag
from ispd.errors import IncompletePhoto, PhotoError

MOST_DIRECTORIES = 64  # real files have at most a dozen
MOST_DEPTH = 4  # SubIFDs of SubIFDs of …
MOST_TAGS = 2048  # in one directory; a scanner's TIFF has about 40, a camera's maker notes a few hundred
MOST_VALUES = 1 << 20  # of one tag: tile offsets, tables
MOST_TEXT = 4096  # characters of one text
MOST_BYTES = 64 << 20  # of one blob: a list of opcodes

Buffer: TypeAlias = bytes | bytearray | memoryview | mmap.mmap
Role: TypeAlias = Literal["main", "sub", "exif", "gps"]

_DTYPES = {
    1: "u1",
    3: "u2",
    4: "u4",
    6: "i1",
    7: "u1",
    8: "i2",
    9: "i4",
    11: "f4",
    12: "f8",
    13: "u4",
    16: "u8",
    17: "i8",
    18: "u8",
}
_DTYPES |= {2: "u1", 5: "u4", 10: "i4"}  # a rational is two of them
_SIZES = {kind: np.dtype(name).itemsize * (2 if kind in (5, 10) else 1) for kind, name in _DTYPES.items()}
_MAGICS = {42: "TIFF", 43: "BigTIFF", 85: "RW2", 0x4F52: "ORF", 0x5352: "ORF"}  # as the byte order reads them


class Source(Protocol):
    """Bytes that can be read piece by piece."""

    @property
    def size(self) -> int: ...

    def read(self, offset: int, length: int) -> bytes:
        """What lies there; shorter, or empty, where the bytes end first."""
        ...


@dataclass(frozen=True)
class Memory:
    """A source that is in memory already."""

    data: Buffer

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        return bytes(self.data[offset : offset + length])


@dataclass(frozen=True)
class OpenFile:
    """A source that is an open file, never mapped: a file cut while it is mapped would kill the process."""

    fd: int
    size: int

    def read(self, offset: int, length: int) -> bytes:
        if offset >= self.size:
            return b""
        return os.pread(self.fd, min(length, self.size - offset), offset)


@dataclass(frozen=True)
class Entry:
    """One tag of a directory: where its value lies."""

    code: int
    kind: int  # TIFF's type, 1…18
    count: int
    offset: int

    @property
    def size(self) -> int:
        """Bytes of the value."""
        return self.count * _SIZES[self.kind]


@dataclass(frozen=True)
class Ifd:
    """One directory of tags.  Each reader gives what is there, an empty value where the tag is missing or lost."""

    source: Source = field(repr=False)
    order: Literal["<", ">"]
    offset: int
    role: Role
    entries: Mapping[int, Entry] = field(repr=False)
    lost: frozenset[int] = frozenset()  # tags that are named, but whose values lie outside the file
    cut: bool = False  # the file ends inside this directory

    def __contains__(self, tag: int) -> bool:
        return tag in self.entries

    def data(self, tag: int, most: int = MOST_BYTES) -> bytes:
        """The value's bytes as they are stored."""
        entry = self.entries.get(tag)
        return b"" if entry is None else self.source.read(entry.offset, min(entry.size, most))

    def array(self, tag: int, most: int = MOST_VALUES) -> NDArray[np.float64]:
        """The values as float64 (n,), at most `most`; a rational without a denominator is NaN."""
        entry = self.entries.get(tag)
        if entry is None:
            return np.empty(0)
        size = _SIZES[entry.kind]
        stored = self.source.read(entry.offset, size * min(entry.count, most))
        stored = stored[: len(stored) // size * size]
        values = np.frombuffer(stored, dtype=self.order + _DTYPES[entry.kind]).astype(np.float64)
        if entry.kind not in (5, 10):
            return values
        above, below = values[0::2], values[1::2]
        ratios: NDArray[np.float64] = np.divide(above, below, out=np.full(len(above), math.nan), where=below != 0)
        return ratios

    def numbers(self, tag: int, most: int = MOST_VALUES) -> tuple[float, ...]:
        """The values as floats; NaN where a rational has no denominator."""
        return tuple(self.array(tag, most).tolist())

    def integers(self, tag: int, most: int = MOST_VALUES) -> tuple[int, ...]:
        """The values, rounded; () where any of them is no finite number."""
        values = self.array(tag, most)
        return tuple(round(v) for v in values.tolist()) if np.isfinite(values).all() else ()

    def integer(self, tag: int, default: int) -> int:
        """The first value, or the default."""
        values = self.integers(tag, 1)
        return values[0] if values else default

    def number(self, tag: int, default: float = math.nan) -> float:
        """The first value (it may be NaN), or the default where the tag is missing."""
        values = self.numbers(tag, 1)
        return values[0] if values else default

    def text(self, tag: int, most: int = MOST_TEXT) -> str:
        """One clean line: up to the first NUL, UTF-8 or else Latin-1, control characters made spaces, cut at `most`."""
        stored = self.data(tag, 4 * most).split(b"\0", 1)[0]
        try:
            line = stored.decode("utf-8")
        except UnicodeDecodeError:
            line = stored.decode("latin-1")
        return " ".join("".join(c if c.isprintable() else " " for c in line[:most]).split())


@dataclass(frozen=True)
class Preview:
    """A smaller rendered picture that the file carries."""

    width: int
    height: int
    compression: int
    size: int  # bytes


@dataclass(frozen=True)
class Tiff:
    """The directories of one file, in the order they were found; the first is the main one."""

    source: Source = field(repr=False)
    order: Literal["<", ">"]
    flavor: str  # "TIFF", "BigTIFF", "ORF", "RW2"
    ifds: tuple[Ifd, ...]
    cut: bool = False  # a directory, or a part of one, lies outside the file
    warnings: tuple[str, ...] = ()

    @property
    def first(self) -> Ifd:
        return self.ifds[0]

    @property
    def pictures(self) -> tuple[Ifd, ...]:
        """Directories that describe a picture."""
        return tuple(ifd for ifd in self.ifds if ifd.role in ("main", "sub") and Tag.ImageWidth in ifd)

    @property
    def is_dng(self) -> bool:
        return Tag.DNGVersion in self.first

    @cached_property
    def raw(self) -> Ifd | None:
        """The sensor's picture at full size: mosaic or linear raw, NewSubfileType 0; the largest if there are more."""
        raws = [
            i for i in self.pictures if i.integer(Tag.PhotometricInterpretation, 0) in (CFA_PHOTOMETRIC, LINEAR_RAW)
        ]
        main = [ifd for ifd in raws if ifd.integer(Tag.NewSubfileType, 0) == 0]
        return max(main or raws, key=_pixels, default=None)

    @property
    def previews(self) -> tuple[Preview, ...]:
        """Pictures other than the raw one, masks and depth maps included."""
        raw = self.raw
        return tuple(_preview(ifd) for ifd in self.pictures if ifd is not raw)

    def of(self, role: Role) -> Ifd | None:
        """The first directory of that role: EXIF, GPS."""
        return next((ifd for ifd in self.ifds if ifd.role == role), None)

    def holder(self, tag: int) -> Ifd:
        """Whose tag it is: the first directory's, or the raw one's where only that has it (writers differ)."""
        raw = self.raw
        return raw if raw is not None and tag in raw and tag not in self.first else self.first


def read_tiff(data: Source | Buffer) -> Tiff:
    """All directories of a TIFF, BigTIFF, ORF or RW2.

    Raises IncompletePhoto where the file ends before its first directory does, PhotoError where it is no such file.
    """
    source = Memory(data) if isinstance(data, bytes | bytearray | memoryview | mmap.mmap) else data
    shape = _shape(source.read(0, 16))
    walk = _Walk(source, shape)
    walk.directory(shape.first, "main", 0)
    if not walk.found:
        raise cut_short("before its list of contents")
    return Tiff(source, shape.order, shape.flavor, tuple(walk.found), walk.cut, tuple(dict.fromkeys(walk.warnings)))


def cut_short(where: str) -> IncompletePhoto:
    """The error for a file that ends there, "before its pixels do" for one."""
    return IncompletePhoto(f"the file ends {where}: it is cut short or still arriving")


def is_tiff(head: bytes) -> bool:
    """Whether a file that begins so (4 bytes are enough) has a TIFF's header."""
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    return order is not None and len(head) >= 4 and struct.unpack_from(order + "H", head, 2)[0] in _MAGICS


@dataclass(frozen=True)
class _Shape:
    """Byte order and widths of the numbers that hold a TIFF together."""

    order: Literal["<", ">"]
    flavor: str
    first: int  # offset of the first directory

    @property
    def big(self) -> bool:
        return self.flavor == "BigTIFF"

    @property
    def count(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "H"))

    @property
    def entry(self) -> struct.Struct:
        return struct.Struct(self.order + ("HHQQ" if self.big else "HHII"))

    @property
    def pointer(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "I"))


def _shape(head: bytes) -> _Shape:
    orders: dict[bytes, Literal["<", ">"]] = {b"II": "<", b"MM": ">"}
    order = orders.get(head[:2])
    if order is None:
        raise PhotoError("not a raw file that ispd knows: it has no TIFF header")
    if len(head) < 8:
        raise cut_short("inside its header")
    flavor = _MAGICS.get(struct.unpack_from(order + "H", head, 2)[0])
    if flavor is None:
        raise PhotoError("not a raw file that ispd knows: its TIFF header is wrong")
    if flavor != "BigTIFF":
        return _Shape(order, flavor, struct.unpack_from(order + "I", head, 4)[0])
    if len(head) < 16:
        raise cut_short("inside its header")
    return _Shape(order, flavor, struct.unpack_from(order + "Q", head, 8)[0])


@dataclass
class _Walk:
    """One walk through the directories of a file; it visits none twice and no more than MOST_DIRECTORIES."""

    source: Source
    shape: _Shape
    found: list[Ifd] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    cut: bool = False
    warnings: list[str] = field(default_factory=list)

    def directory(self, offset: int, role: Role, depth: int) -> None:
        """Read the directory there, those it points to, and for a main one those that follow it."""
        while offset:
            if offset in self.seen:
                self.warnings.append("the file's directories point in a circle: each was read once")
                return
            if len(self.found) >= MOST_DIRECTORIES:
                self.warnings.append(f"the file has more than {MOST_DIRECTORIES} directories: the others were not read")
                return
            self.seen.add(offset)
            ifd, following = self._read(offset, role)
            if ifd is None:
                return
            self.found.append(ifd)
            self._inside(ifd, depth)
            offset = following if role == "main" else 0

    def _inside(self, ifd: Ifd, depth: int) -> None:
        if depth >= MOST_DEPTH or ifd.role in ("exif", "gps"):
            return
        pointers: tuple[tuple[Tag, Role], ...] = ((Tag.SubIFDs, "sub"), (Tag.ExifIFD, "exif"), (Tag.GPSInfo, "gps"))
        for tag, role in pointers:
            for offset in ifd.integers(tag, MOST_DIRECTORIES):
                self.directory(offset, role, depth + 1)

    def _read(self, offset: int, role: Role) -> tuple[Ifd | None, int]:
        shape, source = self.shape, self.source
        head = source.read(offset, shape.count.size) if 0 < offset < source.size else b""
        if len(head) < shape.count.size:
            self.cut = True
            self.warnings.append("one of the file's directories lies outside the file: it was not read")
            return None, 0
        count = shape.count.unpack(head)[0]
        if count > MOST_TAGS:
            self.warnings.append(f"one of the file's directories claims {count} tags: it was not read")
            return None, 0
        start = offset + shape.count.size
        table = source.read(start, count * shape.entry.size + shape.pointer.size)
        end = count * shape.entry.size
        cut = len(table) < end
        if cut:
            self.cut = True
            self.warnings.append("the file ends inside one of its directories")
        following = shape.pointer.unpack_from(table, end)[0] if len(table) == end + shape.pointer.size else 0
        entries, lost = self._entries(table, start, count)
        return Ifd(source, shape.order, offset, role, entries, lost, cut), following

    def _entries(self, table: bytes, start: int, count: int) -> tuple[dict[int, Entry], frozenset[int]]:
        entry, pointer = self.shape.entry, self.shape.pointer
        entries: dict[int, Entry] = {}
        lost: set[int] = set()
        for i in range(min(count, len(table) // entry.size)):
            code, kind, number, value = entry.unpack_from(table, i * entry.size)
            if kind not in _SIZES or code in entries or number == 0:
                continue
            if number * _SIZES[kind] <= pointer.size:
                value = start + (i + 1) * entry.size - pointer.size
            if value + number * _SIZES[kind] > self.source.size:
                lost.add(code)
                continue
            entries[code] = Entry(code, kind, number, value)
        return entries, frozenset(lost)


def _pixels(ifd: Ifd) -> int:
    return ifd.integer(Tag.ImageWidth, 0) * ifd.integer(Tag.ImageLength, 0)


def _preview(ifd: Ifd) -> Preview:
    counts = ifd.array(Tag.TileByteCounts if Tag.TileByteCounts in ifd else Tag.StripByteCounts)
    return Preview(
        width=ifd.integer(Tag.ImageWidth, 0),
        height=ifd.integer(Tag.ImageLength, 0),
        compression=ifd.integer(Tag.Compression, 1),
        size=int(counts.sum()) or ifd.integer(Tag.JPEGInterchangeFormatLength, 0),
    )
