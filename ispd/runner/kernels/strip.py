"""The pipeline of `ispd.isp.render`, fused: what happens to a strip of rows, stage by stage, without leaving the cache.

    stored codes ─ (sensed ▶ mosaic) ─ displayed ▶ screen's light ─ (reduced ▶ at the output's size) ─ coded ▶ pixels

Every stage is compiled, releases the GIL, and works in arrays that are used again for every strip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ispd.runner.kernels.capture_sharpen import capture_sharpen
from ispd.runner.kernels.demosaic import directional
from ispd.runner.kernels.lateral_ca import LINES, TAPS, lateral_ca
from ispd.runner.kernels.light import graded
from ispd.runner.kernels.sensor import cut, highlights, levels, mirror
from ispd.runner.kernels.space import Space
from ispd.runner.kernels.tables import HALO, Floats, Fringes, Learned, Scene, Sensor, Whole, places

COLUMNS = 512  # of a tile: with the rows of a strip, what fits the second cache.  Always the same: bytes depend on it


def sensed(codes: Floats, rows: Whole, top: int, left: int, sensor: Sensor, fringes: Fringes, space: Space) -> Floats:
    """Stored codes to a balanced mosaic whose red and blue are moved; (top, left) of the active area is the first."""
    mosaic, filled, mended, apart = (
        space.floats(name, *codes.shape) for name in ("mosaic", "filled", "mended", "apart")
    )
    clipped = levels(codes, rows, 0, sensor, space.floats("gain", codes.shape[1]), mosaic, filled)
    if sensor.lowest < np.inf:
        cut(mosaic, sensor.lowest)
    elif clipped:
        highlights(mosaic, filled, rows, 0, sensor, mended)
        mosaic, mended = mended, mosaic
    work, numbers = space.floats("lines", LINES, codes.shape[1]), np.empty((TAPS + 1, codes.shape[1]), np.int64)
    lateral_ca(mosaic, top, left, sensor, fringes, mended, apart, work, numbers)
    mirror(mosaic, top, left, sensor)
    return mosaic


@dataclass(frozen=True)
class Grade:
    """What makes the screen's light of the camera's color; the columns are those of the picture."""

    scene: Scene
    learned: Learned | None
    maps: Floats  # of local tone, over the active area; no rows where there is none
    cell_px: float  # of these maps
    before: Whole  # for each column the maps' column before it, and how far behind that it lies
    share: Floats


def displayed(codes: Floats, rows: Whole, sensor: Sensor, grade: Grade, light: Floats, space: Space) -> None:
    """Stored codes (rows with HALO more, columns too) to the screen's light (3, rows, columns), tile by tile."""
    column = sensor.column[sensor.margin + HALO :]
    finished = _grader(light, rows[HALO:], column, grade, space)
    for left, right in _tiles(light):
        mosaic = _mosaic(codes, rows, left, right, sensor, space)
        finished(left, right, _demosaiced(mosaic, rows, left, sensor, light, space))


def displayed_mosaic(mosaic: Floats, rows: Whole, sensor: Sensor, grade: Grade, light: Floats, space: Space) -> None:
    """The same from a balanced mosaic."""
    column = sensor.column[sensor.margin + HALO :]
    finished = _grader(light, rows[HALO:], column, grade, space)
    for left, right in _tiles(light):
        finished(left, right, _demosaiced(_cut_out(mosaic, left, right, space), rows, left, sensor, light, space))


def camera_of_codes(codes: Floats, rows: Whole, sensor: Sensor, camera: Floats, space: Space) -> None:
    """Stored codes (rows with HALO more, columns too) to camera color (3, rows, columns)."""
    for left, right in _tiles(camera):
        _demosaiced(_mosaic(codes, rows, left, right, sensor, space), rows, left, sensor, camera, space)


def camera_of_mosaic(mosaic: Floats, rows: Whole, sensor: Sensor, camera: Floats, space: Space) -> None:
    """The same from a balanced mosaic."""
    for left, right in _tiles(camera):
        _demosaiced(_cut_out(mosaic, left, right, space), rows, left, sensor, camera, space)


def displayed_camera(camera: Floats, rows: Whole, columns: Floats, grade: Grade, space: Space) -> None:
    """Camera color to the screen's light, in place; `rows`, `columns`: which of the active area."""
    work = space.floats("work", 1, 2, COLUMNS)
    finished = _grader(camera, rows, columns, grade, space)
    for left, right in _tiles(camera):
        finished(left, right, work)


def _grader(
    light: Floats, rows: Whole, column: Floats, grade: Grade, space: Space
) -> Callable[[int, int, Floats], None]:
    """What makes the screen's light of a tile of camera color, given its first and last column, and memory."""
    if grade.learned is None:
        return lambda left, right, work: graded(light, left, right, rows, column, grade.scene, work)
    from ispd.runner.kernels import learned  # machine code that only such looks load

    taught, height = grade.learned, grade.maps.shape[1]
    above, share = places(rows[: light.shape[1]], grade.cell_px, height)
    first = int(above.min())
    held = min(int(above.max()) + 2, height) - first
    bases = space.floats("bases", 4, held, len(grade.before))
    learned.spread(grade.maps, first, grade.before, grade.share, bases)
    lines, spot = space.floats("lines", learned.LINES, COLUMNS), np.empty(COLUMNS, np.int32)

    def finished(left: int, right: int, _: Floats) -> None:
        learned.taught(
            light, left, right, rows, column, grade.scene, taught, bases, above - first, share, lines, spot
        )  # fmt: skip

    return finished


def _tiles(light: Floats) -> Iterator[tuple[int, int]]:
    """First and last column of each."""
    width = light.shape[2]
    return ((left, min(left + COLUMNS, width)) for left in range(0, width, COLUMNS))


def _mosaic(codes: Floats, rows: Whole, left: int, right: int, sensor: Sensor, space: Space) -> Floats:
    """Stored codes to a balanced mosaic, with HALO columns more."""
    mosaic, filled, mended = (
        space.floats(name, len(rows), right - left + 2 * HALO) for name in ("tile", "near", "new")
    )
    gain = space.floats("gain", mosaic.shape[1])
    clipped = levels(codes, rows, left, sensor, gain, mosaic, filled)  # flatten and balance in it: one factor a site
    if sensor.lowest < np.inf:
        cut(mosaic, sensor.lowest)
    elif clipped:
        highlights(mosaic, filled, rows, left, sensor, mended)
        return mended
    return mosaic


def _cut_out(mosaic: Floats, left: int, right: int, space: Space) -> Floats:
    tile = space.floats("tile", len(mosaic), right - left + 2 * HALO)
    tile[:] = mosaic[:, left : right + 2 * HALO]
    return tile


def _demosaiced(mosaic: Floats, rows: Whole, left: int, sensor: Sensor, camera: Floats, space: Space) -> Floats:
    """A tile of camera color, from column `left` on; gives memory that has done its work."""
    work = space.floats("work", 6, *mosaic.shape)
    red_row, red_column = (rows[0] + sensor.red_row) % 2, (left + sensor.margin + sensor.red_column) % 2
    if sensor.crisp[0] == 0:
        directional(mosaic, red_row, red_column, work, camera, left, HALO)
        return work
    soft = space.floats("soft", 3, len(mosaic) - 2 * HALO + 2, mosaic.shape[1] - 2 * HALO + 2)
    directional(mosaic, red_row, red_column, work, soft, 0, HALO - 1)
    capture_sharpen(soft, sensor, work, camera, left)
    return work
