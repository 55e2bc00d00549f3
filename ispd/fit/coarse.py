"""Cells as large as those that looks are judged on: of a small photo, the grid's are joined.

A cell of two pixels shows noise and what demosaicing guessed; a look can learn neither, and an error counted there says
little of how a picture looks.  So cells are at least LEAST_PX wide, as long as a photo then still has enough of them;
what was the grid becomes their inside, by which busy cells are told.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ispd.fit.sample import Sample
from ispd.isp.factors import gains
from ispd.isp.look import WhiteBalance
from ispd.isp.values import Raw

LEAST_PX = 8  # of the sensor: the judge's boxes
FEWEST = 80  # cells of the long edge
BUSY = 0.1  # a cell of this coefficient of variation counts half
MOST_OF = 0.7  # of a cell at the reference's end: it is there


def coarse(sample: Sample) -> Sample:
    """The sample with cells of at least LEAST_PX."""
    times = min(-(-LEAST_PX // sample.cell), max(sample.shape) // FEWEST)
    if times < 2:
        return sample
    return replace(
        sample,
        cell=sample.cell * times,
        light=_means(sample.light, times),
        ceiling=_means(sample.ceiling, times),
        wanted=_means(sample.wanted, times),
        low=_means(sample.low.float(), times) > MOST_OF,
        high=_means(sample.high.float(), times) > MOST_OF,
        trust=_trust(sample, times),
        place=_means(sample.place, times),
        bare=sample.bare and Raw(_means(sample.bare.samples, times), _means(sample.bare.ceiling, times)),
    )


def _means(planes: Tensor, times: int) -> Tensor:
    count, height, width = planes.shape
    whole = planes[:, : height // times * times, : width // times * times]
    return whole.reshape(count, height // times, times, width // times, times).mean(dim=(2, 4))


def _trust(sample: Sample, times: int) -> Tensor:
    """0 where a part lies outside of the overlap, less where the parts differ."""
    balance = torch.tensor(gains(WhiteBalance(), sample.shot.neutral, sample.shot.colors))
    bright = (sample.light * balance[:, None, None]).mean(dim=0, keepdim=True)
    mean = _means(bright, times)
    spread = (_means(bright * bright, times) - mean * mean).clamp(min=0)
    within = BUSY**2 * (1 / sample.trust.clamp(min=1e-3) - 1)  # what the parts know of themselves
    busy = spread / (mean * mean).clamp(min=1e-9) + _means(within[None], times)
    inside = _means((sample.trust > 0).float()[None], times) >= 1 - 1e-4
    return (inside / (1 + busy / BUSY**2))[0]
