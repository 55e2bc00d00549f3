"""A photo rendered by `hdr-unet`, ispd's own network: from the mosaic to display-linear Rec.2020, by tiles.

The layers run in bfloat16 where the processor or the card multiplies in it, else in float32: pictures differ by
0.13 / 255 on average, and on a CPU that can it takes three fifths of the time (3 MP, 24 November 2026).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from ispd.isp.values import DisplayRGB, Shot
from ispd.models import Model, read_weights
from ispd.nets.hdr_look import LOOK
from ispd.nets.hdr_unet import MULTIPLE, REACH, HdrUNet, check_bayer, develop_balanced, unpacked
from ispd.runner import frame

KEPT = 560  # bytes for each pixel of a tile, of all that lives at once while its widest layers run


def displayed(
    samples: NDArray[Any], shot: Shot, model: Model, device: str, beat: Callable[[], None], room: int
) -> tuple[DisplayRGB, Shot]:
    """(3, H, W) display-linear, cropped, as the sensor lies; and the shot as the survey has left it.

    `room`: bytes that a tile may take.  Raises PhotoError where the sensor is not Bayer's, BadModel.
    """
    check_bayer(shot)
    net = load_network(model, device)
    beat()
    mosaic = frame.prepared(samples, shot, LOOK, device)
    raw = frame.balanced(mosaic, LOOK, beat)
    with torch.inference_mode():
        return develop_balanced(_at_speed(net, device), raw, mosaic.shot, tile_side(room), beat), mosaic.shot


def tile_side(room: int) -> int:
    """Pixels that a tile keeps."""
    return max(MULTIPLE, math.isqrt(room // KEPT) - 2 * REACH)


def _at_speed(net: HdrUNet, device: str) -> Callable[[Tensor, Tensor], Tensor]:
    kind = torch.device(device).type
    is_fast = torch.cpu._is_avx512_bf16_supported() if kind == "cpu" else torch.cuda.is_bf16_supported()

    def run(mosaic: Tensor, told: Tensor) -> Tensor:
        with torch.autocast(kind, torch.bfloat16, enabled=is_fast):
            light: Tensor = net(mosaic, told)
        return light

    return run


@lru_cache(maxsize=1)
def load_network(model: Model, device: str) -> HdrUNet:
    """On its device; kept, since the next photo is often for the same.  Raises BadModel where weights are broken."""
    net: HdrUNet = unpacked(read_weights(model)).to(device)
    return net
