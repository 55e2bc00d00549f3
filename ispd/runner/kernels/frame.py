"""A photo in bands, if there is noise to remove, and in strips: side by side on threads, in memory used again."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ispd.isp import noise
from ispd.isp.look import Look
from ispd.isp.size import picture, scaled
from ispd.isp.stages.orient import orient
from ispd.isp.values import Area, Shot
from ispd.orders import Output
from ispd.runner.kernels import denoise, strip, tables
from ispd.runner.kernels.codes import coded
from ispd.runner.kernels.lateral_ca import REACH
from ispd.runner.kernels.resize import narrowed, reduced
from ispd.runner.kernels.space import Space
from ispd.runner.kernels.tables import CELL, HALO, MARGIN, Floats, Whole

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
Beat: TypeAlias = Callable[[], None]

ROWS = 64  # of a strip
BAND = 4  # strips that noise is removed from at once: less is computed twice at their seams
UNDONE = {6: 8, 8: 6}  # the orientation that undoes another; the others undo themselves
TAPS = 9 * 2 + 1  # of the widest blur


@dataclass(frozen=True)
class Frame:
    """A photo, and what the kernels take for it."""

    samples: NDArray[Any]  # (rows, columns) of the active area
    table: Floats  # LinearizationTable; empty: none
    area: Area
    sensor: tables.Sensor
    scene: tables.Scene
    fringes: tables.Fringes | None  # None: red and blue stay


def render(
    samples: NDArray[Any], shot: Shot, look: Look, outputs: tuple[Output, ...], threads: int, beat: Beat,
    rows: int = ROWS,
) -> list[Pixels]:  # fmt: skip
    """The pictures of a surveyed shot, as `ispd.runner.frame.render` gives them."""
    active, area = shot.active, picture(shot)
    moves = look.camera.corrections.lateral_ca == "auto" and any(shot.lateral_ca)
    far = HALO + REACH if moves else HALO
    frame = Frame(
        samples[0, active.top : active.bottom, active.left : active.right],
        np.array(shot.levels.table, np.float32),
        area,
        tables.sensor(shot, look, area.left - far, area.right + far),
        tables.scene(shot, look),
        tables.fringes(shot) if moves else None,
    )
    with ThreadPoolExecutor(threads) as pool:
        if noise.acts(look.denoise, shot):
            frame = _denoised(frame, shot, look, pool, rows, beat)
        return [_pictured(frame, shot, look, output, pool, rows, beat) for output in outputs]


def _pictured(
    frame: Frame, shot: Shot, look: Look, output: Output, pool: ThreadPoolExecutor, rows: int, beat: Beat
) -> Pixels:
    bits = 8 if output.format == "jpeg" else output.bits
    size = scaled(frame.area.height, frame.area.width, output.size, shot.pixel_aspect)
    p = tables.codes(look, output.space, bits)
    half = len(p.line) // 2 if look.sharpen.amount else 0
    resize = None if size == (frame.area.height, frame.area.width) else Resize.between(frame.area, size)
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
            light = _displayed(frame, outer_top, outer_bottom, space)
        else:
            light = _sized(frame, resize, outer_top, outer_bottom, rows, space)
        work = space.floats("line", (2 * len(p.line) + 9) * size[1] + len(p.line))
        found = np.empty(size[1] + 1, np.int64)
        coded(light, outer_top, top, bottom, p, work, found, pixels.reshape(-1).view(np.uint8), place, *steps)
        held.append(space)

    for _ in pool.map(done, range(0, size[0], rows)):
        beat()
    return pixels


def _denoised(frame: Frame, shot: Shot, look: Look, pool: ThreadPoolExecutor, rows: int, beat: Beat) -> Frame:
    """With codes that have no noise, where the picture and its HALO lie: once, whatever is made of them then."""
    area, (height, width) = frame.area, frame.samples.shape
    left, right = max(0, area.left - HALO) // CELL * CELL, -(-min(width, area.right + HALO) // CELL) * CELL
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

    first = max(0, area.top - HALO) // CELL * CELL
    for _ in pool.map(done, range(first, min(height, area.bottom + HALO), band)):
        beat()
    return replace(frame, samples=clean, table=np.empty(0, np.float32))


def _displayed(frame: Frame, top: int, bottom: int, space: Space) -> Floats:
    """(3, rows, columns): rows of the picture as the screen's light, at the sensor's size."""
    area = frame.area
    far = HALO + REACH if frame.fringes else HALO
    outer_top = area.top + top - far
    outer_rows = tables.mirrored(outer_top, area.top + bottom + far, frame.samples.shape[0])
    codes = space.floats("codes", len(outer_rows), area.width + 2 * far)
    _cut(frame, outer_rows, area.left - far, codes)
    light = space.floats("light", 3, bottom - top, area.width)
    rows = outer_rows[far - HALO : len(outer_rows) - (far - HALO)]
    if frame.fringes:
        mosaic = strip.sensed(codes, outer_rows, outer_top, area.left - far, frame.sensor, frame.fringes, space)
        strip.displayed_mosaic(mosaic[REACH:-REACH, REACH:-REACH], rows, frame.sensor, frame.scene, light, space)
    else:
        strip.displayed(codes, rows, frame.sensor, frame.scene, light, space)
    return light


def _cut(frame: Frame, rows: Whole, start: int, codes: Floats) -> None:
    """Stored codes of these rows, through the file's table, from column `start` on; mirrored where there are none."""
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


def _sized(frame: Frame, resize: Resize, top: int, bottom: int, rows: int, space: Space) -> Floats:
    """(3, rows, columns): rows of an output as the screen's light."""
    taps = resize.row_weights.shape[1]
    first = int(resize.row[top])
    last = min(frame.area.height, int(resize.row[bottom - 1]) + taps)
    sums = space.floats("sums", 3, bottom - top, frame.area.width)
    sums[:] = 0
    for start in range(first, last, rows):
        light = _displayed(frame, start, min(start + rows, last), space)
        reduced(light, start, resize.row, resize.row_weights, top, sums)
    sized = space.floats("sized", 3, bottom - top, resize.width)
    narrowed(sums, resize.column, resize.column_weights, sized)
    return sized
