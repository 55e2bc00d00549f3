"""Detailed demosaic, for four colors and rare arrays: bilinear, plus the detail of the color that was measured.

What a sample has over the mean of its own color around it is detail, and detail is mostly grey after white balance: so
5/8 of it is added to the bilinear estimates of the other colors, each kept near the range of its nearest measured
neighbors.  This is Malvar's idea with one filter for all sites of any array.

Takes   (H, W) mosaic, white-balanced; any `cfa`
Gives   (planes, H, W)
Source  5/8: the middle of Malvar's three gains, and the best of 3/8 … 6/8 on Kodak pictures behind X-Trans and CMYG
        filters, which come back 2.6 dB nearer than by `bilinear`

>>> detailed(torch.full((6, 6), 0.25), "GMYC", "GMCY").unique()
tensor([0.2500])
"""

from __future__ import annotations

import torch
from torch import Tensor

from ispd.isp.pattern import greatest, nearness, planes_of_sites, spread, tent, tiled
from ispd.isp.stages.demosaic.overshoot import limited

GAIN = 5 / 8
FAR = 2  # sites: every array has more of a color so near


def detailed(mosaic: Tensor, cfa: str, colors: str) -> Tensor:
    """Bilinear estimates, the measured color's detail added, limited to the neighborhood."""
    sites = planes_of_sites(cfa, colors)
    own = tiled(sites, *mosaic.shape).to(mosaic.device)
    smooth = spread(mosaic, cfa, colors)
    rich = smooth + GAIN * _detail(mosaic, own, len(colors))
    low, high = _range(mosaic, own, smooth, nearness(sites, len(colors)))
    return torch.where(_masks(own, len(colors)), mosaic, limited(rich, low, high))


def _masks(own: Tensor, colors: int) -> Tensor:
    """(colors, H, W) bool: which sites have that color."""
    return own == torch.arange(colors, device=own.device)[:, None, None]


def _detail(mosaic: Tensor, own: Tensor, colors: int) -> Tensor:
    """(H, W): each sample less the weighted mean of its own color's others up to FAR sites away; 0 without others."""
    masks = _masks(own, colors).to(mosaic)
    peak = (FAR + 1) ** 2  # the sample's own weight, taken out again
    total = tent(masks * mosaic, FAR).gather(0, own[None])[0] - peak * mosaic
    weight = tent(masks, FAR).gather(0, own[None])[0] - peak
    return torch.where(weight > 0, mosaic - total / weight.clamp(min=1), torch.zeros_like(mosaic))


def _range(mosaic: Tensor, own: Tensor, smooth: Tensor, radius: int) -> tuple[Tensor, Tensor]:
    """(colors, H, W) least and greatest sample of each color around every site; `smooth` always lies between."""
    masks, none = _masks(own, len(smooth)), mosaic.new_tensor(-torch.inf)
    low = -greatest(torch.where(masks, -mosaic, none), radius)
    high = greatest(torch.where(masks, mosaic, none), radius)
    return torch.minimum(low, smooth), torch.maximum(high, smooth)
