"""Which family: the smallest that is nearly as good as the best on photos that its fit has not seen.

Every family is fitted in every fold, from that fold's own start, and judged on what the fold holds out: ΔE2000 at
cells, averaged over a photo by trust, then over photos.  What may learn beyond the core is asked for one by one (with
and without a lattice, since that may do the same), then how fine a lattice pays.  The worst photo has a say of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ispd.fit import model
from ispd.fit.cells import Cells
from ispd.fit.families import EXTRAS, LATTICES, Family, Grown, grow
from ispd.fit.loss import shown_difference
from ispd.fit.model import Frame, Values

NEARLY, NEARLY_SHARE, UNSEEN = 0.1, 0.05, 0.03  # as good as the best: within 0.1 ΔE, or 5 % if less, or 0.03 if more
GAIN = 0.02  # ΔE, or as much of the error: an extra that gives less is not asked further
WORST_SHARE = 0.1  # of a family's score: what only some photos have must not be learned at the others' cost
TRIED = 9  # the lattice that extras are tried with


@dataclass
class Trial:
    """One fold's cells, and all that has been fitted to those it has seen."""

    seen: Cells
    held: Cells
    frame: Frame
    grown: Grown = field(default_factory=dict)

    def values(self, family: Family) -> Values:
        return grow(family, self.seen, self.frame, self.grown)

    def errors(self, family: Family) -> Tensor:
        """(held photos) mean ΔE2000 of each."""
        difference = differences(self.held, self.values(family), self.frame)
        share = self.held.weight * len(self.held.photos)
        return (difference * share).reshape(len(self.held.photos), -1).sum(dim=1)


@dataclass(frozen=True)
class Verdict:
    """How one family does on photos that its fits have not seen."""

    family: Family
    mean: float
    worst: float

    @property
    def score(self) -> float:
        """The mean, and a little of the worst photo: less is better, of both."""
        return (1 - WORST_SHARE) * self.mean + WORST_SHARE * self.worst


def differences(cells: Cells, values: Values, frame: Frame) -> Tensor:
    """(N) ΔE2000 at every cell, without the photos' own offsets: as a photo looks that no fit knows."""
    bare = {name: value for name, value in values.items() if name != "offsets"}
    with torch.no_grad():
        return shown_difference(model.predicted(cells, bare, frame), cells.aim)


def choose(
    trials: list[Trial], extras: Iterable[str], largest: int, workers: int, said: Callable[[Verdict], None]
) -> tuple[Family, list[Verdict]]:
    """The chosen family, and the table of all that were tried; `largest` lattice allowed."""
    table: dict[Family, Verdict] = {}
    lattices = [size for size in LATTICES if size <= largest]
    tried = TRIED if largest >= TRIED else largest
    with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:

        def asked(family: Family) -> Verdict:
            if family not in table:
                table[family] = verdict(trials, family, pool)
                said(table[family])
            return table[family]

        def best(extras: tuple[str, ...]) -> float:
            return min(asked(Family(True, extras, size)).score for size in {0, tried})

        asked(Family(core=False))
        taken: tuple[str, ...] = ()
        for extra in (name for name in EXTRAS if name in set(extras)):
            now = best(taken)
            if best((*taken, extra)) < now - GAIN * max(1.0, now):
                taken = (*taken, extra)
        for size in lattices:
            asked(Family(True, taken, size))
        if taken and largest:
            asked(Family(True, (), lattices[-1]))
    return nearly_best(list(table.values())).family, sorted(table.values(), key=lambda one: one.family.numbers)


def verdict(trials: list[Trial], family: Family, pool: ThreadPoolExecutor) -> Verdict:
    """Fitted in every fold, judged on what each holds out."""
    errors = torch.cat(list(pool.map(lambda trial: trial.errors(family), trials)))
    return Verdict(family, float(errors.mean()), float(errors.max()))


def nearly_best(verdicts: list[Verdict]) -> Verdict:
    """The smallest within NEARLY of the best."""
    best = min(verdict.score for verdict in verdicts)
    near = [one for one in verdicts if one.score <= best + min(NEARLY, max(NEARLY_SHARE * best, UNSEEN))]
    return min(near, key=lambda one: one.family.numbers)
