"""Bilinear demosaic: missing colors are means of their nearest neighbors.  Soft, but right for any filter array.

Takes   (H, W) mosaic, white-balanced; any `cfa`: Bayer, X-Trans, four colors, quad
Gives   (planes, H, W)
Source  see `ispd.isp.pattern.spread`

>>> import torch
>>> bilinear(torch.tensor([[1.0, 0.5], [0.5, 0.0]]), "RGGB", "RGB")[1]
tensor([[0.5000, 0.5000],
        [0.5000, 0.5000]])
"""

from __future__ import annotations

from torch import Tensor

from ispd.isp.pattern import spread


def bilinear(mosaic: Tensor, cfa: str, colors: str) -> Tensor:
    """Normalized convolution."""
    return spread(mosaic, cfa, colors)
