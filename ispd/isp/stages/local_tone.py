"""Local tone: shadows and highlights are moved as a whole, by what surrounds a place, so that its detail stays.

Takes   SceneRGB, exposed; `bases`, how bright surroundings of two sizes are, by `spread`; `stops`, what exposure added
Gives   SceneRGB; every pixel's three channels by one factor, so hue and saturation stay

    stops of the factor = tones(large base) + coarse · (small base - large base) + fine · (pixel - small base)

Bases keep to edges (a guided filter), so that a tower before the sky has no halo.  They come from a small picture,
as it was before any look, and know nothing of a warp: a lens correction moves them by less than they are wide.

Source  base and detail: F. Durand, J. Dorsey, "Fast bilateral filtering for the display of high-dynamic-range images",
        SIGGRAPH 2002; slopes and offsets from a small picture, applied to a large one: K. He, J. Sun, "Fast guided
        filter", arXiv:1505.00996
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ispd.isp.color.mix import luminance
from ispd.isp.color.tone import DARKEST, LOCAL_FIRST, LOCAL_GREY, LOCAL_STEP
from ispd.isp.look import LocalTone
from ispd.isp.params import Numbers
from ispd.isp.values import Bases, SceneRGB


def acts(p: LocalTone) -> bool:
    """Whether anything is asked for."""
    return len(p.tones) > 0 or any(isinstance(value, Tensor) or value != 0 for value in (p.coarse, p.fine))


def local_tone(rgb: SceneRGB, p: LocalTone, bases: Tensor, stops: Tensor | float) -> SceneRGB:
    """Every pixel by the factor of its place; `bases` is (4, H, W)."""
    bare = (luminance(rgb).clamp(min=1e-30).log2() - stops).clamp(min=DARKEST)  # as the bases were made: unexposed
    small = bases[0] * bare + bases[1] + stops
    large = bases[2] * bare + bases[3] + stops
    lift = _tones(large, p.tones) + p.coarse * (small - large) + p.fine * (bare + stops - small)
    return SceneRGB(rgb * torch.exp2(lift))


def spread(bases: Bases, down: Tensor, across: Tensor) -> Tensor:
    """(4, H, W): the maps at the given rows and columns (centers, in pixels of the active area), bilinear between."""
    maps = torch.frombuffer(bytearray(bases.maps), dtype=torch.float32).reshape(1, 4, bases.rows, bases.columns)
    y, x = (2 * at / (bases.cell_px * count) - 1 for at, count in ((down, bases.rows), (across, bases.columns)))
    at = torch.stack([x.expand(len(y), -1), y[:, None].expand(-1, len(x))], dim=-1)[None]
    return F.grid_sample(maps.to(at), at, mode="bilinear", padding_mode="border", align_corners=False)[0]


def _tones(base: Tensor, tones: Numbers) -> Tensor:
    """The lift of a base, straight between the knots and flat beyond them."""
    if len(tones) == 0:
        return torch.zeros_like(base)
    knots = tones.to(base) if isinstance(tones, Tensor) else base.new_tensor(tones)
    place = ((base - LOCAL_GREY - LOCAL_FIRST) / LOCAL_STEP).clamp(0, len(knots) - 1)
    before = place.detach().floor().clamp(max=max(len(knots) - 2, 0))
    index = before.long()
    return torch.lerp(knots[index], knots[(index + 1).clamp(max=len(knots) - 1)], place - before)
