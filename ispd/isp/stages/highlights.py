"""Highlights: where channels have clipped, color runs out towards white, never into pink.

A channel that has reached its ceiling says only "at least this much", and the ceilings differ once white balance has
multiplied them: clipped white is magenta.  So a sample near its ceiling is raised, if it lies below, to the mean of
the other colors around it.  With one channel gone that is a fair guess of a near-neutral light (sky, cloud) and leaves
saturated ones (petals, tail lamps) alone, whose clipped channel is above the mean anyway; with more gone the means
pull each other up; with all gone what is left is white at the highest ceiling.  Weights rise smoothly over the last
quarter below the ceiling, so that no edge shows where it begins.

Takes   white-balanced Raw, with ceilings; `cfa` as these rows see it ("" for a linear file)
Gives   samples, (1, H, W) or (planes, H, W); only those near a ceiling have changed;
        with `clip` all are cut at the lowest channel's ceiling, as LibRaw's highlight_mode=Clip does
"""

from __future__ import annotations

import torch
from torch import Tensor

from ispd.isp.look import Highlights
from ispd.isp.params import Scalar
from ispd.isp.pattern import planes_of_sites, spread, tiled
from ispd.isp.values import Raw

ONSET, GONE = 0.75, 0.98  # of the ceiling; a later onset draws a contour into violet evening skies
WHOLE, SURELY = 1.2, 1.5  # times the ceiling: no sensor goes there; a merged float file does, and has not clipped
SWEEPS = 6  # each brings the means four times closer to where they meet


def highlights(raw: Raw, p: Highlights, lowest: Scalar, cfa: str, colors: str) -> Tensor:
    """`lowest` is the ceiling of the channel that clips first."""
    if p.method == "clip":
        return torch.minimum(raw.samples, torch.as_tensor(lowest).to(raw.samples))
    clipped = run_out(raw)
    if not bool((clipped > 0).any()):
        return raw.samples
    if not cfa:
        return _raised(raw.samples, clipped)
    planes = _raised(spread(raw.samples[0], cfa, colors), spread(clipped[0], cfa, colors))
    own = tiled(planes_of_sites(cfa, colors), *raw.samples.shape[1:]).to(planes.device)
    return planes.gather(0, own[None])


def run_out(raw: Raw) -> Tensor:
    """0 where a sample is whole, 1 where it has clipped."""
    filled = raw.samples / raw.ceiling.clamp(min=1e-6)
    return _smoothstep(filled, ONSET, GONE) - _smoothstep(filled, WHOLE, SURELY)


def _smoothstep(x: Tensor, start: float, end: float) -> Tensor:
    t = ((x - start) / (end - start)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def _raised(planes: Tensor, clipped: Tensor) -> Tensor:
    """Each plane raised, as far as it has clipped, to the mean of the others; all clipped: to the greatest."""
    count = planes.shape[0]
    if count == 1:
        return planes
    raised = list(planes)
    for _ in range(SWEEPS):
        for plane in range(count):
            others = sum(raised[other] for other in range(count) if other != plane) / (count - 1)
            raised[plane] = planes[plane] + clipped[plane] * (others - planes[plane]).clamp(min=0)
    result = torch.stack(raised)
    return result + clipped.amin(dim=0) * (result.amax(dim=0) - result)
