"""Tone curve: a camera profile's own, from the scene's light to the screen's.

Takes   SceneRGB; the file's curve, and the light that is to be black
Gives   DisplayRGB; the brightest and the darkest channel of each color go through the curve, and the third keeps its
        place between them, so that hue stays: of light above 1 too, whose brighter channels run to 1 together
Source  DNG 1.7.1: the tag ProfileToneCurve (linear light to linear light, a cubic spline through its points) and
        DefaultBlackRender; chapter 6: it acts in linear ProPhoto

>>> import torch
>>> square = ((0.0, 0.0, 0.0), (1.0, 1.0, 2.0))  # y = x²: its slopes are 0 and 2
>>> tone_curve(SceneRGB(torch.full((3, 1, 1), 0.5)), square).flatten()
tensor([0.2500, 0.2500, 0.2500])
"""

from __future__ import annotations

import torch
from torch import Tensor

from ispd.isp.color.prophoto import prophoto_from_rec2020, rec2020_from_prophoto
from ispd.isp.params import Scalar
from ispd.isp.values import DisplayRGB, Knots, SceneRGB

TINY = 1e-9  # of the distance between channels: a grey has no third place to keep


def tone_curve(rgb: SceneRGB, knots: Knots, black: Scalar = 0.0) -> DisplayRGB:
    """Every pixel through the curve; `black` and what is darker become 0."""
    light = (prophoto_from_rec2020(rgb) - black) / (1 - black)
    high, low = light.amax(dim=0), light.amin(dim=0)
    place = (light - low) / (high - low).clamp(min=TINY)  # 1 for the brightest, 0 for the darkest
    darkest = _through(low, knots)
    toned = darkest + place * (_through(high, knots) - darkest)
    return DisplayRGB(rec2020_from_prophoto(toned))


def _through(x: Tensor, knots: Knots) -> Tensor:
    """Cubic Hermite pieces between the knots; flat beyond the outermost."""
    px, py, slopes = torch.tensor(knots, dtype=torch.float64).to(x).T.contiguous()
    at = x.clamp(knots[0][0], knots[-1][0])
    piece = (torch.searchsorted(px, at.detach().contiguous(), right=True) - 1).clamp(0, len(knots) - 2)
    width = (px[1:] - px[:-1])[piece]
    t = (at - px[piece]) / width
    left, right = py[piece], py[piece + 1]
    bend_left, bend_right, rise = slopes[piece] * width, slopes[piece + 1] * width, right - left
    rest = 3 * rise - 2 * bend_left - bend_right + t * (bend_left + bend_right - 2 * rise)
    y: Tensor = left + t * (bend_left + t * rest)
    return y.clamp(0, 1)
