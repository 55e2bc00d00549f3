"""Where a fit begins: closed forms, from its training photos alone, so that no fold knows of another's.

    exposure   the robust mean (median) of how many stops the wanted picture is brighter, where it is neither dark
               nor bright
    curve      the wanted picture's tones, sorted, against the light's, sorted: the monotone curve that makes one of
               the other, whatever lies where

White balance and matrix begin at none: one Gauss-Newton step from there is their least-squares solution.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ispd.fit import model
from ispd.fit.cells import Cells
from ispd.fit.model import HEIGHTS, Frame, Values
from ispd.isp.color.mix import luminance
from ispd.isp.color.transfer import encode

DARK, BRIGHT = 0.02, 0.6  # of the wanted picture's luminance: between them a tone curve is nearly a factor
EDGE = 0.002  # of the light's values: fewer say nothing about a curve


def start(cells: Cells, frame: Frame) -> Values:
    """A plain look, as bright as the wanted pictures and with their tones."""
    values = model.plain(frame, cells)
    wanted = torch.cat([photo.wanted for photo in cells.photos], dim=1)
    with torch.no_grad():
        light = model.lit(cells, values, frame)[:, 0]
    values["ev"] = _brighter(light, wanted).reshape(1)
    light = light * 2 ** values["ev"]
    values["curve"] = _matched(light, encode(wanted.clamp(min=0), "srgb"), cells.weight, values["curve"])
    return values


def _brighter(light: Tensor, wanted: Tensor) -> Tensor:
    """Stops."""
    have, want = luminance(light), luminance(wanted)
    told = (want > DARK) & (want < BRIGHT) & (have > 1e-4)
    return (want[told] / have[told]).log2().median() if told.any() else have.new_zeros(())


def _matched(light: Tensor, wanted: Tensor, weight: Tensor, usual: Tensor) -> Tensor:
    """(HEIGHTS) the curve that takes the light's tones to the wanted ones; outside of them as the usual one goes on."""
    place, place_order = model.steps(light).flatten().sort()
    code, code_order = wanted.flatten().sort()
    share = torch.cumsum(weight.repeat(3)[place_order], 0)
    wanted_share = torch.cumsum(weight.repeat(3)[code_order], 0)
    knots = torch.arange(HEIGHTS, dtype=place.dtype, device=place.device)
    at = torch.searchsorted(place, knots).clamp(max=len(place) - 1)
    heights = code[torch.searchsorted(wanted_share, share[at]).clamp(max=len(code) - 1)]
    few = int(EDGE * len(place))
    seen = ((knots >= place[few]) & (knots <= place[-1 - few])).nonzero()[:, 0]
    if not len(seen):
        return usual
    low, high = int(seen[0]), int(seen[-1])
    heights[:low] = usual[:low] / usual[low].clamp(min=1e-4) * heights[low]
    heights[high + 1 :] = heights[high] + (usual[high + 1 :] - usual[high]).clamp(min=0) / 2
    return torch.cummax(heights, 0).values
