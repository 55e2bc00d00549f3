"""From the screen's light to integers: sharpen, gamut, encode, quantize."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ispd.isp.color import boundary
from ispd.runner.kernels.compiler import entry, exact, part
from ispd.runner.kernels.light import luminance, mix
from ispd.runner.kernels.maths import angle, cube_root, decoded, encoded
from ispd.runner.kernels.sensor import copied
from ispd.runner.kernels.tables import Codes, Floats

f = np.float32
i = np.int32
u = np.uint64

Places: TypeAlias = NDArray[np.int32]

PIECE = 256  # pixels of a row that are finished before the next: what is made of them stays in the first cache
LINE = PIECE + 16  # from one line of such pieces to the next: four thousand bytes apart, they would wait for each other
LINES = 10  # that `coded` works in
LEAST = f(1e-4)  # of luminance
KNEE = f(boundary.KNEE)
LEAST_R, LEAST_G, LEAST_B = f(boundary.REACH[0, 0]), f(boundary.REACH[0, 1]), f(boundary.REACH[0, 2])
MOST_R, MOST_G, MOST_B = f(boundary.REACH[1, 0]), f(boundary.REACH[1, 1]), f(boundary.REACH[1, 2])
MORE, LESS = f(1.01 / boundary.KNEE), f(1 - 1.01 / boundary.KNEE)
PI = np.pi


@entry
def coded(
    light: Floats, outer_top: int, top: int, bottom: int, p: Codes, work: Floats, found: Places,
    pixels: NDArray[np.uint8], origin: int, row_step: int, column_step: int,
) -> None:  # fmt: skip
    """Rows `top` … `bottom` of an output, of which `light` (3, rows, columns) holds those from `outer_top` on.

    Pixel (y, x) is written to `pixels`, the bytes of the whole picture, at origin + y · row_step + x · column_step
    samples: so it stands upright at once.  `work`, `found`: as `needed` says.
    """
    _, held, width = light.shape
    taps = len(p.line)
    half = taps // 2
    ring, line = work[: 2 * taps * width].reshape((2 * taps, width)), work[2 * taps * width :]
    padded, line = line[: width + 2 * half], line[width + 2 * half :]
    threshold, line = line[:width], line[width:]
    piece = line[: LINES * LINE]
    ready = top - half  # rows whose lightness is in the ring, up to here
    for y in range(top, bottom):
        while p.amount != f(0) and ready <= y + half:
            row = min(max(ready - outer_top, 0), held - 1)
            slot = ready % taps
            lightness(light, row, p, padded, ring[2 * slot], ring[2 * slot + 1])
            ready += 1
        if p.bits == 8:
            thresholds(y, threshold)
        for left in range(0, width, PIECE):
            count = min(PIECE, width - left)
            for plane in range(3):
                copied(light[plane, y - outer_top, left : left + count], piece[plane * LINE :])
            if p.amount != f(0):
                _down(ring, y, left, p, piece[3 * LINE :][:count])
                sharpen(piece, ring[2 * (y % taps), left:], count, p)
            gamut(piece, count, p, found)
            place = origin + y * row_step + left * column_step
            for plane in range(3):
                encode(piece[plane * LINE :][:count], p)
            if p.bits == 8:
                _eight(piece, threshold[left : left + count], pixels, place, column_step)
            else:
                _sixteen(piece, count, pixels.view(np.uint16), place, column_step)


def needed(width: int, p: Codes) -> tuple[int, int]:
    """Lengths of `work` and `found` for rows so wide."""
    return (2 * len(p.line) + 2) * width + len(p.line) + LINES * LINE, 2 * PIECE + 1


@part
def lightness(light: Floats, y: int, p: Codes, padded: Floats, plane: Floats, across: Floats) -> None:
    """sRGB-encoded luminance of row y of (3, rows, columns), and what a blur along the row leaves of it."""
    width, half = len(plane), len(p.line) // 2
    knee, slope, scale, exponent = p.srgb[0], p.srgb[1], p.srgb[2], p.srgb[3]
    r, g, b = light[0, y], light[1, y], light[2, y]
    for x in range(width):
        plane[x] = encoded(max(luminance(r[x], g[x], b[x]), LEAST), knee, slope, scale, exponent)
    padded[:half] = plane[0]
    copied(plane, padded[half:])
    padded[half + width :] = plane[width - 1]
    for left in range(0, width, PIECE):
        blurred = across[left : min(left + PIECE, width)]
        blurred[:] = f(0)
        for tap in range(len(p.line)):
            weight, shifted = p.line[tap], padded[left + tap :]
            for x in range(len(blurred)):
                blurred[x] += weight * shifted[x]


@part
def _down(ring: Floats, y: int, left: int, p: Codes, blurred: Floats) -> None:
    """The blur across rows, of columns from `left` on."""
    taps = len(p.line)
    blurred[:] = f(0)
    for tap in range(taps):
        weight, across = p.line[tap], ring[2 * ((y - taps // 2 + tap) % taps) + 1, left:]
        for x in range(len(blurred)):
            blurred[x] += weight * across[x]


@part
def sharpen(work: Floats, plane: Floats, width: int, p: Codes) -> None:
    """A piece of a row, in place; its lightness is `plane`, and in the fourth line of `work` after both blurs."""
    knee, slope, scale, exponent = p.srgb[0], p.srgb[1], p.srgb[2], p.srgb[3]
    amount = p.amount
    for x in range(width):
        r, g, b = work[x], work[LINE + x], work[2 * LINE + x]
        before = max(luminance(r, g, b), LEAST)
        crisp = max(plane[x] + amount * (plane[x] - work[3 * LINE + x]), f(0))
        factor = decoded(crisp, knee, slope, scale, exponent) / before
        work[x], work[LINE + x], work[2 * LINE + x] = r * factor, g * factor, b * factor


@part
def gamut(work: Floats, width: int, p: Codes, found: Places) -> None:
    """A piece of a row, the first three lines of `work`, in place: Rec.2020 becomes the output's space, in [0, 1]."""
    r, g, b = work, work[LINE:], work[2 * LINE :]
    mix(p.space, r[:width], g[:width], b[:width])
    near = _near_the_boundary(work, width) if p.compressed else 0
    if near:
        count = _gathered(work, width, found) if 2 * near < width else _copied(work, width, found)
        beyond = _beyond_the_knee(work[3 * LINE :], count, p)
        if beyond < count:
            _kept(work[3 * LINE :], count, found)
        _bent(work[3 * LINE :], beyond, p, found[PIECE:])
        for n in range(beyond):
            place = u(found[n])
            r[place], g[place], b[place] = work[3 * LINE + n], work[4 * LINE + n], work[5 * LINE + n]
    for x in range(width):
        r[x] = min(max(r[x], f(0)), f(1))
        g[x] = min(max(g[x], f(0)), f(1))
        b[x] = min(max(b[x], f(0)), f(1))


@part
def _near_the_boundary(work: Floats, width: int) -> int:
    """How many colors there are whose chroma, REACH times larger, would leave the space; each has 1 in a line more."""
    count = 0
    for x in range(width):
        red, green, blue = work[x], work[LINE + x], work[2 * LINE + x]
        grey = (red + green + blue) * f(1 / 3)
        red, green, blue = red - grey, green - grey, blue - grey
        low = grey + min(min(LEAST_R * red, LEAST_G * green), LEAST_B * blue)
        near = min(low, f(1) - grey - max(max(MOST_R * red, MOST_G * green), MOST_B * blue)) < f(0)
        work[6 * LINE + x] = f(1) if near else f(0)
        count += 1 if near else 0
    return count


@part
def _gathered(work: Floats, width: int, found: Places) -> int:
    """The flagged colors side by side in three lines more, and where they were; gives how many."""
    count = 0
    for x in range(width):
        n = u(count)  # always written, kept where it counts: no branch
        found[n] = x
        work[n + u(3 * LINE)] = work[x]
        work[n + u(4 * LINE)] = work[LINE + x]
        work[n + u(5 * LINE)] = work[2 * LINE + x]
        count += int(work[6 * LINE + x])
    return count


@part
def _copied(work: Floats, width: int, found: Places) -> int:
    """The same of all colors, which is faster where most are flagged."""
    for x in range(width):
        found[x] = x
        work[3 * LINE + x], work[4 * LINE + x], work[5 * LINE + x] = work[x], work[LINE + x], work[2 * LINE + x]
    return width


@part
def _beyond_the_knee(far: Floats, count: int, p: Codes) -> int:
    """Colors become roots of LMS; how many bend there, since a little more than 1 / KNEE of their chroma would leave
    the space: found sooner than the boundary itself.  They have 1 in a line more."""
    mix(p.oklab[0], far[:count], far[LINE : LINE + count], far[2 * LINE : 2 * LINE + count])
    l0, l1, l2 = p.oklab[1, 0, 0], p.oklab[1, 0, 1], p.oklab[1, 0, 2]
    for x in range(count):
        r, g, b = cube_root(far[x]), cube_root(far[LINE + x]), cube_root(far[2 * LINE + x])
        far[x], far[LINE + x], far[2 * LINE + x] = r, g, b
        lightness = l0 * r + l1 * g + l2 * b
        grey = LESS * lightness
        r, g, b = grey + MORE * r, grey + MORE * g, grey + MORE * b
        far[4 * LINE + x], far[5 * LINE + x], far[6 * LINE + x] = r * r * r, g * g * g, b * b * b
    mix(p.oklab[3], far[4 * LINE :][:count], far[5 * LINE :][:count], far[6 * LINE :][:count])
    beyond = 0
    for x in range(count):
        r, g, b = far[4 * LINE + x], far[5 * LINE + x], far[6 * LINE + x]
        out = min(min(min(r, g), b), f(1) - max(max(r, g), b)) < f(0)
        far[3 * LINE + x] = f(1) if out else f(0)
        beyond += 1 if out else 0
    return beyond


@part
def _kept(far: Floats, count: int, found: Places) -> None:
    """The flagged ones of what was gathered."""
    kept = 0
    for x in range(count):
        n = u(kept)
        found[n], far[n] = found[x], far[x]
        far[n + u(LINE)], far[n + u(2 * LINE)] = far[LINE + x], far[2 * LINE + x]
        kept += int(far[3 * LINE + x])


@part
def _bent(far: Floats, count: int, p: Codes, spot: Places) -> None:
    """Roots of LMS to the space: the same hue and lightness, chroma bent below the boundary."""
    table = p.chroma.reshape(-1)
    across = u(p.chroma.shape[1])
    hues, lights, step = f(p.chroma.shape[0] - 1), f(p.chroma.shape[1] - 1), f(p.chroma.shape[1])
    r, g, b = far[:count], far[LINE:][:count], far[2 * LINE :][:count]
    mix(p.oklab[1], r, g, b)
    for x in range(count):
        lightness, a, b_ = min(max(far[x], f(0)), f(1)), far[LINE + x], far[2 * LINE + x]
        far[x] = lightness
        far[3 * LINE + x] = np.sqrt(a * a + b_ * b_ + f(1e-18))
        hue = min(max((angle(b_, a) * f(1 / PI) + f(1)) * f(0.5) * hues, f(0)), hues)
        row, column = min(np.floor(hue), hues - f(1)), min(np.floor(lightness * lights), lights - f(1))
        far[4 * LINE + x], far[5 * LINE + x] = hue - row, lightness * lights - column
        spot[x] = i(row * step + column)
    for x in range(count):
        place = u(spot[x])
        down, right = far[4 * LINE + x], far[5 * LINE + x]
        first, third = table[place], table[place + across]
        above = first + (table[place + u(1)] - first) * right
        below = third + (table[place + across + u(1)] - third) * right
        far[6 * LINE + x] = above + (below - above) * down
    for x in range(count):
        most, chroma = far[6 * LINE + x], far[3 * LINE + x]
        knee = KNEE * most
        room = max(most - knee, f(1e-9))
        over = max(chroma - knee, f(0)) / room
        factor = f(1) if chroma <= knee else (knee + room * over / np.sqrt(f(1) + over * over)) / chroma
        far[LINE + x], far[2 * LINE + x] = far[LINE + x] * factor, far[2 * LINE + x] * factor
    mix(p.oklab[2], r, g, b)
    for x in range(count):
        r[x], g[x], b[x] = r[x] * r[x] * r[x], g[x] * g[x] * g[x], b[x] * b[x] * b[x]
    mix(p.oklab[3], r, g, b)


@part
def encode(values: Floats, p: Codes) -> None:
    """The space's transfer curve on a piece of a row of one channel, in place."""
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
def _eight(work: Floats, threshold: Floats, pixels: NDArray[np.uint8], place: int, step: int) -> None:
    """A piece of a row, dithered."""
    width = len(threshold)
    if step == 3:
        line = pixels[place : place + 3 * width]
        for x in range(width):
            line[3 * x] = np.uint8(np.int32(min(work[x] * f(255) + threshold[x], f(255))))
            line[3 * x + 1] = np.uint8(np.int32(min(work[LINE + x] * f(255) + threshold[x], f(255))))
            line[3 * x + 2] = np.uint8(np.int32(min(work[2 * LINE + x] * f(255) + threshold[x], f(255))))
    else:
        for x in range(width):
            at = place + x * step
            for plane in range(3):
                pixels[at + plane] = np.uint8(np.int32(min(work[plane * LINE + x] * f(255) + threshold[x], f(255))))


@part
def _sixteen(work: Floats, width: int, pixels: NDArray[np.uint16], place: int, step: int) -> None:
    """A piece of a row, rounded."""
    for x in range(width):
        at = place + x * step
        for plane in range(3):
            pixels[at + plane] = np.uint16(np.int32(work[plane * LINE + x] * f(65535) + f(0.5)))
