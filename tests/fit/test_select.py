from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ispd.fit.cells import draw, together
from ispd.fit.families import Family
from ispd.fit.learn import frame_of
from ispd.fit.select import USUAL, Trial, Verdict, choose, preferred
from ispd.isp.look import Look
from tests.fit import planted

TONE, CORE, LATTICE = Family(core=False), Family(), Family(lattice=USUAL)


def chosen(doubt: float, usual: float, *others: tuple[Family, float]) -> Family:
    verdicts = [Verdict(family, mean, worst=1.5 * mean) for family, mean in others]
    return preferred(Verdict(LATTICE, usual, 1.5 * usual), verdicts, doubt).family


def test_what_overfits_is_not_chosen() -> None:
    assert chosen(1 / 3, 2.6, (TONE, 4.0), (CORE, 2.0)) == CORE


def test_by_chance_alone_no_lattice_is_given_up() -> None:
    assert chosen(1 / 3, 2.05, (TONE, 4.0), (CORE, 2.0)) == LATTICE
    assert chosen(1 / 20, 2.05, (TONE, 4.0), (CORE, 2.0)) == CORE


def test_parts_of_a_photo_choose_nothing() -> None:
    assert chosen(math.inf, 2.6, (CORE, 0.1)) == LATTICE


def test_nothing_is_asked_for_more_than_eyes_see() -> None:
    assert picked(1 / 3, core=0.08, warm=-0.05) == CORE


def test_a_family_that_is_better_for_every_photo_is_never_the_worse_one() -> None:
    better, worse = Verdict(LATTICE, 2.9, worst=11.0), Verdict(CORE, 3.2, worst=11.1)
    assert preferred(better, [worse], 0.0) == better
    assert preferred(worse, [better], 0.0) == better


@dataclass
class Told(Trial):
    """A trial whose errors are made up: `core`, 1 ΔE less with a lattice, and by each extra so much more."""

    by: dict[str, float] | None = None
    core: float = 3.0

    def errors(self, family: Family) -> Tensor:
        assert self.by is not None
        more = 2.0 * (not family.core) - (family.lattice > 0) + sum(map(self.by.__getitem__, family.extras))
        return torch.full((3,), self.core + more)


def picked(doubt: float, core: float = 3.0, **by: float) -> Family:
    sample = planted.samples(Look(), range(1))[0]
    cells = together([draw(sample, 10, 0)])
    trial = Told(cells, cells, replace(frame_of([sample], (sample.model,))), by=by, core=core)
    return choose([trial], list(by), doubt, 1, lambda verdict: None)[0]


def test_an_extra_that_hurts_by_more_than_chance_is_left_out() -> None:
    assert picked(1 / 6, warm=0.05, tones=0.2).extras == ("warm",)


def test_a_slope_and_shading_have_to_gain_something() -> None:
    assert picked(1 / 6, shading=0.0, key=0.0, slope=-0.01).extras == ("key",)
    assert picked(1 / 6, shading=-0.1, slope=-0.1).extras == ("shading", "slope")
