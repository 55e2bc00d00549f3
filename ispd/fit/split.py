"""Which photos a fit sees and which it is judged on: four folds, and nothing that belongs together is torn apart.

Photos of one camera within a minute of each other are a burst: of one scene, they would vouch for each other.  With two
scenes or fewer there is nothing to leave out, so blocks of each photo are; `by` says so, since that is a weaker proof.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import torch
from torch import Tensor

from ispd.fit.sample import Sample

FOLDS = 4
BURST = timedelta(minutes=1)
BLOCKS = 6  # along the long edge


@dataclass(frozen=True)
class Fold:
    """Samples to learn from, samples to judge by."""

    seen: tuple[Sample, ...]
    held: tuple[Sample, ...]


@dataclass(frozen=True)
class Split:
    """All folds together hold every sample once, or, by blocks, every cell."""

    by: Literal["photos", "blocks"]
    folds: tuple[Fold, ...]


def split(samples: Sequence[Sample], seed: int) -> Split:
    """In `FOLDS` folds, or one a scene where there are fewer."""
    groups = scenes(samples)
    if len(groups) <= 2:
        return Split("blocks", tuple(_blocks(samples, number) for number in range(FOLDS)))
    random.Random(seed).shuffle(groups)
    groups.sort(key=len, reverse=True)  # the largest first, each to the fold that has fewest
    held: list[list[Sample]] = [[] for _ in range(min(FOLDS, len(groups)))]
    for group in groups:
        min(held, key=len).extend(group)
    return Split("photos", tuple(Fold(_others(samples, part), tuple(part)) for part in held))


def _others(samples: Sequence[Sample], held: list[Sample]) -> tuple[Sample, ...]:
    return tuple(sample for sample in samples if not any(sample is one for one in held))


def scenes(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Bursts, and single photos; what does not say when it was taken is single, the same raw twice is not."""
    groups: list[list[Sample]] = []
    for sample in sorted(samples, key=lambda sample: (sample.model, sample.serial, sample.captured, sample.name)):
        together = [group for group in groups if any(_of_one_scene(sample, one) for one in group)]
        merged = [sample] + [one for group in together for one in group]
        groups = [group for group in groups if group not in together] + [merged]
    return groups


def _of_one_scene(one: Sample, other: Sample) -> bool:
    if one.digest == other.digest:
        return True
    if (one.model, one.serial) != (other.model, other.serial) or not one.captured or not other.captured:
        return False
    try:
        between = datetime.fromisoformat(one.captured) - datetime.fromisoformat(other.captured)
    except (ValueError, TypeError):  # a camera's clock may say anything
        return one.captured == other.captured
    return abs(between) <= BURST


def _blocks(samples: Sequence[Sample], fold: int) -> Fold:
    """Every fourth block of each photo held, in a pattern that takes from each row and column."""
    masks = [_mask(sample, fold) for sample in samples]
    seen = (replace(sample, trust=sample.trust * ~mask) for sample, mask in zip(samples, masks, strict=True))
    held = (replace(sample, trust=sample.trust * mask) for sample, mask in zip(samples, masks, strict=True))
    return Fold(
        tuple(sample for sample in seen if bool((sample.trust > 0).any())),
        tuple(sample for sample in held if bool((sample.trust > 0).any())),
    )


def _mask(sample: Sample, fold: int) -> Tensor:
    height, width = sample.shape
    side = max(height, width) / BLOCKS
    rows, columns = ((torch.arange(count) / side).long() for count in (height, width))
    return (rows[:, None] * 2 + columns[None]) % FOLDS == fold
