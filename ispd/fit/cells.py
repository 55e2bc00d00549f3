"""Cells: what of each sample a fit looks at.

A grid has up to 200,000 cells, a look a few hundred numbers: some thousand cells a photo say all there is to say.  Half
of them are drawn as they are trusted, half with the rarer colors of the photo preferred, so that a red coat in a green
field is not one cell; each then counts by how much likelier it was drawn, so no error is over- or underestimated.

Takes   samples; gives the same cells for the same seed, drawn on the CPU whatever device is to fit them.  Every photo
        counts alike, however bright or large
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ispd.fit.loss import Target, target
from ispd.fit.sample import Sample
from ispd.isp.color.transfer import encode
from ispd.isp.stages.local_tone import spread
from ispd.isp.survey.bases import bases
from ispd.isp.values import Raw

STEPS = 8  # a channel of the wanted picture is cut into as many, to tell which colors are rare
COMMON = 0.5  # of the cells are drawn by trust alone


@dataclass(frozen=True)
class Photo:
    """Cells of one sample, as a picture of one row."""

    sample: Sample
    where: Tensor  # (n) which cells of the grid, row by row
    raw: Raw  # (colors, 1, n)
    place: Tensor  # (2, 1, n)
    wanted: Tensor  # (3, n), like all that follow
    low: Tensor
    high: Tensor
    weight: Tensor  # (n), together 1
    bases: Tensor  # (4, 1, n) what surrounds them: stage `local_tone`

    @property
    def count(self) -> int:
        """How many cells."""
        return len(self.where)

    def to(self, device: str) -> Photo:
        """The same where a fit shall run; all that is made of it lies there too."""
        raw = Raw(self.raw.samples.to(device), self.raw.ceiling.to(device))
        names = ("place", "wanted", "low", "high", "weight", "bases")
        return replace(self, raw=raw, **{name: getattr(self, name).to(device) for name in names})


@dataclass(frozen=True)
class Cells:
    """Photos side by side: what is to be reached at all their cells; all have the same number of cells."""

    photos: tuple[Photo, ...]
    aim: Target
    weight: Tensor  # (photos · n), together 1

    @property
    def each(self) -> int:
        """Cells a photo."""
        return self.photos[0].count


def draw(sample: Sample, count: int, seed: int) -> Photo:
    """`count` cells of a sample."""
    trust = sample.trust.flatten().double()
    chance = COMMON * trust / trust.sum() + (1 - COMMON) * _rarity(sample, trust)
    edges = torch.cumsum(chance, 0)
    first = torch.rand(1, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    where = torch.searchsorted(edges, (torch.arange(count) + first) / count * edges[-1]).clamp(max=len(trust) - 1)
    weight = trust[where] / chance[where]
    return _photo(sample, where, weight)


def every(sample: Sample, count: int) -> Photo:
    """About `count` cells of a sample, evenly spread, trusted or not, all weighing the same: to judge by."""
    seen = sample.trust.flatten().nonzero()[:, 0]
    where = seen[torch.linspace(0, len(seen) - 1, count).round().long()]
    return _photo(sample, where, torch.ones(count, dtype=torch.float64))


def together(photos: Sequence[Photo]) -> Cells:
    """Photos side by side."""
    wanted, low, high = (torch.cat([getattr(photo, name) for photo in photos], 1) for name in ("wanted", "low", "high"))
    weight = torch.cat([photo.weight for photo in photos]) / len(photos)
    spaces = [photo.sample.space for photo in photos]
    return Cells(tuple(photos), target(wanted, low, high, spaces), weight)


def _rarity(sample: Sample, trust: Tensor) -> Tensor:
    """(cells) together 1: more for cells whose wanted color few cells have."""
    code = (encode(sample.wanted.clamp(0, 1), "srgb").reshape(3, -1) * (STEPS - 1e-3)).long()
    color = (code[0] * STEPS + code[1]) * STEPS + code[2]
    share = torch.bincount(color, weights=trust, minlength=STEPS**3)
    rare = trust / share.clamp(min=1e-6 * float(trust.sum())).sqrt()[color]
    return rare / rare.sum()


def _photo(sample: Sample, where: Tensor, weight: Tensor) -> Photo:
    light, ceiling, place, wanted, low, high = (
        plane.reshape(plane.shape[0], -1)[:, where]
        for plane in (sample.light, sample.ceiling, sample.place, sample.wanted, sample.low, sample.high)
    )
    return Photo(
        sample=sample,
        where=where,
        raw=Raw(light[:, None], ceiling[:, None]),
        place=place[:, None],
        wanted=wanted,
        low=low,
        high=high,
        weight=(weight / weight.sum()).float(),
        bases=_bases(sample)[:, where][:, None],
    )


def _bases(sample: Sample) -> Tensor:
    """(4, cells): local tone's, of the whole picture, as the survey of a render would find them."""
    found = sample.shot.bases or bases(sample.light.numpy(), sample.cell, sample.shot)
    height, width = sample.shape
    down, across = ((torch.arange(count) + 0.5) * sample.cell for count in (height, width))
    return spread(found, down, across).reshape(4, -1)
