"""The loss that looks are fitted with: ΔE2000 around each wanted color, robust, one-sided where that is clipped.

A residual is a vector of three numbers whose length is ΔE2000 for small differences: lightness, chroma and hue, each
divided by what the formula divides it by *at the wanted color*.  So it has no singular slope, costs a matrix a cell,
and squares of it can be solved.  What is minimized is Charbonnier's √(d² + SOFT), which grows like the difference
itself where that is large: a petal out of the screen's gamut does not bend the curve for all others.

Where the wanted picture is at 0 or at its greatest code, it may have been meant darker or brighter: only a prediction
on the inner side of it counts.  Its codes end where its own color space does, so that is told there: in an Adobe RGB
picture a green beyond sRGB is a color like any other.  Another loss is another `target` and `residual`: the solvers
know nothing of color.

Source  G. Sharma, W. Wu, E. Dalal, Color Res. Appl. 30 (2005), equations 8 to 21, at the mean color = the wanted
        P. Charbonnier et al., "Two deterministic half-quadratic regularization algorithms", ICIP 1994
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ispd.isp.color.lab import delta_e, lab_from_rec2020
from ispd.isp.color.mix import mix
from ispd.isp.color.spaces import PRIMARIES, Array, rgb_from_rec2020
from ispd.isp.color.transfer import encode
from ispd.orders import Space

SOFT = 0.5  # ΔE²: below about 0.7 ΔE a difference counts by its square, above by itself
_FROM_REC2020: dict[Space, Array] = {space: rgb_from_rec2020(space) for space in PRIMARIES}
_TO_REC2020 = {space: torch.linalg.inv(torch.from_numpy(matrix)).numpy() for space, matrix in _FROM_REC2020.items()}


@dataclass(frozen=True)
class Target:
    """What a prediction is compared with: (3, N) each but for `metric`."""

    spaces: tuple[Space, ...]  # of the wanted pictures, each as long a piece of N as the others
    screen: Tensor  # the wanted color, linear in its own space, in which it clips
    low: Tensor
    high: Tensor
    lab: Tensor
    metric: Tensor  # (3, 3, N): a difference in Lab to a residual


def target(wanted: Tensor, low: Tensor, high: Tensor, spaces: Sequence[Space] = ("srgb",)) -> Target:
    """From wanted pictures, display-linear Rec.2020 (3, N), and where each is at its least and greatest code.

    `spaces`: of each picture its own; all have the same number of cells.
    """
    lab, each = lab_from_rec2020(wanted), tuple(spaces)
    each = each[:1] if len(set(each)) == 1 else each
    return Target(each, _by_picture(_FROM_REC2020, each, wanted), low, high, lab, metric(lab))


def _by_picture(matrices: Mapping[Space, Array], spaces: tuple[Space, ...], planes: Tensor) -> Tensor:
    """(3, N) each picture's colors by the matrix of its own space."""
    if len(spaces) == 1:
        return mix(matrices[spaces[0]], planes)
    parts = zip(spaces, planes.chunk(len(spaces), dim=1), strict=True)
    return torch.cat([mix(matrices[space], part) for space, part in parts], dim=1)


def residual(predicted: Tensor, aim: Target) -> Tensor:
    """(3, N): how far display-linear Rec.2020, not clamped, is from the wanted color, in units of ΔE2000."""
    screen = _by_picture(_FROM_REC2020, aim.spaces, predicted)
    screen = torch.where(aim.low, torch.maximum(screen, aim.screen), screen)
    screen = torch.where(aim.high, torch.minimum(screen, aim.screen), screen)
    difference = lab_from_rec2020(_by_picture(_TO_REC2020, aim.spaces, screen)) - aim.lab
    return (aim.metric * difference[None]).sum(dim=1)


def shown_difference(predicted: Tensor, aim: Target) -> Tensor:
    """(N): ΔE2000 of what a screen as wide as the wanted picture's space shows of both: what an eye would see."""
    screens = (_by_picture(_FROM_REC2020, aim.spaces, predicted), aim.screen)
    seen = (_by_picture(_TO_REC2020, aim.spaces, screen.clamp(0, 1)) for screen in screens)
    return delta_e(*map(lab_from_rec2020, seen))


def shown_encoded(predicted: Tensor, aim: Target) -> tuple[Tensor, Tensor]:
    """Both as codes in [0, 1], of the wanted picture's primaries and sRGB's curve."""
    screen = _by_picture(_FROM_REC2020, aim.spaces, predicted)
    return encode(screen.clamp(0, 1), "srgb"), encode(aim.screen.clamp(0, 1), "srgb")


def charbonnier(residuals: Tensor) -> Tensor:
    """(N): √(d² + SOFT) - √SOFT."""
    return ((residuals * residuals).sum(dim=0) + SOFT).sqrt() - math.sqrt(SOFT)


def reweighted(residuals: Tensor) -> Tensor:
    """(N): the weight of d² with which its square has the slope of `charbonnier`."""
    return ((residuals * residuals).sum(dim=0) + SOFT).rsqrt()


def metric(lab: Tensor) -> Tensor:
    """(3, 3, N): the matrix by which ΔE2000 around `lab` is the length of a vector."""
    lightness, a, b = lab
    chroma7 = (a * a + b * b).sqrt() ** 7
    stretch = 1.5 - 0.5 * (chroma7 / (chroma7 + 25.0**7)).sqrt()
    a = a * stretch
    chroma = (a * a + b * b).sqrt()
    neutral = chroma < 1e-6
    cos = torch.where(neutral, torch.ones_like(a), a / chroma.clamp(min=1e-6))
    sin = torch.where(neutral, torch.zeros_like(a), b / chroma.clamp(min=1e-6))
    hue = torch.atan2(sin, cos)
    t = (
        1
        - 0.17 * torch.cos(hue - math.radians(30))
        + 0.24 * torch.cos(2 * hue)
        + 0.32 * torch.cos(3 * hue + math.radians(6))
        - 0.20 * torch.cos(4 * hue - math.radians(63))
    )
    offset = (lightness - 50) ** 2
    s_l = 1 + 0.015 * offset / (20 + offset).sqrt()
    s_c, s_h = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    theta = math.radians(30) * torch.exp(-(((torch.rad2deg(hue) % 360 - 275) / 25) ** 2))
    chroma7 = chroma**7
    half = -(chroma7 / (chroma7 + 25.0**7)).sqrt() * torch.sin(2 * theta)  # of R_T: C² + 2·half·C·H + H²
    to_c = torch.stack([cos * stretch, sin]) / s_c
    to_h = torch.stack([-sin * stretch, cos]) / s_h
    zero = torch.zeros_like(lightness)
    return torch.stack(
        [
            torch.stack([1 / s_l, zero, zero]),
            torch.cat([zero[None], to_c + half * to_h]),
            torch.cat([zero[None], (1 - half * half).sqrt() * to_h]),
        ]
    )
