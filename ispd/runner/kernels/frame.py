"""A photo in bands, for defects and noise, and in strips: side by side on threads, in memory used again."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ispd.isp import noise
from ispd.isp.defects import worst
from ispd.isp.look import Look
from ispd.isp.size import picture, scaled
from ispd.isp.stages.orient import orient
from ispd.isp.values import Area, Shot
from ispd.orders import Output
from ispd.runner.kernels import denoise, hot_pixels, strip, tables
from ispd.runner.kernels.codes import coded, needed
from ispd.runner.kernels.lateral_ca import REACH
from ispd.runner.kernels.resize import narrowed, reduced
from ispd.runner.kernels.space import Space
from ispd.runner.kernels.tables import CELL, HALO, MARGIN, Floats, Whole
from ispd.runner.kernels.warp import fetched, placed, shaded

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
Beat: TypeAlias = Callable[[], None]
Displayed: TypeAlias = Callable[[int, int, Space], Floats]  # (3, rows, columns): these rows as the screen's light

ROWS = 64  # of a strip
TALL_ROWS = 192  # where a warp fetches rows from far away
BAND = 4  # strips that noise is removed from at once: less is computed twice at their seams
UNDONE = {6: 8, 8: 6}  # the orientation that undoes another; the others undo themselves
TAPS = 9 * 2 + 1  # of the widest blur


@dataclass(frozen=True)
class Frame:
    """A photo, and what the kernels take for it."""

    samples: NDArray[Any]  # (rows, columns) of the active area
    table: Floats  # LinearizationTable; empty: none
    area: Area  # the picture
    developed: Area  # what is demosaiced: more than the picture where a warp fetches it
    far: int  # sites around that are looked at
    sensor: tables.Sensor
    grade: strip.Grade
    fringes: tables.Fringes | None  # None: red and blue stay
    warp: tables.Warp | None
    shading: Floats  # vignettes before the warp
    defects: hot_pixels.Defects | None = None  # None: nobody has looked, or they are mended


def render(
    samples: NDArray[Any], shot: Shot, look: Look, outputs: tuple[Output, ...], threads: int, beat: Beat,
    rows: int = 0,
) -> list[Pixels]:  # fmt: skip
    """The pictures of a surveyed shot, as `ispd.runner.frame.render` gives them."""
    frame = _frame(samples, shot, look)
    rows = rows or (TALL_ROWS if frame.warp else ROWS)
    with ThreadPoolExecutor(threads) as pool:
        if look.hot_pixels.method == "repair":
            frame = _searched(frame, shot, look, pool, rows, beat)
        if noise.acts(look.denoise, shot):
            frame = _denoised(frame, shot, look, pool, rows, beat)
        return _pictured(partial(_displayed, frame), shot, look, outputs, pool, rows, beat)


def finished(
    display: Floats, shot: Shot, look: Look, outputs: tuple[Output, ...], threads: int, beat: Beat
) -> list[Pixels]:
    """The pictures of what a network has made, (3, H, W) display-linear, as the sensor lies, retouched."""

    def rows(top: int, bottom: int, space: Space) -> Floats:
        light = space.floats("light", 3, bottom - top, display.shape[2])
        light[:] = display[:, top:bottom]
        return light

    with ThreadPoolExecutor(threads) as pool:
        return _pictured(rows, shot, look, outputs, pool, ROWS, beat)


def _frame(samples: NDArray[Any], shot: Shot, look: Look) -> Frame:
    active, area, warp = shot.active, picture(shot), tables.warp(shot, look)
    developed = Area(0, 0, active.height, active.width) if warp else area
    moves = look.camera.corrections.lateral_ca == "auto" and any(shot.lateral_ca)
    far = HALO + REACH if moves else HALO
    return Frame(
        samples[0, active.top : active.bottom, active.left : active.right],
        np.array(shot.levels.table, np.float32),
        area,
        developed,
        far,
        tables.sensor(shot, look, developed.left - far, developed.right + far, far - HALO),
        _grade(shot, look, area),
        tables.fringes(shot) if moves else None,
        warp,
        tables.vignettes(tables.before_warp(shot, look), shot, look),
    )


def _grade(shot: Shot, look: Look, area: Area) -> strip.Grade:
    maps = tables.local_maps(shot, look)
    cell_px = shot.bases.cell_px if shot.bases else 1.0
    before, share = tables.places(np.arange(area.left, area.right), cell_px, max(1, maps.shape[2]))
    return strip.Grade(tables.scene(shot, look), tables.learned(shot, look), maps, cell_px, before, share)


def _pictured(
    displayed: Displayed, shot: Shot, look: Look, outputs: tuple[Output, ...], pool: ThreadPoolExecutor, rows: int,
    beat: Beat,
) -> list[Pixels]:  # fmt: skip
    return [_output(displayed, shot, look, output, pool, rows, beat) for output in outputs]


def _output(
    displayed: Displayed, shot: Shot, look: Look, output: Output, pool: ThreadPoolExecutor, rows: int, beat: Beat
) -> Pixels:
    bits = 8 if output.format == "jpeg" else output.bits
    area = picture(shot)
    size = scaled(area.height, area.width, output.size, shot.pixel_aspect)
    p = tables.codes(look, output.space, bits)
    half = len(p.line) // 2 if look.sharpen.amount else 0
    resize = None if size == (area.height, area.width) else Resize.between(area, size)
    shape = (*(size[::-1] if shot.orientation in (5, 6, 7, 8) else size), 3)
    pixels: Pixels = np.empty(shape, np.uint8) if bits == 8 else np.empty(shape, np.uint16)
    lying = orient(pixels, UNDONE.get(shot.orientation, shot.orientation))
    place = (lying.__array_interface__["data"][0] - pixels.__array_interface__["data"][0]) // pixels.itemsize
    steps = [step // pixels.itemsize for step in lying.strides[:2]]
    held: list[Space] = []

    def done(top: int) -> None:
        space = held.pop() if held else Space()
        bottom = min(top + rows, size[0])
        outer_top, outer_bottom = max(0, top - half), min(size[0], bottom + half)
        if resize is None:
            light = displayed(outer_top, outer_bottom, space)
        else:
            light = _sized(displayed, area, resize, outer_top, outer_bottom, rows, space)
        length, places = needed(size[1], p)
        work, found = space.floats("line", length), np.empty(places, np.int32)
        coded(light, outer_top, top, bottom, p, work, found, pixels.reshape(-1).view(np.uint8), place, *steps)
        held.append(space)

    for _ in pool.map(done, range(0, size[0], rows)):
        beat()
    return pixels


def _searched(frame: Frame, shot: Shot, look: Look, pool: ThreadPoolExecutor, rows: int, beat: Beat) -> Frame:
    """With its defects known."""
    (height, width), far = frame.samples.shape, hot_pixels.REACH
    sensor = tables.unbalanced(shot, look, -far, width + far)
    shot_noise, read_noise = (np.float32(most) for most in worst(shot.noise_profile))
    held: list[Space] = []

    def done(top: int) -> tuple[Whole, Floats]:
        space = held.pop() if held else Space()
        index = tables.mirrored(top - far, min(top + rows, height) + far, height)
        codes, gains = (space.floats(name, len(index), width + 2 * far) for name in ("codes", "gains"))
        _cut(frame, index, -far, codes)
        place, code = np.empty(codes.size, np.int64), space.floats("code", codes.size)
        work, suspects = space.floats("work", codes.shape[1] + 8), np.empty(codes.shape[1], np.int64)
        count = hot_pixels.defects(codes, index, sensor, shot_noise, read_noise, gains, work, suspects, place, code)
        held.append(space)
        return place[:count] + top * width, code[:count].copy()

    found: list[tuple[Whole, Floats]] = []
    for part in pool.map(done, range(0, height, rows)):
        found.append(part)
        beat()
    place, code = (np.concatenate(parts) for parts in zip(*found, strict=True))
    first = np.searchsorted(place, np.arange(height + 1) * width)
    return replace(frame, defects=hot_pixels.Defects(first, place % width, code))


def _denoised(frame: Frame, shot: Shot, look: Look, pool: ThreadPoolExecutor, rows: int, beat: Beat) -> Frame:
    """With codes that have no noise, where they are needed: once, whatever is made of them then."""
    area, far, (height, width) = frame.developed, frame.far, frame.samples.shape
    left, right = max(0, area.left - far) // CELL * CELL, -(-min(width, area.right + far) // CELL) * CELL
    band = BAND * -(-rows // CELL) * CELL
    columns, length = denoise.needed(band + 2 * MARGIN * CELL, right - left + 2 * MARGIN * CELL)
    outer_left = left - MARGIN * CELL
    sensor = tables.sensor(shot, look, outer_left, outer_left + columns)
    p = tables.denoised(shot, look)
    clean = np.empty((height, width), np.float32)
    held: list[Space] = []

    def done(top: int) -> None:
        space = held.pop() if held else Space()
        bottom = min(top + band, height)
        outer_bottom = -(-bottom // CELL) * CELL + MARGIN * CELL
        index = tables.mirrored(top - MARGIN * CELL, outer_bottom, height)
        codes = space.floats("codes", len(index), columns)
        _cut(frame, index, outer_left, codes)
        work = space.floats("work", length)
        denoise.cleared(codes, index, sensor, p, work, clean[top:bottom], left)
        held.append(space)

    first = max(0, area.top - far) // CELL * CELL
    for _ in pool.map(done, range(first, min(height, area.bottom + far), band)):
        beat()
    return replace(frame, samples=clean, table=np.empty(0, np.float32), defects=None)


def _displayed(frame: Frame, top: int, bottom: int, space: Space) -> Floats:
    """(3, rows, columns): rows of the picture as the screen's light, at the sensor's size."""
    first, last = frame.area.top + top, frame.area.top + bottom
    light = space.floats("light", 3, bottom - top, frame.area.width)
    if frame.warp:
        _unwarped(frame, first, last, light, space)
        return light
    codes, rows = _around(frame, first, last, space)
    if frame.fringes:
        strip.displayed_mosaic(codes, rows, frame.sensor, frame.grade, light, space)
    else:
        strip.displayed(codes, rows, frame.sensor, frame.grade, light, space)
    return light


def _unwarped(frame: Frame, first: int, last: int, light: Floats, space: Space) -> None:
    """Rows of the active area as the screen's light, each pixel fetched from where the lens has put it."""
    assert frame.warp is not None
    area, planes, end = frame.area, len(frame.warp.coefficients), frame.warp.height - 1
    rows = np.arange(first, last)
    across, down = (space.floats(name, planes, last - first, area.width) for name in ("across", "down"))
    for plane in range(planes):
        placed(rows, area.left, frame.warp, plane, across[plane], down[plane])
    top, bottom = (min(max(int(place), 0), end) for place in (np.floor(down.min()) - 1, np.floor(down.max()) + 2))
    camera = space.floats("camera", 3, bottom + 1 - top, frame.developed.width)
    codes, sensed_rows = _around(frame, top, bottom + 1, space)
    if frame.fringes:
        strip.camera_of_mosaic(codes, sensed_rows, frame.sensor, camera, space)
    else:
        strip.camera_of_codes(codes, sensed_rows, frame.sensor, camera, space)
    shaded(camera, top, np.arange(camera.shape[2], dtype=np.float32), frame.shading)
    weights, corner = space.floats("weights", 8, area.width), np.empty((2, area.width), np.int64)
    fetched(camera, top, end, across, down, light, weights, corner)
    strip.displayed_camera(light, rows, np.arange(area.left, area.right, dtype=np.float32), frame.grade, space)


def _around(frame: Frame, first: int, last: int, space: Space) -> tuple[Floats, Whole]:
    """Rows of the active area with HALO more, and their numbers: codes, or a mosaic where red and blue have moved."""
    area, far, height = frame.developed, frame.far, frame.samples.shape[0]
    outer = tables.mirrored(first - far, last + far, height)
    codes = space.floats("codes", len(outer), area.width + 2 * far)
    _cut(frame, outer, area.left - far, codes)
    if frame.fringes is None:
        return codes, outer
    mosaic = strip.sensed(codes, outer, first - far, area.left - far, frame.sensor, frame.fringes, space)
    return mosaic[REACH:-REACH, REACH:-REACH], outer[REACH:-REACH]


def _cut(frame: Frame, rows: Whole, start: int, codes: Floats) -> None:
    """Codes of these rows, through the file's table and mended, from column `start` on; mirrored outside."""
    width, stop = frame.samples.shape[1], start + codes.shape[1]
    first, last = int(rows.min()), int(rows.max())
    held = frame.samples[first : last + 1] if len(rows) == last + 1 - first else frame.samples[rows]
    left, right = max(0, start), min(width, stop)
    inner = slice(left - start, right - start)
    codes[:, inner] = held[:, left:right]
    columns = tables.mirrored(start, stop, width)
    for outer in (slice(0, inner.start), slice(inner.stop, codes.shape[1])):
        codes[:, outer] = held[:, columns[outer]]
    if len(frame.table):
        codes[:] = frame.table[np.nan_to_num(codes.round()).clip(0, len(frame.table) - 1).astype(np.intp)]
    if frame.defects:
        hot_pixels.patched(codes, rows, start, width, frame.defects)


@dataclass(frozen=True)
class Resize:
    """Which rows and columns of the picture an output's row and column are made of, and with what weights."""

    row: Whole
    row_weights: Floats  # (output rows, taps)
    column: Whole
    column_weights: Floats  # (taps, output columns)
    width: int

    @classmethod
    def between(cls, area: Area, size: tuple[int, int]) -> Resize:
        """From the picture to an output."""
        row, row_weights = triangles(area.height, size[0])
        column, column_weights = triangles(area.width, size[1])
        return cls(row, row_weights, column, np.ascontiguousarray(column_weights.T), size[1])


def triangles(length: int, wanted: int) -> tuple[Whole, Floats]:
    """First index and weights (wanted, taps) of torch's antialiased bilinear: a triangle as wide as the reduction."""
    scale = length / wanted
    support = max(scale, 1.0)
    center = scale * (np.arange(wanted) + 0.5)
    start = np.floor(center - support + 0.5).astype(np.int64).clip(min=0)
    stop = np.floor(center + support + 0.5).astype(np.int64).clip(max=length)
    taps = int((stop - start).max())
    first = np.minimum(start, length - taps)  # so that all lie inside
    place = first[:, None] + np.arange(taps)
    weights = (1 - np.abs(place - center[:, None] + 0.5) / support).clip(min=0)
    weights *= (place >= start[:, None]) & (place < stop[:, None])
    return first, (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _sized(displayed: Displayed, area: Area, resize: Resize, top: int, bottom: int, rows: int, space: Space) -> Floats:
    """(3, rows, columns): rows of an output as the screen's light."""
    taps = resize.row_weights.shape[1]
    first = int(resize.row[top])
    last = min(area.height, int(resize.row[bottom - 1]) + taps)
    sums = space.floats("sums", 3, bottom - top, area.width)
    sums[:] = 0
    for start in range(first, last, rows):
        light = displayed(start, min(start + rows, last), space)
        reduced(light, start, resize.row, resize.row_weights, top, sums)
    sized = space.floats("sized", 3, bottom - top, resize.width)
    narrowed(sums, resize.column, resize.column_weights, sized)
    return sized
