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
def fetched(
    camera: Floats, top: int, last: int, across: Floats, down: Floats, light: Floats, weights: Floats, corner: Whole
) -> None:
    """All planes of `camera` (3, rows, columns), whose first row is `top` of 0 … last, at those places; bicubic.

    Places are (1 or 3 planes, rows, columns): red, green and blue come from one place, or each from its own.
    `weights` (8, columns) and `corner` (2, columns) are to work in.
    """
    height = light.shape[1]
    for plane in range(3):
        place, source = min(plane, len(across) - 1), camera[plane]
        for y in range(height):
            _weighed(across[place, y], weights[:4], corner[0])
            _weighed(down[place, y], weights[4:], corner[1])
            _fetch(source, source.reshape(-1), top, last, weights, corner, light[plane, y])


@part
def _weighed(places: Floats, weights: Floats, corner: Whole) -> None:
    """The first of four samples that each place lies among, and what they weigh."""
    w0, w1, w2, w3 = weights[0], weights[1], weights[2], weights[3]
    for x in range(len(places)):
        first = np.floor(places[x])
        t = places[x] - first
        u = f(1) - t
        corner[x] = int(first) - 1
        w0[x], w1[x], w2[x], w3[x] = _outer(t + f(1)), _inner(t), _inner(u), _outer(u + f(1))


@part
def _fetch(source: Floats, flat: Floats, top: int, last: int, weights: Floats, corner: Whole, target: Floats) -> None:
    """One row of one plane; beyond the edge the edge goes on."""
    height, width = source.shape
    a, b, c, d, e, g, h, i = (
        weights[0], weights[1], weights[2], weights[3], weights[4], weights[5], weights[6], weights[7],
    )  # fmt: skip
    left, upper = corner[0], corner[1]
    for x in range(len(target)):
        column, row = left[x], upper[x] - top
        if column >= 0 and column + 3 < width and row >= 0 and row + 3 < height:
            k0 = np.uint64(row * width + column)
            k1, k2, k3 = k0 + np.uint64(width), k0 + np.uint64(2 * width), k0 + np.uint64(3 * width)
            target[x] = (
                e[x] * _four(flat, k0, a[x], b[x], c[x], d[x]) + g[x] * _four(flat, k1, a[x], b[x], c[x], d[x])
                + h[x] * _four(flat, k2, a[x], b[x], c[x], d[x]) + i[x] * _four(flat, k3, a[x], b[x], c[x], d[x])
            )  # fmt: skip
        else:
            total = f(0)
            for down in range(4):
                line = source[_inside(_inside(upper[x] + down, last) - top, height - 1)]
                value = f(0)
                for right in range(4):
                    value += weights[right, x] * line[_inside(column + right, width - 1)]
                total += weights[4 + down, x] * value
            target[x] = total


@part
def _four(flat: Floats, k: np.uint64, a: np.float32, b: np.float32, c: np.float32, d: np.float32) -> np.float32:
    value: np.float32 = (
        a * flat[k] + b * flat[k + np.uint64(1)] + c * flat[k + np.uint64(2)] + d * flat[k + np.uint64(3)]
    )
    return value


@part
def _inner(x: np.float32) -> np.float32:
    return ((A + f(2)) * x - (A + f(3))) * x * x + f(1)


@part
def _outer(x: np.float32) -> np.float32:
    return ((A * x - f(5) * A) * x + f(8) * A) * x - f(4) * A


@part
def _inside(index: int, last: int) -> int:
    return min(max(index, 0), last)


@entry
def shaded(camera: Floats, top: int, column: Floats, vignettes: Floats) -> None:
    """FixVignetteRadial on camera color (3, rows, columns) of the active area, from its row `top` on."""
    for number in range(len(vignettes)):
        for plane in range(3):
            for y in range(camera.shape[1]):
                vignette(f(top + y), column, vignettes[number], camera[plane, y])
