"""Directional demosaic, as `ispd.isp.stages.demosaic.directional` says it, whose steps 1 to 5 have their names here.

Every step is done at every site of a tile, and kept where it belongs: a loop that need not ask what a site is does
sixteen sites at a time.  All planes have the mosaic's shape; each step leaves out the sites whose neighbors it lacks.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from ispd.runner.kernels.compiler import entry, part
from ispd.runner.kernels.tables import Floats

f = np.float32

CALM, NOTHING = f(0.001), f(1e-9)

Four: TypeAlias = tuple[np.float32, np.float32, np.float32, np.float32]
Five: TypeAlias = tuple[np.float32, np.float32, np.float32, np.float32, np.float32]


@entry
def directional(m: Floats, red_row: int, red_column: int, work: Floats, rgb: Floats, left: int, halo: int) -> None:
    """The mosaic without `halo` sites on each side, written to the columns of `rgb` from `left` on."""
    in_rows, in_columns, calm_rows, calm_columns, weight = work[0], work[1], work[2], work[3], work[4]
    green, opposite = work[2], work[3]
    odd = (red_row + red_column) & 1  # whether red and blue lie where y + x is odd
    _differences(m, odd, in_rows, in_columns)
    _restlessness(in_rows, in_columns, work[5, 0], calm_rows, calm_columns)
    _weights(m, calm_rows, calm_columns, weight)
    _green(m, in_rows, in_columns, weight, odd, green)
    _opposites(m, green, opposite)
    right = left + m.shape[1] - 2 * halo
    for y in range(rgb.shape[1]):
        r, g, b = rgb[0, y, left:right], rgb[1, y, left:right], rgb[2, y, left:right]
        if (y + halo + red_row) & 1 == 0:
            _colors(m, green, opposite, weight, y + halo, halo, (red_column + halo) & 1, r, g, b)
        else:
            _colors(m, green, opposite, weight, y + halo, halo, (red_column + halo + 1) & 1, b, g, r)


@part
def _differences(m: Floats, odd: int, in_rows: Floats, in_columns: Floats) -> None:
    """1: green less the row's (the column's) other color."""
    height, width = m.shape
    for y in range(2, height - 2):
        left2, left, own, right, right2 = _along(m[y], 2)
        above2, above, below, below2 = m[y - 2, 2:], m[y - 1, 2:], m[y + 1, 2:], m[y + 2, 2:]
        row, column = in_rows[y, 2:], in_columns[y, 2:]
        even = f(1) if (y + odd) & 1 == 0 else f(-1)
        for x in range(width - 4):
            sign = even if x & 1 == 0 else -even
            row[x] = sign * ((left[x] + right[x] - own[x]) * f(0.5) - (left2[x] + right2[x]) * f(0.25))
            column[x] = sign * ((above[x] + below[x] - own[x]) * f(0.5) - (above2[x] + below2[x]) * f(0.25))


@part
def _along(row: Floats, x: int) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """The row from x - 2, x - 1, x, x + 1, x + 2 on: loops count from 0, since numba looks for indices below it."""
    return row[x - 2 :], row[x - 1 :], row[x:], row[x + 1 :], row[x + 2 :]


@part
def _restlessness(in_rows: Floats, in_columns: Floats, line: Floats, calm_rows: Floats, calm_columns: Floats) -> None:
    """2: |D[0] - D[-1]| + |D[+1] - D[0]|, summed over five sites of the row; over five rows it is summed later."""
    height, width = in_rows.shape
    for y in range(3, height - 3):
        _, left, own, right, _ = _along(in_rows[y], 3)
        for x in range(width - 6):
            line[x] = abs(own[x] - left[x]) + abs(right[x] - own[x])
        _five(line, calm_rows[y])
        above, own, below = in_columns[y - 1, 3:], in_columns[y, 3:], in_columns[y + 1, 3:]
        for x in range(width - 6):
            line[x] = abs(own[x] - above[x]) + abs(below[x] - own[x])
        _five(line, calm_columns[y])


@part
def _five(line: Floats, sums: Floats) -> None:
    """Sums over five sites, of which `line` has its first at site 3."""
    middle = sums[5:]
    for x in range(len(sums) - 10):
        middle[x] = line[x] + line[x + 1] + line[x + 2] + line[x + 3] + line[x + 4]


@part
def _weights(m: Floats, calm_rows: Floats, calm_columns: Floats, weight: Floats) -> None:
    """2: how much rows are to be trusted."""
    height, width = m.shape
    for y in range(5, height - 5):
        own, row = m[y, 5:], weight[y, 5:]
        a, b, c, d, e = _down(calm_rows, y, 5)
        for x in range(width - 10):
            row[x] = a[x] + b[x] + c[x] + d[x] + e[x]
        a, b, c, d, e = _down(calm_columns, y, 5)
        for x in range(width - 10):
            calm = CALM * abs(own[x]) + NOTHING
            row[x] = _share(row[x] + calm, a[x] + b[x] + c[x] + d[x] + e[x] + calm)


@part
def _down(plane: Floats, y: int, x: int) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Rows y - 2 … y + 2, from x on."""
    return plane[y - 2, x:], plane[y - 1, x:], plane[y, x:], plane[y + 1, x:], plane[y + 2, x:]


@part
def _share(restless: np.float32, other: np.float32) -> np.float32:
    """What the first of two directions weighs: little where it is the more restless one."""
    own, against = restless * restless * restless, other * other * other
    return against / (own + against)


@part
def _green(m: Floats, in_rows: Floats, in_columns: Floats, weight: Floats, odd: int, green: Floats) -> None:
    """3."""
    height, width = m.shape
    for y in range(5, height - 5):
        left2, left, own, right, right2 = _along(m[y], 5)
        above2, above, _, below, below2 = _down(m, y, 5)
        _, row_left, row, row_right, _ = _along(in_rows[y], 5)
        _, column_above, column, column_below, _ = _down(in_columns, y, 5)
        share, found = weight[y, 5:], green[y, 5:]
        first = (y + 5 + odd) & 1
        for x in range(width - 10):
            along = (row_left[x] + f(2) * row[x] + row_right[x]) * f(0.25)
            across = (column_above[x] + f(2) * column[x] + column_below[x]) * f(0.25)
            guess = own[x] + share[x] * along + (f(1) - share[x]) * across
            low, high = _range(left[x], right[x], above[x], below[x])
            least, greatest = _range(left2[x], right2[x], above2[x], below2[x])
            found[x] = _guided(guess, low, high, own[x], least, greatest) if x & 1 == first else own[x]


@part
def _opposites(m: Floats, green: Floats, opposite: Floats) -> None:
    """4: the opposite color, of use at red and blue sites."""
    height, width = m.shape
    for y in range(6, height - 6):
        _, above_left, _, above_right, _ = _along(m[y - 1], 6)
        _, below_left, _, below_right, _ = _along(m[y + 1], 6)
        _, g_above_left, _, g_above_right, _ = _along(green[y - 1], 6)
        _, g_below_left, _, g_below_right, _ = _along(green[y + 1], 6)
        own, g_own, found = m[y, 6:], green[y, 6:], opposite[y, 6:]
        for x in range(width - 12):
            g = g_own[x]
            g0, g1, g2, g3 = g_above_left[x], g_below_right[x], g_above_right[x], g_below_left[x]
            c0, c1, c2, c3 = above_left[x], below_right[x], above_right[x], below_left[x]
            k0, k1, k2, k3 = g0 - c0, g1 - c1, g2 - c2, g3 - c3
            calm = CALM * abs(own[x]) + NOTHING
            falling = abs(k0 - k1) + abs(f(2) * g - g0 - g1) + calm
            rising = abs(k2 - k3) + abs(f(2) * g - g2 - g3) + calm
            share = _share(falling, rising)
            guess = g - (share * (k0 + k1) + (f(1) - share) * (k2 + k3)) * f(0.5)
            low, high = _range(c0, c1, c2, c3)
            least, greatest = _range(g0, g1, g2, g3)
            found[x] = _guided(guess, low, high, g, least, greatest)


@part
def _colors(
    m: Floats, green: Floats, opposite: Floats, weight: Floats, y: int, left: int, first: int,
    own: Floats, middle: Floats, other: Floats,
) -> None:  # fmt: skip
    """5, one row: `own` is the color that this row has besides green, from its site `first` on every second."""
    share = weight[y, left:]
    _, g_left, g, g_right, _ = _along(green[y], left)
    g_above, g_below = green[y - 1, left:], green[y + 1, left:]
    _, m_left, mine, m_right, _ = _along(m[y], left)
    m_above, m_below = m[y - 1, left:], m[y + 1, left:]
    _, o_left, opposed, o_right, _ = _along(opposite[y], left)
    o_above, o_below = opposite[y - 1, left:], opposite[y + 1, left:]
    for x in range(len(own)):
        greens = (g[x], g_left[x], g_right[x], g_above[x], g_below[x])
        found = _at_green(greens, (m_left[x], m_right[x], o_above[x], o_below[x]), share[x])
        own[x] = mine[x] if x & 1 == first else found
        middle[x] = g[x]
    for x in range(len(own)):
        greens = (g[x], g_left[x], g_right[x], g_above[x], g_below[x])
        found = _at_green(greens, (o_left[x], o_right[x], m_above[x], m_below[x]), share[x])
        other[x] = opposed[x] if x & 1 == first else found


@part
def _at_green(greens: Five, colors: Four, share: np.float32) -> np.float32:
    """Red or blue at one green site: from green there, and both to the left, right, above and below."""
    g, g0, g1, g2, g3 = greens
    c0, c1, c2, c3 = colors
    guess = g - (share * (g0 - c0 + g1 - c1) + (f(1) - share) * (g2 - c2 + g3 - c3)) * f(0.5)
    low, high = _range(c0, c1, c2, c3)
    least, greatest = _range(g0, g1, g2, g3)
    return _guided(guess, low, high, g, least, greatest)


@part
def _range(a: np.float32, b: np.float32, c: np.float32, d: np.float32) -> tuple[np.float32, np.float32]:
    return min(min(a, b), min(c, d)), max(max(a, b), max(c, d))


@part
def _guided(
    guess: np.float32, low: np.float32, high: np.float32, guide: np.float32, least: np.float32, greatest: np.float32
) -> np.float32:
    """`guess` no farther out of its range than `guide` out of its own: `ispd.isp.stages.demosaic.overshoot`."""
    share = max(high, f(0)) / max(max(high, greatest), f(1e-9))
    lowest = low - share * max(least - guide, f(0))
    highest = high + share * max(guide - greatest, f(0))
    return min(max(guess, lowest), highest)
