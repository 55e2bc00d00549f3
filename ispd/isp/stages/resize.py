"""Resize: to the size that an output asks for, in linear light, where mixing pixels is mixing light.

Takes   DisplayRGB (3, H, W); `pixel_aspect`, a stored pixel's width over its height
Gives   DisplayRGB with square pixels whose long edge is `size`, or full size where it is None or larger than that
Source  triangle filter as wide as the reduction (torch's antialiased bilinear): no negative weights, so no dark rims
        around lamps, and nothing leaves the range it had

>>> scaled(480, 640, size=320, pixel_aspect=1.0)
(240, 320)
>>> scaled(480, 640, size=9999, pixel_aspect=2.0)  # wide pixels: the width grows, no detail is lost
(480, 1280)
"""

from __future__ import annotations

import torch.nn.functional as F

from ispd.isp.values import DisplayRGB


def scaled(height: int, width: int, size: int | None, pixel_aspect: float) -> tuple[int, int]:
    """The height and width that a picture gets; at least 1."""
    if pixel_aspect > 1:
        square_height, square_width = float(height), width * pixel_aspect
    else:
        square_height, square_width = height / pixel_aspect, float(width)
    long_edge = max(square_height, square_width)
    factor = 1.0 if size is None else min(1.0, size / long_edge)
    return max(1, round(square_height * factor)), max(1, round(square_width * factor))


def resize(rgb: DisplayRGB, size: int | None, pixel_aspect: float = 1.0) -> DisplayRGB:
    """`rgb` itself where its size is right already."""
    _, height, width = rgb.shape
    target = scaled(height, width, size, pixel_aspect)
    if target == (height, width):
        return rgb
    return DisplayRGB(F.interpolate(rgb[None], size=target, mode="bilinear", antialias=True)[0])
