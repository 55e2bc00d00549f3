"""Sharpen: an unsharp mask on lightness, after the resize.

Takes   DisplayRGB (3, H, W); gives the same, hue and saturation of every pixel kept: its channels are scaled together
Source  unsharp masking on sRGB-encoded luminance, which is near what an eye sees as lightness; Gaussian of `radius_px`

>>> import torch
>>> sharpen(DisplayRGB(torch.full((3, 4, 4), 0.25)), Sharpen(amount=2.0)).unique()
tensor([0.2500])
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ispd.isp.color.mix import luminance
from ispd.isp.color.transfer import decode, encode
from ispd.isp.look import Sharpen
from ispd.isp.values import DisplayRGB

LEAST = 1e-4  # of luminance: below it a pixel is black, and dividing by it would color its noise


def sharpen(rgb: DisplayRGB, p: Sharpen) -> DisplayRGB:
    """Lightness plus `amount` times what a blur takes away."""
    if not isinstance(p.amount, Tensor) and p.amount == 0:
        return rgb
    before = luminance(rgb).clamp(min=LEAST)
    lightness = encode(before, "srgb")
    crisp = lightness + p.amount * (lightness - _blurred(lightness, p.radius_px))
    return DisplayRGB(rgb * (decode(crisp.clamp(min=0), "srgb") / before))


def reach(p: Sharpen) -> int:
    """How many pixels away a neighbor can still matter."""
    return math.ceil(3 * p.radius_px)


def taps(radius_px: float, like: Tensor) -> Tensor:
    """The Gaussian's weights along a line; where and how precise as `like` is."""
    half = math.ceil(3 * radius_px)
    line = torch.exp(-0.5 * (torch.arange(-half, half + 1).to(like) / radius_px) ** 2)
    return line / line.sum()


def _blurred(plane: Tensor, radius_px: float) -> Tensor:
    """(H, W), a Gaussian in two passes; the edge goes on beyond the edge."""
    line = taps(radius_px, plane)
    half = len(line) // 2
    padded = F.pad(plane[None, None], (half, half, half, half), mode="replicate")
    across = F.conv2d(padded, line.reshape(1, 1, 1, -1))
    return F.conv2d(across, line.reshape(1, 1, -1, 1))[0, 0]
