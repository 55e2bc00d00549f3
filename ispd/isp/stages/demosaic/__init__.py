"""Demosaic: every pixel gets the colors that its site did not measure.

Takes   mosaic (H, W) or (1, H, W), white-balanced, usually in [0, 1]; `cfa`, its square repeat as letters
Gives   (planes, H, W): R, G, B, or the array's own colors in the order of `colors`;
        measured samples stay as they are; any size, 1 × 1 too
Raises  ValueError where the letters of `cfa` make no square or name a color that `colors` has not

>>> import torch
>>> demosaic(torch.full((4, 4), 0.25), "RGGB").unique()
tensor([0.2500])
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from torch import Tensor

from ispd.isp.pattern import colors_of
from ispd.isp.stages.demosaic.best import best
from ispd.isp.stages.demosaic.bilinear import bilinear
from ispd.isp.stages.demosaic.detailed import detailed
from ispd.isp.stages.demosaic.directional import directional
from ispd.isp.stages.demosaic.kriged import fits, kriged
from ispd.isp.stages.demosaic.malvar import PHASES, malvar

Method: TypeAlias = Literal["auto", "bilinear", "malvar", "directional", "best"]


def demosaic(mosaic: Tensor, cfa: str, method: Method = "auto", colors: str | None = None) -> Tensor:
    """By name on the four Bayer phases; else `kriged` where it fits, or `detailed`: four colors.

    `auto` is `best` on a GPU, where it costs next to nothing, and `directional` on a CPU.
    """
    plane = mosaic.reshape(mosaic.shape[-2:])
    order = colors or colors_of(cfa)
    if method == "bilinear":
        return bilinear(plane, cfa, order)
    if cfa in PHASES and order == "RGB" and min(plane.shape) >= 4:
        if method == "best" or (method == "auto" and plane.is_cuda):
            return best(plane, cfa)
        return malvar(plane, cfa) if method == "malvar" else directional(plane, cfa)
    if order == "RGB" and fits(cfa):
        return kriged(plane, cfa)
    return detailed(plane, cfa, order)
