"""What the zygote does once, so that its locked children need no file, no import and no first-time set-up.

Each reader decodes a small DNG that is built here, and the outcome goes through the same JSON as a photo's.
"""

from __future__ import annotations

import struct

from ispd.decode import readers, wire
from ispd.errors import PhotoError
from ispd.orders import to_json

WIDTH, HEIGHT = 64, 48


def warm_up() -> None:
    """Use everything a child will use.  An error here is a bug or a broken installation."""
    dng = tiny_dng()
    for left_out in ((), (readers.LIBRAW,)):
        picture = readers.read(dng, left_out, lambda reader: None, lambda width, height, planes: None)
        to_json(wire.Header(picture.shot, picture.reader, picture.warnings))
    try:  # and the way of a refusal
        readers.read(b"not a raw photo" * 100, (), lambda reader: None, lambda width, height, planes: None)
    except PhotoError as refused:
        to_json(wire.Faulty("photo", str(refused)))


def tiny_dng() -> bytes:
    """An uncompressed 16-bit RGGB DNG of 64 × 48 pixels, a ramp.

    >>> len(tiny_dng()) < 8000
    True
    """
    short, long, byte, ascii_, rational, signed = 3, 4, 1, 2, 5, 10
    pixels = struct.pack(
        f"<{WIDTH * HEIGHT}H", *(64 + 17 * (i % WIDTH) + 11 * (i // WIDTH) for i in range(WIDTH * HEIGHT))
    )
    identity = [value for i in range(9) for value in (int(i % 4 == 0), 1)]
    tags: list[tuple[int, int, bytes]] = [
        (254, long, struct.pack("<I", 0)),
        (256, long, struct.pack("<I", WIDTH)),
        (257, long, struct.pack("<I", HEIGHT)),
        (258, short, struct.pack("<H", 16)),
        (259, short, struct.pack("<H", 1)),
        (262, short, struct.pack("<H", 32803)),
        (271, ascii_, b"ispd\0"),
        (272, ascii_, b"warm-up\0"),
        (273, long, struct.pack("<I", 8)),
        (277, short, struct.pack("<H", 1)),
        (278, long, struct.pack("<I", HEIGHT)),
        (279, long, struct.pack("<I", len(pixels))),
        (33421, short, struct.pack("<2H", 2, 2)),
        (33422, byte, bytes([0, 1, 1, 2])),
        (50706, byte, bytes([1, 4, 0, 0])),
        (50708, ascii_, b"ispd warm-up\0"),
        (50714, long, struct.pack("<I", 64)),
        (50717, long, struct.pack("<I", 4095)),
        (50721, signed, struct.pack("<18i", *identity)),
        (50728, rational, struct.pack("<6I", 1, 2, 1, 1, 2, 3)),
        (50778, short, struct.pack("<H", 21)),
    ]
    return _tiff(pixels, tags, {short: 2, long: 4, byte: 1, ascii_: 1, rational: 8, signed: 8})


def _tiff(pixels: bytes, tags: list[tuple[int, int, bytes]], sizes: dict[int, int]) -> bytes:
    """Header, pixels, values too long for their entry, then the one directory."""
    body = struct.pack("<2sHI", b"II", 42, 0) + pixels
    entries = b""
    for code, kind, value in tags:
        if len(value) > 4:
            position, body = len(body), body + value + b"\0" * (len(value) % 2)
            stored = struct.pack("<I", position)
        else:
            stored = value.ljust(4, b"\0")
        entries += struct.pack("<HHI", code, kind, len(value) // sizes[kind]) + stored
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    return body[:4] + struct.pack("<I", len(body)) + body[8:] + directory
