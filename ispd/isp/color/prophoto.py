"""ProPhoto (ROMM RGB): the wide space, white D50, in which a DNG's camera profile turns hues and bends tones.

Takes   linear Rec.2020 (3, …), D65
Gives   linear ProPhoto (3, …), and back; white stays white, adapted by Bradford
Source  primaries and white: ISO 22028-2; that it is the space of the tables: DNG 1.7.1 chapter 6

>>> import torch
>>> prophoto_from_rec2020(torch.full((3, 1), 0.5)).flatten()
tensor([0.5000, 0.5000, 0.5000])
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ispd.isp.color.mix import mix
from ispd.isp.color.spaces import D50_XYZ, D65, Array, adapt, xyz_from_rgb, xyz_from_xy

PRIMARIES = ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001))  # red, green, blue


def _from_rec2020() -> Array:
    columns = np.stack([xyz_from_xy(primary) for primary in PRIMARIES], axis=1)
    xyz_from_prophoto = columns * np.linalg.solve(columns, D50_XYZ)
    matrix: Array = np.linalg.solve(xyz_from_prophoto, adapt(xyz_from_xy(D65), D50_XYZ) @ xyz_from_rgb("rec2020"))
    return matrix


PROPHOTO_FROM_REC2020: Array = _from_rec2020()
REC2020_FROM_PROPHOTO: Array = np.linalg.inv(PROPHOTO_FROM_REC2020)


def prophoto_from_rec2020(rgb: Tensor) -> Tensor:
    """Linear ProPhoto of linear Rec.2020."""
    return mix(PROPHOTO_FROM_REC2020, rgb)


def rec2020_from_prophoto(rgb: Tensor) -> Tensor:
    """Linear Rec.2020 of linear ProPhoto."""
    return mix(REC2020_FROM_PROPHOTO, rgb)
