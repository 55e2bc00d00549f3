"""Curve: from the scene's light to the screen's.

Takes   SceneRGB; `ceiling`, the scene value at which a neutral light has run the sensor out
Gives   DisplayRGB in which neutral 1.0 is the screen's white; colors outside the screen's gamut are left to `gamut`

`filmic`: a color's norm goes through the tone curve and its channels are scaled with it, so hue and saturation stay as
the scene had them; only towards white the ratios melt into 1, as on film, where a lamp's core is white and its glow
colored.  The tone curve has slope `contrast` at mid grey, in log-log, a toe that keeps shadows open, and a shoulder to
white at `white_ev`, or a little below the sensor's end if that is lower: what has run out shows white, not grey.  Where
white lies more than WIDE stops above grey (files that ask for a large BaselineExposure to save the sky) the slope gives
way, so that the sky which was saved is also seen.
`none`: 1.0 is white, and cut there.
`file`: the curve of the file's own camera profile, which is the stage `tone_curve`; where it has none, `filmic`.

Source  tone: `ispd.isp.color.tone`
        monotone points: F. Fritsch, J. Butland, SIAM J. Sci. Stat. Comput. 5 (1984)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ispd.isp.color import tone
from ispd.isp.color.transfer import decode, encode
from ispd.isp.look import Curve
from ispd.isp.params import Points, Scalar
from ispd.isp.values import DisplayRGB, SceneRGB


def curve(rgb: SceneRGB, p: Curve, ceiling: Scalar = math.inf) -> DisplayRGB:
    """Tone by `p.method`, then `p.points`."""
    if p.method == "none" and not p.points:
        return DisplayRGB(rgb.clamp(max=1))
    norm = _norm(rgb).clamp(min=1e-6)
    if p.method == "none":
        return DisplayRGB(rgb * (_points(norm, p.points) / norm)[None])
    white = tone.white(p, ceiling)
    toned = tone.tone(norm, p, white)
    if p.points:
        toned = _points(toned, p.points)
    return DisplayRGB(_melted(rgb / norm, norm / white) * toned)


def _norm(rgb: Tensor) -> Tensor:
    """(H, W): how bright a color is: a smooth maximum of its channels, of a grey the grey.

    Luminance would be too dark for red and blue: scaled by it they leave the gamut at the top, and come back as pink.
    """
    light = rgb.clamp(min=0)
    square = light * light
    return (square * light).sum(dim=0) / square.sum(dim=0).clamp(min=1e-12)


def _melted(ratios: Tensor, reach: Tensor) -> Tensor:
    """Channel ratios drawn towards 1 as brightness nears and passes white (`reach` = 1): half way there.

    Square roots are mixed, not light: an eye sees orange that is mixed with white light as pink, and embers as gold.
    """
    power = reach.clamp(max=16) ** 6  # late and steep: a color that begins to melt at half of white's brightness pales
    melt = power / (1 + power)
    root = ratios.clamp(min=1e-8).sqrt()  # its slope at 0 has no end
    mixed = root + melt * (1 - root)
    return mixed * mixed + (1 - melt) * ratios.clamp(max=0)


def _points(light: Tensor, points: Points) -> Tensor:
    """A monotone curve through `points`, on sRGB-encoded values; flat beyond the outermost."""
    return decode(_monotone(encode(light, "srgb"), points), "srgb")


def _monotone(x: Tensor, points: Points) -> Tensor:
    """Cubic Hermite pieces; each knot's slope is the weighted harmonic mean of its neighbors', or 0 at a turn."""
    knots = torch.stack([torch.stack([torch.as_tensor(value).to(x) for value in point]) for point in points])
    px, py = knots[:, 0].contiguous(), knots[:, 1]
    if len(points) == 1:
        return torch.zeros_like(x) + py[0]
    slopes = _slopes(px, py)
    at = x.clamp(float(px[0]), float(px[-1]))
    piece = (torch.searchsorted(px.detach(), at.detach(), right=True) - 1).clamp(0, len(points) - 2)
    width = (px[1:] - px[:-1]).clamp(min=1e-6)[piece]
    t = (at - px[piece]) / width
    left, right = py[piece], py[piece + 1]
    bend_left, bend_right = slopes[piece] * width, slopes[piece + 1] * width
    rise = right - left
    return left + t * (
        bend_left + t * (3 * rise - 2 * bend_left - bend_right + t * (bend_left + bend_right - 2 * rise))
    )


def _slopes(px: Tensor, py: Tensor) -> Tensor:
    width = (px[1:] - px[:-1]).clamp(min=1e-6)
    secant = (py[1:] - py[:-1]) / width
    before, after = secant[:-1], secant[1:]
    weight = (1 + width[1:] / (width[:-1] + width[1:])) / 3
    rising = before * after > 0
    mean = weight * after + (1 - weight) * before
    inner = torch.where(
        rising, before * after / torch.where(rising, mean, torch.ones_like(mean)), torch.zeros_like(mean)
    )
    return torch.cat([secant[:1], inner, secant[-1:]])
