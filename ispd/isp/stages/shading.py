"""Shading: what the lens takes from the corners, beyond what the file's own maps give back, is lifted.

Takes   Raw; `window`, which rows of the active area these are; `cfa` as they see it ("" for a linear file)
Gives   Raw, 0 stays 0; ceilings go the same way, so that it stays known what clipped
Source  even powers of the distance from the center, as DNG 1.7.1's FixVignetteRadial (chapter 7) and lens tables have
        them, but of the logarithm: no sum of terms makes light negative, and each term acts alike on every channel
"""

from __future__ import annotations

import torch
from torch import Tensor

from ispd.isp.look import Shading
from ispd.isp.params import Numbers
from ispd.isp.pattern import planes_of_sites, tiled
from ispd.isp.values import Raw, Window


def shading(raw: Raw, p: Shading, window: Window, cfa: str, colors: str) -> Raw:
    """Every sample and its ceiling times its color's lift at that place."""
    terms = {"R": p.red, "G": p.green, "B": p.blue}
    if not any(len(part) for part in terms.values()):
        return raw
    _, height, width = raw.samples.shape
    down = raw.samples.new_tensor(range(window.top, window.top + height)) + 0.5 - window.height / 2
    across = raw.samples.new_tensor(range(width)) + 0.5 - window.width / 2
    square = (down[:, None] ** 2 + across**2) / ((window.height**2 + window.width**2) / 4)
    lifts = torch.stack([lift(square, terms.get(color, ())) for color in colors])
    if cfa:
        sites = tiled(planes_of_sites(cfa, colors).to(raw.samples.device), height, width)
        lifts = lifts.gather(0, sites[None])
    return Raw(raw.samples * lifts, raw.ceiling * lifts)


def lift(square: Tensor, terms: Numbers) -> Tensor:
    """The factor at a squared distance from the center, 1 in the corners: any shape in, the same out."""
    stops = torch.zeros_like(square)
    for number, term in enumerate(terms, start=1):
        stops = stops + term * square**number
    return torch.exp2(stops)
