"""From the screen's light to integers: sharpen, gamut, encode, quantize."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ispd.isp.color import boundary
from ispd.runner.kernels.compiler import entry, exact, part
from ispd.runner.kernels.light import luminance, mix
from ispd.runner.kernels.maths import angle, cube_root, decoded, encoded
from ispd.runner.kernels.tables import Codes, Floats, Whole

f = np.float32

LEAST = f(1e-4)  # of luminance
KNEE, REACH = f(boundary.KNEE), f(boundary.REACH)
PI = f(np.pi)


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
    rgb, far = line[: 3 * width].reshape((3, width)), line[3 * width : 9 * width].reshape((6, width))
    blurred, threshold, padded = line[9 * width : 10 * width], line[10 * width : 11 * width], line[11 * width :]
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
def lightness(light: Floats, y: int, p: Codes, padded: Floats, plane: Floats, across: Floats) -> None:
    """sRGB-encoded luminance of row y of (3, rows, columns), and what a blur along the row leaves of it."""
    width, half = len(plane), len(p.line) // 2
    knee, slope, scale, exponent = p.srgb[0], p.srgb[1], p.srgb[2], p.srgb[3]
    r, g, b = light[0, y], light[1, y], light[2, y]
    for x in range(width):
        plane[x] = encoded(max(luminance(r[x], g[x], b[x]), LEAST), knee, slope, scale, exponent)
    padded[:half] = plane[0]
    padded[half : half + width] = plane
    padded[half + width :] = plane[width - 1]
    across[:] = f(0)
    for tap in range(len(p.line)):
        weight, shifted = p.line[tap], padded[tap : tap + width]
        for x in range(width):
            across[x] += weight * shifted[x]


@part
def sharpen(rgb: Floats, plane: Floats, blurred: Floats, p: Codes) -> None:
    """One row, in place; `blurred` is its lightness after both blurs."""
    knee, slope, scale, exponent = p.srgb[0], p.srgb[1], p.srgb[2], p.srgb[3]
    amount = p.amount
    r, g, b = rgb[0], rgb[1], rgb[2]
    for x in range(len(plane)):
        before = max(luminance(r[x], g[x], b[x]), LEAST)
        crisp = max(plane[x] + amount * (plane[x] - blurred[x]), f(0))
        factor = decoded(crisp, knee, slope, scale, exponent) / before
        r[x], g[x], b[x] = r[x] * factor, g[x] * factor, b[x] * factor


@part
def gamut(rgb: Floats, p: Codes, found: Whole, far: Floats) -> None:
    """One row (3, width), in place: Rec.2020 becomes the output's space, in [0, 1]."""
    r, g, b = rgb[0], rgb[1], rgb[2]
    if p.compressed:
        count = _near_the_boundary(rgb, p, found, far)
    mix(p.space, r, g, b)
    if p.compressed and count:
        _inside(far, count, p)
        for n in range(count):
            x = found[n]
            r[x], g[x], b[x] = far[0, n], far[1, n], far[2, n]
    for x in range(len(r)):
        r[x] = min(max(r[x], f(0)), f(1))
        g[x] = min(max(g[x], f(0)), f(1))
        b[x] = min(max(b[x], f(0)), f(1))


@part
def _near_the_boundary(rgb: Floats, p: Codes, found: Whole, far: Floats) -> int:
    """The colors whose chroma, REACH times larger, would leave the space: copied to `far`; gives how many."""
    m = p.space
    rr, rg, rb, gr, gg, gb, br, bg, bb = (
        m[0, 0], m[0, 1], m[0, 2], m[1, 0], m[1, 1], m[1, 2], m[2, 0], m[2, 1], m[2, 2],
    )  # fmt: skip
    r, g, b, flag = rgb[0], rgb[1], rgb[2], far[3]
    count = 0
    for x in range(len(r)):
        red = rr * r[x] + rg * g[x] + rb * b[x]
        green = gr * r[x] + gg * g[x] + gb * b[x]
        blue = br * r[x] + bg * g[x] + bb * b[x]
        grey = (red + green + blue) / f(3)
        low, high = min(min(red, green), blue), max(max(red, green), blue)
        near = min(grey + REACH * (low - grey), f(1) - (grey + REACH * (high - grey))) < f(0)
        flag[x] = f(1) if near else f(0)
        count += 1 if near else 0
    if count == 0:
        return 0
    count = 0
    for x in range(len(r)):
        found[count] = x  # written always, kept where it counts: no branch
        count += int(flag[x])
    for n in range(count):
        x = found[n]
        far[0, n], far[1, n], far[2, n] = r[x], g[x], b[x]
    return count


@part
def _inside(far: Floats, count: int, p: Codes) -> None:
    """The same hue and lightness, chroma bent below the boundary: the first `count` of each row."""
    r, g, b = far[0, :count], far[1, :count], far[2, :count]
    chroma, hue, most = far[3], far[4], far[5]
    table = p.chroma
    hues, lights = f(table.shape[0] - 1), f(table.shape[1] - 1)
    last_hue, last_light = table.shape[0] - 2, table.shape[1] - 2
    mix(p.oklab[0], r, g, b)
    for x in range(len(r)):
        r[x], g[x], b[x] = cube_root(r[x]), cube_root(g[x]), cube_root(b[x])
    mix(p.oklab[1], r, g, b)
    for x in range(len(r)):
        r[x] = min(max(r[x], f(0)), f(1))
        chroma[x] = np.sqrt(g[x] * g[x] + b[x] * b[x] + f(1e-18))
        hue[x] = min(max((angle(b[x], g[x]) / PI + f(1)) * f(0.5) * hues, f(0)), hues)
    for x in range(len(r)):
        right = r[x] * lights
        row, column = min(int(hue[x]), last_hue), min(int(right), last_light)
        v, h = hue[x] - f(row), right - f(column)
        above = table[row, column] + (table[row, column + 1] - table[row, column]) * h
        below = table[row + 1, column] + (table[row + 1, column + 1] - table[row + 1, column]) * h
        most[x] = above + (below - above) * v
    for x in range(len(r)):
        knee = KNEE * most[x]
        room = max(most[x] - knee, f(1e-9))
        over = max(chroma[x] - knee, f(0)) / room
        bent = chroma[x] if chroma[x] <= knee else knee + room * over / np.sqrt(f(1) + over * over)
        factor = bent / chroma[x]
        g[x], b[x] = g[x] * factor, b[x] * factor
    mix(p.oklab[2], r, g, b)
    for x in range(len(r)):
        r[x], g[x], b[x] = r[x] * r[x] * r[x], g[x] * g[x] * g[x], b[x] * b[x] * b[x]
    mix(p.oklab[3], r, g, b)


@part
def encode(values: Floats, p: Codes) -> None:
    """The space's transfer curve on one row of one channel, in place."""
    knee, slope, scale, exponent = p.transfer[0], p.transfer[1], p.transfer[2], p.transfer[3]
    for x in range(len(values)):
        values[x] = encoded(values[x], knee, slope, scale, exponent)


@exact
def thresholds(row: int, line: Floats) -> None:
    """What eight-bit codes of one row are rounded against: `ispd.isp.stages.quantize`, in float64 as there."""
    down = 0.00583715 * row
    for x in range(len(line)):
        place = 0.06711056 * x + down
        place = 52.9829189 * (place - np.floor(place))
        line[x] = f(0.5 + 0.98 * ((place - np.floor(place)) - 0.5))


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
