"""One raw file looked at closely: what it states, what rendering gets of it, and what its samples are like.

Nothing is rendered; the samples are decoded in the cell like any photo's.  Every value is plain, so that it goes to
JSON as it is; `ispd inspect` makes a page of it.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ispd.decode.cell import Cell, Decoded
from ispd.decode.dng.codes import COMPRESSIONS, Tag
from ispd.decode.dng.color import color_from_dng
from ispd.decode.dng.jpeg import damage
from ispd.decode.dng.layout import read_layout
from ispd.decode.dng.light import temperature_and_tint
from ispd.decode.dng.shot import shot_from_dng
from ispd.decode.dng.tags import OpenFile, Preview, Tiff, is_tiff, read_tiff
from ispd.decode.facts import check_whole, open_photo
from ispd.errors import IncompletePhoto, PhotoError
from ispd.isp.values import MapPolynomial, Shot

MOST_SAMPLES = 2_000_000  # a plane is thinned to about this many before its percentiles are taken
MOST_STATED = 16  # numbers of one tag that are worth printing
PERCENTILES = (0, 1, 50, 99, 100)

STATED = (  # the tags whose values rendering stands on, in the order of a page
    *(Tag.DNGVersion, Tag.CFARepeatPatternDim, Tag.CFAPattern, Tag.CFAPlaneColor, Tag.LinearizationTable),
    *(Tag.BlackLevelRepeatDim, Tag.BlackLevel, Tag.BlackLevelDeltaH, Tag.BlackLevelDeltaV, Tag.WhiteLevel),
    *(Tag.ActiveArea, Tag.MaskedAreas, Tag.DefaultCropOrigin, Tag.DefaultCropSize, Tag.DefaultScale, Tag.Orientation),
    *(Tag.AsShotNeutral, Tag.AsShotWhiteXY, Tag.AnalogBalance, Tag.BaselineExposure),
    *(Tag.CalibrationIlluminant1, Tag.ColorMatrix1, Tag.CameraCalibration1, Tag.ForwardMatrix1),
    *(Tag.CalibrationIlluminant2, Tag.ColorMatrix2, Tag.CameraCalibration2, Tag.ForwardMatrix2),
    *(Tag.CalibrationIlluminant3, Tag.ColorMatrix3, Tag.CameraCalibration3, Tag.ForwardMatrix3),
    *(Tag.ProfileHueSatMapDims, Tag.ProfileLookTableDims, Tag.ProfileToneCurve, Tag.BaselineExposureOffset),
    *(Tag.NoiseProfile, Tag.OpcodeList1, Tag.OpcodeList2, Tag.OpcodeList3),
)

Verdict: TypeAlias = Literal["whole", "arriving", "refused"]
Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Stored:
    """How the raw picture lies in the file."""

    width: int
    height: int
    planes: int
    bits: int
    floating: bool
    compression: str
    pieces: int  # strips or tiles
    tiled: bool


@dataclass(frozen=True)
class Stated:
    """A tag's values; `count` says how many there are where only the first are kept.  NaN (0/0) is None."""

    count: int
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class ColorSamples:
    """Samples of one color: least, 1 %, median, 99 %, greatest; as stored, and as light (0 black, 1 white)."""

    color: str
    codes: tuple[float, ...]
    light: tuple[float, ...]
    clipped: float  # part of them at or above white


@dataclass(frozen=True)
class Inspection:
    """Everything `ispd inspect` knows of a file."""

    file_size: int
    container: str  # "DNG 1.4.0.0 (TIFF, little-endian, 2 directories)"
    verdict: Verdict
    sentence: str  # why it is not whole or refused; "" where all is well
    stored: Stored | None = None
    previews: tuple[Preview, ...] = ()
    stated: dict[str, Stated] = field(default_factory=dict)
    shot: Shot | None = None  # what rendering gets: the tags after our corrections, less what the reader has done
    light: tuple[float, float] | None = None  # of the as-shot white: kelvin, distance from the black body in CIE 1960
    reader: str = ""
    reader_did: tuple[str, ...] = ()  # corrections of the file that its reader has applied already
    samples: tuple[ColorSamples, ...] = ()
    warnings: tuple[str, ...] = ()


def inspect(path: bytes, cell: Cell | None = None) -> Inspection:
    """Look at a file; with a cell its samples too.

    A bad file is a finding, not an error.  Raises NoInput, NotPermitted or MachineError where it cannot be opened.
    """
    verdict, sentence, warnings = _whole(path)
    with open_photo(path) as file:
        tiff = _tiff(file)
        found = Inspection(file.size, _container(file, tiff), verdict, sentence, warnings=warnings)
        if tiff is not None and tiff.is_dng:
            found = _with_tags(found, tiff)
    return found if cell is None or found.verdict != "whole" else _with_samples(found, path, cell)


def _whole(path: bytes) -> tuple[Verdict, str, tuple[str, ...]]:
    try:
        return "whole", "", check_whole(path)
    except IncompletePhoto as error:
        return "arriving", str(error), ()
    except PhotoError as error:
        return "refused", str(error), ()


def _tiff(file: OpenFile) -> Tiff | None:
    try:
        return read_tiff(file) if is_tiff(file.read(0, 4)) else None
    except PhotoError:
        return None


def _container(file: OpenFile, tiff: Tiff | None) -> str:
    if tiff is None:
        head = file.read(0, 16)
        kinds = (
            (b"HEAPCCDR", "Canon CIFF"),
            (b"FUJIFILM", "Fujifilm RAF"),
            (b"ftypcrx", "Canon CR3"),
            (b"FOVb", "X3F"),
        )
        return next((name for mark, name in kinds if mark in head), "unknown")
    order = {"<": "little-endian", ">": "big-endian"}[tiff.order]
    count = len(tiff.ifds)
    structure = f"{tiff.flavor}, {order}, {count} {'directory' if count == 1 else 'directories'}"
    version = ".".join(map(str, tiff.first.integers(Tag.DNGVersion, 4)))
    return f"DNG {version} ({structure})" if tiff.is_dng else structure


def _with_tags(found: Inspection, tiff: Tiff) -> Inspection:
    """With what a DNG's tags state, and what becomes of them."""
    stored, about_data = _stored(tiff)
    known = replace(found, stored=stored, previews=tiff.previews, stated=_stated(tiff))
    try:
        shot, warnings = shot_from_dng(tiff)
    except PhotoError as error:
        if known.verdict != "whole":
            return known
        incomplete = isinstance(error, IncompletePhoto)
        return replace(known, verdict="arriving" if incomplete else "refused", sentence=str(error))
    light = color_from_dng(tiff, shot.colors).light
    together = tuple(dict.fromkeys((*known.warnings, *warnings, *about_data)))
    return replace(known, shot=shot, light=light and temperature_and_tint(light), warnings=together)


def _stored(tiff: Tiff) -> tuple[Stored | None, tuple[str, ...]]:
    if tiff.raw is None:
        return None, ()
    try:
        layout = read_layout(tiff.raw)
    except PhotoError:
        return None, ()
    stored = Stored(
        width=layout.width,
        height=layout.height,
        planes=layout.planes,
        bits=layout.bits,
        floating=layout.floating,
        compression=COMPRESSIONS.get(layout.compression, f"compression {layout.compression}"),
        pieces=len(layout.offsets),
        tiled=Tag.TileOffsets in tiff.raw,
    )
    return stored, damage(tiff.source, layout)


def _stated(tiff: Tiff) -> dict[str, Stated]:
    found = {}
    for tag in STATED:
        ifd = tiff.holder(tag)
        if tag in ifd:
            values = ifd.numbers(tag, MOST_STATED)
            finite = tuple(v if math.isfinite(v) else None for v in values)
            found[tag.name] = Stated(ifd.entries[tag].count, finite)
    return found


def _with_samples(found: Inspection, path: bytes, cell: Cell) -> Inspection:
    """With what decoding gives: the reader, what it has done, and the samples."""
    try:
        decoded = cell.decode(os.path.abspath(path))
    except PhotoError as error:
        incomplete = isinstance(error, IncompletePhoto)
        return replace(found, verdict="arriving" if incomplete else "refused", sentence=str(error))
    return replace(
        found,
        shot=decoded.shot,
        reader=decoded.reader,
        reader_did=_reader_did(found.shot, decoded.shot),
        samples=_samples(decoded),
        warnings=tuple(dict.fromkeys((*found.warnings, *decoded.warnings))),
    )


def _reader_did(stated: Shot | None, left: Shot) -> tuple[str, ...]:
    """What the tags ask for and the decoded shot no longer does."""
    if stated is None:
        return ()
    done = []
    if stated.levels.table and not left.levels.table:
        done.append(Tag.LinearizationTable.name)
    lists = (
        (Tag.OpcodeList1, stated.opcodes1, left.opcodes1),
        (Tag.OpcodeList2, stated.opcodes2, left.opcodes2),
        (Tag.OpcodeList3, stated.opcodes3, left.opcodes3),
    )
    for tag, before, after in lists:
        gone = [type(op).__name__ for op in before if op not in after]
        done += dict.fromkeys(f"{name} of {tag.name}" for name in gone)
    if any(isinstance(op, MapPolynomial) for op in stated.opcodes2) and stated.levels != left.levels:
        done.append("BlackLevel and WhiteLevel")
    return tuple(done)


def _samples(decoded: Decoded) -> tuple[ColorSamples, ...]:
    """Statistics of each color within the active area; a mosaic's second green counts as green."""
    shot = decoded.shot
    active = decoded.samples[:, shot.active.top : shot.active.bottom, shot.active.left : shot.active.right]
    if not shot.cfa:
        return tuple(
            _statistics(color, [(plane.ravel(), _black(shot, 0, 0, index))], shot, index)
            for index, (color, plane) in enumerate(zip(shot.colors, active, strict=False))
        )
    side = math.isqrt(len(shot.cfa))
    sites: dict[str, list[tuple[NDArray[np.generic], float]]] = {color: [] for color in shot.colors}
    for index, color in enumerate(shot.cfa):
        row, column = divmod(index, side)
        codes = active[0, row::side, column::side].ravel()
        if codes.size:
            sites[color].append((codes, _black(shot, row, column, 0)))
    return tuple(_statistics(color, parts, shot, 0) for color, parts in sites.items() if parts)


def _statistics(color: str, parts: list[tuple[NDArray[np.generic], float]], shot: Shot, plane: int) -> ColorSamples:
    """`parts` are the codes of each site of that color with the site's black level."""
    step = max(1, sum(codes.size for codes, _ in parts) // MOST_SAMPLES)
    thinned = [(codes[::step].astype(np.float64), black) for codes, black in parts]
    white = shot.levels.white[min(plane, len(shot.levels.white) - 1)]
    span = white - max(shot.levels.black)
    linear = [(_linearized(codes, shot), black) for codes, black in thinned]
    light = np.concatenate([(codes - black) / span for codes, black in linear])
    codes = np.concatenate([codes for codes, _ in thinned])
    clipped = float(np.mean(np.concatenate([codes >= white for codes, _ in linear])))
    return ColorSamples(color, _five(codes), _five(light), clipped)


def _linearized(codes: Floats, shot: Shot) -> Floats:
    table = shot.levels.table
    if not table:
        return codes
    return np.array(table, dtype=np.float64)[np.clip(codes, 0, len(table) - 1).astype(np.int64)]


def _black(shot: Shot, row: int, column: int, plane: int) -> float:
    """The site's black level; the deltas of rows and columns apart."""
    rows, columns, planes = shot.levels.black_shape
    index = ((row % rows) * columns + column % columns) * planes + min(plane, planes - 1)
    return shot.levels.black[index]


def _five(values: Floats) -> tuple[float, ...]:
    finite = values[np.isfinite(values)]
    return tuple(np.percentile(finite, PERCENTILES).tolist()) if finite.size else ()
