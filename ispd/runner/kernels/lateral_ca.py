"""Lateral color, as `ispd.isp.stages.lateral_ca` says it: the color difference of red and blue moves, green stays."""

from __future__ import annotations

import numpy as np

from ispd.runner.kernels.compiler import entry, part
from ispd.runner.kernels.tables import Floats, Fringes, Sensor, Whole

f = np.float32

REACH = 10  # sites that are looked away at most
TAPS = 4  # of the cubic
LINES = 5  # of work


@entry
def lateral_ca(
    mosaic: Floats, top: int, left: int, p: Sensor, q: Fringes, green: Floats, apart: Floats, work: Floats,
    places: Whole,
) -> None:  # fmt: skip
    """In place, right but for REACH sites at the strip's ends; its first sample is (top, left) of the active area.

    `work` (LINES, columns) and `places` (TAPS + 1, columns) are to work in.
    """
    _green(mosaic, (top + q.row[0] + left + q.column[0]) & 1, green)
    for color in range(2):
        rows = _held(q.row[color], top, mosaic.shape[0], p.last_row)
        columns = _held(q.column[color], left, mosaic.shape[1], p.last_column)
        _differences(mosaic, green, top, left, p, q, color, rows, columns, apart, work, places)
        _moved(mosaic, green, top, left, p, q, color, rows, columns, apart, work, places)


@part
def _held(first: int, start: int, length: int, last: int) -> tuple[int, int]:
    """Which of a color's rows, first, first + 2 …, a strip holds of those up to `last`: from and up to."""
    return max(0, (start - first + 1) // 2), (min(last, start + length - 1) - first) // 2 + 1


@part
def _green(m: Floats, odd: int, green: Floats) -> None:
    """Measured, or the mean of four; `odd`: red and blue lie where y + x is odd."""
    height, width = m.shape
    for y in range(1, height - 1):
        left, own, right = m[y], m[y, 1:], m[y, 2:]
        above, below, target = m[y - 1, 1:], m[y + 1, 1:], green[y, 1:]
        first = (y + 1 + odd) & 1
        for x in range(width - 2):
            mean = (above[x] + below[x] + left[x] + right[x]) * f(0.25)
            target[x] = mean if x & 1 == first else own[x]


@part
def _place(index: int, last: int, start: int, length: int) -> int:
    """Where a strip holds an index of 0 … last; beyond its ends nothing is wanted."""
    return min(max(min(max(index, 0), last) - start, 0), length - 1)


@part
def _runs(places: Whole, taps: int, step: int, count: int) -> int:
    """How many pieces the columns fall into, in each of which places go on by `step`: what a vector can be read from.

    The line after `taps` gets the first column of each, and the end.
    """
    runs = 0
    for m in range(count):
        goes_on = m > 0
        for tap in range(taps):
            goes_on = goes_on and places[tap, m] == places[tap, m - 1] + step
        if not goes_on:
            places[taps, runs] = m
            runs += 1
    places[taps, runs] = count
    return runs


@part
def _parted(row: Floats, even: Floats, odd: Floats, count: int) -> None:
    """Every second number, and those between them: apart they are vectors."""
    for m in range(count):
        even[m], odd[m] = row[2 * m], row[2 * m + 1]


@part
def _differences(
    mosaic: Floats, green: Floats, top: int, left: int, p: Sensor, q: Fringes, color: int,
    rows: tuple[int, int], columns: tuple[int, int], apart: Floats, work: Floats, places: Whole,
) -> None:  # fmt: skip
    """A color's samples less green, which lies elsewhere."""
    height, width = mosaic.shape
    start, count = columns[0], columns[1] - columns[0]
    for m in range(count):
        for tap in range(2):
            places[tap, m] = _place(q.column_line[color, start + m] + tap, p.last_column, left, width)
    runs, own = _runs(places, 2, 2, count), q.column[color] + 2 * start - left
    line, sides, samples, between = work[0], work[1:3], work[3], work[4]
    for n in range(rows[0], rows[1]):
        above = green[_place(q.row_line[color, n], p.last_row, top, height)]
        below = green[_place(q.row_line[color, n] + 1, p.last_row, top, height)]
        t = q.row_part[color, n]
        for x in range(width):
            line[x] = (f(1) - t) * above[x] + t * below[x]
        _parted(line, sides[0], sides[1], width // 2)
        sides[0, width // 2] = line[width - 1]  # if that is an even one, it had no partner
        _parted(mosaic[q.row[color] + 2 * n - top, own:], samples, between, count - 1)
        samples[count - 1] = mosaic[q.row[color] + 2 * n - top, own + 2 * (count - 1)]
        for run in range(runs):
            first, end = places[2, run], places[2, run + 1]
            near, far = places[0, first], places[1, first]
            _less(
                samples[first:], sides[near % 2, near // 2 :], sides[far % 2, far // 2 :],
                q.column_part[color, start + first :], apart[n - rows[0], first:], end - first,
            )  # fmt: skip


@part
def _less(samples: Floats, near: Floats, far: Floats, share: Floats, target: Floats, count: int) -> None:
    """One run of one row."""
    for m in range(count):
        target[m] = samples[m] - ((f(1) - share[m]) * near[m] + share[m] * far[m])


@part
def _moved(
    mosaic: Floats, green: Floats, top: int, left: int, p: Sensor, q: Fringes, color: int,
    rows: tuple[int, int], columns: tuple[int, int], apart: Floats, work: Floats, places: Whole,
) -> None:  # fmt: skip
    """The differences where they belong, added to the green that is there."""
    start, count, held = columns[0], columns[1] - columns[0], rows[1] - rows[0]
    last_row, last_column = (p.last_row - q.row[color]) // 2, (p.last_column - q.column[color]) // 2
    for m in range(count):
        for tap in range(TAPS):
            places[tap, m] = _place(q.column_cubic[color, start + m] + tap - 1, last_column, start, count)
    runs, own = _runs(places, TAPS, 1, count), q.column[color] + 2 * start - left
    line, there, between, by = work[0], work[1], work[2], q.column_weights
    for n in range(rows[0], rows[1]):
        at, weights = q.row_cubic[color, n], q.row_weights[color, n]
        a0, a1 = apart[_place(at - 1, last_row, rows[0], held)], apart[_place(at, last_row, rows[0], held)]
        a2, a3 = apart[_place(at + 1, last_row, rows[0], held)], apart[_place(at + 2, last_row, rows[0], held)]
        v0, v1, v2, v3 = weights[0], weights[1], weights[2], weights[3]
        for m in range(count):
            line[m] = v0 * a0[m] + v1 * a1[m] + v2 * a2[m] + v3 * a3[m]
        y = q.row[color] + 2 * n - top
        _parted(green[y, own:], there, between, count - 1)
        there[count - 1] = green[y, own + 2 * (count - 1)]
        for run in range(runs):
            first, end = places[TAPS, run], places[TAPS, run + 1]
            for tap in range(0, TAPS, 2):
                one, two = line[places[tap, first] :], line[places[tap + 1, first] :]
                weight, weight2 = by[color, tap, start + first :], by[color, tap + 1, start + first :]
                _more(there[first:], one, two, weight, weight2, end - first)
        target = mosaic[y, own:]
        _parted(target, line, between, count - 1)
        for m in range(count - 1):  # what lies between is written too: a vector has no gaps
            target[2 * m], target[2 * m + 1] = there[m], between[m]
        target[2 * (count - 1)] = there[count - 1]


@part
def _more(target: Floats, one: Floats, two: Floats, weight: Floats, weight2: Floats, count: int) -> None:
    """Two of four taps, of one run of one row; with all four it would be no vector."""
    for m in range(count):
        target[m] += weight[m] * one[m] + weight2[m] * two[m]
