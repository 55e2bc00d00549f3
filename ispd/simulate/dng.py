"""Negatives as DNG files, as Adobe's specification wants them: mosaics of any repeat, X-Trans, or linear RGB.

A file with a preview has the JPEG in its first directory and the raw below it, as converters write it; without one the
raw is the first directory, as phones do.  Words are 16 bits, uncompressed in strips or lossless JPEG in tiles.

Source  DNG 1.7.1 (tags, defaults), TIFF/EP (CFA)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ispd.errors import MissingTool
from ispd.isp.values import Area, Cfa, Matrix, Opcode
from ispd.simulate.capture import Capture, exif_directory, gps_directory
from ispd.simulate.opcodes import encode_opcodes
from ispd.simulate.tiff import ByteOrder, Directory, Entry, Kind, encode_tiff

Codes: TypeAlias = NDArray[np.uint16]
Compression: TypeAlias = Literal["none", "lossless-jpeg"]

TILE = 256  # pixels; what Adobe's converter uses
STRIP_ROWS = 128
ILLUMINANT_A, ILLUMINANT_D65 = 17, 21  # EXIF LightSource
PLANE_NUMBER = {"R": 0, "G": 1, "B": 2}


@dataclass(frozen=True)
class Calibration:
    """How the camera sees color under one standard illuminant."""

    illuminant: int  # EXIF LightSource
    camera_from_xyz: Matrix
    forward: Matrix | None = None  # XYZ (D50) from white-balanced camera color


@dataclass(frozen=True)
class Negative:
    """Everything one DNG says.  Only `samples` is needed; the rest has the values of a plain camera."""

    samples: Codes  # (H, W) mosaic or (H, W, planes) linear: the whole stored image
    cfa: Cfa = "RGGB"  # from the active area's top-left pixel; "" for linear samples
    bits: int = 14
    black: tuple[float, ...] = (0.0,)  # one, or one a CFA position or plane
    white: int = 16383
    active: Area | None = None  # None: the whole stored image
    crop: Area | None = None  # relative to the active area; None: all of it
    calibrations: tuple[Calibration, ...] = ()  # none, one or two
    neutral: tuple[float, ...] | None = None
    baseline_exposure: float = 0.0  # stops
    noise_profile: tuple[tuple[float, float], ...] = ()  # (S, O) a plane
    opcodes1: tuple[Opcode, ...] = ()
    opcodes2: tuple[Opcode, ...] = ()
    opcodes3: tuple[Opcode, ...] = ()
    orientation: int = 1
    pixel_aspect: float = 1.0  # width of a pixel / its height
    capture: Capture = field(default_factory=Capture)
    preview: bytes | None = None  # a JPEG file
    compression: Compression = "none"
    byte_order: ByteOrder = "little"
    more: tuple[Entry, ...] = ()  # further tags for the raw directory; one with a tag of ours replaces ours


def write_dng(path: Path, negative: Negative) -> Path:
    """Write `negative` to `path`, replacing what is there, and return the path."""
    path.write_bytes(encode_dng(negative))
    return path


def encode_dng(negative: Negative) -> bytes:
    """The whole file.  Raises MissingTool where lossless JPEG is asked for and imagecodecs is not installed."""
    capture = negative.capture
    exif, gps = exif_directory(capture), gps_directory(capture.place, capture.when)
    tiled = negative.compression == "lossless-jpeg"
    blocks = _tiles(negative) if tiled else _strips(negative)
    replaced = {entry.tag for entry in negative.more}
    raw = tuple(entry for entry in _raw_entries(negative) if entry.tag not in replaced) + negative.more
    shot = tuple(entry for entry in _shot_entries(negative) if entry.tag not in replaced)
    if negative.preview is None:
        return encode_tiff(Directory(shot + raw, blocks, tiled, exif=exif, gps=gps), negative.byte_order)
    preview = shot + _preview_entries(negative.preview)
    images = (Directory(raw, blocks, tiled),)
    return encode_tiff(Directory(preview, (negative.preview,), images=images, exif=exif, gps=gps), negative.byte_order)


def _shot_entries(negative: Negative) -> tuple[Entry, ...]:
    """What stands in the first directory: who took it, and what its colors mean."""
    capture = negative.capture
    date = capture.when.strftime("%Y:%m:%d %H:%M:%S")
    entries = [
        Entry(274, Kind.SHORT, negative.orientation),
        Entry(305, Kind.ASCII, "ispd simulated camera"),
        Entry(306, Kind.ASCII, date),
        Entry(50706, Kind.BYTE, b"\1\4\0\0"),  # DNGVersion
        Entry(50707, Kind.BYTE, b"\1\3\0\0"),  # DNGBackwardVersion: the first with opcodes
        Entry(50708, Kind.ASCII, f"{capture.make} {capture.model}".strip()),  # UniqueCameraModel
        Entry(50730, Kind.SRATIONAL, negative.baseline_exposure),
        *_color_entries(negative),
    ]
    for tag, text in ((271, capture.make), (272, capture.model), (50735, capture.serial)):
        if text:
            entries.append(Entry(tag, Kind.ASCII, text))
    return tuple(entries)


def _color_entries(negative: Negative) -> list[Entry]:
    entries = []
    for number, calibration in enumerate(negative.calibrations):
        entries.append(Entry(50778 + number, Kind.SHORT, calibration.illuminant))
        entries.append(Entry(50721 + number, Kind.SRATIONAL, _flat(calibration.camera_from_xyz)))
        if calibration.forward:
            entries.append(Entry(50964 + number, Kind.SRATIONAL, _flat(calibration.forward)))
    if negative.neutral:
        entries.append(Entry(50728, Kind.RATIONAL, negative.neutral))
    return entries


def _flat(matrix: Matrix) -> list[float]:
    return [number for row in matrix for number in row]


def _raw_entries(negative: Negative) -> tuple[Entry, ...]:
    """What belongs to the samples themselves: layout, levels, areas, noise, corrections."""
    height, width = negative.samples.shape[:2]
    planes = 1 if negative.cfa else negative.samples.shape[2]
    tiled = negative.compression == "lossless-jpeg"
    return (
        Entry(254, Kind.LONG, 0),  # NewSubfileType: the full picture
        Entry(256, Kind.LONG, width),
        Entry(257, Kind.LONG, height),
        Entry(258, Kind.SHORT, [16] * planes),
        Entry(259, Kind.SHORT, 7 if tiled else 1),
        Entry(262, Kind.SHORT, 32803 if negative.cfa else 34892),  # CFA or LinearRaw
        Entry(277, Kind.SHORT, planes),
        Entry(284, Kind.SHORT, 1),  # planes interleaved
        Entry(50718, Kind.RATIONAL, (negative.pixel_aspect, 1)),  # DefaultScale
        *(_tile_entries(negative) if tiled else (Entry(278, Kind.LONG, STRIP_ROWS),)),
        *_cfa_entries(negative.cfa),
        *_level_entries(negative, planes),
        *_correction_entries(negative),
    )


def _tile_entries(negative: Negative) -> tuple[Entry, ...]:
    height, width = _tile_size(negative)
    return Entry(322, Kind.LONG, width), Entry(323, Kind.LONG, height)


def _tile_size(negative: Negative) -> tuple[int, int]:
    """TILE, or the largest multiple of 16 inside a smaller image: LibRaw 0.22 breaks the rows of a tile at the image's
    edge where the tile is wider than the whole image, and takes two tiles that make a row for halves of each line."""
    height, width = (min(TILE, max(16, side // 16 * 16)) for side in negative.samples.shape[:2])
    return height, width // 2 if negative.samples.shape[1] == 2 * width else width


def _cfa_entries(cfa: Cfa) -> tuple[Entry, ...]:
    if not cfa:
        return ()
    side = round(len(cfa) ** 0.5)
    return (
        Entry(33421, Kind.SHORT, (side, side)),
        Entry(33422, Kind.BYTE, bytes(PLANE_NUMBER[letter] for letter in cfa)),
        Entry(50710, Kind.BYTE, b"\0\1\2"),  # CFAPlaneColor: red, green, blue
        Entry(50711, Kind.SHORT, 1),  # CFALayout: square
    )


def _level_entries(negative: Negative, planes: int) -> tuple[Entry, ...]:
    height, width = negative.samples.shape[:2]
    active = negative.active or Area(0, 0, height, width)
    crop = negative.crop or Area(0, 0, active.height, active.width)
    side = round(len(negative.black) ** 0.5) if negative.cfa else 1
    return (
        Entry(50713, Kind.SHORT, (side, side)),  # BlackLevelRepeatDim
        Entry(50714, Kind.RATIONAL, negative.black if negative.cfa else _per_plane(negative.black, planes)),
        Entry(50717, Kind.LONG, [negative.white] * planes),
        Entry(50829, Kind.LONG, (active.top, active.left, active.bottom, active.right)),
        Entry(50719, Kind.RATIONAL, (crop.left, crop.top)),
        Entry(50720, Kind.RATIONAL, (crop.width, crop.height)),
    )


def _per_plane(black: tuple[float, ...], planes: int) -> tuple[float, ...]:
    return black * planes if len(black) == 1 else black


def _correction_entries(negative: Negative) -> tuple[Entry, ...]:
    lists = ((51008, negative.opcodes1), (51009, negative.opcodes2), (51022, negative.opcodes3))
    entries = [Entry(tag, Kind.UNDEFINED, encode_opcodes(opcodes)) for tag, opcodes in lists if opcodes]
    if negative.noise_profile:
        entries.append(Entry(51041, Kind.DOUBLE, [number for pair in negative.noise_profile for number in pair]))
    return tuple(entries)


def _preview_entries(jpeg: bytes) -> tuple[Entry, ...]:
    width, height = Image.open(BytesIO(jpeg)).size
    return (
        Entry(254, Kind.LONG, 1),  # NewSubfileType: a smaller version
        Entry(256, Kind.LONG, width),
        Entry(257, Kind.LONG, height),
        Entry(258, Kind.SHORT, (8, 8, 8)),
        Entry(259, Kind.SHORT, 7),  # JPEG
        Entry(262, Kind.SHORT, 6),  # YCbCr
        Entry(277, Kind.SHORT, 3),
        Entry(278, Kind.LONG, height),
        Entry(284, Kind.SHORT, 1),
        Entry(50970, Kind.LONG, 2),  # PreviewColorSpace: sRGB
    )


def _strips(negative: Negative) -> tuple[bytes, ...]:
    word = {"little": "<u2", "big": ">u2"}[negative.byte_order]
    samples = negative.samples.astype(word)
    return tuple(samples[top : top + STRIP_ROWS].tobytes() for top in range(0, len(samples), STRIP_ROWS))


def _tiles(negative: Negative) -> tuple[bytes, ...]:
    """Rows of tiles; those at the right and bottom edge are filled up by repeating the last sample."""
    try:
        from imagecodecs import jpeg8_encode
    except ImportError as error:
        sentence = "lossless-JPEG tiles need imagecodecs: pip install 'ispd[demo]', or ask for compression \"none\""
        raise MissingTool(sentence) from error
    if not negative.cfa:
        raise ValueError("the tiles hold one plane: linear samples stay uncompressed")
    height, width = negative.samples.shape
    tall, wide = _tile_size(negative)
    samples = np.pad(negative.samples, ((0, -height % tall), (0, -width % wide)), mode="edge")
    tiles = [  # two columns of the array as two components, so that a sample is predicted from its own color
        np.ascontiguousarray(samples[top : top + tall, left : left + wide]).reshape(tall, wide // 2, 2)
        for top in range(0, height, tall)
        for left in range(0, width, wide)
    ]
    # predictor 1, as cameras do: darktable reads no other
    return tuple(bytes(jpeg8_encode(t, lossless=True, predictor=1, bitspersample=negative.bits)) for t in tiles)
