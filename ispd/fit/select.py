"""Which family: all that the photos can teach, but for what holds worse on photos that its fit has not seen.

Every family is fitted in every fold, from that fold's own start, and judged on what the fold holds out: ΔE2000 at
cells, averaged over a photo by trust, then over photos.  What may learn beyond the core is asked for one by one, then
how fine a lattice pays.  The worst photo has a say of its own.

A fold has fewer photos than the fit that follows, so it thinks less of large families than they deserve; and few photos
are few to judge by.  What a few photos do not pin is held by ridges already.  So an extra is left out, and another
lattice than the usual one chosen, only where that is better by more than chance may be: the less, the more photos there
are to judge by.  Shading and slope, which most looks lack and would suffer from, have to gain something instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ispd.fit import model
from ispd.fit.cells import Cells
from ispd.fit.families import EXTRAS, LATTICES, Family, Grown, grow
from ispd.fit.loss import shown_difference
from ispd.fit.model import Frame, Values
from ispd.fit.split import Split
from ispd.fit.workers import side_by_side

# what a family may seem worse by, as a share of the error: with an extra, divided by the number of photos; with the
# usual lattice, which is thousands of numbers, by its square
EXTRA_CHANCE, LATTICE_CHANCE = 0.3, 0.9
GAIN = 0.02  # ΔE, or as much of the error, that an extra of PROVEN must gain
PROVEN = ("shading", "slope")
UNSEEN = 0.1  # ΔE
WORST_SHARE = 0.1  # of a family's score: what only some photos have must not be learned at the others' cost
USUAL = 9  # the lattice that extras are tried with


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
    trials: list[Trial], extras: Collection[str], doubt: float, workers: int, said: Callable[[Verdict], None]
) -> tuple[Family, list[Verdict]]:
    """The chosen family, and the table of all that were tried; `doubt` as `doubt_of` has it.

    The smallest that is off by less than anyone sees comes first: nothing asks for more.
    """
    table: dict[Family, Verdict] = {}
    with side_by_side(workers) as pool:

        def asked(family: Family) -> Verdict:
            if family not in table:
                table[family] = verdict(trials, family, pool)
                said(table[family])
            return table[family]

        tone, core = asked(Family(core=False)), asked(Family())
        if min(tone.score, core.score) < UNSEEN:
            return (tone if tone.score < UNSEEN else core).family, [tone, core]
        usual = asked(Family(lattice=USUAL))
        for extra in (name for name in EXTRAS if name in extras):
            larger = asked(replace(usual.family, extras=(*usual.family.extras, extra)))
            if larger.score < usual.score + _allowed(extra, usual, doubt):
                usual = larger
        others = [tone, *(asked(replace(usual.family, lattice=size)) for size in (0, *LATTICES))]
    return preferred(usual, others, doubt).family, sorted(table.values(), key=lambda one: one.family.numbers)


def _allowed(extra: str, before: Verdict, doubt: float) -> float:
    """By how much a family may be worse for one more extra."""
    return -GAIN * max(1.0, before.score) if extra in PROVEN else EXTRA_CHANCE * doubt * before.score


def verdict(trials: list[Trial], family: Family, pool: ThreadPoolExecutor) -> Verdict:
    """Fitted in every fold, judged on what each holds out."""
    errors = torch.cat(list(pool.map(lambda trial: trial.errors(family), trials)))
    return Verdict(family, float(errors.mean()), float(errors.max()))


def preferred(usual: Verdict, others: Iterable[Verdict], doubt: float) -> Verdict:
    """The usual family, with its lattice; or the best of the others, where that is better by more than chance."""
    best = min(others, key=lambda one: one.score)
    return best if best.score < usual.score * (1 - LATTICE_CHANCE * doubt**2) else usual


def doubt_of(parts: Split, photos: int) -> float:
    """How little is known by what was held out: parts of a photo say nothing at all of other photos."""
    return 1 / photos if parts.by == "photos" else math.inf
