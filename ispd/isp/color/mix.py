"""A matrix applied to the planes of a picture.

>>> swap = ((0.0, 1.0), (1.0, 0.0))
>>> mix(swap, torch.tensor([[[1.0]], [[2.0]]])).flatten()
tensor([2., 1.])
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ispd.isp.color.spaces import Array


def mix(matrix: Array | Sequence[Sequence[float]] | Tensor, planes: Tensor) -> Tensor:
    """(rows, H, W) from a (rows, planes) matrix and (planes, H, W)."""
    if not isinstance(matrix, Tensor):
        matrix = planes.new_tensor([[float(value) for value in row] for row in matrix])
    mixed: Tensor = torch.mm(matrix, planes.reshape(planes.shape[0], -1))
    return mixed.reshape(matrix.shape[0], *planes.shape[1:])


def luminance(rgb: Tensor) -> Tensor:
    """Y of linear Rec.2020 (3, …): ITU-R BT.2020 table 4."""
    return 0.2627 * rgb[0] + 0.6780 * rgb[1] + 0.0593 * rgb[2]
