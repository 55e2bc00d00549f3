"""Transfer functions: linear light in [0, 1] to the code values of a screen's color space, and back.

Takes   any tensor; negative values and values above 1 go on along the same curve, mirrored at 0, so that every
        function is the other's inverse on the whole line and no input gives NaN
Source  IEC 61966-2-1 (sRGB; Display P3 shares its curve), Adobe RGB (1998) §4.3.4.2, ITU-R BT.2020 table 4

>>> encode(torch.tensor([0.0, 0.18, 1.0]), "srgb")
tensor([0.0000, 0.4614, 1.0000])
>>> decode(encode(torch.tensor([-0.2, 0.5, 3.0]), "adobe-rgb"), "adobe-rgb")
tensor([-0.2000,  0.5000,  3.0000])
"""

from __future__ import annotations

import torch
from torch import Tensor

from ispd.orders import Space

ADOBE_GAMMA = 563 / 256  # the specification's own number, not 2.2
ALPHA, BETA = 1.09929682680944, 0.018053968510807  # BT.2020 in full precision: where line and power meet smoothly


def encode(linear: Tensor, space: Space) -> Tensor:
    """Code values in [0, 1] for linear light in [0, 1]."""
    size = linear.abs()
    if space == "adobe-rgb":
        return torch.sign(linear) * _power(size, 1 / ADOBE_GAMMA)
    if space == "rec2020":
        return torch.sign(linear) * _pieces(size, BETA, 4.5, ALPHA, 0.45)
    return torch.sign(linear) * _pieces(size, 0.0031308, 12.92, 1.055, 1 / 2.4)


def decode(encoded: Tensor, space: Space) -> Tensor:
    """Linear light in [0, 1] for code values in [0, 1]."""
    size = encoded.abs()
    if space == "adobe-rgb":
        return torch.sign(encoded) * _power(size, ADOBE_GAMMA)
    if space == "rec2020":
        return torch.sign(encoded) * _unpieces(size, 4.5 * BETA, 4.5, ALPHA, 1 / 0.45)
    return torch.sign(encoded) * _unpieces(size, 0.04045, 12.92, 1.055, 2.4)


def _pieces(x: Tensor, knee: float, slope: float, scale: float, exponent: float) -> Tensor:
    # clamp inside the power: torch.where still differentiates the branch it drops, and at 0 the slope is infinite
    power = scale * x.clamp(min=knee) ** exponent - (scale - 1)
    return torch.where(x <= knee, slope * x, power)


def _unpieces(y: Tensor, knee: float, slope: float, scale: float, exponent: float) -> Tensor:
    power = ((y.clamp(min=knee) + (scale - 1)) / scale) ** exponent
    return torch.where(y <= knee, y / slope, power)


def _power(x: Tensor, exponent: float) -> Tensor:
    """A plain power whose slope stays finite at 0: below 1e-7 it is a line to the origin."""
    tiny = 1e-7
    return torch.where(x < tiny, x * tiny ** (exponent - 1), x.clamp(min=tiny) ** exponent)
