"""How far a picture is from the wanted one: ΔE2000 of boxes of 8×8 pixels averaged in linear light.

The mean over the boxes of a photo comes first, then the mean over photos: none counts for more than another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
import torch
from PIL import Image
from torch import Tensor

from ispd.isp.color.lab import delta_e, lab_from_rec2020
from ispd.isp.color.mix import mix
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.color.transfer import decode
from ispd.orders import Space

BOX = 8


@dataclass(frozen=True)
class Error:
    """One photo, or the mean over several."""

    mean: float
    p95: float
    worst: float  # the mean of the worst photo


def read(path: Path, space: Space = "srgb") -> Tensor:
    """A picture's light, (3, H, W) in linear Rec.2020; 8 or 16 bits."""
    codes = tifffile.imread(path) if path.suffix == ".tif" else np.asarray(Image.open(path).convert("RGB"))
    full = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}[codes.dtype]
    planes = torch.from_numpy(codes.astype(np.float32) / full).permute(2, 0, 1)
    return mix(np.linalg.inv(rgb_from_rec2020(space)), decode(planes, space))


def boxes(light: Tensor, side: int = BOX) -> Tensor:
    """Means of whole boxes from the top left on; what is left over at the right and bottom is dropped."""
    planes, height, width = light.shape
    rows, columns = height // side, width // side
    cut = light[:, : rows * side, : columns * side]
    return cut.reshape(planes, rows, side, columns, side).mean(dim=(2, 4))


def cropped(light: Tensor, px: int) -> Tensor:
    return light[:, px : light.shape[1] - px, px : light.shape[2] - px]


def apart(ours: Tensor, wanted: Tensor) -> Tensor:
    """ΔE2000 of each box of two pictures of one size, (rows, columns)."""
    if ours.shape != wanted.shape:
        raise ValueError(f"pictures of {tuple(ours.shape)} and {tuple(wanted.shape)} cannot be compared")
    lab = [lab_from_rec2020(boxes(picture).double()) for picture in (ours.clamp(0, 1), wanted)]
    return delta_e(*lab)


def over_photos(maps: Sequence[Tensor]) -> Error:
    """From each photo's map of ΔE2000."""
    means = [float(one.mean()) for one in maps]
    tails = [float(torch.quantile(one.flatten(), 0.95)) for one in maps]
    return Error(sum(means) / len(means), sum(tails) / len(tails), max(means))
