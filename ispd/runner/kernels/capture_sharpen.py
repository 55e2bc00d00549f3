"""Capture sharpening, as `ispd.isp.stages.capture_sharpen` says it."""

from __future__ import annotations

import numpy as np

from ispd.isp import crispness
from ispd.runner.kernels.compiler import entry, part
from ispd.runner.kernels.tables import Floats, Sensor

f = np.float32

CORED, END, FADING, SLACK = f(crispness.CORED), f(crispness.END), f(crispness.FADING), f(crispness.SLACK)
LEAST = f(crispness.LEAST)


@entry
def capture_sharpen(soft: Floats, p: Sensor, work: Floats, rgb: Floats, left: int) -> None:
    """Camera color (3, rows, columns) but for its outermost pixels, to the columns of `rgb` from `left` on."""
    _, height, width = soft.shape
    plane, lines = work[0], work[1]
    for y in range(height):
        r, g, b, light = soft[0, y], soft[1, y], soft[2, y], plane[y, :width]
        for x in range(width):
            light[x] = max((r[x] + f(2) * g[x] + b[x]) / f(4), f(0))
    right = left + width - 2
    for y in range(height - 2):
        factor = lines[3]
        _factors(plane[y, :width], plane[y + 1, :width], plane[y + 2, :width], p, lines, factor)
        for color in range(3):
            source, target = soft[color, y + 1, 1:], rgb[color, y, left:right]
            for x in range(width - 2):
                target[x] = source[x] * factor[x]


@part
def _factors(above: Floats, own: Floats, below: Floats, p: Sensor, lines: Floats, factor: Floats) -> None:
    """What the pixels of a row, but for its first and last, are multiplied by: from its light and the rows beside."""
    blurred, least, greatest = lines[0], lines[1], lines[2]
    amount, middle, side, shot, read = p.crisp[0], p.crisp[1], p.crisp[2], p.crisp[3], p.crisp[4]
    for x in range(len(own)):
        blurred[x] = middle * own[x] + side * (above[x] + below[x])
        least[x] = min(min(above[x], below[x]), own[x])
        greatest[x] = max(max(above[x], below[x]), own[x])
    here, blurred1, blurred2 = own[1:], blurred[1:], blurred[2:]
    least1, least2, greatest1, greatest2 = least[1:], least[2:], greatest[1:], greatest[2:]
    for x in range(len(own) - 2):
        before = here[x]
        low, high = min(min(least[x], least2[x]), least1[x]), max(max(greatest[x], greatest2[x]), greatest1[x])
        detail = before - (middle * blurred1[x] + side * (blurred[x] + blurred2[x]))
        square = detail * detail
        told = square / (square + CORED * (shot * before + read) + LEAST)  # from noise
        crisp = before + amount * detail * told * min(max((END - before) / FADING, f(0)), f(1))
        slack = SLACK * (high - low)
        crisp = min(max(crisp, max(low - slack, f(0))), high + slack)
        factor[x] = (crisp + LEAST) / (before + LEAST)
