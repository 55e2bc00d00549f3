"""How close a published network's pictures come to those that are wanted: a line for each pair, and their means.

psnr       decibels of sRGB-encoded values, without rounding        higher is closer
ssim, ms_ssim   structural similarity, at one scale and at five     higher
delta_e    ΔE2000, mean over the pixels                             lower
hellinger  distance of RGB-uv histograms, in [0, 1]                 lower

NIMA, MUSIQ and LIQE are networks with weights of their own, which do not come with ispd: they are not computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from ispd.isp.color.lab import delta_e, lab_from_rec2020
from ispd.isp.color.mix import mix
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.color.transfer import decode
from ispd.nets.checkpoint import Network
from ispd.nets.losses import hellinger, ms_ssim, rgbuv_histogram, ssim
from ispd.nets.train.pairs import Pair, load_pair
from ispd.nets.train.published import SMOOTH

Scores = dict[str, float]
REC2020_FROM_SRGB = np.linalg.inv(rgb_from_rec2020("srgb"))


def compare(
    network: Network, architecture: str, pairs: Iterable[Pair], device: str, tell: Callable[[str, Scores], None]
) -> Scores:
    """Means over all pairs; `tell` gets each as soon as it is known.  Raises NoInput where a file cannot be read."""
    found = []
    for pair in pairs:
        given, wanted = load_pair(pair, network.level, SMOOTH[architecture])
        with torch.inference_mode():
            scores = scored(network(given[None].to(device))[0].cpu(), wanted)
        found.append(scores)
        tell(pair.name, scores)
    return {name: fmean(scores[name] for scores in found) for name in found[0]}


def scored(made: Tensor, wanted: Tensor) -> Scores:
    """Of one picture, (3, H, W) sRGB-encoded each."""
    error = max(float((made - wanted).square().mean()), 1e-12)  # equal pictures: 120 dB
    histograms = (rgbuv_histogram(image[None]) for image in (wanted, made))
    return {
        "psnr": -10 * float(np.log10(error)),
        "ssim": float(ssim(wanted[None], made[None])),
        "ms_ssim": float(ms_ssim(wanted[None], made[None])),
        "delta_e": float(delta_e(_lab(made), _lab(wanted)).mean()),
        "hellinger": float(hellinger(*histograms)),
    }


def _lab(encoded: Tensor) -> Tensor:
    return lab_from_rec2020(mix(REC2020_FROM_SRGB, decode(encoded.double(), "srgb")))
