"""The pipeline of `ispd.isp.render`, fused: what happens to a strip of rows, stage by stage, without leaving the cache.

    stored codes ─ (sensed ▶ mosaic) ─ displayed ▶ screen's light ─ (reduced ▶ at the output's size) ─ coded ▶ pixels

Every stage is compiled, releases the GIL, and works in arrays that are used again for every strip.
"""

from __future__ import annotations

import numpy as np

from ispd.runner.kernels.demosaic import directional
from ispd.runner.kernels.lateral_ca import lateral_ca
from ispd.runner.kernels.light import graded
from ispd.runner.kernels.sensor import cut, highlights, levels, mirror
from ispd.runner.kernels.space import Space
from ispd.runner.kernels.tables import HALO, Floats, Fringes, Scene, Sensor, Whole

COLUMNS = 512  # of a tile: with the rows of a strip, what fits the second cache.  Always the same: bytes depend on it


def sensed(codes: Floats, rows: Whole, top: int, left: int, sensor: Sensor, fringes: Fringes, space: Space) -> Floats:
    """Stored codes to a balanced mosaic whose red and blue are moved; (top, left) of the active area is the first."""
    mosaic, filled, mended, apart = (
        space.floats(name, *codes.shape) for name in ("mosaic", "filled", "mended", "apart")
    )
    clipped = levels(codes, rows, 0, sensor, mosaic, filled)
    if sensor.lowest < np.inf:
        cut(mosaic, sensor.lowest)
    elif clipped:
        highlights(mosaic, filled, rows, 0, sensor, mended)
        mosaic, mended = mended, mosaic
    lateral_ca(mosaic, top, left, sensor, fringes, mended, apart)
    mirror(mosaic, top, left, sensor)
    return mosaic


def displayed(codes: Floats, rows: Whole, sensor: Sensor, scene: Scene, light: Floats, space: Space) -> None:
    """Stored codes (rows with HALO more, columns too) to the screen's light (3, rows, columns), tile by tile."""
    width = light.shape[2]
    for left in range(0, width, COLUMNS):
        wide = min(COLUMNS, width - left)
        shape = (len(rows), wide + 2 * HALO)
        mosaic, filled, mended = (space.floats(name, *shape) for name in ("tile", "filled tile", "mended"))
        clipped = levels(codes, rows, left, sensor, mosaic, filled)  # flatten and white balance in it: a factor a site
        if sensor.lowest < np.inf:
            cut(mosaic, sensor.lowest)
        elif clipped:
            highlights(mosaic, filled, rows, left, sensor, mended)
            mosaic = mended
        _developed(mosaic, rows, left, sensor, scene, light, space)


def displayed_mosaic(mosaic: Floats, rows: Whole, sensor: Sensor, scene: Scene, light: Floats, space: Space) -> None:
    """The same from a balanced mosaic."""
    width = light.shape[2]
    for left in range(0, width, COLUMNS):
        wide = min(COLUMNS, width - left)
        tile = space.floats("tile", len(rows), wide + 2 * HALO)
        tile[:] = mosaic[:, left : left + wide + 2 * HALO]
        _developed(tile, rows, left, sensor, scene, light, space)


def _developed(
    mosaic: Floats, rows: Whole, left: int, sensor: Sensor, scene: Scene, light: Floats, space: Space
) -> None:
    """One tile from the mosaic to the screen."""
    work = space.floats("work", 6, *mosaic.shape)
    red_row, red_column = (rows[0] + sensor.red_row) % 2, (left + sensor.margin + sensor.red_column) % 2
    directional(mosaic, red_row, red_column, work, light, left, HALO)
    graded(light, left, left + mosaic.shape[1] - 2 * HALO, rows, sensor, scene, work)
