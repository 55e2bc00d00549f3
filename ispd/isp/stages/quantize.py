"""Quantize: code values become integers.

Takes   encoded RGB (3, H, W) in [0, 1]; `top`, the row of the whole picture that the first is
Gives   (H, W, 3) uint8 or uint16.  Eight bits are dithered: each code is rounded against a threshold that depends on
        the place alone, the same for the three channels, so that skies show no steps, grey stays grey, black and white
        stay pure, and the same photo gives the same bytes.  Sixteen bits are rounded
Source  thresholds: J. Jimenez, "Next generation post processing in Call of Duty", SIGGRAPH 2014 (interleaved gradient
        noise): neighbors differ as much as they can, so no pattern shows

>>> import torch
>>> quantize(torch.tensor([0.0, 0.5, 1.0]).reshape(3, 1, 1), 16).flatten().tolist()
[0, 32768, 65535]
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def quantize(encoded: Tensor, bits: Literal[8, 16], top: int = 0) -> NDArray[np.uint8 | np.uint16]:
    """Integers of `bits` bits."""
    whole = 2**bits - 1
    scaled = encoded.detach().clamp(0, 1) * whole
    if bits == 8:
        codes = (scaled + _thresholds(scaled, top)).floor()
        return np.asarray(codes.clamp(max=whole).to(torch.uint8).permute(1, 2, 0).contiguous().cpu())
    return np.asarray((scaled + 0.5).floor().to(torch.int32).permute(1, 2, 0).contiguous().cpu(), dtype=np.uint16)


def _thresholds(picture: Tensor, top: int) -> Tensor:
    """(H, W) in (0, 1)."""
    _, height, width = picture.shape
    # float64: the formula lives from the last digits of its products
    rows = torch.arange(top, top + height, dtype=torch.float64, device=picture.device)[:, None]
    columns = torch.arange(width, dtype=torch.float64, device=picture.device)
    threshold = (52.9829189 * ((0.06711056 * columns + 0.00583715 * rows) % 1)) % 1
    return (0.5 + 0.98 * (threshold - 0.5)).to(picture)  # strictly inside, so that 0 and 255 cannot move
