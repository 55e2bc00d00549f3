"""From a DNG's tags to the Shot that rendering needs.

Each fact is read, judged, and either taken, replaced by what the specification makes the default, or refused: a picture
that would be quietly wrong is never made.  The judgments, in the order of the code:

    refused     no raw picture, its size, bits, compression, strips; a color filter that is none; black above white;
                a linearization table that makes everything one value; an unknown correction that the file requires
    replaced    orientation, active area, crop, black, white, deltas, exposure, balance and matrices that make no sense
                (each with a warning)

Source  DNG 1.7.1 chapters 4 and 5
"""

from __future__ import annotations

import math

from ispd.decode.dng.camera_profile import read_camera_profile
from ispd.decode.dng.codes import CFA_PHOTOMETRIC, Tag
from ispd.decode.dng.color import color_from_dng
from ispd.decode.dng.layout import Layout, check_dng_layout, read_layout
from ispd.decode.dng.levels import read_levels
from ispd.decode.dng.opcodes import Frame, read_opcodes
from ispd.decode.dng.tags import Ifd, Tiff, cut_short
from ispd.errors import PhotoError
from ispd.isp.values import Area, Matrix, Opcode, Shot
from ispd.orders import scene_ev

MOST_EV = 10.0  # of BaselineExposure, either way; a video camera's log reaches about 3
MOST_ASPECT = 8.0  # of a pixel
MOST_CFA_SIDE = 8
TEXTS = {Tag.ImageDescription, Tag.Artist, Tag.Software, Tag.XMP, Tag.ProfileName}
RENDERING = frozenset(int(tag) for tag in Tag) - TEXTS
NOT_APPLIED = {
    "a local tone map (ProfileGainTableMap)": (Tag.ProfileGainTableMap, Tag.ProfileGainTableMap2),
    "a look by color lattices (RGBTables)": (Tag.RGBTables,),
}
MOST_NOISE = 1.0  # S and O: at 1 the noise is as large as white; a phone in the dark has 0.02
COLOR_LETTERS = "RGBCMYW"  # CFAPlaneColor's numbers, by TIFF/EP


def shot_from_dng(tiff: Tiff, *, cam_from_xyz: Matrix = ()) -> tuple[Shot, tuple[str, ...]]:
    """The shot that the tags describe, and a sentence for each thing that had to be ignored or guessed.

    `cam_from_xyz` is the reader's own matrix for this camera (LibRaw's rgb_xyz_matrix, zero rows dropped), used only
    where the file has no usable one.  The levels hold the file's LinearizationTable: drop it where the reader has
    applied it.  Raises PhotoError where no picture can come of it.
    """
    raw = raw_of(tiff)
    layout = read_layout(raw)
    check_dng_layout(layout)
    warnings = list(tiff.warnings)
    cfa, colors = _filter(raw, layout, warnings)
    active = _active_area(raw, layout, warnings)
    orientation, trouble = orientation_of(tiff)
    warnings += trouble
    color = color_from_dng(tiff, colors, cam_from_xyz)
    warnings += color.warnings
    stored = Frame(layout.height, layout.width, layout.planes)
    visible = Frame(active.height, active.width, layout.planes)
    demosaiced = Frame(active.height, active.width, len(colors))
    shot = Shot(
        cfa=cfa,
        colors=colors,
        levels=read_levels(raw, layout, active, warnings),
        active=active,
        crop=_crop(raw, active, warnings),
        neutral=color.neutral,
        lights=color.lights,
        rec2020_from_camera=color.rec2020_from_camera,
        baseline_exposure=_baseline_exposure(tiff, warnings),
        orientation=orientation,
        pixel_aspect=_pixel_aspect(raw, warnings),
        iso=iso_of(tiff),
        scene_ev=scene_ev_of(tiff),
        noise_profile=_noise_profile(tiff, len(colors)),
        opcodes1=_opcodes(raw, Tag.OpcodeList1, stored, warnings),
        opcodes2=_opcodes(raw, Tag.OpcodeList2, visible, warnings),
        opcodes3=_opcodes(raw, Tag.OpcodeList3, demosaiced, warnings),
        camera_profile=read_camera_profile(tiff, color, warnings),
    )
    for what, tags in NOT_APPLIED.items():
        if any(tag in ifd for tag in tags for ifd in (tiff.first, raw)):
            warnings.append(f"the file asks for {what}: it is not applied")
    return shot, tuple(dict.fromkeys(warnings))


def raw_of(tiff: Tiff) -> Ifd:
    """The directory of the sensor's picture.  Raises IncompletePhoto or PhotoError where there is none."""
    if tiff.raw is not None:
        for ifd in (tiff.first, tiff.raw):
            if ifd.cut or ifd.lost & RENDERING:
                raise cut_short("before the description of its picture")
        return tiff.raw
    if tiff.cut:
        raise cut_short("before the description of its picture")
    if not tiff.is_dng:
        raise PhotoError("a TIFF, but not a raw file: it has no DNG tags and no sensor data")
    raise PhotoError("a DNG without a raw picture: it holds previews at most")


def orientation_of(tiff: Tiff) -> tuple[int, tuple[str, ...]]:
    """EXIF 1…8, and a warning where what the file says is none of them."""
    orientation = tiff.holder(Tag.Orientation).integer(Tag.Orientation, 1)
    if 1 <= orientation <= 8:
        return orientation, ()
    if orientation in (0, 9):  # TIFF/EP's 9 is "unknown"; 0 is an unset field
        return 1, ()
    return 1, (f"the file's orientation is {orientation}, which is none: taken as upright",)


def iso_of(tiff: Tiff) -> int | None:
    """ISO by EXIF; 65535 there means that the other tag has it."""
    exif = tiff.of("exif")
    for ifd in (exif, tiff.first):
        if ifd is None:
            continue
        for tag in (Tag.PhotographicSensitivity, Tag.RecommendedExposureIndex):
            iso = ifd.integer(tag, 0)
            if 0 < iso < 100_000_000 and not (tag == Tag.PhotographicSensitivity and iso == 65535):
                return iso
    return None


def scene_ev_of(tiff: Tiff) -> float | None:
    """How bright the scene was, by EXIF."""
    exif = tiff.of("exif") or tiff.first
    return scene_ev(exif.number(Tag.ExposureTime, 0.0), exif.number(Tag.FNumber, 0.0), iso_of(tiff))


def _filter(raw: Ifd, layout: Layout, warnings: list[str]) -> tuple[str, str]:
    """(cfa, colors): the mosaic's letters and one letter a camera color."""
    if raw.integer(Tag.PhotometricInterpretation, 0) != CFA_PHOTOMETRIC:
        return "", _linear_colors(layout)
    if layout.planes != 1:
        raise PhotoError(f"the file's mosaic has {layout.planes} samples a site: ispd knows mosaics of one")
    rows, columns = (*raw.integers(Tag.CFARepeatPatternDim, 2), 0, 0)[:2]
    if not (1 <= rows <= MOST_CFA_SIDE and 1 <= columns <= MOST_CFA_SIDE):
        raise PhotoError(f"the file's color filter repeats every {rows} × {columns} sites: that cannot be")
    colors = _plane_colors(raw)
    codes = raw.integers(Tag.CFAPattern, rows * columns)
    if len(codes) != rows * columns or not all(0 <= c < len(COLOR_LETTERS) for c in codes):
        raise PhotoError("the file's color filter has colors that no sensor has")
    if raw.integer(Tag.CFALayout, 1) not in (0, 1):
        raise PhotoError("the file's color filter is staggered (CFALayout): ispd knows rectangular ones")
    letters = "".join(COLOR_LETTERS[c] for c in codes)
    if len(set(letters)) == 1:
        if letters[0] != "W":
            warnings.append("every site of the file's color filter has the same color: developed as black and white")
        return "", "W"
    if set(letters) != set(colors):
        raise PhotoError(f"the file's color filter has the colors {letters}, its color planes are {colors}")
    return _square(letters, rows, columns), colors


def _linear_colors(layout: Layout) -> str:
    colors = {1: "W", 3: "RGB"}.get(layout.planes)
    if colors is None:
        raise PhotoError(f"the file has {layout.planes} color planes: ispd knows pictures of 1 and 3")
    return colors


def _plane_colors(raw: Ifd) -> str:
    codes = raw.integers(Tag.CFAPlaneColor, 8) or (0, 1, 2)
    if not all(0 <= c < len(COLOR_LETTERS) for c in codes) or len(set(codes)) != len(codes):
        raise PhotoError("the file's color planes (CFAPlaneColor) are colors that no sensor has")
    return "".join(COLOR_LETTERS[c] for c in codes)


def _square(letters: str, rows: int, columns: int) -> str:
    """The pattern repeated until it is square: `Cfa` is one."""
    side = math.lcm(rows, columns)
    lines = [letters[columns * (i % rows) : columns * (i % rows + 1)] for i in range(side)]
    return "".join((line * side)[:side] for line in lines)


def _active_area(raw: Ifd, layout: Layout, warnings: list[str]) -> Area:
    whole = Area(0, 0, layout.height, layout.width)
    if Tag.ActiveArea not in raw:
        return whole
    edges = raw.integers(Tag.ActiveArea, 4)
    if len(edges) == 4:
        top, left, bottom, right = edges
        if 0 <= top < bottom <= layout.height and 0 <= left < right <= layout.width:
            return Area(top, left, bottom, right)
    warnings.append("the file's active area makes no sense: the whole image is taken")
    return whole


def _crop(raw: Ifd, active: Area, warnings: list[str]) -> Area:
    """DefaultCrop within the active area, to whole pixels."""
    whole = Area(0, 0, active.height, active.width)
    if Tag.DefaultCropSize not in raw:
        return whole
    origin = raw.numbers(Tag.DefaultCropOrigin, 2) or (0.0, 0.0)
    size = raw.numbers(Tag.DefaultCropSize, 2)
    if len(origin) != 2 or len(size) != 2 or not all(map(math.isfinite, (*origin, *size))) or min(size) < 1:
        warnings.append("the file's crop makes no sense: the whole picture is taken")
        return whole
    left, top = round(origin[0]), round(origin[1])
    right, bottom = left + round(size[0]), top + round(size[1])
    crop = Area(max(top, 0), max(left, 0), min(bottom, active.height), min(right, active.width))
    if crop.height < 1 or crop.width < 1:
        warnings.append("the file's crop lies outside its picture: the whole picture is taken")
        return whole
    if (crop.top, crop.left, crop.bottom, crop.right) != (top, left, bottom, right):
        warnings.append("the file's crop reaches beyond its picture: it is cut to it")
    return crop


def _pixel_aspect(raw: Ifd, warnings: list[str]) -> float:
    """DefaultScale says by how much to widen and to heighten a pixel."""
    if Tag.DefaultScale not in raw:
        return 1.0
    scale = raw.numbers(Tag.DefaultScale, 2)
    if len(scale) == 2 and all(math.isfinite(v) and v > 0 for v in scale):
        aspect = scale[0] / scale[1]
        if 1 / MOST_ASPECT <= aspect <= MOST_ASPECT:
            return aspect
    warnings.append("the file's pixel shape (DefaultScale) makes no sense: square pixels are taken")
    return 1.0


def _baseline_exposure(tiff: Tiff, warnings: list[str]) -> float:
    """0/0 is how some writers say "none"."""
    ev = tiff.holder(Tag.BaselineExposure).number(Tag.BaselineExposure, 0.0)
    if math.isnan(ev):
        return 0.0
    if abs(ev) > MOST_EV:
        warnings.append(f"the file asks for {ev:+g} stops of exposure: left out, since that makes no picture")
        return 0.0
    return ev


def _noise_profile(tiff: Tiff, colors: int) -> tuple[tuple[float, float], ...]:
    """(S, O) a color; one pair serves all."""
    ifd = tiff.raw if tiff.raw is not None and Tag.NoiseProfile in tiff.raw else tiff.first
    values = ifd.numbers(Tag.NoiseProfile, 2 * colors)
    pairs = tuple(zip(values[0::2], values[1::2], strict=False))
    if len(values) not in (2, 2 * colors) or not all(0 <= s <= MOST_NOISE and -s < o <= MOST_NOISE for s, o in pairs):
        return ()
    return pairs * (colors // len(pairs))


def _opcodes(raw: Ifd, tag: Tag, frame: Frame, warnings: list[str]) -> tuple[Opcode, ...]:
    if tag not in raw:
        return ()
    opcodes, trouble = read_opcodes(raw.data(tag), frame, tag.name)
    warnings += trouble
    return opcodes
