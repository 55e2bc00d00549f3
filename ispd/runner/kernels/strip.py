"""The pipeline of `ispd.isp.render`, fused: what happens to a strip of rows, stage by stage, without leaving the cache.

    stored codes ─ displayed ▶ screen's light ─ (reduced ▶ at the output's size) ─ coded ▶ pixels of the picture

The three functions are called from Python, with arrays that are used again for every strip.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ispd.runner.kernels.codes import encode, gamut, lightness, sharpen, thresholds
from ispd.runner.kernels.compiler import entry, part
from ispd.runner.kernels.demosaic import directional
from ispd.runner.kernels.light import curve, finish, mix
from ispd.runner.kernels.sensor import cut, highlights, levels, vignette
from ispd.runner.kernels.tables import HALO, Codes, Floats, Scene, Sensor, Whole

f = np.float32

COLUMNS = 128  # of a tile: with the rows of a strip, what fits the second cache.  Always the same: bytes depend on it
PLANES = 9  # of a tile


@entry
def displayed(codes: Floats, rows: Whole, sensor: Sensor, scene: Scene, work: Floats, light: Floats) -> None:
    """Stored codes (rows with HALO more, columns too) to the screen's light (3, rows, columns), tile by tile."""
    _, height, width = light.shape
    for left in range(0, width, COLUMNS):
        wide = min(COLUMNS, width - left)
        shape = (PLANES, height + 2 * HALO, wide + 2 * HALO)
        space = work[: shape[0] * shape[1] * shape[2]].reshape(shape)
        _tile(codes, rows, left, sensor, scene, space, light)


@part
def _tile(codes: Floats, rows: Whole, left: int, sensor: Sensor, scene: Scene, work: Floats, light: Floats) -> None:
    """The whole camera up to the screen, for the columns from `left` on that `work` is as wide as."""
    red_row, red_column = (rows[0] + sensor.red_row) & 1, (left + sensor.red_column) & 1
    mosaic, filled, mended = work[0], work[1], work[2]
    clipped = levels(codes, rows, left, sensor, mosaic, filled)  # with flatten and white balance: one factor a site
    if sensor.lowest < f(np.inf):
        cut(mosaic, sensor.lowest)
    elif clipped:
        highlights(mosaic, filled, rows, left, sensor, mended)
        mosaic = mended
    directional(mosaic, red_row, red_column, work[3:], light, left, HALO)
    right = left + work.shape[2] - 2 * HALO
    for y in range(light.shape[1]):
        r, g, b = light[0, y, left:right], light[1, y, left:right], light[2, y, left:right]
        for number in range(len(scene.vignettes)):
            for plane in range(3):
                column = sensor.column[left + HALO : right + HALO]
                vignette(f(rows[y + HALO]), column, scene.vignettes[number], light[plane, y, left:right])
        mix(scene.matrix, r, g, b)  # camera matrix and exposure
        curve(r, g, b, scene, work[1, 0, : len(r)], work[1, 1, : len(r)])
        finish(r, g, b, scene)


@entry
def reduced(light: Floats, top: int, start: Whole, weights: Floats, bottom: int, sums: Floats) -> None:
    """Adds rows `top` … of the picture (3, rows, columns) to those output rows (3, n, columns) that need them.

    Output row i takes rows start[i] … with `weights[i]`; `bottom` is the number of the first output row.
    """
    height, width = light.shape[1:]
    for n in range(sums.shape[1]):
        first = start[bottom + n]
        for tap in range(weights.shape[1]):
            y, weight = first + tap - top, weights[bottom + n, tap]
            if 0 <= y < height and weight != f(0):
                for plane in range(3):
                    source, target = light[plane, y], sums[plane, n]
                    for x in range(width):
                        target[x] += weight * source[x]


@entry
def narrowed(wide: Floats, start: Whole, weights: Floats, narrow: Floats) -> None:
    """Output columns from the picture's; `weights` (taps, columns)."""
    for plane in range(3):
        for y in range(wide.shape[1]):
            source, target = wide[plane, y], narrow[plane, y]
            target[:] = f(0)
            for tap in range(weights.shape[0]):
                weight = weights[tap]
                for x in range(len(target)):
                    target[x] += weight[x] * source[start[x] + tap]


@entry
def coded(
    light: Floats, outer_top: int, top: int, bottom: int, p: Codes, work: Floats, found: Whole,
    pixels: NDArray[np.uint8], origin: int, row_step: int, column_step: int,
) -> None:  # fmt: skip
    """Rows `top` … `bottom` of an output, of which `light` (3, rows, columns) holds those from `outer_top` on.

    Pixel (y, x) is written to `pixels`, the bytes of the whole picture, at origin + y · row_step + x · column_step
    samples: so it stands upright at once.
    """
    _, held, width = light.shape
    half = len(p.line) // 2
    taps = len(p.line)
    ring, line = work[: 2 * taps * width].reshape((2 * taps, width)), work[2 * taps * width :]
    rgb, far = line[: 3 * width].reshape((3, width)), line[3 * width : 6 * width].reshape((3, width))
    blurred, threshold, padded = line[6 * width : 7 * width], line[7 * width : 8 * width], line[8 * width :]
    ready = top - half  # rows whose lightness is in the ring, up to here
    for y in range(top, bottom):
        for plane in range(3):
            rgb[plane] = light[plane, y - outer_top]
        if p.amount != f(0):
            while ready <= y + half:
                row = min(max(ready - outer_top, 0), held - 1)
                slot = ready % taps
                lightness(light, row, p, padded[: width + 2 * half], ring[2 * slot], ring[2 * slot + 1])
                ready += 1
            blurred[:] = f(0)
            for tap in range(taps):
                weight, across = p.line[tap], ring[2 * ((y - half + tap) % taps) + 1]
                for x in range(width):
                    blurred[x] += weight * across[x]
            sharpen(rgb, ring[2 * (y % taps)], blurred, p)
        gamut(rgb, p, found, far)
        for plane in range(3):
            encode(rgb[plane], p)
        place = origin + y * row_step
        if p.bits == 8:
            thresholds(y, threshold)
            _eight(rgb, threshold, pixels, place, column_step)
        else:
            _sixteen(rgb, pixels.view(np.uint16), place, column_step)


@part
def _eight(rgb: Floats, threshold: Floats, pixels: NDArray[np.uint8], place: int, step: int) -> None:
    """One row, dithered."""
    width = len(threshold)
    r, g, b = rgb[0], rgb[1], rgb[2]
    for x in range(width):
        r[x] = min(r[x] * f(255) + threshold[x], f(255))
        g[x] = min(g[x] * f(255) + threshold[x], f(255))
        b[x] = min(b[x] * f(255) + threshold[x], f(255))
    if step == 3:
        line = pixels[place : place + 3 * width]
        for x in range(width):
            line[3 * x] = np.uint8(np.int32(r[x]))
            line[3 * x + 1] = np.uint8(np.int32(g[x]))
            line[3 * x + 2] = np.uint8(np.int32(b[x]))
    else:
        for x in range(width):
            at = place + x * step
            pixels[at] = np.uint8(np.int32(r[x]))
            pixels[at + 1] = np.uint8(np.int32(g[x]))
            pixels[at + 2] = np.uint8(np.int32(b[x]))


@part
def _sixteen(rgb: Floats, pixels: NDArray[np.uint16], place: int, step: int) -> None:
    """One row, rounded."""
    r, g, b = rgb[0], rgb[1], rgb[2]
    for x in range(len(r)):
        at = place + x * step
        pixels[at] = np.uint16(np.int32(r[x] * f(65535) + f(0.5)))
        pixels[at + 1] = np.uint16(np.int32(g[x] * f(65535) + f(0.5)))
        pixels[at + 2] = np.uint16(np.int32(b[x] * f(65535) + f(0.5)))
