"""Transfer functions: linear light in [0, 1] to the code values of a screen's color space, and back.

Takes   any tensor; negative values and values above 1 go on along the same curve, mirrored at 0, so that every
        function is the other's inverse on the whole line and no input gives NaN
Source  `ispd.isp.color.spaces`

>>> encode(torch.tensor([0.0, 0.18, 1.0]), "srgb")
tensor([0.0000, 0.4614, 1.0000])
>>> decode(encode(torch.tensor([-0.2, 0.5, 3.0]), "adobe-rgb"), "adobe-rgb")
tensor([-0.2000,  0.5000,  3.0000])
"""

from __future__ import annotations

import torch
from torch import Tensor

from ispd.isp.color.spaces import TRANSFERS
from ispd.orders import Space


def encode(linear: Tensor, space: Space) -> Tensor:
    """Code values in [0, 1] for linear light in [0, 1]."""
    return torch.sign(linear) * _pieces(linear.abs(), *TRANSFERS[space])


def decode(encoded: Tensor, space: Space) -> Tensor:
    """Linear light in [0, 1] for code values in [0, 1]."""
    return torch.sign(encoded) * _unpieces(encoded.abs(), *TRANSFERS[space])


def _pieces(x: Tensor, knee: float, slope: float, scale: float, exponent: float) -> Tensor:
    # clamp inside the power: torch.where still differentiates the branch it drops, and at 0 the slope is infinite
    power = scale * x.clamp(min=knee) ** exponent - (scale - 1)
    return torch.where(x <= knee, slope * x, power)


def _unpieces(y: Tensor, knee: float, slope: float, scale: float, exponent: float) -> Tensor:
    knee = slope * knee
    power = ((y.clamp(min=knee) + (scale - 1)) / scale) ** (1 / exponent)
    return torch.where(y <= knee, y / slope, power)
