"""White balance: what is neutral in the scene gets equal values in every channel.  Demosaicing compares neighbors.

Takes   Raw; one factor a color; `cfa` as these rows see it ("" for a linear file)
Gives   Raw, 1.0 = where the first channel clips under the as-shot balance; values above are kept
Source  the gains: `ispd.isp.factors`
"""

from __future__ import annotations

import torch
from torch import Tensor

from ispd.isp.params import Scalar
from ispd.isp.pattern import planes_of_sites, tiled
from ispd.isp.values import Raw


def white_balance(raw: Raw, factors: list[Scalar], cfa: str, colors: str) -> Raw:
    """Every sample and its ceiling times its color's factor."""
    planes = _vector(raw.samples, factors)
    if cfa:
        _, height, width = raw.samples.shape
        sites = planes_of_sites(cfa, colors).to(raw.samples.device)
        gain = tiled(planes[sites], height, width)[None]
    else:
        gain = planes[:, None, None]
    return Raw(raw.samples * gain, raw.ceiling * gain)


def _vector(like: Tensor, values: list[Scalar]) -> Tensor:
    """A vector of numbers and tensors that learn, on the picture's device."""
    return torch.stack([torch.as_tensor(value, dtype=like.dtype, device=like.device) for value in values])
