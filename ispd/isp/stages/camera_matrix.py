"""Camera matrix: the camera's own colors become linear Rec.2020.

Takes   CameraRGB, white-balanced; (N, H, W) for N camera colors, four or one too
Gives   SceneRGB; neutral stays neutral, because every row of the matrix sums to 1
Source  DNG 1.7.1 chapter 6; `ispd.decode` has made the matrix of the file's illuminants, calibration and neutral

>>> import torch
>>> camera_matrix(CameraRGB(torch.tensor([[[0.5]]])), ((1.0,), (1.0,), (1.0,))).flatten()  # monochrome
tensor([0.5000, 0.5000, 0.5000])
"""

from __future__ import annotations

import torch

from ispd.isp.color.mix import mix
from ispd.isp.params import Scalar
from ispd.isp.values import CameraRGB, Matrix, SceneRGB


def camera_matrix(rgb: CameraRGB, rec2020_from_camera: Matrix) -> SceneRGB:
    """A 3 × N matrix applied to every pixel."""
    return SceneRGB(mix(rec2020_from_camera, rgb))


def color_matrix(rgb: SceneRGB, delta: list[list[Scalar]] | None) -> SceneRGB:
    """What a look corrects the camera's matrix by, a 3 × 3 matrix whose rows sum to 1; None: nothing."""
    if delta is None:
        return rgb
    rows = [[torch.as_tensor(value, dtype=rgb.dtype, device=rgb.device) for value in row] for row in delta]
    return SceneRGB(mix(torch.stack([torch.stack(row) for row in rows]), rgb))
