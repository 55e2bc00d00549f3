"""Tiny shots for the tests of the ISP: an identity camera that differs from an ideal one in what a test names."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ispd.isp.values import Area, Levels, Mosaic, Shot

IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
DAYLIGHT = (0.5, 1.0, 0.625)  # a usual neutral: red gets 2, blue 1.6
XTRANS = "GGRGGBGGBGGRBRGRBGGGBGGRGGRGGBRBGBRG"
PLAIN = Levels((0.0,), (1, 1, 1), (1.0,))


def shot(height: int, width: int, **facts: Any) -> Shot:
    """An RGGB shot whose codes are light already (black 0, white 1), whole, upright, neutral in every channel."""
    whole = Area(0, 0, height, width)
    plain: dict[str, Any] = {
        "cfa": "RGGB",
        "colors": "RGB",
        "levels": PLAIN,
        "active": whole,
        "crop": whole,
        "neutral": (1.0, 1.0, 1.0),
        "rec2020_from_camera": IDENTITY,
    }
    return Shot(**{**plain, **facts})


def mosaic(samples: Tensor, **facts: Any) -> Mosaic:
    """`samples` (H, W) or (planes, H, W), as a mosaic."""
    planes = samples if samples.dim() == 3 else samples[None]
    return Mosaic(planes, shot(planes.shape[1], planes.shape[2], **facts))


def seen_through(rgb: Tensor, cfa: str, colors: str = "RGB") -> Tensor:
    """(H, W): what a sensor with this filter array measures of (planes, H, W)."""
    side = int(len(cfa) ** 0.5)
    sites = torch.tensor([colors.index(letter) for letter in cfa]).reshape(side, side)
    _, height, width = rgb.shape
    index = sites.repeat(height // side + 1, width // side + 1)[:height, :width]
    return rgb.gather(0, index[None])[0]
