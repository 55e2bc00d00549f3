"""LibRaw, by rawpy: the reader that knows most cameras.

What LibRaw does to samples while it unpacks, found by comparing its buffers with the stored codes (rawpy 0.28, LibRaw
0.22.2; tests/decode/test_readers.py keeps it true).  The Shot says only what remains to be done.

    LinearizationTable       applied                      → levels.table is dropped
    MapPolynomial (lossy)    applied, result in 0…65535,  → opcode and levels are dropped; black levels other than 0
                             black level forgotten           would be wrong, so such a file is refused
    lossy without it         an sRGB curve is applied     → refused
    floating point           scaled to 0…16383, HDR too   → refused
    black, white, deltas, GainMap, WarpRectilinear, bad   → not applied: all remain
    pixels, white balance, ActiveArea, DefaultCrop
    three planes             in four, the last unused     → cut to the planes that the file has
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import rawpy
from numpy.typing import NDArray

from ispd.decode.dng.codes import LOSSY_JPEG, Tag
from ispd.decode.dng.shot import shot_from_dng
from ispd.decode.dng.tags import cut_short
from ispd.decode.readers.makers import Sensor, shot_of
from ispd.decode.readers.picture import Dng, Picture, Sized, Unreadable, as_planes, check_shape
from ispd.decode.wire import MOST_PLANES, Samples
from ispd.errors import MissingTool
from ispd.isp.color.spaces import xyz_from_rgb
from ispd.isp.values import Area, Levels, MapPolynomial, Matrix, Shot

OLDEST = (0, 22, 1)  # before: heap overflows by crafted DNGs and lossless JPEGs (CVE-2026-21413, TALOS-2026-2363)
NAME = "LibRaw " + ".".join(map(str, rawpy.libraw_version))

# how raw files begin: TIFF and its kin, CRW, CR3, RAF, MRW, X3F
CONTAINERS = (b"II", b"MM", b"\0\0\0\x18ftypcrx", b"FUJIFILM", b"\0MRM", b"FOVb")
EXIF_FROM_FLIP = {0: 1, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}  # LibRaw: 1 mirrors columns, 2 rows, 4 transposes
LINEAR_WHITE = 65535.0  # of what LibRaw has mapped by MapPolynomial, and of its own pictures
FEWEST_EXAMPLES, MOST_EXAMPLES = 1000, 200_000  # pixels from which a matrix is learned
LEAST_COLOR = 0.003  # of the picture's least color against its brightness: with less, noise would make the matrix
MOST_ERROR = 8.0  # codes of 65535: LibRaw rounds twice


def check_version() -> None:
    """Raises MissingTool where LibRaw is one that a crafted file could take over."""
    if rawpy.libraw_version < OLDEST:
        raise MissingTool(f"{NAME} has known security holes: install rawpy 0.28 or newer (LibRaw 0.22.1)")


def read(data: bytes, dng: Dng | None, sized: Sized) -> Picture:
    """Decode.  Raises Unreadable where LibRaw cannot or would be wrong, IncompletePhoto where it runs out of bytes."""
    if dng is not None and dng.layout.floating:
        raise Unreadable("it would make integers of the file's floating-point samples")
    raw = rawpy.RawPy()
    with _our_words(known=data.startswith(CONTAINERS)):
        raw.open_buffer(io.BytesIO(data))
    sizes = raw.sizes
    sized(sizes.raw_width, sizes.raw_height, dng.layout.planes if dng else MOST_PLANES)
    with _our_words(known=True):
        raw.unpack()
        samples = as_planes(raw.raw_image)
        return _of_maker(raw, samples) if dng is None else _of_dng(raw, samples, dng)


def _of_maker(raw: rawpy.RawPy, samples: Samples) -> Picture:
    samples = samples[:3] if len(samples) > 1 else samples
    shot, warnings = shot_of(_sensor(raw, len(samples)))
    return Picture(samples, shot, NAME, warnings)


def _of_dng(raw: rawpy.RawPy, samples: Samples, dng: Dng) -> Picture:
    samples = samples[: dng.layout.planes]
    check_shape(samples, dng)
    shot, warnings = _described(raw, dng)
    return Picture(samples, _what_remains(shot, dng), NAME, warnings)


@contextmanager
def _our_words(*, known: bool) -> Iterator[None]:
    """LibRaw's errors as ours: where it ran out of bytes of a `known` format, the file is cut; else another may try."""
    try:
        yield
    except rawpy.LibRawIOError as error:
        if not known:
            raise Unreadable("not a file that it knows") from error
        raise cut_short("before its pixels do") from error
    except (rawpy.LibRawError, rawpy.NotSupportedError, NotImplementedError, RuntimeError, OSError) as error:
        sentence = error.args[0] if error.args else type(error).__name__
        raise Unreadable(sentence.decode() if isinstance(sentence, bytes) else str(sentence)) from error


def _described(raw: rawpy.RawPy, dng: Dng) -> tuple[Shot, tuple[str, ...]]:
    """What the tags say, with LibRaw's matrix where they have none."""
    matrix = () if Tag.ColorMatrix1 in dng.tiff.holder(Tag.ColorMatrix1) else _matrix(raw)
    return shot_from_dng(dng.tiff, cam_from_xyz=matrix) if matrix else (dng.shot, dng.warnings)


def _what_remains(shot: Shot, dng: Dng) -> Shot:
    """The DNG's shot without what LibRaw has done."""
    if dng.layout.compression != LOSSY_JPEG:
        return replace(shot, levels=replace(shot.levels, table=()))
    mapped = [op for op in shot.opcodes2 if isinstance(op, MapPolynomial)]
    planes = {plane for op in mapped for plane in range(op.region.plane, op.region.plane + op.region.planes)}
    if shot.levels.table or any(shot.levels.black) or len(planes) != dng.layout.planes:
        raise Unreadable("it would lose the black level, or add a curve, of this lossy file")
    levels = Levels((0.0,) * len(planes), (1, 1, len(planes)), (LINEAR_WHITE,) * len(planes))
    others = tuple(op for op in shot.opcodes2 if not isinstance(op, MapPolynomial))
    return replace(shot, levels=levels, opcodes2=others)


def _matrix(raw: rawpy.RawPy) -> Matrix:
    """LibRaw's own cam_from_xyz; empty where it knows none."""
    rows = [tuple(map(float, row)) for row in raw.rgb_xyz_matrix if np.any(row)]
    return tuple(rows) if len(rows) >= 3 else ()


def _matrix_by_example(raw: rawpy.RawPy) -> Matrix:
    """The matrix of a camera that LibRaw knows without telling (old Kodaks'): the one that explains its own picture.

    Empty where it changes nothing, or where the photo has too few colors to tell.
    """
    try:
        camera, srgb = (_small(raw, space) for space in (rawpy.ColorSpace.raw, rawpy.ColorSpace.sRGB))
    except rawpy.LibRawError:  # it has unpacked the photo, and cannot make a picture of it
        return ()
    fair = (camera.min(axis=1) > 0) & (camera.max(axis=1) < LINEAR_WHITE) & (srgb.min(axis=1) > 0)
    fair &= srgb.max(axis=1) < LINEAR_WHITE
    if np.count_nonzero(fair) < FEWEST_EXAMPLES:
        return ()
    camera_from_srgb, _, _, sizes = np.linalg.lstsq(srgb[fair], camera[fair], rcond=None)
    error = np.abs(srgb[fair] @ camera_from_srgb - camera[fair]).mean()
    if sizes[-1] < LEAST_COLOR * sizes[0] or error > MOST_ERROR or np.allclose(camera_from_srgb, np.eye(3), atol=0.01):
        return ()
    matrix = camera_from_srgb.T @ np.linalg.inv(xyz_from_rgb("srgb"))
    return tuple(tuple(row) for row in matrix.tolist())


def _small(raw: rawpy.RawPy, space: rawpy.ColorSpace) -> NDArray[np.float64]:
    """(pixels, 3): LibRaw's picture at half size, linear and not balanced, 16 bits."""
    pixels = raw.postprocess(
        half_size=True,
        user_wb=[1, 1, 1, 1],
        no_auto_bright=True,
        adjust_maximum_thr=0,
        gamma=(1, 1),
        output_bps=16,
        output_color=space,
    )
    some: NDArray[np.float64] = pixels.reshape(-1, 3)[:: 1 + pixels.size // (3 * MOST_EXAMPLES)].astype(np.float64)
    return some


def _sensor(raw: rawpy.RawPy, planes: int) -> Sensor:
    """What LibRaw knows of another maker's raw."""
    sizes = raw.sizes
    active = Area(sizes.top_margin, sizes.left_margin, sizes.top_margin + sizes.height, sizes.left_margin + sizes.width)
    names = raw.color_desc.decode("ascii", "replace").strip("\0 ") or "RGBG"
    colors = names if raw.num_colors == 4 and len(set(names)) == 4 else names[: min(raw.num_colors, 3)]
    indices = [] if planes > 1 or len(colors) == 1 else _pattern(raw, active)
    black = raw.black_level_per_channel
    speed, seconds, f_number = _exposure(raw)
    return Sensor(
        cfa="".join(names[i] for i in indices),
        colors="W" if len(colors) == 1 else colors,
        planes=planes,
        black=tuple(float(black[i]) for i in indices or range(planes)),
        white=float(raw.white_level),
        active=active,
        crop=_crop(sizes),
        as_shot=raw.camera_whitebalance,
        daylight=raw.daylight_whitebalance,
        cam_from_xyz=_matrix(raw) or (_matrix_by_example(raw) if colors == "RGB" and planes == 1 else ()),
        orientation=EXIF_FROM_FLIP.get(sizes.flip, 1),
        pixel_aspect=float(sizes.pixel_aspect),
        iso=round(speed) if 0 < speed < 1e7 else None,
        exposure_seconds=seconds,
        f_number=f_number,
    )


def _pattern(raw: rawpy.RawPy, active: Area) -> list[int]:
    """LibRaw's color indices over one repeat, from the active area's corner; 3 is a second green, or a fourth color."""
    pattern = raw.raw_pattern
    if pattern is None:
        return []
    side = len(pattern)
    return [raw.raw_color(active.top + y, active.left + x) for y in range(side) for x in range(side)]


def _crop(sizes: rawpy.ImageSizes) -> Area | None:
    if not sizes.crop_width or not sizes.crop_height:
        return None
    top, left = sizes.crop_top_margin, sizes.crop_left_margin
    return Area(top, left, top + sizes.crop_height, left + sizes.crop_width)


def _exposure(raw: rawpy.RawPy) -> tuple[float, float, float]:
    """ISO, seconds, f-number; 0 where LibRaw does not know."""
    try:
        other = raw.other
    except (ValueError, OverflowError, OSError):  # it also builds the capture time, of whatever the file says
        return 0.0, 0.0, 0.0
    return other.iso_speed, other.shutter_speed, other.aperture
