"""Whether all of a raw file has arrived: told by its structure, before anything is decoded.

No decoder proves a file sound: LibRaw develops a photo whose second half is zeros without a word.  So: what the file
declares must lie inside it, and the end of its image data must not be blank.

    IncompletePhoto   bytes are missing that may still come
    PhotoError        no bytes that come will make it a photo
    a warning         odd, or perhaps damaged, yet a picture

Source  facts of copies that were cut or preallocated, measured; formats: TIFF 6.0, DNG 1.7.1, CIFF 1.0 (Canon),
        ISO/IEC 14496-12 (CR3), libopenraw's and exiftool's descriptions of RAF and X3F
"""

from __future__ import annotations

import struct

from ispd.decode.dng.codes import UNCOMPRESSED, Tag
from ispd.decode.dng.layout import MOST_CHUNKS, Layout, check_dng_layout, check_inside, chunks_of, read_layout
from ispd.decode.dng.shot import raw_of
from ispd.decode.dng.tags import Ifd, Source, Tiff, cut_short, is_tiff, read_tiff
from ispd.decode.names import DNG_SUFFIXES, suffix
from ispd.errors import IncompletePhoto, PhotoError

LEAST = 16  # bytes that tell what a file is
BLANK = 64 << 10  # so many zero bytes at the end of the image data: not there yet (an uncompressed black frame apart)
SHORT_BLANK = 512  # in compressed data, if it is also half of the piece: no compression ends so
MOST_BOXES = 4096


def check_source(source: Source, name: bytes = b"") -> tuple[str, ...]:
    """Whether a raw file is all there.  `name` tells what its suffix promises.

    Gives warnings; raises IncompletePhoto or PhotoError.
    """
    head = source.read(0, 512)
    if not head.strip(b"\0"):
        raise IncompletePhoto("the file is empty: nothing has arrived yet")
    if len(head) < LEAST:
        raise IncompletePhoto(f"the file has {len(head)} bytes: it is cut short or still arriving")
    _refuse_what_is_no_raw(head)
    if head[:2] in (b"II", b"MM") and head[6:14] == b"HEAPCCDR":
        _check_ciff(source, head)
    elif is_tiff(head):
        return _check_tiff(source, name)
    elif suffix(name) in DNG_SUFFIXES:
        raise PhotoError("not a raw file: it does not begin as a DNG does")
    elif head.startswith(b"FUJIFILMCCD-RAW"):
        _check_raf(source)
    elif head[4:8] == b"ftyp":
        _check_boxes(source)
    elif head.startswith(b"FOVb"):
        _check_x3f(source)
    return ()


def _refuse_what_is_no_raw(head: bytes) -> None:
    """Other files under a raw's name, by name."""
    for magic, what in _OTHERS:
        if head.startswith(magic):
            raise PhotoError(f"{what}, not a raw file")
    if head[4:8] == b"ftyp" and head[8:12] != b"crx ":
        kind = "a HEIC or AVIF picture" if head[8:12] in (b"heic", b"heix", b"mif1", b"avif", b"msf1") else "a film"
        raise PhotoError(f"{kind}, not a raw file")
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<?xml", b"<head", b"<body")):
        raise PhotoError("a web page, not a raw file: perhaps the error message of a download")
    if all(9 <= byte <= 13 or byte >= 32 for byte in head) and _is_text(head):
        raise PhotoError("a text, not a raw file")


_OTHERS = (
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"RIFF", "a WebP picture or a film"),
    (b"8BPS", "a Photoshop picture"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
)


def _is_text(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4  # cut inside a character
    return True


def _check_tiff(source: Source, name: bytes) -> tuple[str, ...]:
    tiff = read_tiff(source)
    if not tiff.is_dng and (suffix(name) in DNG_SUFFIXES or _is_plain(tiff)):
        if tiff.cut:
            raise cut_short("before the description of its picture")
        raise PhotoError("a TIFF, but not a raw file: it has no DNG tags and no sensor data")
    if not tiff.is_dng:
        _check_other_tiff(tiff)
        return tiff.warnings
    layout = read_layout(raw_of(tiff))
    check_dng_layout(layout)
    warnings = check_inside(layout, source.size)
    _check_ends(source, layout)
    return (*tiff.warnings, *warnings)


def _is_plain(tiff: Tiff) -> bool:
    """A TIFF that no camera made."""
    return tiff.flavor in ("TIFF", "BigTIFF") and tiff.raw is None and not tiff.first.text(Tag.Make)


def _check_other_tiff(tiff: Tiff) -> None:
    """NEF, ARW, CR2, PEF, ORF …: whatever their directories point to must lie inside the file."""
    ends = [end for ifd in tiff.pictures for end in _ends(ifd)]
    if any(end > tiff.source.size for end in ends):
        raise cut_short("before its pixels do")
    if not ends and tiff.cut:
        raise cut_short("before the description of its picture")


def _ends(ifd: Ifd) -> list[int]:
    """Where each piece that a directory points to ends."""
    pairs = (
        (Tag.StripOffsets, Tag.StripByteCounts),
        (Tag.TileOffsets, Tag.TileByteCounts),
        (Tag.JPEGInterchangeFormat, Tag.JPEGInterchangeFormatLength),
    )
    ends = []
    for offsets, lengths in pairs:
        starts, sizes = ifd.integers(offsets, MOST_CHUNKS), ifd.integers(lengths, MOST_CHUNKS)
        # some makers put -1 or nothing where their maker notes say more
        ends += [a + n for a, n in zip(starts, sizes, strict=False) if 0 < a < 0xFFFFFFF0 and 0 < n < 0xFFFFFFF0]
    return ends


def _check_ends(source: Source, layout: Layout) -> None:
    """The end of the image data, and of each piece of it, must not be blank."""
    chunks = [(offset, length) for offset, length in chunks_of(layout) if length]
    for offset, length in chunks:
        least = BLANK
        if layout.compression != UNCOMPRESSED:
            least = min(BLANK, max(SHORT_BLANK, length // 2))
        if length >= least and _is_blank(source, offset + length - least, least):
            raise IncompletePhoto("the end of the file's image data is blank: it is still arriving, or was half copied")
    start, end = min((o for o, _ in chunks), default=0), max((o + n for o, n in chunks), default=0)
    if end - start >= BLANK and _is_blank(source, end - BLANK, BLANK):  # many short strips, one after the other
        raise IncompletePhoto("the end of the file's image data is blank: it is still arriving, or was half copied")


def _is_blank(source: Source, offset: int, length: int) -> bool:
    if offset + length > source.size or any(source.read(offset + length - 16, 16)):  # nearly always says no at once
        return False
    return not any(source.read(offset, length))


def _check_ciff(source: Source, head: bytes) -> None:
    """CIFF keeps its root directory at the file's end: the last four bytes say where it begins."""
    order = "<" if head[:2] == b"II" else ">"
    (heap,) = struct.unpack_from(order + "I", head, 2)
    tail = source.read(source.size - 4, 4)
    directory = heap + struct.unpack(order + "I", tail)[0]
    count_at = source.read(directory, 2)
    count = struct.unpack(order + "H", count_at)[0] if len(count_at) == 2 else 0
    entries = source.read(directory + 2, 10 * count)
    if not 1 <= count <= 1024 or len(entries) < 10 * count or directory + 2 + 10 * count > source.size:
        raise cut_short("before its list of contents does")
    for kind, size, offset in struct.iter_unpack(order + "HII", entries):
        if not kind & 0xC000 and heap + offset + size > directory:  # those bits: the value stands in the entry itself
            raise IncompletePhoto("the file's list of contents does not fit it: it is cut short or still arriving")


def _check_raf(source: Source) -> None:
    """Fujifilm: three pairs (offset, length) in the header, big-endian: JPEG, metadata, sensor data."""
    header = source.read(84, 24)
    if len(header) < 24:
        raise cut_short("inside its header")
    pairs = struct.unpack(">6I", header)
    if any(offset + length > source.size for offset, length in zip(pairs[0::2], pairs[1::2], strict=True)):
        raise cut_short("before its pixels do")


def _check_boxes(source: Source) -> None:
    """CR3: boxes one after the other, which must end where the file does or before."""
    at = 0
    for _ in range(MOST_BOXES):
        head = source.read(at, 16)
        if len(head) < 8:
            break
        size = struct.unpack_from(">I", head)[0]
        if size == 1 and len(head) == 16:
            size = struct.unpack_from(">Q", head, 8)[0]
        if size == 0:  # to the end
            return
        if size < 8:
            return
        at += size
    if at > source.size:
        raise cut_short("before its pixels do")


def _check_x3f(source: Source) -> None:
    """Sigma: the last four bytes say where the directory "SECd" stands."""
    directory = struct.unpack("<I", source.read(source.size - 4, 4).ljust(4, b"\0"))[0]
    if source.read(directory, 4) != b"SECd":
        raise cut_short("before its list of contents does")
