"""What the kernels take: the numbers and tables that shot, look and output come to, made once a photo.

Columns are those of the picture with HALO more on both sides, mirrored without repeating the edge where the sensor
ends, which keeps the phase of the filter array; rows are looked up by their number in the active area.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from ispd.isp import noise
from ispd.isp.color import tone
from ispd.isp.color.boundary import most_chroma
from ispd.isp.color.spaces import (
    LAB_FROM_LMS,
    LMS_FROM_LAB,
    LMS_FROM_REC2020,
    REC2020_FROM_LMS,
    SRGB,
    TRANSFERS,
    Transfer,
    rgb_from_rec2020,
)
from ispd.isp.crispness import luminance_law, taps
from ispd.isp.factors import ceiling, exposed, gains, matrix_delta
from ispd.isp.look import Curve, Look, Shading
from ispd.isp.params import Cube, Numbers, Points
from ispd.isp.values import FixVignetteRadial, GainMap, Opcode, Shot, WarpRadial, WarpRectilinear
from ispd.orders import Space

Floats: TypeAlias = NDArray[np.float32]
Whole: TypeAlias = NDArray[np.int64]

HALO = 9  # sites that highlights (1), demosaic (7) and capture_sharpen (1) look away
CELL = 2 * noise.STEP  # sites of a mosaic, in rows and columns, that all lie in the same four blocks of `denoise`
MARGIN = 2  # cells that `denoise` looks away: the blocks that a cell lies in, and those beside them
TAUGHT, TAUGHT_STEPS = 2, 2048  # of a learned curve's table: ranges as long as its own, steps in each
LIFTS = 128  # points of learned shading down the shorter side: straight between them
CURVE_OCTAVES = math.log2(tone.CURVE_TOP / tone.CURVE_FLOOR + 1)
FIRST, OCTAVES, STEPS = -20, 31, 128  # the tone table: from 2^FIRST on, so many octaves of so many steps
f = np.float32


class Sensor(NamedTuple):
    """Levels, flatten, white balance, highlights, capture_sharpen, and where the filter array begins."""

    black: Floats  # (rows of its repeat, columns), with the column's own
    black_of_row: Floats
    span: np.float32
    white: np.float32
    full: np.float32
    balance: Floats  # (2, columns): of even and of odd rows
    maps: Floats  # (maps, points, columns): gains between the points of each map's rows; learned shading is one too
    map_point: Whole  # (maps, rows): the point above; -1 where the map leaves the row alone
    map_part: Floats  # (maps, rows): how far below it
    vignettes: Floats  # (vignettes, 8): center's row, column, 1 / farthest², five coefficients
    column: Floats  # (columns): its number in the active area
    lowest: np.float32  # where highlights are cut; infinite where they are not
    crisp: Floats  # amount, the blur's middle and side, shot and read noise
    red_row: int  # the parity of rows that have red
    red_column: int  # the parity of columns that have red, HALO counted
    last_row: int  # of the active area
    last_column: int
    margin: int  # columns before those that are wanted and their HALO


class Noise(NamedTuple):
    """Denoise.  Planes are R, G, G, B."""

    plane: Whole  # of each site of a quad, row by row
    shot: Floats  # S and O of each plane
    read: Floats
    pedestal: np.float32
    mixing: Floats  # (4, 4): luminance and differences from planes; its transpose leads back
    luminance: np.float32  # energies over the noise's, below which a cosine is noise
    color: np.float32
    moved: np.float32  # how far a block's color moves to that of the blocks around: 0 … 1


class Fringes(NamedTuple):
    """Lateral color of red and blue: where each of their rows and columns finds green, and its own color."""

    row: Whole  # the first one of each color
    column: Whole
    row_line: Whole  # (2, rows): green above the place, and how far below it
    row_part: Floats
    row_cubic: Whole  # (2, rows): the color's own row above the place
    row_weights: Floats  # (2, rows, 4): of its neighbors
    column_line: Whole
    column_part: Floats
    column_cubic: Whole
    column_weights: Floats  # (2, 4, columns)


class Warp(NamedTuple):
    """WarpRectilinear or WarpRadial."""

    radial: bool
    coefficients: Floats  # (planes, 8)
    center_x: np.float32
    center_y: np.float32
    unit: np.float32
    height: int
    width: int


class Scene(NamedTuple):
    """Lens, camera matrix, exposure, curve, finish."""

    vignettes: Floats  # after the warp, if there is one
    matrix: Floats  # exposure in it
    curve: int  # FILMIC, POINTS or CUT
    tone: Floats
    white: np.float32
    saturation: np.float32
    tints: Floats  # shadow red, shadow blue, highlight red, highlight blue
    tinted: bool
    oklab: Floats  # (4, 3, 3): LMS from Rec.2020, Lab from LMS, and back
    srgb: Floats


class Learned(NamedTuple):
    """Local tone, the learned curve, the lattice; what there is none of has no length."""

    stops: np.float32  # that exposure added
    floor: np.float32  # least log2 luminance that local tone looks at
    knot_first: np.float32  # a base's distance from the first knot, and knots a stop
    knot_scale: np.float32
    rises: Floats  # from one knot to the next
    curve: Floats  # (3, steps)
    below: Floats  # (3): slope below black
    steps: np.float32  # an octave
    size: int  # nodes along a lattice's side; 0: none
    nodes: Floats  # of it: red, green, blue, nothing; what is added to a color


class Codes(NamedTuple):
    """Sharpen, gamut, encode, quantize."""

    amount: np.float32
    line: Floats  # the Gaussian's taps
    srgb: Floats
    space: Floats  # (3, 3) from Rec.2020
    compressed: bool
    chroma: Floats  # (hues, lightnesses) of the boundary
    oklab: Floats  # (4, 3, 3): LMS from space, Lab from LMS, LMS from Lab, space from LMS
    transfer: Floats
    bits: int


FILMIC, POINTS, CUT = range(3)


def sensor(shot: Shot, look: Look, left: int, right: int, margin: int = 0) -> Sensor:
    """Of a surveyed shot with a Bayer array, for columns `left` … `right` of its active area; HALO counts as theirs."""
    active, p = shot.active, shot.levels
    columns = mirrored(left, right, active.width)
    pattern = np.array(p.black, np.float32).reshape(p.black_shape)[:, :, 0]
    own = _padded(p.delta_h, active.width)
    factors = gains(look.camera.white_balance, shot.neutral, shot.colors)
    balance = np.array(factors, np.float64)
    crisp = look.capture_sharpen
    sites = np.array([balance["RGB".index(letter)] for letter in shot.cfa], np.float32).reshape(2, 2)
    red_row, red_column = divmod(shot.cfa.index("R"), 2)
    multiplied = shading(shot.opcodes2, look)
    points, point, part = _stacked(
        [*_maps(multiplied, columns, active.height, active.width), *_lifts(shot, look.camera.shading, columns)],
        len(columns), active.height,
    )  # fmt: skip
    return Sensor(
        black=np.ascontiguousarray(pattern[:, columns % pattern.shape[1]] + own[columns]),
        black_of_row=_padded(p.delta_v, active.height),
        span=f(p.white_of(0) - p.greatest_black(0)),
        white=f(p.white_of(0)),
        full=f((p.full or (1.0,))[0]),
        balance=np.ascontiguousarray(sites[:, columns % 2]),
        maps=points,
        map_point=point,
        map_part=part,
        vignettes=_vignettes(multiplied, active.height, active.width),
        column=columns.astype(np.float32),
        lowest=f(balance.min() if look.highlights.method == "clip" else math.inf),
        crisp=np.array([crisp.amount, *taps(crisp.radius_px), *luminance_law(shot.noise_profile, factors)], np.float32),
        red_row=red_row,
        red_column=(red_column - left) % 2,
        last_row=active.height - 1,
        last_column=active.width - 1,
        margin=margin,
    )


def unbalanced(shot: Shot, look: Look, left: int, right: int) -> Sensor:
    """The same without white balance."""
    table = sensor(shot, look, left, right)
    return table._replace(balance=np.ones_like(table.balance))


def denoised(shot: Shot, look: Look) -> Noise:
    """Of a surveyed shot with a Bayer array and noise."""
    colors = ["RGB".index(letter) for letter in shot.cfa]
    order = sorted(range(4), key=colors.__getitem__)
    profile = tuple(shot.noise_profile[colors[site]] for site in order)
    luminance, color = cast(float, look.denoise.luminance), cast(float, look.denoise.color)
    return Noise(
        plane=np.array([order.index(site) for site in range(4)]),
        shot=np.array([shot_noise for shot_noise, _ in profile], np.float32),
        read=np.array([read_noise for _, read_noise in profile], np.float32),
        pedestal=f(noise.pedestal(profile)),
        mixing=noise.mixing(4).astype(np.float32),
        luminance=f((noise.THRESHOLD * luminance) ** 2),
        color=f((noise.THRESHOLD * color) ** 2),
        moved=f(min(1.0, color)),
    )


def fringes(shot: Shot) -> Fringes:
    """Of a surveyed shot with a Bayer array; of use where `Shot.lateral_ca` has scales."""
    scales = shot.lateral_ca or (0.0, 0.0)
    firsts = [divmod(shot.cfa.index(color), 2) for color in "RB"]
    rows = [_taps(row, shot.active.height, scale) for (row, _), scale in zip(firsts, scales, strict=True)]
    columns = [_taps(column, shot.active.width, scale) for (_, column), scale in zip(firsts, scales, strict=True)]
    row, column = ([_even(group) for group in zip(*both, strict=True)] for both in (rows, columns))
    return Fringes(
        np.array([row for row, _ in firsts]), np.array([column for _, column in firsts]),
        row[0], row[1].astype(np.float32), row[2], row[3].astype(np.float32),
        column[0], column[1].astype(np.float32), column[2],
        np.ascontiguousarray(column[3].swapaxes(1, 2).astype(np.float32)),
    )  # fmt: skip


def _taps(first: int, length: int, scale: float) -> tuple[NDArray[Any], ...]:
    """Where every second row from `first` on finds green, and its own color: index, part; index, weights."""
    here = np.arange(first, length, 2)
    away = scale * (here + 0.5 - length / 2)
    line, cubic = here - away, (here + away - first) / 2
    t = cubic - np.floor(cubic)
    weights = [
        ((2 - t) * t - 1) * t / 2, ((3 * t - 5) * t * t + 2) / 2, ((4 - 3 * t) * t + 1) * t / 2, (t - 1) * t * t / 2,
    ]  # fmt: skip
    return _floor(line), line - np.floor(line), _floor(cubic), np.stack(weights, axis=1)


def _floor(place: NDArray[Any]) -> Whole:
    return np.asarray(np.floor(place), np.int64)


def _even(both: tuple[NDArray[Any], NDArray[Any]]) -> NDArray[Any]:
    """Red's and blue's, of which one may have a row more."""
    length = max(map(len, both))
    return np.stack([np.concatenate([one, one[-1:].repeat(length - len(one), axis=0)]) for one in both])


def warp(shot: Shot, look: Look) -> Warp | None:
    """The one of a covered shot."""
    if (opcode := the_warp(shot, look)) is None:
        return None
    height, width = shot.active.height, shot.active.width
    center_x, center_y = opcode.center[0] * width, opcode.center[1] * height
    unit = max(math.hypot(max(center_x, width - center_x), max(center_y, height - center_y)), 1e-6)
    coefficients = [[*plane, *[0.0] * 8][:8] for plane in opcode.planes[:3]]
    radial = isinstance(opcode, WarpRadial)
    return Warp(
        radial, np.array(coefficients, np.float32), f(center_x), f(center_y), f(unit), height, width,
    )  # fmt: skip


def the_warp(shot: Shot, look: Look) -> WarpRectilinear | WarpRadial | None:
    """The first warp of list 3 that is applied; one that is not finite changes nothing."""
    if look.camera.corrections.geometry != "file":
        return None
    warps = (opcode for opcode in shot.opcodes3 if isinstance(opcode, WarpRectilinear | WarpRadial))
    return next((opcode for opcode in warps if opcode.planes and _is_finite(opcode)), None)


def _is_finite(opcode: WarpRectilinear | WarpRadial) -> bool:
    return all(math.isfinite(value) for plane in (*opcode.planes, opcode.center) for value in plane)


def before_warp(shot: Shot, look: Look) -> tuple[Opcode, ...]:
    """List 3 up to its warp."""
    opcode = the_warp(shot, look)
    return shot.opcodes3[: shot.opcodes3.index(opcode)] if opcode else ()


def after_warp(shot: Shot, look: Look) -> tuple[Opcode, ...]:
    """List 3 from its warp on."""
    return shot.opcodes3[len(before_warp(shot, look)) :]


def vignettes(opcodes: tuple[Opcode, ...], shot: Shot, look: Look) -> Floats:
    """Those among some opcodes."""
    return _vignettes(shading(opcodes, look), shot.active.height, shot.active.width)


def scene(shot: Shot, look: Look) -> Scene:
    """Of a surveyed shot."""
    p, tints = look.curve, look.finish
    white = float(tone.white(p, ceiling(shot, look)))
    matrix = np.array(shot.rec2020_from_camera) * float(exposed(shot, look))
    if (delta := matrix_delta(look.camera.matrix, shot.neutral, shot.colors)) is not None:
        matrix = np.array(delta, np.float64) @ matrix
    asked = np.array([tints.shadow_red, tints.shadow_blue, tints.highlight_red, tints.highlight_blue], np.float32)
    filmic = p.method not in ("none", "learned")
    return Scene(
        vignettes=vignettes(after_warp(shot, look), shot, look),
        matrix=matrix.astype(np.float32),
        curve=FILMIC if filmic else POINTS if p.points else CUT,
        tone=_toned(p, white),
        white=f(white),
        saturation=f(cast(float, look.finish.saturation)),
        tints=asked,
        tinted=bool(asked.any()),
        oklab=_matrices(LMS_FROM_REC2020, LAB_FROM_LMS, LMS_FROM_LAB, REC2020_FROM_LMS),
        srgb=np.array(SRGB, np.float32),
    )


def learned(shot: Shot, look: Look) -> Learned | None:
    """Of a surveyed shot; None where the look has nothing of it."""
    curve, cube = look.curve.method == "learned", look.lattice.cube
    if not curve and cube is None and not (shot.bases and _has_local_tone(look)):
        return None
    assert cube is None or isinstance(cube, Cube)
    stops = math.log2(float(exposed(shot, look)))
    tones = np.array(look.local_tone.tones, np.float32)
    table, below = _taught(look.curve, cube is None) if curve else (np.zeros((3, 0)), np.zeros(3))
    return Learned(
        stops=f(stops),
        floor=f(tone.DARKEST + stops),
        knot_first=f(stops - tone.LOCAL_GREY - tone.LOCAL_FIRST),
        knot_scale=f(1 / tone.LOCAL_STEP),
        rises=np.diff(tones),
        curve=table.astype(np.float32),
        below=below.astype(np.float32),
        steps=f(TAUGHT_STEPS / CURVE_OCTAVES),
        size=cube.size if cube else 0,
        nodes=_shifts(cube) if cube else np.zeros(0, np.float32),
    )


def local_maps(shot: Shot, look: Look) -> Floats:
    """(4, rows, columns) over the survey's cells: what bare brightness is multiplied by and what is added, to be the
    lift but for `tones`; the same, to be the large base.  (4, 0, 0) where there is no local tone."""
    p, found = look.local_tone, shot.bases
    if found is None or not _has_local_tone(look):
        return np.zeros((4, 0, 0), np.float32)
    maps = np.frombuffer(found.maps, "<f4").reshape(4, found.rows, found.columns)
    coarse, fine = cast(float, p.coarse), cast(float, p.fine)
    small, small_offset, large, large_offset = maps
    slope = coarse * (small - large) + fine * (1 - small)
    offset = coarse * (small_offset - large_offset) - fine * small_offset
    first = float(p.tones[0]) if len(p.tones) else 0.0
    return np.ascontiguousarray(np.stack([slope, offset + first, large, large_offset]), np.float32)


def places(at: Whole, cell_px: float, count: int) -> tuple[Whole, Floats]:
    """For each pixel of a row or column the map's cell before it, and how far behind its middle it lies."""
    place = ((at + 0.5) / cell_px - 0.5).clip(0, max(count - 1, 0))
    before = np.floor(place).astype(np.int64).clip(max=max(count - 2, 0))
    return before, (place - before).astype(np.float32)


def _has_local_tone(look: Look) -> bool:
    p = look.local_tone
    return len(p.tones) > 0 or cast(float, p.coarse) != 0 or cast(float, p.fine) != 0


def _taught(p: Curve, is_last: bool) -> tuple[NDArray[Any], NDArray[Any]]:
    """(3, steps) what light becomes at even steps of log2(x / CURVE_FLOOR + 1), and (3) the slope below black.

    Light for who comes last; for a lattice the encoded value.
    """
    steps = np.arange(TAUGHT * TAUGHT_STEPS + 2) / TAUGHT_STEPS
    value = _straight(steps, p.heights) + tone.BEYOND * CURVE_OCTAVES * (steps - 1).clip(min=0)
    value = np.append(value, value[0] - tone.BEYOND / 1024)  # a little below black
    channels = np.stack([value + (_straight(value, own) if len(own) else 0) for own in (p.red, p.green, p.blue)])
    if is_last:
        channels = _decoded(channels, SRGB)
    return channels[:, :-1], (channels[:, 0] - channels[:, -1]) * 1024


def _straight(share: NDArray[Any], numbers: Numbers) -> NDArray[Any]:
    knots = np.array(numbers, np.float64)
    return np.asarray(np.interp(share, np.linspace(0, 1, len(knots)), knots))


def _shifts(cube: Cube) -> Floats:
    """Nodes less their own places, four numbers each, so that the next one red follows at once."""
    steps = np.linspace(0, 1, cube.size, dtype=np.float32)
    nodes = np.frombuffer(cube.nodes, "<f4").reshape(*[cube.size] * 3, 3)
    shifts = np.zeros((*[cube.size] * 3, 4), np.float32)
    shifts[..., 0] = nodes[..., 0] - steps
    shifts[..., 1] = nodes[..., 1] - steps[:, None]
    shifts[..., 2] = nodes[..., 2] - steps[:, None, None]
    return shifts.reshape(-1)


def codes(look: Look, space: Space, bits: int) -> Codes:
    """Of one output."""
    to_space = rgb_from_rec2020(space)
    lms_to_space = to_space @ REC2020_FROM_LMS
    return Codes(
        amount=f(cast(float, look.sharpen.amount)),
        line=_gaussian(look.sharpen.radius_px),
        srgb=np.array(SRGB, np.float32),
        space=to_space.astype(np.float32),
        compressed=look.gamut.method == "compress",
        chroma=most_chroma(space).astype(np.float32),
        oklab=_matrices(np.linalg.inv(lms_to_space), LAB_FROM_LMS, LMS_FROM_LAB, lms_to_space),
        transfer=np.array(TRANSFERS[space], np.float32),
        bits=bits,
    )


def mirrored(start: int, stop: int, length: int) -> Whole:
    """Indices start … stop - 1, those outside [0, length) mirrored without repeating the edge."""
    place = np.abs(np.arange(start, stop)) % (2 * length - 2)
    return np.asarray(np.minimum(place, 2 * length - 2 - place))


def shading(opcodes: Iterable[Opcode], look: Look) -> list[GainMap | FixVignetteRadial]:
    """Those of a list that multiply, if the look wants them; what is not finite is left out."""
    wanted = look.camera.corrections.shading == "file"
    asked = [opcode for opcode in opcodes if wanted and isinstance(opcode, GainMap | FixVignetteRadial)]
    return [opcode for opcode in asked if isinstance(opcode, GainMap) or _finite(opcode)]


def _finite(opcode: FixVignetteRadial) -> bool:
    return all(math.isfinite(value) for value in (*opcode.coefficients, *opcode.center))


def _padded(values: tuple[float, ...], length: int) -> Floats:
    return np.array([*values[:length], *[0.0] * (length - len(values))], np.float32)


def _matrices(*matrices: NDArray[Any]) -> Floats:
    return np.stack(matrices).astype(np.float32)


Map: TypeAlias = tuple[
    NDArray[Any], Whole, NDArray[Any]
]  # gains (points, columns); each row's point above, or -1; part


def _maps(opcodes: list[GainMap | FixVignetteRadial], columns: Whole, height: int, width: int) -> list[Map]:
    """The file's, as few as can be: those of two colors in the same rows are one."""
    maps: list[Map] = []
    for opcode in opcodes:
        if not isinstance(opcode, GainMap) or not _acts(opcode):
            continue
        area, (down, right) = opcode.region.area, opcode.spacing
        gained = np.nan_to_num(np.array(opcode.gains)[:, :, 0], nan=1.0, posinf=1.0, neginf=1.0).clip(min=0)
        lower, t = _between(columns, width, right, opcode.origin[1], gained.shape[1])
        between = gained[:, lower] + (gained[:, np.minimum(lower + 1, gained.shape[1] - 1)] - gained[:, lower]) * t
        points = np.where(_in_region(columns, area.left, area.right, opcode.region.col_pitch), between, 1.0)
        rows = np.arange(height)
        lower, t = _between(rows, height, down, opcode.origin[0], len(gained))
        point = np.where(_in_region(rows, area.top, area.bottom, opcode.region.row_pitch), lower, -1)
        last = maps[-1] if maps else None
        if last and _go_together(last, (points, point, t)):
            maps[-1] = last[0] * points, point, t
        else:
            maps.append((points, point, t))
    return maps


def _go_together(a: Map, b: Map) -> bool:
    """Whether two maps lie in the same rows, and never both in one column."""
    if a[0].shape != b[0].shape or not np.array_equal(a[1], b[1]) or not np.array_equal(a[2], b[2]):
        return False
    return bool(((a[0] == 1).all(axis=0) | (b[0] == 1).all(axis=0)).all())


def _lifts(shot: Shot, p: Shading, columns: Whole) -> list[Map]:
    """Learned shading as maps: one for even rows, one for odd ones."""
    terms = {"R": p.red, "G": p.green, "B": p.blue}
    if not any(map(len, terms.values())):
        return []
    height, width = shot.active.height, shot.active.width
    apart = max(2, min(height, width) // LIFTS // 2 * 2)
    rows = np.arange(height)
    at = np.arange(0, height + apart, apart)
    square = (at[:, None] + 0.5 - height / 2) ** 2 + (columns + 0.5 - width / 2) ** 2
    square = np.asarray(square / ((height**2 + width**2) / 4), np.float32)
    point, part = rows // apart, rows % apart / apart
    maps = []
    for number in range(2):
        lifts = np.empty_like(square)
        for column in range(2):
            own = slice((column - int(columns[0])) % 2, None, 2)  # mirrored or not, columns of both kinds take turns
            lifts[:, own] = _lift(square[:, own], terms[shot.cfa[2 * number + column]])
        maps.append((lifts, np.where(rows % 2 == number, point, -1), part))
    return maps


def _lift(square: NDArray[Any], terms: Numbers) -> NDArray[Any]:
    stops = np.zeros_like(square)
    for term in reversed(tuple(map(float, terms))):
        stops = square * (np.float32(term) + stops)
    return np.asarray(np.exp2(stops))


def _stacked(maps: list[Map], columns: int, height: int) -> tuple[Floats, Whole, Floats]:
    """All of them, with as many points each."""
    most = max([2, *[len(points) for points, _, _ in maps]])
    stacked = np.ones((len(maps), most, columns), np.float32)
    for number, (points, _, _) in enumerate(maps):
        stacked[number] = points[np.minimum(np.arange(most), len(points) - 1)]
    point = np.array([at for _, at, _ in maps], np.int64).reshape(-1, height)
    return stacked, point, np.array([part for _, _, part in maps], np.float32).reshape(-1, height)


def _acts(opcode: GainMap) -> bool:
    return opcode.region.plane <= 0 < opcode.region.plane + opcode.region.planes and np.array(opcode.gains).size > 0


def _in_region(index: Whole, start: int, stop: int, pitch: int) -> NDArray[np.bool_]:
    return np.asarray((index >= start) & (index < stop) & ((index - start) % max(1, pitch) == 0))


def _between(index: Whole, size: int, spacing: float, origin: float, points: int) -> tuple[Whole, NDArray[np.floating]]:
    """For each index the map's point before it, and how far it stands behind that."""
    if points < 2 or not (math.isfinite(spacing) and math.isfinite(origin)) or spacing <= 0:
        return np.zeros(len(index), np.int64), np.zeros(len(index))
    with np.errstate(over="ignore"):  # a spacing next to nothing: every pixel lies beyond the last point
        at = (((index + 0.5) / size - origin) / spacing).clip(0, points - 1)
    lower = np.floor(at).astype(np.int64).clip(max=points - 2)
    return lower, at - lower


def _vignettes(opcodes: list[GainMap | FixVignetteRadial], height: int, width: int) -> Floats:
    found = [_vignette(opcode, height, width) for opcode in opcodes if isinstance(opcode, FixVignetteRadial)]
    return np.array(found, np.float32).reshape(-1, 8)


def _vignette(opcode: FixVignetteRadial, height: int, width: int) -> list[float]:
    center_x, center_y = opcode.center[0] * width, opcode.center[1] * height
    farthest = max(center_x, width - center_x) ** 2 + max(center_y, height - center_y) ** 2
    coefficients = [*opcode.coefficients, *[0.0] * 5][:5]
    return [center_y - 0.5, center_x - 0.5, 1 / max(farthest, 1e-6), *coefficients]


def _toned(p: Curve, white: float) -> Floats:
    """What the norm of a color becomes: a value for every step of FIRST … FIRST + OCTAVES, and one more."""
    steps = np.arange(OCTAVES * STEPS + 2)
    norm = 2.0 ** (FIRST + steps // STEPS) * (1 + steps % STEPS / STEPS)
    toned = norm if p.method in ("none", "learned") else tone.tone(norm, p, white)
    return np.asarray(_pointed(toned, p.points) if p.points else toned, np.float32)


def _pointed(light: NDArray[Any], points: Points) -> NDArray[Any]:
    """The points of `ispd.isp.stages.curve`, on sRGB-encoded values."""
    knee, slope, scale, exponent = SRGB
    x = np.where(light <= knee, slope * light, scale * light.clip(min=knee) ** exponent - (scale - 1))
    y = _monotone(x, np.array(points, np.float64))
    return _decoded(y, SRGB)


def _decoded(y: NDArray[Any], transfer: Transfer) -> NDArray[Any]:
    knee, slope, scale, exponent = transfer
    end = slope * knee
    curved = ((np.abs(y).clip(min=end) + scale - 1) / scale) ** (1 / exponent)
    return np.asarray(np.sign(y) * np.where(np.abs(y) <= end, np.abs(y) / slope, curved))


def _monotone(x: NDArray[Any], knots: NDArray[Any]) -> NDArray[Any]:
    px, py = knots.T
    if len(knots) == 1:
        return np.full_like(x, py[0])
    width = np.diff(px).clip(min=1e-6)
    secant = np.diff(py) / width
    before, after = secant[:-1], secant[1:]
    weight = (1 + width[1:] / (width[:-1] + width[1:])) / 3
    rising = before * after > 0
    mean = np.where(rising, weight * after + (1 - weight) * before, 1.0)
    slopes = np.concatenate([secant[:1], np.where(rising, before * after / mean, 0.0), secant[-1:]])
    at = x.clip(px[0], px[-1])
    piece = (np.searchsorted(px, at, side="right") - 1).clip(0, len(knots) - 2)
    t = (at - px[piece]) / width[piece]
    left, rise = py[piece], py[piece + 1] - py[piece]
    bend_left, bend_right = slopes[piece] * width[piece], slopes[piece + 1] * width[piece]
    rest = 3 * rise - 2 * bend_left - bend_right + t * (bend_left + bend_right - 2 * rise)
    return np.asarray(left + t * (bend_left + t * rest))


def _gaussian(radius_px: float) -> Floats:
    half = math.ceil(3 * radius_px)
    line = np.exp(-0.5 * (np.arange(-half, half + 1) / radius_px) ** 2)
    return np.asarray(line / line.sum(), np.float32)
