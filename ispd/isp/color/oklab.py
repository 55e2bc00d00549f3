"""OKLab: a perceptual space in which a straight line to the grey axis keeps the hue.

Takes   linear Rec.2020 (3, …), D65; 1.0 is white
Gives   (L, a, b): L = 1 for white, a = b = 0 for every neutral
Source  B. Ottosson, "A perceptual color space for image processing", 2020 (bottosson.github.io/posts/oklab):
        XYZ → LMS, cube root, → Lab; the first matrix is scaled here so that our D65 is neutral to the last bit

>>> oklab_from_rec2020(torch.full((3, 1), 0.125)).flatten().abs()
tensor([0.5000, 0.0000, 0.0000])
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ispd.isp.color.mix import mix
from ispd.isp.color.spaces import Array, xyz_from_rgb

LMS_FROM_XYZ: Array = np.array(
    [
        [0.8189330101, 0.3618667424, -0.1288597137],
        [0.0329845436, 0.9293118715, 0.0361456387],
        [0.0482003018, 0.2643662691, 0.6338517070],
    ]
)
LAB_FROM_LMS: Array = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def _neutral(lms_from_rgb: Array, lab_from_lms: Array) -> tuple[Array, Array]:
    """Both matrices with their rounding taken out: white is LMS (1, 1, 1), and that is Lab (1, 0, 0)."""
    rows = lms_from_rgb.sum(axis=1, keepdims=True)
    excess = lab_from_lms.sum(axis=1) - [1.0, 0.0, 0.0]
    return lms_from_rgb / rows, lab_from_lms - excess[:, None] / 3


LMS_FROM_REC2020, LAB_FROM_LMS = _neutral(LMS_FROM_XYZ @ xyz_from_rgb("rec2020"), LAB_FROM_LMS)
REC2020_FROM_LMS: Array = np.linalg.inv(LMS_FROM_REC2020)
LMS_FROM_LAB: Array = np.linalg.inv(LAB_FROM_LMS)


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
