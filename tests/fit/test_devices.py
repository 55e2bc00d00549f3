"""A fit runs on the device that it is told: all that it makes lies there.  Shown on a device that every machine has
(`elsewhere`), and on a graphics card where there is one."""

from __future__ import annotations

import pytest
import torch

from ispd.fit import cube, descend, model, newton
from ispd.fit.families import Family
from ispd.fit.learn import learn, psnr, trials_of
from ispd.fit.select import Trial
from ispd.fit.settle import settled
from ispd.fit.split import split
from ispd.isp.look import Look
from tests.fit import planted
from tests.fit.elsewhere import ELSEWHERE, elsewhere
from tests.fit.test_recovery import PLANTED

FAMILIES = {
    "all that learns": Family(True, ("shading", "key", "slope", "warm", "tones"), 5),
    "a grade": Family(False, lattice=5, is_grade=True),
}


def trial(device: str) -> Trial:
    return trials_of(split(planted.samples(PLANTED["channels"][0], range(5)), 0), ("Acme One",), 0, device)[0]


def fitted(one: Trial, family: Family) -> tuple[Look, list[float]]:
    """By every solver; with the errors that it is chosen and certified by."""
    values = one.values(family)
    errors = one.errors(family).cpu().tolist()
    if not family.is_grade:
        values = newton.solve(one.seen, values, one.frame, family.blocks, 1)
        values = cube.solve(one.seen, values, one.frame, family.lattice)
        values = descend.polish(one.seen, values, one.frame, 2, lambda: None)
    assert all(value.device == one.seen.weight.device for value in values.values())
    decibels = psnr(model.predicted(one.seen, values, one.frame), one.seen.aim)
    return settled(model.look(values, one.frame, 0)), [*errors, decibels]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_fit_elsewhere_is_the_cpus_fit(family: str) -> None:
    here = fitted(trial("cpu"), FAMILIES[family])
    with elsewhere():
        assert fitted(trial(ELSEWHERE), FAMILIES[family]) == here


def test_elsewhere_is_not_here() -> None:
    """Or the test above would prove nothing."""
    with elsewhere():
        there = torch.ones(3).to(ELSEWHERE)
        assert (there * 2 + there.new_tensor([1.0, 2.0, 3.0])).cpu().tolist() == [3.0, 4.0, 5.0]
        with pytest.raises(RuntimeError, match="on the CPU and elsewhere"):
            there + torch.ones(3)
        with pytest.raises(RuntimeError, match="on the CPU and elsewhere"):
            torch.stack([there, torch.zeros(3)])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no graphics card here")
def test_a_graphics_card_learns_what_the_cpu_learns() -> None:
    look, _ = PLANTED["two lights"]
    pairs, unseen = planted.samples(look, range(8)), planted.samples(look, range(40, 44))
    learned = [learn(pairs, 0, 2, device, lambda line: None) for device in ("cpu", "cuda")]
    assert learned[0].family == learned[1].family
    ours, cards = (planted.difference(one.look, unseen) for one in learned)
    assert cards < 0.3
    assert abs(cards - ours) < 0.05
