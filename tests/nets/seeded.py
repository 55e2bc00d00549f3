"""Weights that anybody can make from names and shapes alone, as the golden data were made with."""

from __future__ import annotations

import math
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ispd.nets.checkpoint import build
from ispd.nets.vgg import Vgg19Features

CHECKPOINTS = Path(__file__).parents[3] / "shared/checkpoints"
ARCHITECTURES = {"hdr": "raw-to-tonemapped-hdr", "pynet": "pynet"}


def uniform(name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """In [0, 1), from the name."""
    raw = np.random.PCG64(zlib.crc32(name.encode())).random_raw(math.prod(shape))
    numbers: NDArray[np.float64] = (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return numbers.reshape(shape)


def tensor(name: str, shape: tuple[int, ...]) -> Tensor:
    """A weight of mean 0 and a variance that keeps signals as large as they are."""
    z = (2 * uniform(name, shape) - 1) * math.sqrt(3)
    if name.endswith(".instance.bias"):
        value = 0.5 + 0.1 * z
    elif name.endswith(".bias"):
        value = 0.1 * z
    elif len(shape) == 1:
        value = 1 + 0.1 * z
    else:
        value = z * (1.6 / math.sqrt(math.prod(shape[1:])))
    return torch.from_numpy(value.astype(np.float32))


@cache
def state(network: str) -> dict[str, Tensor]:
    """All tensors of "hdr", "pynet" or "vgg19_features", in their order."""
    with torch.device("meta"):
        module = Vgg19Features() if network == "vgg19_features" else build(ARCHITECTURES[network], 0)
    return {name: tensor(name, tuple(meta.shape)) for name, meta in module.state_dict().items()}


def widened(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """In float64."""
    return {name: value.double() for name, value in tensors.items()}
