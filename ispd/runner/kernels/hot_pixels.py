"""Defective sites found and mended, as `ispd.isp.stages.hot_pixels` says it; once a photo, before anything else.

They are few: a list of them, by which every strip is patched when its codes are cut out.  Nearly all sites are done
with after a look at the four nearest of their color in the same row and column; the rest are tested in full.

    codes ─ defects ▶ rows, columns, codes they should have ─ patched ▶ codes
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ispd.isp.defects import AROUND, DARKER, DEVIATIONS, FAINT, LIVELY, LIVELY_STUCK, SEEN, SHARE, STUCK
from ispd.runner.kernels.compiler import entry, part
from ispd.runner.kernels.sensor import MOST, gain_of_row
from ispd.runner.kernels.tables import Floats, Sensor, Whole

f = np.float32

REACH = AROUND + 2  # sites that are looked away, made even
FAINTEST, PART, DARK, FULL = f(FAINT), f(SHARE), f(DARKER), f(STUCK)
TEXTURE, TEXTURE_STUCK, SHOWN, STRAY = f(LIVELY), f(LIVELY_STUCK), f(SEEN), f(DEVIATIONS)


class Defects(NamedTuple):
    """Row by row, by rising column."""

    first: Whole  # (rows + 1): of each row the first
    column: Whole
    code: Floats  # that the site should have


@entry
def patched(codes: Floats, rows: Whole, left: int, width: int, p: Defects) -> None:
    """Those among rows and columns from `left` on of a picture so wide, and of its mirror images; in place."""
    period = 2 * width - 2
    for y in range(len(rows)):
        for n in range(p.first[rows[y]], p.first[rows[y] + 1]):
            for column in (p.column[n], -p.column[n]):
                for x in range((column - left) % period, codes.shape[1], period):
                    codes[y, x] = p.code[n]


@entry
def defects(
    codes: Floats, rows: Whole, p: Sensor, shot: np.float32, read: np.float32, gains: Floats, work: Floats,
    found: Whole, place: Whole, code: Floats,
) -> int:  # fmt: skip
    """How many there are REACH sites inside the edges; `place` gets those sites' numbers, row by row, `code` theirs.

    `codes` becomes light; no white balance in `p`.  `work` has eight more than a row, `found` as many as a row.
    """
    height, width = codes.shape
    above_all, near = work[:width], work[width:]
    least = STRAY * np.sqrt(read) * p.full
    count = 0
    for y in range(height):
        _light(codes[y], rows[y], p, gains[y])
    for y in range(REACH, height - REACH):
        black, own = p.black[rows[y] % p.black.shape[0]], p.black_of_row[rows[y]]
        for n in range(_suspects(codes[y - 2], codes[y], codes[y + 2], gains[y], least, above_all, found)):
            x = found[n]
            gain, dark = gains[y, x], black[x] + own
            green = (rows[y] + p.red_row + x + p.red_column) & 1 == 1
            _near(codes, y, x, green, near)
            if _is_defect(codes, y, x, near, p.full * (p.white - dark) / p.span * gain, shot, read):
                place[count] = (y - REACH) * (width - 2 * REACH) + x - REACH
                code[count] = (_along(near) / gain if gain > f(0) else f(0)) * p.span + dark
                count += 1
    return count


@part
def _light(line: Floats, row: int, p: Sensor, gain: Floats) -> None:
    """Of codes, in place, and what it was multiplied by."""
    gain_of_row(row, 0, p, gain)
    black, own = p.black[row % p.black.shape[0]], p.black_of_row[row]
    for x in range(len(line)):
        line[x] = min(max((line[x] - (black[x] + own)) / p.span, -MOST), MOST) * gain[x]


@part
def _suspects(
    above: Floats, line: Floats, below: Floats, gain: Floats, least: np.float32, excess: Floats, found: Whole
) -> int:
    """How many stand out from all but one of four: what a defect does from eight, by more than is asked here."""
    count, width = 0, len(line) - 2 * REACH
    above, below, gain, excess = above[REACH:], below[REACH:], gain[REACH:], excess[REACH:]
    before, own, after = line[REACH - 2 :], line[REACH:], line[REACH + 2 :]
    for x in range(width):
        up, down, left, right, value = above[x], below[x], before[x], after[x], own[x]
        a, b = min(max(up, down), max(left, right)), max(min(up, down), min(left, right))
        low, high = min(a, b), max(a, b)
        margin = FAINTEST + least * gain[x]
        hot, dead = value - high - margin - PART * max(high, f(0)), min(low - value - margin, DARK * low - value)
        excess[x] = max(hot, dead)
        count += 1 if excess[x] > f(0) else 0
    if count == 0:
        return 0
    count = 0
    for x in range(width):
        found[count] = REACH + x  # written always, kept where it counts: no branch
        count += 1 if excess[x] > f(0) else 0
    return count


@part
def _near(m: Floats, y: int, x: int, green: bool, near: Floats) -> None:
    """The eight nearest of the same color, in pairs that lie opposite; the nearer pairs first."""
    cross, aslant = (4, 1) if green else (0, 2)
    near[cross], near[cross + 1] = m[y, x - 2], m[y, x + 2]
    near[cross + 2], near[cross + 3] = m[y - 2, x], m[y + 2, x]
    corner = 4 - cross
    near[corner], near[corner + 1] = m[y - aslant, x - aslant], m[y + aslant, x + aslant]
    near[corner + 2], near[corner + 3] = m[y - aslant, x + aslant], m[y + aslant, x - aslant]


@part
def _is_defect(m: Floats, y: int, x: int, near: Floats, gain: np.float32, shot: np.float32, read: np.float32) -> bool:
    """The stage's own test; `gain`: the site's ceiling."""
    value = m[y, x]
    mean = _cross(m, y, x, 2)
    if not abs(value - mean) > f(0.5) * FAINTEST + f(0.5) * PART * abs(mean):
        return False
    low, high, total = _second(near)
    noise = np.sqrt(gain * shot * max(total / f(8), f(0)) + gain * gain * read)
    beside = _cross(m, y, x, 1)
    above, below = _cross(m, y - AROUND, x, 1), _cross(m, y + AROUND, x, 1)
    left, right = _cross(m, y, x - AROUND, 1), _cross(m, y, x + AROUND, 1)
    unlike = max(abs(m[y - 1, x] - m[y + 1, x]), abs(m[y, x - 1] - m[y, x + 1]))
    margin, lively = STRAY * noise + FAINTEST, max(high - low, unlike)
    if value > FULL * gain or value < FAINTEST:  # stuck
        margin += TEXTURE_STUCK * lively
        darkest = brightest = (above + below + left + right) / f(4)
    else:
        margin += TEXTURE * lively
        darkest, brightest = min(min(above, below), min(left, right)), max(max(above, below), max(left, right))
    if value - high > margin + PART * max(high, f(0)) and beside - darkest < SHOWN * (value - high):
        return True
    return bool(low - value > margin and value < DARK * low and brightest - beside < SHOWN * (low - value))


@part
def _cross(m: Floats, y: int, x: int, far: int) -> np.float32:
    """The mean of four sites around."""
    mean: np.float32 = (m[y - far, x] + m[y + far, x] + m[y, x - far] + m[y, x + far]) / f(4)
    return mean


@part
def _second(near: Floats) -> tuple[np.float32, np.float32, np.float32]:
    """The second least, the second greatest, and the sum."""
    least, low = min(near[0], near[1]), max(near[0], near[1])
    greatest, high, total = low, least, near[0] + near[1]
    for n in range(2, 8):
        value = near[n]
        low, high = min(low, max(least, value)), max(high, min(greatest, value))
        least, greatest = min(least, value), max(greatest, value)
        total += value
    return low, high, total


@part
def _along(near: Floats) -> np.float32:
    """The mean of the two neighbors that differ least."""
    best = 0
    for n in range(2, 8, 2):
        if abs(near[n] - near[n + 1]) < abs(near[best] - near[best + 1]):
            best = n
    mean: np.float32 = (near[best] + near[best + 1]) * f(0.5)
    return mean
