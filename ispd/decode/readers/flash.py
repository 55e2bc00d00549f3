"""flashraw: the reader for JPEG XL, deflate, VC-5 and floating point, and the one that finds truncated data.

What it does to samples of `raw-u16` and `raw-f32` without opcodes (flashraw 0.1.0, found as in libraw.py): it applies
the LinearizationTable, so levels.table is dropped; all else remains, MapPolynomial of lossy files included.
"""

from __future__ import annotations

from dataclasses import replace

import flashraw

from ispd.decode.dng.tags import cut_short
from ispd.decode.readers.makers import Sensor, shot_of
from ispd.decode.readers.picture import Damaged, Dng, Picture, Sized, Unreadable, as_planes, check_shape
from ispd.isp.values import Area

NAME = f"flashraw {flashraw.__version__}"
UNCOMPRESSED = "uncompressed"


def read(data: bytes, dng: Dng | None, sized: Sized) -> Picture:
    """Decode.  Raises Unreadable where flashraw cannot, IncompletePhoto where bytes are missing."""
    with _opened(data) as file:
        info = file.frame_info
        sized(info.width, info.height, info.channels)
        frame = _decode(file)
    samples = as_planes(frame.array)
    if dng is None:
        shot, warnings = shot_of(_sensor(info, frame))
    else:
        check_shape(samples, dng)
        warnings = dng.warnings
        shot = replace(dng.shot, levels=replace(dng.shot.levels, table=()))
    return Picture(samples, shot, NAME, warnings)


def confirm(data: bytes, picture: Picture, sized: Sized) -> Picture:
    """Another maker's raw that LibRaw has decoded, with flashraw's word on it.

    Raises Unreadable where it has none, Damaged where compressed data make no sense to it, IncompletePhoto where they
    lack bytes: LibRaw fills those with grey.  Gives the black level where LibRaw does not tell it (rawpy leaves out
    those of X-Trans sensors).
    """
    with _opened(data) as file:
        info = file.frame_info
        black = info.black_level
        if info.compression != UNCOMPRESSED:  # LibRaw notices itself when uncompressed data end
            sized(info.width, info.height, info.channels)
            black = _decode(file).black_level
    same_place = (info.height, info.width) == picture.samples.shape[1:]
    if any(picture.shot.levels.black) or not black.mean > 0 or not same_place:
        return picture
    return _with_black(picture, black)


def _with_black(picture: Picture, black: flashraw.BlackLevel) -> Picture:
    levels, active = picture.shot.levels, picture.shot.active
    known = replace(levels, black=_sites(black, active, levels.black_shape[0], levels.black_shape[2]))
    warning = "LibRaw tells no black level of this camera: flashraw's is taken"
    return replace(picture, shot=replace(picture.shot, levels=known), warnings=(*picture.warnings, warning))


def _opened(data: bytes) -> flashraw.RawFile:
    try:
        return flashraw.open(data)
    except flashraw.FlashRawError as error:
        raise _ours(error) from error


def _decode(file: flashraw.RawFile) -> flashraw.Frame:
    output = "raw-f32" if file.frame_info.sample_format == "f32" else "raw-u16"
    try:
        return file.decode(
            output, backend="simd", threads=1, crop=False, apply_opcodes=False, corruption_policy="strict"
        )
    except flashraw.FlashRawError as error:
        raise _ours(error) from error


def _ours(error: flashraw.FlashRawError) -> Exception:
    sentence = " ".join(str(error).split())
    if error.truncation is not None:
        return cut_short("before its pixels do")
    if isinstance(error, flashraw.OutOfMemoryError):
        return MemoryError(sentence)
    return Damaged(sentence) if isinstance(error, flashraw.CorruptFileError) else Unreadable(sentence)


def _sensor(info: flashraw.FrameInfo, frame: flashraw.Frame) -> Sensor:
    """What flashraw knows of another maker's raw."""
    active = _area(frame.active_area)
    cfa = frame.cfa.shifted(active.left, active.top) if frame.cfa else None
    if cfa is not None and cfa.width != cfa.height:
        raise Unreadable(f"its color filter repeats every {cfa.width} × {cfa.height} pixels")
    pattern = cfa.pattern if cfa else ""
    return Sensor(
        cfa=pattern,
        colors="W" if frame.channels == 1 and not cfa else _colors(pattern),
        planes=frame.channels,
        black=_sites(frame.black_level, active, cfa.width if cfa else 1, frame.channels),
        white=float(min(frame.white_level)),
        active=active,
        crop=_area(frame.crop),
        as_shot=frame.white_balance or (),
        daylight=(),
        balanced=frame.white_balance_applied,
        cam_from_xyz=_matrix(frame),
        orientation=frame.orientation,
        pixel_aspect=info.pixel_aspect or 1.0,
        iso=frame.metadata.exposure.iso,
        exposure_seconds=frame.metadata.exposure.exposure_time,
        f_number=frame.metadata.exposure.f_number,
    )


def _sites(black: flashraw.BlackLevel, active: Area, side: int, planes: int) -> tuple[float, ...]:
    """One a site of the pattern from the active area's corner, and a plane; deltas are a DNG's alone."""
    level = replace(black, row_deltas=(), col_deltas=())
    places = ((active.left + x, active.top + y) for y in range(side) for x in range(side))
    return tuple(level.at(x, y, plane) for x, y in places for plane in range(planes))


def _matrix(frame: flashraw.Frame) -> list[list[float]]:
    """cam_from_xyz, the daylight one where there are two."""
    d65 = 21  # EXIF LightSource
    matrices = sorted(frame.color_matrices.color, key=lambda matrix: matrix.illuminant != d65)
    return matrices[0].as_array().tolist() if matrices else []


def _area(rect: flashraw.Rect) -> Area:
    return Area(rect.y, rect.x, rect.bottom, rect.right)


def _colors(pattern: str) -> str:
    """The planes after demosaic, in flashraw's order of gains and matrix rows: RGB, RGBE, GMCY."""
    letters = set(pattern or "RGB")
    return "RGB" if letters <= set("RGB") else "".join(c for c in "RGBEMCYW" if c in letters)
