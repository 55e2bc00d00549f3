"""A small world, drawn: what the tests of training look at."""

from __future__ import annotations

import torch

from ispd.nets.train.radiance import Scene


def world(name: str = "drawn") -> Scene:
    """A perspective picture with fine patterns, colors and lamps."""
    chance = torch.Generator().manual_seed(5)
    coarse = torch.rand(3, 12, 12, generator=chance)
    light = torch.nn.functional.interpolate(coarse[None], (240, 240), mode="bicubic", align_corners=False)[0]
    rows = torch.arange(240)
    light = light.clamp(min=0.02) * (0.7 + 0.3 * torch.sin(rows / 3.0)[:, None] * torch.cos(rows / 5.0))
    light[:, 40:60, 100:130] *= 30
    return Scene(name, light)
