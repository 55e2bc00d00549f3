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

Source  tone: K. Naka, W. Rushton, J. Physiol. 185 (1966), as E. Reinhard, K. Devlin, IEEE TVCG 11 (2005) use it
        mid grey: ISO 12232:2019, saturation-based speed: 18 % grey is metered at 10/78 of what saturates
        monotone points: F. Fritsch, J. Butland, SIAM J. Sci. Stat. Comput. 5 (1984)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ispd.isp.color.transfer import decode, encode
from ispd.isp.look import Curve
from ispd.isp.params import Points, Scalar
from ispd.isp.values import DisplayRGB, SceneRGB

GREY_IN = 10 / 78  # where a camera's meter puts a grey card: the headroom above it is why plain sensor data looks dark
GREY_OUT = 0.18  # where a screen shows it: L* = 50
TOE = 2.0**-2.5  # of grey: darker than this, the curve bends into a straight line, and shadows stay open
WIDE = 4.5  # stops from grey to white; an ordinary sensor has about 4
LEAST_RANGE = 2.6  # stops from grey to white; with less, no curve of slope 1 gets there
LEAST_EXPONENT = 0.3  # flatter, and white close to grey could not be reached: there the slope gives way
SOLVE = 16  # fixed-point steps for the exponent; the error shrinks to a tenth or less with each


def curve(rgb: SceneRGB, p: Curve, ceiling: Scalar = math.inf) -> DisplayRGB:
    """Tone by `p.method`, then `p.points`."""
    if p.method == "none" and not p.points:
        return DisplayRGB(rgb.clamp(max=1))
    norm = _norm(rgb).clamp(min=1e-6)
    if p.method == "none":
        return DisplayRGB(rgb * (_points(norm, p.points) / norm)[None])
    white = _white(p, ceiling)
    tone = _tone(norm, p, white)
    if p.points:
        tone = _points(tone, p.points)
    return DisplayRGB(_melted(rgb / norm, norm / white) * tone)


def _norm(rgb: Tensor) -> Tensor:
    """(H, W): how bright a color is: a smooth maximum of its channels, of a grey the grey.

    Luminance would be too dark for red and blue: scaled by it they leave the gamut at the top, and come back as pink.
    """
    light = rgb.clamp(min=0)
    square = light * light
    return (square * light).sum(dim=0) / square.sum(dim=0).clamp(min=1e-12)


def _white(p: Curve, ceiling: Scalar) -> Tensor:
    """The scene value that becomes the screen's white."""
    asked = torch.as_tensor(GREY_IN * 2.0**p.white_ev)
    end = torch.as_tensor(ceiling).to(asked.device)
    lower = (asked**-4 + end**-4) ** -0.25  # a smooth minimum: `white_ev` can be learned from either side
    return lower.clamp(min=GREY_IN * 2.0**LEAST_RANGE)


def _tone(norm: Tensor, p: Curve, white: Tensor) -> Tensor:
    """The tone curve: 0 → 0, GREY_IN → about GREY_OUT, `white` → 1, then 1."""
    grey = GREY_IN / white.to(norm)
    exponent, q = _shape(torch.as_tensor(p.contrast).to(norm) * _softening(grey), grey)
    black = _sigmoid(grey * 2.0 ** torch.as_tensor(p.black_ev).to(norm), grey, exponent, q)
    tone = _sigmoid((norm / white.to(norm)).clamp(max=1), grey, exponent, q)
    return ((tone - black) / (1 - black)).clamp(min=0)


def _softening(grey: Tensor) -> Tensor:
    """1 up to WIDE stops of range, then less, by the square root of how much wider it is."""
    return (WIDE / -torch.log2(grey)).clamp(max=1).sqrt()


def _shape(contrast: Tensor, grey: Tensor) -> tuple[Tensor, Tensor]:
    """Exponent c and q of `_sigmoid` for which grey lies where it should and the slope there is `contrast`.

    With m = power(grey), grey's place gives q = (GREY_OUT - m) / (m·(1 - GREY_OUT)).  The slope at grey, in log-log, is
    that of the power, 1 + (c - 1) / (1 + TOE), times (1 - GREY_OUT) / (1 - m): solved for c by repetition.
    """
    exponent = contrast / (1 - GREY_OUT)
    for _ in range(SOLVE):
        slope = contrast * (1 - _power(grey, grey, exponent)) / (1 - GREY_OUT)
        exponent = (1 + (slope - 1) * (1 + TOE)).clamp(min=LEAST_EXPONENT)
    m = _power(grey, grey, exponent)
    return exponent, (GREY_OUT - m) / (m * (1 - GREY_OUT))


def _sigmoid(x: Tensor, grey: Tensor, exponent: Tensor, q: Tensor) -> Tensor:
    """(q + 1)·p / (q·p + 1) of the power p: 0 at black, 1 at white (x = 1), a shoulder between grey and white."""
    power = _power(x, grey, exponent)
    return (q + 1) * power / (q * power + 1)


def _power(x: Tensor, grey: Tensor, exponent: Tensor) -> Tensor:
    """xᶜ with a toe: a straight line to black below TOE · grey; 1 at x = 1."""
    toe = TOE * grey
    return x * ((x + toe) / (1 + toe)) ** (exponent - 1)


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
