"""Best demosaic: a small network, for what rules do not know.  Three times the work of `directional`.

Most methods trust that the difference of two colors changes slowly.  Where it does not (petals, fabric, print, lamps)
they leave zippers and false color.  This one has learned from photographs, many of them with their colors mixed anew,
what a mosaic's neighborhood says about the two colors that a site has not; `bench.train_demosaic` makes its weights.

Takes   (H, W) mosaic, white-balanced; one of the four Bayer phases, three colors; at least 4 × 4
Gives   (3, H, W), R, G, B; measured samples stay.  A site depends on REACH rows and columns around it, not on more
Source  docs/decisions/0025-a-demosaic-that-learned.md.  Half-size planes and a residual: M. Gharbi, G. Chaurasia,
        S. Paris, F. Durand, "Deep joint demosaicking and denoising", ACM TOG 35(6), 2016.  No biases: S. Mohan and
        others, "Robust and interpretable blind image denoising via bias-free convolutional neural networks", ICLR 2020

Two properties hold by the network's form, whatever it has learned.  It has no biases, so twice the light is twice the
answer.  The filters that first look at the mosaic sum to zero over each color's sites, so it sees contrast alone: a
flat field, grey or not, comes back flat.

>>> best(torch.full((6, 6), 0.25), "RGGB").round(decimals=6).unique()
tensor([0.2500])
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ispd.isp.stages.demosaic.overshoot import SLACK

Network: TypeAlias = tuple[Tensor, ...]
"""Kernels (out, in, 3, 3): the first gives GUESSES and features, the last corrections to the guesses."""

GUESSES = 8  # colors that the four sites of an RGGB repeat lack: R at 1, 2, 3; G at 0, 3; B at 0, 1, 2
REACH = 13  # sites: six layers of one repeat each to either side, from either site of a repeat


def best(mosaic: Tensor, cfa: str) -> Tensor:
    """What the network makes of the mosaic, its borders mirrored without repeating the edge."""
    height, width = mosaic.shape
    row, column = divmod(cfa.index("R"), 2)  # the network knows RGGB; other phases are that, begun a site earlier
    edges = (2 + column, 2 + (width + column) % 2, 2 + row, 2 + (height + row) % 2)
    quarters = F.pixel_unshuffle(F.pad(mosaic[None, None], edges, mode="reflect"), 2)
    planes = bounded(completed(quarters, learned(mosaic.dtype, mosaic.device)), quarters)
    return F.pixel_shuffle(planes, 2)[0, :, row : row + height, column : column + width]


def completed(quarters: Tensor, network: Network) -> Tensor:
    """(n, 12 = 3 colors · 4 sites, h, w) from the half-size planes of an RGGB mosaic, (n, 4 sites, h + 2, w + 2)."""
    first, *inner, last = network
    quarters = quarters.contiguous(memory_format=torch.channels_last)  # twice as fast on a CPU
    features = F.conv2d(quarters, first[GUESSES:]).relu_()
    for kernels in inner:  # around the picture nothing is seen, as in a flat field
        features = F.conv2d(features, kernels, padding=1).relu_()
    missing = F.conv2d(features, last, padding=1) + F.conv2d(quarters, first[:GUESSES])
    own = quarters[:, :, 1:-1, 1:-1]
    red = (own[:, :1], missing[:, :3])
    green = (missing[:, 3:4], own[:, 1:3], missing[:, 4:5])
    blue = (missing[:, 5:], own[:, 3:])
    return torch.cat((*red, *green, *blue), dim=1)


def bounded(planes: Tensor, quarters: Tensor) -> Tensor:
    """No color below black, or above the brightest sample of the nine repeats around by more than a slack."""
    low = -F.max_pool2d(-quarters.amin(dim=1, keepdim=True).clamp(max=0), 3, stride=1)  # noise goes below black
    high = F.max_pool2d(quarters.amax(dim=1, keepdim=True), 3, stride=1)
    return torch.clamp(planes, low, high + SLACK * high.clamp(min=0))


@cache
def learned(dtype: torch.dtype, device: torch.device) -> Network:
    """The network that comes with the program."""
    with torch.inference_mode(False), files(__package__).joinpath("best.npz").open("rb") as file:
        arrays = np.load(file)  # outside of inference mode: what a strip loads first, a fit may need later
        kernels = [torch.from_numpy(arrays[name]) for name in arrays.files]
        return tuple(kernel.to(device, dtype, memory_format=torch.channels_last) for kernel in kernels)
