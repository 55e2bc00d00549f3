"""What the zygote does once, so that its locked children need no file, no import and no first-time set-up.

Each reader decodes a small DNG that is built here, and the outcome goes through the same JSON as a photo's.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from io import BytesIO

import numpy as np
import tifffile
from PIL import Image, ImageCms

from ispd.decode import pictures, readers, wire
from ispd.decode.dng.codes import CFA_PHOTOMETRIC, UNCOMPRESSED, Tag
from ispd.errors import PhotoError
from ispd.orders import to_json

WIDTH, HEIGHT = 64, 48
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def warm_up() -> None:
    """Use everything a child will use.  An error here is a bug or a broken installation."""
    dng = tiny_dng()
    for reader in readers.READ:
        others = tuple(other for other in readers.READ if other != reader)
        picture = readers.read(dng, others, lambda reader: None, lambda width, height, planes: None)
        to_json(wire.Header(picture.shot, picture.reader, picture.warnings))
    for data in tiny_pictures():
        to_json(pictures.read(data, lambda width, height, planes: None).meaning)
    pictures.in_srgb(np.zeros((16, 16, 3), np.uint8), SRGB)
    for data in (b"not a raw photo" * 100, *(picture[:-60] for picture in tiny_pictures())):  # and ways of a refusal
        try:
            readers.read(data, (), lambda reader: None, lambda width, height, planes: None)
        except PhotoError as refused:
            to_json(wire.Faulty("photo", str(refused)))
        try:
            pictures.read(data, lambda width, height, planes: None)
        except PhotoError as refused:
            to_json(wire.Faulty("photo", str(refused)))


def tiny_pictures() -> list[bytes]:
    """One finished picture of each kind, with the profile and tags that decoders look at."""
    image = Image.fromarray(np.zeros((16, 16, 3), np.uint8))
    exif = Image.Exif()
    exif[int(Tag.Orientation)] = 1
    exif.get_ifd(Tag.ExifIFD)[pictures.COLOR_SPACE] = pictures.UNCALIBRATED
    written = []
    for kind in ("JPEG", "PNG"):
        for options in ({}, {"exif": exif}, {"icc_profile": SRGB}, {"progressive": True}):
            file = BytesIO()
            image.save(file, kind, **options)
            written.append(file.getvalue())
    for bits in (np.uint8, np.uint16):
        for compression in (None, "zlib", "lzw", "packbits", "jpeg"):
            for predictor in (False, compression in ("zlib", "lzw")):
                file, pixels = BytesIO(), np.zeros((16, 16, 3), bits)
                with suppress(ValueError, ImportError, RuntimeError):  # without imagecodecs tifffile knows fewer
                    tifffile.imwrite(file, pixels, compression=compression, predictor=predictor, photometric="rgb")
                    written.append(file.getvalue())
    return written


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
        (Tag.NewSubfileType, long, struct.pack("<I", 0)),
        (Tag.ImageWidth, long, struct.pack("<I", WIDTH)),
        (Tag.ImageLength, long, struct.pack("<I", HEIGHT)),
        (Tag.BitsPerSample, short, struct.pack("<H", 16)),
        (Tag.Compression, short, struct.pack("<H", UNCOMPRESSED)),
        (Tag.PhotometricInterpretation, short, struct.pack("<H", CFA_PHOTOMETRIC)),
        (Tag.Make, ascii_, b"ispd\0"),
        (Tag.Model, ascii_, b"warm-up\0"),
        (Tag.StripOffsets, long, struct.pack("<I", 8)),
        (Tag.SamplesPerPixel, short, struct.pack("<H", 1)),
        (Tag.RowsPerStrip, long, struct.pack("<I", HEIGHT)),
        (Tag.StripByteCounts, long, struct.pack("<I", len(pixels))),
        (Tag.CFARepeatPatternDim, short, struct.pack("<2H", 2, 2)),
        (Tag.CFAPattern, byte, bytes([0, 1, 1, 2])),
        (Tag.DNGVersion, byte, bytes([1, 4, 0, 0])),
        (Tag.UniqueCameraModel, ascii_, b"ispd warm-up\0"),
        (Tag.BlackLevel, long, struct.pack("<I", 64)),
        (Tag.WhiteLevel, long, struct.pack("<I", 4095)),
        (Tag.ColorMatrix1, signed, struct.pack("<18i", *identity)),
        (Tag.AsShotNeutral, rational, struct.pack("<6I", 1, 2, 1, 1, 2, 3)),
        (Tag.CalibrationIlluminant1, short, struct.pack("<H", 21)),
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
