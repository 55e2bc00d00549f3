"""A small DNG by hand that says everything a photo can say: the source of the metadata tests.

Built in two steps, so that it proves something: the structure (raw tags, maker notes, an old thumbnail) here, byte by
byte; the texts, places and serials by the exiftool command itself, not by our door.
"""

from __future__ import annotations

import io
import struct
import subprocess
from pathlib import Path

from PIL import Image

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SRATIONAL = 1, 2, 3, 4, 5, 7, 10  # TIFF 6.0
SIZES = {BYTE: 1, ASCII: 1, SHORT: 2, LONG: 4, RATIONAL: 8, UNDEFINED: 1, SRATIONAL: 8}
Entry = tuple[int, int, bytes]

WIDTH, HEIGHT = 16, 12


def shorts(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}H", *values)


def longs(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)


def fractions(*values: float) -> bytes:
    return b"".join(struct.pack("<ii", round(value * 10000), 10000) for value in values)


def directory(at: int, entries: list[Entry], following: int = 0) -> bytes:
    """An IFD that will stand at offset `at`, with the values that do not fit into it right behind it."""
    behind = at + 2 + 12 * len(entries) + 4
    rows, values = b"", b""
    for tag, kind, content in sorted(entries):
        place = content.ljust(4, b"\0")
        if len(content) > 4:
            place = longs(behind + len(values))
            values += content + bytes(len(content) % 2)
        rows += struct.pack("<HHI", tag, kind, len(content) // SIZES[kind]) + place
    return shorts(len(entries)) + rows + longs(following) + values


def canon_notes(at: int, place: bytes = b"") -> bytes:
    """Maker notes in Canon's way: a directory whose offsets count from the start of the file."""
    notes = [(6, ASCII, b"IMG:EOS R5 JPEG\0"), (7, ASCII, b"Firmware 1.0\0"), (9, ASCII, b"Notes Owner\0")]
    return directory(at, [*notes, (0x0C, LONG, longs(4711))])


def thumbnail() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (16, 12), "red").save(file, "JPEG")
    return file.getvalue()


def dng(orientation: int = 6, make: bytes = b"Canon\0", notes: bool = True, xmp: bytes = b"") -> bytes:
    """The structure: a mosaic of zeros, raw tags, maker notes, XMP of at most 1 KB, an old thumbnail in IFD1."""
    pixels, small = bytes(2 * WIDTH * HEIGHT), thumbnail()
    first = 8 + len(pixels) + len(small)
    exif_at, second, notes_at = first + 2048, first + 4096, first + 6144
    maker = canon_notes(notes_at) if notes else b""
    ifd0: list[Entry] = [
        *((254, LONG, longs(0)), (256, LONG, longs(WIDTH)), (257, LONG, longs(HEIGHT)), (258, SHORT, shorts(16))),
        *((259, SHORT, shorts(1)), (262, SHORT, shorts(32803)), (271, ASCII, make), (272, ASCII, b"EOS R5\0")),
        *(
            (273, LONG, longs(8)),
            (274, SHORT, shorts(orientation)),
            (277, SHORT, shorts(1)),
            (278, LONG, longs(HEIGHT)),
        ),
        *((279, LONG, longs(len(pixels))), (284, SHORT, shorts(1)), (305, ASCII, b"Firmware 1.0\0")),
        *((33421, SHORT, shorts(2, 2)), (33422, BYTE, bytes([0, 1, 1, 2])), (34665, LONG, longs(exif_at))),
        *((50706, BYTE, bytes([1, 4, 0, 0])), (50708, ASCII, b"Unique EOS R5\0"), (50709, ASCII, b"Local EOS R5\0")),
        *((50714, SHORT, shorts(64)), (50717, SHORT, shorts(4095)), (50735, ASCII, b"DNGSERIAL9\0")),
        (50721, SRATIONAL, fractions(0.86, -0.26, -0.09, -0.82, 1.55, 0.3, -0.26, 0.31, 0.91)),
        *((50728, RATIONAL, fractions(0.5, 1, 0.66)), (50778, SHORT, shorts(21)), (50827, ASCII, b"IMG_0001.CR3\0")),
    ]
    ifd0 += [(700, BYTE, xmp)] if xmp else []
    exif: list[Entry] = [(36864, UNDEFINED, b"0232"), (40961, SHORT, shorts(65535))]
    exif += [(37500, UNDEFINED, maker)] if notes else []
    ifd1: list[Entry] = [
        *((259, SHORT, shorts(6)), (274, SHORT, shorts(orientation))),
        *((513, LONG, longs(8 + len(pixels))), (514, LONG, longs(len(small)))),
    ]
    content = b"II*\0" + longs(first) + pixels + small
    # the maker notes are the value of their entry, so they must lie where that entry's offset says
    exif_part = directory(exif_at, exif)
    if notes:
        notes_at = exif_at + exif_part.index(maker)
        exif_part = directory(
            exif_at, [(tag, kind, canon_notes(notes_at) if tag == 37500 else v) for tag, kind, v in exif]
        )
    for at, part in ((first, directory(first, ifd0, second)), (exif_at, exif_part), (second, directory(second, ifd1))):
        content = content.ljust(at, b"\0") + part
    return content


TOLD = {  # by the exiftool command, as its arguments
    "IFD0:ImageDescription": "Kafé 名",
    "IFD0:Artist": "Žofia Ångström",
    "IFD0:Copyright": "© 2026 Test",
    "IFD0:ModifyDate": "2026:03:29 02:30:00",
    "ExifIFD:DateTimeOriginal": "2026:03:29 02:30:00",
    "ExifIFD:OffsetTimeOriginal": "+01:00",
    "ExifIFD:SubSecTimeOriginal": "07",
    "ExifIFD:ExposureTime": "1/250",
    "ExifIFD:FNumber": "2.8",
    "ExifIFD:ISO": "400",
    "ExifIFD:FocalLength": "35",
    "ExifIFD:LensModel": "Test 35mm f/2.8",
    "ExifIFD:LensSerialNumber": "LENSSECRET",
    "ExifIFD:SerialNumber": "SECRET123",
    "ExifIFD:OwnerName": "Private Person",
    "ExifIFD:FocalPlaneXResolution": "4000",
    "GPS:GPSLatitude": "59.9139",
    "GPS:GPSLatitudeRef": "N",
    "GPS:GPSLongitude": "10.7522",
    "GPS:GPSLongitudeRef": "W",
    "GPS:GPSAltitude": "23",
    "GPS:GPSAltitudeRef": "0",
    "XMP-dc:Title": "Tittel",
    "XMP-dc:Description": "Kafé 名",
    "XMP-dc:Creator": "Žofia Ångström",
    "XMP-dc:Format": "image/x-adobe-dng",
    "XMP-xmp:Rating": "4",
    "XMP-xmp:CreatorTool": "Raw Developer 9",
    "XMP-iptcExt:PersonInImage": "Private Person",
    "XMP-iptcExt:LocationCreatedCity": "Oslo",
    "XMP-iptcCore:Location": "Grünerløkka",
    "XMP-iptcCore:CreatorCity": "Bergen",
    "XMP-photoshop:City": "Oslo",
    "XMP-photoshop:Country": "Norge",
    "XMP-exif:GPSLatitude": "59.9139",
    "XMP-exif:GPSLongitude": "-10.7522",
    "XMP-aux:SerialNumber": "SECRET123",
    "XMP-tiff:Orientation#": "6",
    "XMP-tiff:Compression#": "1",
    "XMP-tiff:BitsPerSample": "16",
    "XMP-tiff:PhotometricInterpretation#": "32803",
    "XMP-crs:Exposure2012": "+1.5",
    "XMP-xmpMM:DocumentID": "doc-1",
    "XMP-xmpMM:OriginalDocumentID": "original-1",
    "XMP-xmpRights:Marked": "True",
    "XMP-mwg-rs:RegionName": "Private Person",
    "IPTC:CodedCharacterSet": "UTF8",
    "IPTC:City": "Ålesund",
    "IPTC:By-line": "Žofia Ångström",
    "IPTC:Caption-Abstract": "Привет 名",
}
LISTED = {"XMP-dc:Subject": ["one", "två"], "IPTC:Keywords": ["three", "четыре"]}


def write_photo(path: Path, orientation: int = 6) -> Path:
    """The photo that says everything."""
    path.write_bytes(dng(orientation))
    words = [f"-{tag}={value}" for tag, value in TOLD.items()]
    words += [f"-{tag}={value}" for tag, values in LISTED.items() for value in values]
    tell(path, *words)
    return path


def tell(path: Path, *words: str) -> None:
    """Run the exiftool command on a file."""
    subprocess.run(["exiftool", "-config", "", "-q", "-m", "-overwrite_original", *words, path], check=True)
