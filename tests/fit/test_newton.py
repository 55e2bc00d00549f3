from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ispd.fit import model, newton
from ispd.fit.cells import Cells, draw, together
from ispd.fit.families import TONE, Family, new
from ispd.fit.learn import frame_of
from ispd.fit.loss import charbonnier, residual
from ispd.fit.model import Frame, Values
from ispd.fit.ridge import OFFSET, penalty
from ispd.fit.start import start
from ispd.isp.look import LocalTone
from ispd.isp.values import Raw
from tests.fit import planted
from tests.fit.test_recovery import PLANTED

ALL = Family(True, ("shading", "key", "slope", "warm", "tones"))


def unsettled(family: Family = ALL) -> tuple[Cells, Values, Frame]:
    """Somewhere on the way to a look that asks for every stage, so that no slope is 0."""
    look = replace(PLANTED["channels"][0], camera=PLANTED["two lights"][0].camera, local_tone=LocalTone((0.5,) * 7))
    pairs = planted.samples(look, range(3))
    cells, frame = together([draw(pair, 200, 0) for pair in pairs]), frame_of(pairs, ("Acme One",))
    blocks = tuple(block for block in family.blocks if block not in TONE)
    values = start(cells, frame) | new(blocks, frame, cells)
    chance = torch.Generator().manual_seed(0)
    for name, value in values.items():
        if name != "curve":
            values[name] = value + 0.03 * torch.randn(value.shape, generator=chance)
    return cells, values, frame


@pytest.mark.parametrize("size", [0, 5])
def test_the_slopes_that_are_written_down_are_those_of_the_stages(size: int) -> None:
    cells, values, frame = unsettled()
    if size:
        values["cube"] = 0.02 * torch.randn(size, size, size, 3, generator=torch.Generator().manual_seed(1))
    equations = newton.equations(cells, values, frame, ALL.blocks, OFFSET)
    learning = {name: value.clone().requires_grad_() for name, value in values.items()}
    error = charbonnier(residual(model.predicted(cells, learning, frame), cells.aim))
    cost = (error.double() * cells.weight).sum() + penalty(learning, len(cells.photos))
    slopes = dict(zip(learning, torch.autograd.grad(cost, list(learning.values())), strict=True))
    start = 0
    for name, count in equations.blocks:
        ours, exact = equations.slope[start : start + count], slopes[name].double().flatten()
        # local tone answers to the light that the blocks before it change: left out of ours, and small
        assert torch.allclose(ours, exact, rtol=0.1, atol=0.05 * float(exact.abs().max()) + 1e-4), name
        start += count


@pytest.mark.parametrize(
    "block", ["ev", "balance.0", "matrix.0", "warm.0", "shading.0", "key", "slope", "curve", "red", "tones"]
)
def test_slopes_of_every_block_are_right_in_double_precision(block: str) -> None:
    cells, values, frame = unsettled()
    values["cube"] = torch.zeros(3, 3, 3, 3)
    photo = cells.photos[0]
    raw, place, bases = (
        Raw(photo.raw.samples[..., :9].double(), photo.raw.ceiling[..., :9].double()),
        photo.place[..., :9].double(),
        photo.bases[..., :9].double(),
    )
    doubled = replace(photo, raw=raw, place=place, bases=bases)
    exact = {name: value.double() for name, value in values.items()}

    def shown(value: torch.Tensor) -> torch.Tensor:
        look = model.look(exact | {block: value}, frame, 0)
        return planted.rendered(doubled, look)

    assert torch.autograd.gradcheck(shown, exact[block].clone().requires_grad_(), eps=1e-6, atol=1e-4)


def test_a_stage_that_gives_no_number_is_one_clear_error() -> None:
    cells, values, frame = unsettled(Family())
    values["ev"] = torch.tensor([float("nan")])
    with pytest.raises(model.NotANumber):
        newton.solve(cells, values, frame, Family().blocks, 1)
