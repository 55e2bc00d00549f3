"""Finished pictures: JPEG, TIFF and PNG that show how a photo shall look.  Runs in the cell's child, as the readers do.

Takes   a file's bytes
Gives   code values as stored, and what they mean: profile, orientation, who made it.  Nothing is turned; converted
        is only what has a profile of tables: to sRGB, 8 bits, by LittleCMS;
        of an Ultra HDR or multi-picture JPEG, the base picture; an alpha channel is dropped; palettes become RGB
Raises  PhotoError with a sentence for what is no picture here: HEIC, CMYK, floats, a size that is a trap
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from ispd.decode import wire
from ispd.decode.dng.codes import Tag
from ispd.decode.dng.tags import Tiff, is_tiff, read_tiff
from ispd.decode.icc import Meaning, is_of_tables, meaning_of_profile, meaning_of_space
from ispd.errors import IspdError, PhotoError

MOST_PIXELS = 200_000_000
BIG_PIXELS = 30_000_000
MOST_PIXELS_PER_BYTE = 256  # of big ones: a black JPEG has 170
ADOBE_RGB, UNCALIBRATED = 2, 65535  # EXIF ColorSpace; cameras write the first against the standard
INTEROPERABILITY, INTEROPERABILITY_INDEX, COLOR_SPACE = 0xA005, 1, 0xA001
SUBSEC_ORIGINAL, ICC = 37521, 34675
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif")

Sized = Callable[[int, int, int], None]
Codes = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True)
class Finished:
    """Code values (channels, H, W), and what they mean."""

    codes: Codes
    meaning: wire.Meaning


def read(data: bytes, sized: Sized) -> Finished:
    """Decode a finished picture; `sized` hears its size before pixels are."""

    def within_limits(width: int, height: int, channels: int) -> None:
        pixels = width * height
        if pixels <= 0:
            raise PhotoError("the picture has no pixels")
        if pixels > MOST_PIXELS or (pixels > BIG_PIXELS and pixels > MOST_PIXELS_PER_BYTE * len(data)):
            raise PhotoError(
                f"the picture declares {width} × {height} pixels in {len(data):,} bytes: a trap, not a photo"
            )
        sized(width, height, channels)

    if data[:3] == b"\xff\xd8\xff":
        return _by_pillow(JpegImageFile, data, within_limits)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return _by_pillow(PngImageFile, data, within_limits)
    if is_tiff(data[:4]):
        return _by_tifffile(data, within_limits)
    if data[4:8] == b"ftyp" and data[8:12] in HEIC_BRANDS:
        raise PhotoError("HEIC and AVIF pictures cannot be read: save the picture as JPEG, TIFF or PNG")
    raise PhotoError("the file is neither a JPEG nor a TIFF nor a PNG" if data else "the file is empty")


def _by_pillow(kind: type[Image.Image], data: bytes, sized: Sized) -> Finished:
    """The class, not Image.open: that one looks further for formats, and warns of sizes as it likes."""
    try:
        with kind(io.BytesIO(data)) as image:  # type: ignore[call-arg]
            if image.mode in ("CMYK", "YCCK"):
                raise PhotoError("the picture is in CMYK, for print: save it in RGB")
            grey = image.mode in ("1", "L", "LA", "I;16", "I", "I;16B")
            sized(*image.size, 1 if grey else 3)
            pixels = np.asarray(image if image.mode in ("L", "RGB") else _plain(image, grey=grey))
            pixels = _without_tables(pixels, image.info.get("icc_profile") or b"")
            return Finished(_planes(pixels), _meaning(image, pixels.ndim))
    except IspdError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, AttributeError, TypeError, KeyError) as error:
        raise PhotoError(f"the picture cannot be read: {error}") from error


def _plain(image: Image.Image, *, grey: bool) -> Image.Image:
    """RGB, or 8-bit grey, from palettes, alpha channels and the like."""
    if image.mode in ("I", "I;16", "I;16B"):
        return Image.fromarray((np.asarray(image.convert("I")) >> 8).clip(0, 255).astype(np.uint8))
    return image.convert("L" if grey else "RGB")


def _by_tifffile(data: bytes, sized: Sized) -> Finished:
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as tiff:
            page = tiff.pages.first
            channels = _channels(page)
            sized(page.imagewidth, page.imagelength, page.samplesperpixel)
            pixels = page.asarray(maxworkers=1)
    except IspdError:
        raise
    except Exception as error:  # whatever tifffile and the codecs below it make of a hostile file
        raise PhotoError(f"the TIFF cannot be read: {error}") from error
    if page.samplesperpixel > 1 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
        pixels = np.moveaxis(pixels, 0, -1)
    pixels = pixels.reshape(page.imagelength, page.imagewidth, -1)[:, :, :channels]
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        pixels = np.iinfo(pixels.dtype).max - pixels
    told = read_tiff(data)
    profile = told.first.data(ICC)
    pixels = _without_tables(pixels, profile)
    return Finished(_planes(pixels), _told(told, profile, channels, adobe=_is_adobe_rgb(told)))


def _without_tables(pixels: NDArray[Any], profile: bytes) -> NDArray[Any]:
    """(H, W, 3) in sRGB where the profile is one of tables; else as it is."""
    if not is_of_tables(profile, pixels.shape[2] if pixels.ndim == 3 else 1):
        return pixels
    return in_srgb(np.ascontiguousarray(pixels >> 8 if pixels.dtype == np.uint16 else pixels, np.uint8), profile)


def in_srgb(pixels: NDArray[np.uint8], profile: bytes) -> NDArray[np.uint8]:
    """(H, W, 3) the same colors, cut where sRGB ends; white stays.  Raises PhotoError where the profile is broken."""
    try:
        source, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        white = ImageCms.Intent.RELATIVE_COLORIMETRIC
        made = ImageCms.profileToProfile(Image.fromarray(pixels), source, srgb, white, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        raise PhotoError("the table of its ICC profile is broken: save the picture in sRGB") from error
    assert made is not None  # it was not asked to work in place
    return np.asarray(made)


def _channels(page: Any) -> int:
    kinds = tifffile.PHOTOMETRIC
    if page.dtype is None:
        raise PhotoError("the TIFF cannot be read: it has no picture")
    if page.photometric == kinds.SEPARATED:
        raise PhotoError("the picture is in CMYK, for print: save it in RGB")
    if page.dtype not in (np.uint8, np.uint16):
        raise PhotoError(f"the TIFF's samples are {page.dtype}: save it with 8 or 16 bits a channel")
    if page.photometric in (kinds.RGB, kinds.YCBCR) and page.samplesperpixel >= 3:
        return 3
    if page.photometric in (kinds.MINISBLACK, kinds.MINISWHITE):
        return 1
    raise PhotoError("the TIFF is neither RGB nor grey: save it in RGB")


def _planes(pixels: NDArray[Any]) -> Codes:
    """(channels, H, W) views; 16 bits stay."""
    if pixels.dtype not in (np.uint8, np.uint16):
        raise PhotoError(f"the picture's samples are {pixels.dtype}: save it with 8 or 16 bits a channel")
    planes: Codes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return planes


def _meaning(image: Image.Image, dimensions: int) -> wire.Meaning:
    profile = image.info.get("icc_profile") or b""
    exif = (image.info.get("exif") or b"").removeprefix(b"Exif\0\0")
    told: Tiff | None = None
    adobe = False
    if is_tiff(exif[:4]):
        try:
            told, adobe = read_tiff(exif), _says_adobe_rgb(image)
        except PhotoError:
            told = None
    return _told(told, profile, 1 if dimensions == 2 else 3, adobe=adobe)


def _says_adobe_rgb(image: Image.Image) -> bool:
    exif = image.getexif()
    space = exif.get_ifd(Tag.ExifIFD).get(COLOR_SPACE)
    index = str(exif.get_ifd(INTEROPERABILITY).get(INTEROPERABILITY_INDEX, ""))
    return space == ADOBE_RGB or (space == UNCALIBRATED and index.startswith("R03"))


def _is_adobe_rgb(tiff: Tiff) -> bool:
    exif = tiff.of("exif")
    return exif is not None and exif.integer(COLOR_SPACE, 1) == ADOBE_RGB


def _told(tiff: Tiff | None, profile: bytes, channels: int, *, adobe: bool) -> wire.Meaning:
    meaning: Meaning
    if profile and not is_of_tables(profile, channels):
        meaning = meaning_of_profile(profile, channels)
    else:
        meaning = meaning_of_space("adobe-rgb" if adobe and channels == 3 and not profile else "srgb", channels)
    rec2020 = tuple(tuple(float(n) for n in row) for row in meaning.rec2020)
    curves = meaning.curves.astype("<f4").tobytes()
    told = bool(profile) or adobe
    if tiff is None:
        return wire.Meaning(rec2020, curves, told)
    first, exif = tiff.first, tiff.of("exif") or tiff.first
    orientation = first.integer(Tag.Orientation, 1)
    return wire.Meaning(
        rec2020,
        curves,
        told,
        orientation=orientation if 1 <= orientation <= 8 else 1,
        software=first.text(Tag.Software, 200),
        camera=f"{first.text(Tag.Make, 100)} {first.text(Tag.Model, 100)}".strip(),
        captured=exif.text(Tag.DateTimeOriginal, 19),
        fraction=exif.text(SUBSEC_ORIGINAL, 9),
        serial=exif.text(Tag.BodySerialNumber, 100),
    )
