"""From stored codes to a balanced mosaic: levels, flatten, white balance, highlights.

A tile here is `mosaic` (rows, columns) with HALO sites around what is wanted; `filled` says how near its ceiling every
sample is, 1 at the ceiling.
"""

from __future__ import annotations

import numpy as np

from ispd.runner.kernels.compiler import entry, part
from ispd.runner.kernels.tables import Floats, Sensor, Whole

f = np.float32

MOST = f(65536)
ONSET, GONE, WHOLE, SURELY = f(0.75), f(0.98), f(1.2), f(1.5)
SWEEPS = 6


@entry
def levels(codes: Floats, rows: Whole, left: int, p: Sensor, gain: Floats, mosaic: Floats, filled: Floats) -> int:
    """Light, flattened and balanced, with how near its ceiling it is; gives how many samples are near it."""
    height, width = mosaic.shape
    count = 0
    for y in range(height):
        row = rows[y]
        gain_of_row(row, left, p, gain[:width])
        code, light, near = codes[y, left:], mosaic[y], filled[y]
        black, own = p.black[row % p.black.shape[0], left:], p.black_of_row[row]
        for x in range(width):
            dark = black[x] + own
            seen = min(max((code[x] - dark) / p.span, -MOST), MOST)
            end = p.full * (p.white - dark) / p.span
            light[x] = seen * gain[x]
            near[x] = light[x] / max(end * gain[x], f(1e-6))
        for x in range(width):
            count += 1 if near[x] > ONSET else 0
    return count


@part
def gain_of_row(row: int, left: int, p: Sensor, gain: Floats) -> None:
    """White balance and shading of one row."""
    width = len(gain)
    balance = p.balance[row % 2, left:]
    for x in range(width):
        gain[x] = balance[x]
    for number in range(len(p.maps)):
        point, along = p.map_point[number, row], p.map_part[number, row]
        if point >= 0:
            above, below = p.maps[number, point, left:], p.maps[number, point + 1, left:]
            for x in range(width):
                gain[x] *= above[x] + (below[x] - above[x]) * along
    for number in range(len(p.vignettes)):
        vignette(f(row), p.column[left:], p.vignettes[number], gain)


@part
def vignette(row: np.float32, column: Floats, p: Floats, values: Floats) -> None:
    """FixVignetteRadial, on one row."""
    down = row - p[0]
    center, unit, k0, k1, k2, k3, k4 = p[1], p[2], p[3], p[4], p[5], p[6], p[7]
    for x in range(len(values)):
        right = column[x] - center
        r2 = (down * down + right * right) * unit
        values[x] *= max(f(1) + r2 * (k0 + r2 * (k1 + r2 * (k2 + r2 * (k3 + r2 * k4)))), f(0))


@entry
def mirror(plane: Floats, top: int, left: int, p: Sensor) -> None:
    """Samples beyond the active area, of which the plane's first is (top, left), made anew from those inside."""
    height, width = plane.shape
    for y in range(height):
        for x in range(-left):
            plane[y, x] = plane[y, _mirrored(x, left, p.last_column, width)]
        for x in range(p.last_column + 1 - left, width):
            plane[y, x] = plane[y, _mirrored(x, left, p.last_column, width)]
    for y in range(height):
        if top + y < 0 or top + y > p.last_row:
            copied(plane[_mirrored(y, top, p.last_row, height)], plane[y])


@part
def copied(source: Floats, target: Floats) -> None:
    """A line to another place: an assignment of slices would allocate, lest they overlap."""
    for x in range(len(source)):
        target[x] = source[x]


@part
def _mirrored(index: int, start: int, last: int, length: int) -> int:
    """Where the mirror image of a place outside of 0 … last is held."""
    place = index + start
    inside = -place if place < 0 else 2 * last - place
    return min(max(inside - start, 0), length - 1)


@entry
def cut(mosaic: Floats, lowest: np.float32) -> None:
    """Highlights cut at the lowest channel's ceiling."""
    for y in range(mosaic.shape[0]):
        row = mosaic[y]
        for x in range(mosaic.shape[1]):
            row[x] = min(row[x], lowest)


@entry
def highlights(mosaic: Floats, filled: Floats, rows: Whole, left: int, p: Sensor, mended: Floats) -> None:
    """Samples near their ceiling raised to the mean of the other colors around; all but the outermost sites."""
    height, width = mosaic.shape
    for y in range(height):
        copied(mosaic[y], mended[y])
        row = filled[y]
        for x in range(width):
            row[x] = _smoothstep(row[x], ONSET, GONE) - _smoothstep(row[x], WHOLE, SURELY)
    for y in range(1, height - 1):
        red_row = (rows[y] + p.red_row) & 1 == 0
        above = f(1) if rows[y] == 0 or rows[y] == p.last_row else f(2)  # neighbors there are, not counting mirrored
        for x in range(1, width - 1):
            if filled[y, x] > f(0):
                column = p.column[left + x]
                beside = f(1) if column == f(0) or column == f(p.last_column) else f(2)
                red_column = (left + x + p.red_column) & 1 == 0
                mended[y, x] = _raised(mosaic, filled, y, x, red_row, red_column, beside / (beside + above))


@part
def _smoothstep(x: np.float32, start: np.float32, end: np.float32) -> np.float32:
    t = min(max((x - start) / (end - start), f(0)), f(1))
    return t * t * (f(3) - f(2) * t)


@part
def _raised(
    m: Floats, clipped: Floats, y: int, x: int, red_row: bool, red_column: bool, beside: np.float32
) -> np.float32:
    """One site's own color, the greatest where all three have clipped."""
    r, g, b = _around(m, y, x, red_row, red_column, beside)
    red, green, blue = r, g, b
    r_gone, g_gone, b_gone = _around(clipped, y, x, red_row, red_column, beside)
    for _ in range(SWEEPS):
        red = r + r_gone * max((green + blue) / f(2) - r, f(0))
        green = g + g_gone * max((red + blue) / f(2) - g, f(0))
        blue = b + b_gone * max((red + green) / f(2) - b, f(0))
    own = green if red_row != red_column else red if red_row else blue
    return own + min(min(r_gone, g_gone), b_gone) * (max(max(red, green), blue) - own)


@part
def _around(
    m: Floats, y: int, x: int, red_row: bool, red_column: bool, share: np.float32
) -> tuple[np.float32, np.float32, np.float32]:
    """Red, green, blue at a site: its own, and the means of the nearest of the others; `share`: of those beside it."""
    own = m[y, x]
    beside, above = (m[y, x - 1] + m[y, x + 1]) / f(2), (m[y - 1, x] + m[y + 1, x]) / f(2)
    if red_row != red_column:
        return (beside, own, above) if red_row else (above, own, beside)
    green = share * beside + (f(1) - share) * above
    opposite = (m[y - 1, x - 1] + m[y - 1, x + 1] + m[y + 1, x - 1] + m[y + 1, x + 1]) / f(4)
    return (own, green, opposite) if red_row else (opposite, green, own)
