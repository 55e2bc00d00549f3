"""Finish: saturation and split toning, the last touch on display-linear color.

Takes   DisplayRGB; gives the same.  Saturation scales OKLab chroma, so hue and lightness stay; a tint keeps luminance,
        leaves black black and white white, and is strongest a third of the way from the end that it names
Source  OKLab: see `ispd.isp.color.oklab`; the two weights are Bernstein polynomials of degree 3, scaled to 1

>>> import torch
>>> finish(DisplayRGB(torch.full((3, 1, 1), 0.5)), Finish(saturation=2.0)).flatten()
tensor([0.5000, 0.5000, 0.5000])
"""

from __future__ import annotations

import torch
from torch import Tensor

from ispd.isp.color.mix import luminance
from ispd.isp.color.oklab import oklab_from_rec2020, rec2020_from_oklab
from ispd.isp.color.transfer import decode, encode
from ispd.isp.look import Finish
from ispd.isp.params import Scalar
from ispd.isp.values import DisplayRGB


def finish(rgb: DisplayRGB, p: Finish) -> DisplayRGB:
    """Saturation, then the tints; what is at its default costs nothing."""
    if _acts(p.saturation, 1.0):
        rgb = _saturated(rgb, p.saturation)
    tints = (p.shadow_red, p.shadow_blue, p.highlight_red, p.highlight_blue)
    return _toned(rgb, p) if any(_acts(tint, 0.0) for tint in tints) else rgb


def _acts(value: Scalar, still: float) -> bool:
    return isinstance(value, Tensor) or value != still


def _saturated(rgb: DisplayRGB, saturation: Scalar) -> DisplayRGB:
    lab = oklab_from_rec2020(rgb)
    return DisplayRGB(rec2020_from_oklab(torch.cat([lab[:1], lab[1:] * saturation])))


def _toned(rgb: DisplayRGB, p: Finish) -> DisplayRGB:
    before = luminance(rgb).clamp(min=0)
    light = encode(before, "srgb").clamp(max=1)
    dark, bright = 6.75 * light * (1 - light) ** 2, 6.75 * light**2 * (1 - light)
    encoded = encode(rgb, "srgb")
    red = encoded[0] + p.shadow_red * dark + p.highlight_red * bright
    blue = encoded[2] + p.shadow_blue * dark + p.highlight_blue * bright
    toned = decode(torch.stack([red, encoded[1], blue]), "srgb")
    after = luminance(toned)
    return DisplayRGB(toned * (before.clamp(min=1e-6) / after.clamp(min=1e-6)).clamp(max=4))
