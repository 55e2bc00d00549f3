"""CIELAB and the color difference ΔE2000.

Takes   `lab_from_rec2020`: linear Rec.2020 (3, …), D65, 1.0 = white; `delta_e`: two Lab tensors (3, …)
Gives   L* in [0, 100], a*, b*; ΔE2000 (…), 1 is about what an eye just sees
Source  CIE 15:2018; G. Sharma, W. Wu, E. Dalal, "The CIEDE2000 color-difference formula", Color Res. Appl. 30 (2005),
        whose table of 34 pairs is our test

>>> lab_from_rec2020(torch.ones(3, 1)).flatten().round(decimals=3).abs()
tensor([100.,   0.,   0.])
>>> delta_e(torch.tensor([50.0, 2.5, 0.0]), torch.tensor([50.0, 0.0, -2.5])).round(decimals=4)
tensor(4.3065)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ispd.isp.color.mix import mix
from ispd.isp.color.spaces import D65, xyz_from_rgb, xyz_from_xy

_LMS_LIKE = xyz_from_rgb("rec2020") / xyz_from_xy(D65)[:, None]  # XYZ relative to white
_EPSILON, _KAPPA = (6 / 29) ** 3, (29 / 6) ** 2 / 3


def lab_from_rec2020(rgb: Tensor) -> Tensor:
    """CIELAB under D65 of linear Rec.2020."""
    xyz = mix(_LMS_LIKE, rgb)
    root = xyz.clamp(min=_EPSILON) ** (1 / 3)
    f = torch.where(xyz > _EPSILON, root, _KAPPA * xyz + 4 / 29)
    return torch.stack([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def delta_e(lab: Tensor, other: Tensor) -> Tensor:
    """ΔE2000 with kL = kC = kH = 1.  Its slope stays finite where both are equal or neutral."""
    lightness, chroma, hue, rotation = _differences(lab, other)
    return _root(lightness**2 + chroma**2 + hue**2 + rotation * chroma * hue)


def chroma_delta_e(lab: Tensor, other: Tensor) -> Tensor:
    """ΔE2000 without its lightness term: how far two colors of equal luminance are apart in hue and chroma."""
    _, chroma, hue, rotation = _differences(lab, other)
    return _root(chroma**2 + hue**2 + rotation * chroma * hue)


def _differences(lab: Tensor, other: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """ΔL'/S_L, ΔC'/S_C, ΔH'/S_H and R_T of the paper's equations 2 to 21."""
    l1, l2 = lab[0], other[0]
    mean_c7 = ((_root(lab[1] ** 2 + lab[2] ** 2) + _root(other[1] ** 2 + other[2] ** 2)) / 2) ** 7
    stretch = 1.5 - 0.5 * _root(mean_c7 / (mean_c7 + 25.0**7))
    a1, a2 = lab[1] * stretch, other[1] * stretch
    c1, c2 = _root(a1**2 + lab[2] ** 2), _root(a2**2 + other[2] ** 2)
    h1, h2 = _angle(lab[2], a1), _angle(other[2], a2)

    turn = h2 - h1
    turn = turn - 2 * math.pi * ((turn > math.pi).to(turn) - (turn < -math.pi).to(turn))
    grey = (c1 * c2) < 1e-12  # a neutral has no hue: the other's is the mean
    delta_h = 2 * _root(c1 * c2) * torch.sin(torch.where(grey, torch.zeros_like(turn), turn) / 2)
    wraps = (h1 - h2).abs() > math.pi
    half = torch.where(wraps, (h1 + h2 + 2 * math.pi) / 2, (h1 + h2) / 2)
    mean_h = torch.where(grey, h1 + h2, half)

    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * torch.cos(mean_h - math.radians(30))
        + 0.24 * torch.cos(2 * mean_h)
        + 0.32 * torch.cos(3 * mean_h + math.radians(6))
        - 0.20 * torch.cos(4 * mean_h - math.radians(63))
    )
    offset = (mean_l - 50) ** 2
    s_l = 1 + 0.015 * offset / (20 + offset).sqrt()
    s_c = 1 + 0.045 * mean_c
    s_h = 1 + 0.015 * mean_c * t
    degrees = torch.rad2deg(mean_h) % 360
    theta = math.radians(30) * torch.exp(-(((degrees - 275) / 25) ** 2))
    c7 = mean_c**7
    r_t = -2 * _root(c7 / (c7 + 25.0**7)) * torch.sin(2 * theta)
    return (l2 - l1) / s_l, (c2 - c1) / s_c, delta_h / s_h, r_t


def _root(x: Tensor) -> Tensor:
    """A square root whose slope stays finite at 0."""
    return torch.where(x > 1e-14, x.clamp(min=1e-14).sqrt(), x.clamp(min=0) * 1e7)


def _angle(b: Tensor, a: Tensor) -> Tensor:
    """Hue in [0, 2π); a neutral has 0, with gradient 0."""
    neutral = (a.abs() + b.abs()) < 1e-9
    hue = torch.atan2(b, torch.where(neutral, torch.ones_like(a), a))
    hue = torch.where(neutral, torch.zeros_like(hue), hue)
    return torch.where(hue < 0, hue + 2 * math.pi, hue)
