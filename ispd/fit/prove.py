"""Prove: what the folds' looks do at full size, through the render itself, against photos that they have not seen.

Of many photos some are judged, the worst by cells and others spread evenly over all errors: a full render takes its
time, and what it adds to the error of cells differs little from photo to photo.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ispd.decode.cell import Cell
from ispd.fit.judge import Judged, Render, judge, noise_floor
from ispd.fit.learn import Held, Learned
from ispd.metadata.exiftool import ExifTool

MOST = 8  # photos rendered whole
FLOORS = 2  # … through another demosaicer too


@dataclass(frozen=True)
class Proof:
    """Figures over all photos held out."""

    mean: float
    median: float
    p95: float
    psnr: float
    worst: float
    noise_floor: float
    grid_gap: float  # mean ΔE2000 between the cells' path and the full render, cells weighed as the fit weighs them
    judged: tuple[tuple[Held, Judged], ...]


def prove(learned: Learned, cell: Cell, door: ExifTool, render: Render, beat: Callable[[], None]) -> Proof:
    """Raises PhotoError, MachineError where the files are no longer what they were."""
    judged = []
    for held in spread(learned.held, MOST):
        judged.append((held, judge(held.sample, held.look, cell, door, render)))
        beat()
    floors = [noise_floor(held.sample, held.look, cell, door, render) for held in spread(learned.held[::-1], FLOORS)]
    return Proof(
        mean=_over_all("mean", learned, judged),
        median=_over_all("median", learned, judged),
        p95=_over_all("p95", learned, judged),
        psnr=_over_all("psnr", learned, judged),
        worst=max(full.mean for _, full in judged),
        noise_floor=sum(floors) / len(floors),
        grid_gap=sum(full.gap for _, full in judged) / len(judged),
        judged=tuple(judged),
    )


def spread(held: Sequence[Held], most: int) -> list[Held]:
    """At most so many, the worst and others evenly spread over all errors."""
    worst_first = sorted(held, key=lambda one: -one.mean)
    if len(worst_first) <= most:
        return worst_first
    return [worst_first[round(number * (len(worst_first) - 1) / max(most - 1, 1))] for number in range(most)]


def _over_all(figure: str, learned: Learned, judged: Sequence[tuple[Held, Judged]]) -> float:
    """The mean over all photos: that of their cells, and what full renders of some add to theirs."""
    added: float = sum(getattr(full, figure) - getattr(held, figure) for held, full in judged)
    return max(learned.mean(figure) + added / len(judged), 0.0)
