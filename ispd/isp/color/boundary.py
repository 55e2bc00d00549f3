"""How much chroma a color space holds at each hue and lightness of OKLab, and where colors begin to bend before it.

Torch-free, float64.

>>> most_chroma("rec2020").shape
(721, 256)
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ispd.isp.color.spaces import LMS_FROM_LAB, REC2020_FROM_LMS, Array, rgb_from_rec2020
from ispd.orders import Space

KNEE = 0.9  # of the chroma that the space has at this hue and lightness: from there on colors bend
# colors that still fit with so many times their chroma are left out: by which of red, green, blue would meet 0, or 1;
# measured on 16 million random colors of four spaces, of which none would be missed with 0.02 less
REACH = np.array([[1.28, 1.3, 1.24], [1.29, 1.24, 1.3]])
HUES, LIGHTNESSES, STEPS = 720, 256, 20  # the table: finer than an 8-bit step between its entries


@cache
def most_chroma(space: Space) -> Array:
    """(HUES + 1, LIGHTNESSES) chroma of the boundary, hue from -π to π, found by bisection."""
    hue = np.linspace(-np.pi, np.pi, HUES + 1)[:, None]
    lightness = np.linspace(0, 1, LIGHTNESSES)[None, :]
    cone = np.stack(np.broadcast_arrays(0 * hue * lightness, np.cos(hue), np.sin(hue)))
    reach = np.tensordot(LMS_FROM_LAB, cone, 1)  # what one unit of chroma adds to the roots of LMS
    to_space = rgb_from_rec2020(space) @ REC2020_FROM_LMS
    low, high = np.zeros_like(cone[0]), np.full_like(cone[0], 0.5)  # no color of any screen has more than 0.5
    for _ in range(STEPS):
        middle = (low + high) / 2
        roots = lightness + middle * reach
        linear = np.tensordot(to_space, roots * roots * roots, 1)  # numpy's own powers take ten times as long
        fits = ((linear >= -1e-9) & (linear <= 1 + 1e-9)).all(axis=0)
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return np.asarray(low)
