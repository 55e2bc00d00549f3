"""Full wells: where the sensor really ends.

Many files call the converter's last code white though the sensor stops earlier, and then a blown sky is not seen to
have clipped, and turns pink.  Samples pile up where a sensor ends, while a scene's own brightest thin out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ispd.isp.survey.overview import Array, linearized
from ispd.isp.values import Levels

STEP = 5  # of the rows and columns that are counted: no multiple of an array's repeat, so they hold all its colors
BINS, WIDE = 400, 12  # a full well's spread from pixel to pixel is about 1 %: a pile is 3 % wide
LEAST_FULL = 0.7  # of white: lower is a bright wall rather than the sensor's end
STRAY, FEWEST, FEWEST_FULL = 2e-5, 8, 1e-4  # of the samples: hot pixels above a pile, and what makes one
PILE = 1.5  # times what lies in the 6 % below it: a scene alone has less than 0.7 there


def full_wells(codes: NDArray[Any], p: Levels) -> tuple[float, ...]:
    """Where each plane of a whole picture ends: `Levels.full`."""
    return tuple(_full_well(plane, p, number) for number, plane in enumerate(codes[:, ::STEP, ::STEP]))


def _full_well(codes: NDArray[Any], p: Levels, plane: int) -> float:
    black, white = p.greatest_black(plane), p.white_of(plane)
    if white <= black:
        return 1.0
    with np.errstate(over="ignore", invalid="ignore"):  # a float file may say anything
        return _pile((linearized(codes, p.table) - np.float32(black)) / np.float32(white - black))


def _pile(light: Array) -> float:
    """Where the samples of a plane pile up below white; 1 where they do not."""
    counts = np.histogram(light, BINS, (0, 1))[0]
    above = counts[::-1].cumsum()[::-1]
    some = (above >= max(FEWEST, STRAY * light.size)).nonzero()[0]
    top = int(some[-1]) + 1 if len(some) else 0
    edge, below = counts[max(0, top - WIDE) : top], counts[max(0, top - 3 * WIDE) : max(0, top - WIDE)]
    least = max(PILE * below.sum(), FEWEST_FULL * light.size)
    if top < LEAST_FULL * BINS or edge.sum() < least:
        return 1.0
    middle = np.arange(top - len(edge), top) + 0.5
    return min(1.0, float((edge * middle).sum() / edge.sum()) / BINS)
