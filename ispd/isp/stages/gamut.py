"""Gamut: colors that the output space has not are brought into it.

Takes   DisplayRGB; gives linear RGB of `space` in [0, 1].  How: `ispd.isp.color.gamut`
"""

from __future__ import annotations

from torch import Tensor

from ispd.isp.color import gamut as boundary
from ispd.isp.look import Gamut
from ispd.isp.values import DisplayRGB
from ispd.orders import Space


def gamut(rgb: DisplayRGB, p: Gamut, space: Space) -> Tensor:
    """By `p.method`: at constant hue, or each channel cut."""
    return boundary.compress(rgb, space) if p.method == "compress" else boundary.clip(rgb, space)
