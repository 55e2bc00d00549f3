"""Warp, as `ispd.isp.stages.opcodes.warp` says it: every pixel fetched from where the lens has put it."""

from __future__ import annotations

import numpy as np

from ispd.runner.kernels.compiler import entry, part
from ispd.runner.kernels.sensor import vignette
from ispd.runner.kernels.tables import Floats, Warp, Whole

f = np.float32

A = f(-0.75)  # of the cubic kernel: torch's
FAR = f(4)  # pixels beyond the edge: everything out there is the edge


@entry
def placed(rows: Whole, left: int, p: Warp, plane: int, across: Floats, down: Floats) -> None:
    """Where in the active area the pixels of these rows, from column `left` on, come from: both (rows, columns)."""
    c = p.coefficients[plane]
    c0, c1, c2, c3, c4, c5, c6, c7 = c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
    most_x, most_y = f(p.width) + FAR, f(p.height) + FAR
    for i in range(len(rows)):
        y = (f(rows[i]) + f(0.5) - p.center_y) / p.unit
        to_x, to_y = across[i], down[i]
        for n in range(len(to_x)):
            x = (f(left + n) + f(0.5) - p.center_x) / p.unit
            r2 = x * x + y * y
            if p.radial:
                r = np.sqrt(r2)
                factor = c0 + r * (c1 + r * (c2 + r * (c3 + r * (c4 + r * (c5 + r * (c6 + r * c7))))))
                from_x, from_y = factor * x, factor * y
            else:
                factor = c0 + r2 * (c1 + r2 * (c2 + r2 * c3))
                from_x = factor * x + f(2) * c4 * x * y + c5 * (r2 + f(2) * x * x)
                from_y = factor * y + f(2) * c5 * x * y + c4 * (r2 + f(2) * y * y)
            to_x[n] = min(max(from_x * p.unit + p.center_x - f(0.5), -FAR), most_x)
            to_y[n] = min(max(from_y * p.unit + p.center_y - f(0.5), -FAR), most_y)


@entry
def fetched(camera: Floats, top: int, last: int, across: Floats, down: Floats, plane: int, light: Floats) -> None:
    """One plane of `camera` (3, rows, columns), whose first row is `top` of 0 … last, at those places; bicubic."""
    source, width = camera[plane], camera.shape[2]
    for y in range(light.shape[1]):
        target, at_x, at_y = light[plane, y], across[y], down[y]
        for x in range(light.shape[2]):
            column, row = int(np.floor(at_x[x])), int(np.floor(at_y[x]))
            x0, x1, x2, x3 = _taps(at_x[x] - f(column))
            y0, y1, y2, y3 = _taps(at_y[x] - f(row))
            a, b, c, d = (
                _inside(column - 1, width - 1), _inside(column, width - 1),
                _inside(column + 1, width - 1), _inside(column + 2, width - 1),
            )  # fmt: skip
            r0, r1 = source[_held(row - 1, top, last, camera)], source[_held(row, top, last, camera)]
            r2, r3 = source[_held(row + 1, top, last, camera)], source[_held(row + 2, top, last, camera)]
            target[x] = (
                y0 * (x0 * r0[a] + x1 * r0[b] + x2 * r0[c] + x3 * r0[d])
                + y1 * (x0 * r1[a] + x1 * r1[b] + x2 * r1[c] + x3 * r1[d])
                + y2 * (x0 * r2[a] + x1 * r2[b] + x2 * r2[c] + x3 * r2[d])
                + y3 * (x0 * r3[a] + x1 * r3[b] + x2 * r3[c] + x3 * r3[d])
            )


@part
def _taps(t: np.float32) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    u = f(1) - t
    return _outer(t + f(1)), _inner(t), _inner(u), _outer(u + f(1))


@part
def _inner(x: np.float32) -> np.float32:
    return ((A + f(2)) * x - (A + f(3))) * x * x + f(1)


@part
def _outer(x: np.float32) -> np.float32:
    return ((A * x - f(5) * A) * x + f(8) * A) * x - f(4) * A


@part
def _inside(index: int, last: int) -> int:
    return min(max(index, 0), last)


@part
def _held(row: int, top: int, last: int, camera: Floats) -> int:
    return _inside(_inside(row, last) - top, camera.shape[1] - 1)


@entry
def shaded(camera: Floats, top: int, vignettes: Floats) -> None:
    """FixVignetteRadial on camera color (3, rows, columns) of the active area, from its row `top` on."""
    column = np.arange(camera.shape[2]).astype(np.float32)
    for number in range(len(vignettes)):
        for plane in range(3):
            for y in range(camera.shape[1]):
                vignette(f(top + y), column, vignettes[number], camera[plane, y])
