"""Resize: the triangle filter of `ispd.isp.stages.resize`, rows first, then columns."""

from __future__ import annotations

import numpy as np

from ispd.runner.kernels.compiler import entry
from ispd.runner.kernels.tables import Floats, Whole

f = np.float32


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
