"""Resize: to the size that an output asks for, in linear light, where mixing pixels is mixing light.

Takes   DisplayRGB (3, H, W); `pixel_aspect`, a stored pixel's width over its height
Gives   DisplayRGB with square pixels whose long edge is `size`, or full size where it is None or larger than that
Source  triangle filter as wide as the reduction (torch's antialiased bilinear): no negative weights, so no dark rims
        around lamps, and nothing leaves the range it had
"""

from __future__ import annotations

import torch.nn.functional as F

from ispd.isp.size import scaled
from ispd.isp.values import DisplayRGB


def resize(rgb: DisplayRGB, size: int | None, pixel_aspect: float = 1.0) -> DisplayRGB:
    """`rgb` itself where its size is right already."""
    _, height, width = rgb.shape
    target = scaled(height, width, size, pixel_aspect)
    if target == (height, width):
        return rgb
    return DisplayRGB(F.interpolate(rgb[None], size=target, mode="bilinear", antialias=True)[0])
