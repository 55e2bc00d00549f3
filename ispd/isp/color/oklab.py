"""OKLab: a perceptual space in which a straight line to the grey axis keeps the hue.

Takes   linear Rec.2020 (3, …), D65; 1.0 is white
Gives   (L, a, b): L = 1 for white, a = b = 0 for every neutral
Source  B. Ottosson, "A perceptual color space for image processing", 2020 (bottosson.github.io/posts/oklab):
        XYZ → LMS, cube root, → Lab; the matrices stand in `spaces`

>>> oklab_from_rec2020(torch.full((3, 1), 0.125)).flatten().abs()
tensor([0.5000, 0.0000, 0.0000])
"""

from __future__ import annotations

import torch
from torch import Tensor

from ispd.isp.color.mix import mix
from ispd.isp.color.spaces import LAB_FROM_LMS, LMS_FROM_LAB, LMS_FROM_REC2020, REC2020_FROM_LMS


def oklab_from_rec2020(rgb: Tensor) -> Tensor:
    """OKLab of linear Rec.2020."""
    return mix(LAB_FROM_LMS, _cube_root(mix(LMS_FROM_REC2020, rgb)))


def rec2020_from_oklab(lab: Tensor) -> Tensor:
    """Linear Rec.2020 of OKLab."""
    return mix(REC2020_FROM_LMS, mix(LMS_FROM_LAB, lab) ** 3)


def _cube_root(x: Tensor) -> Tensor:
    """Odd, and with a finite slope at 0: below 1e-9 (a black no screen shows) a line to the origin."""
    tiny = 1e-9
    size = x.abs()
    root = torch.where(size < tiny, size * tiny ** (1 / 3 - 1), size.clamp(min=tiny) ** (1 / 3))
    return torch.sign(x) * root
