from __future__ import annotations

from ispd.fit.families import Family
from ispd.fit.select import Verdict, nearly_best

TONE, CORE, LATTICE = Family(core=False), Family(), Family(lattice=9)


def chosen(*means: tuple[Family, float]) -> Family:
    return nearly_best([Verdict(family, mean, worst=1.5 * mean) for family, mean in means]).family


def test_the_smallest_family_that_is_nearly_the_best_is_chosen() -> None:
    assert chosen((TONE, 4.0), (CORE, 2.04), (LATTICE, 2.0)) == CORE
    assert chosen((TONE, 4.0), (CORE, 2.5), (LATTICE, 2.0)) == LATTICE


def test_where_a_look_holds_well_nearly_is_less() -> None:
    assert chosen((CORE, 0.6), (LATTICE, 0.52)) == LATTICE


def test_what_overfits_is_not_chosen() -> None:
    assert chosen((CORE, 2.0), (LATTICE, 2.6)) == CORE


def test_a_family_that_is_better_for_every_photo_is_never_the_worse_one() -> None:
    better, worse = Verdict(LATTICE, 2.9, worst=11.0), Verdict(CORE, 3.2, worst=11.1)
    assert nearly_best([better, worse]) == better
