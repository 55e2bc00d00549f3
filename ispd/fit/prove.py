"""Prove: what the folds' looks do at full size, through the render itself, against photos that they have not seen.

Of many photos some are judged, the worst by cells and others spread evenly over all errors: a full render takes its
time, and what becomes of an error of cells differs little from photo to photo.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import torch

from ispd.decode.cell import Cell
from ispd.errors import PhotoError
from ispd.fit.judge import Judged, Render, judge, noise_floor
from ispd.fit.learn import Held, Learned
from ispd.metadata.exiftool import ExifTool

MOST = 8  # photos rendered whole
FLOORS = 3  # … through another demosaicer too


@dataclass(frozen=True)
class Figures:
    """How far a look is off one photo, at full size."""

    mean: float
    p95: float


@dataclass(frozen=True)
class Proof:
    """Figures over all photos held out."""

    mean: float
    median: float
    p95: float
    psnr: float
    worst: float
    noise_floor: float
    grid_gap: float  # mean ΔE2000 between the cells' path and the full render
    photos: Mapping[bytes, Figures]  # of each, by its raw; of those not rendered, what others let expect
    judged: Mapping[bytes, Judged]  # those rendered whole, by their raws


def prove(
    learned: Learned, cell: Cell, door: ExifTool, render: Render, judges: Executor, beat: Callable[[], None]
) -> Proof:
    """Raises PhotoError, MachineError where the files are no longer what they were."""

    def rendered(held: Held) -> Judged:
        part = held.part if learned.by == "blocks" else None
        return judge(held.sample, held.look, cell, door, render, part)

    def floor(held: Held) -> float:
        return noise_floor(held.sample, held.look, cell, door, render)

    judged: list[tuple[Held, Judged]] = []
    chosen = spread(learned.held, MOST)
    floors = judges.map(floor, spread(learned.held[::-1], FLOORS))
    for held, one in zip(chosen, judges.map(rendered, chosen), strict=True):
        if not math.isnan(one.mean):  # a quarter may hold no whole box
            judged.append((held, one))
        beat()
    noise = list(floors)
    if not judged:
        raise PhotoError("the finished pictures show too little of their raws to judge a look by")
    photos = figures_of(learned.held, judged)
    return Proof(
        mean=learned.mean("mean") * _times("mean", judged),
        median=learned.mean("median") * _times("median", judged),
        p95=learned.mean("p95") * _times("p95", judged),
        psnr=learned.mean("psnr") + sum(full.psnr - held.psnr for held, full in judged) / len(judged),
        worst=max(figures.mean for figures in photos.values()),
        noise_floor=sum(noise) / len(noise),
        grid_gap=sum(full.gap for _, full in judged) / len(judged),
        photos=photos,
        judged=_whole(judged),
    )


def spread(held: Sequence[Held], most: int) -> list[Held]:
    """At most so many, the worst and others evenly spread over all errors."""
    worst_first = sorted(held, key=lambda one: -one.mean)
    if len(worst_first) <= most:
        return worst_first
    return [worst_first[round(number * (len(worst_first) - 1) / max(most - 1, 1))] for number in range(most)]


def _times(figure: str, judged: Sequence[tuple[Held, Judged]]) -> float:
    """What an error of cells is multiplied by at full size, by those photos that were rendered whole."""
    on_cells = math.fsum(getattr(held, figure) for held, _ in judged)
    return math.fsum(getattr(full, figure) for _, full in judged) / on_cells if on_cells else 1.0


def figures_of(all_held: Sequence[Held], judged: Sequence[tuple[Held, Judged]]) -> dict[bytes, Figures]:
    """Each photo's figures, the mean over its parts where it was held out by parts."""
    mean, p95 = _times("mean", judged), _times("p95", judged)
    known = {id(held): Figures(full.mean, full.p95) for held, full in judged}
    parts: dict[bytes, list[Figures]] = {}
    for held in all_held:
        expected = Figures(held.mean * mean, held.p95 * p95)
        parts.setdefault(held.sample.raw_path, []).append(known.get(id(held), expected))
    return {
        raw: Figures(sum(part.mean for part in of) / len(of), sum(part.p95 for part in of) / len(of))
        for raw, of in parts.items()
    }


def _whole(judged: Sequence[tuple[Held, Judged]]) -> dict[bytes, Judged]:
    """One of each photo: parts that were held out in turn are put together."""
    whole: dict[bytes, Judged] = {}
    for held, one in judged:
        before = whole.get(held.sample.raw_path)
        if before is not None:
            here = ~one.map.isnan()
            ours = torch.where(here, one.ours, before.ours)
            one = replace(before, map=torch.where(here, one.map, before.map), ours=ours)
        whole[held.sample.raw_path] = one
    return whole
