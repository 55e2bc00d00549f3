"""What was planted is found again: each stage's numbers, on pictures that the fit has not seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ispd.fit import model
from ispd.fit.cells import draw, together
from ispd.fit.families import Family, grow
from ispd.fit.learn import frame_of, learn
from ispd.fit.settle import settled
from ispd.isp.color.transfer import encode
from ispd.isp.look import Camera, Exposure, Finish, Gamut, Lattice, LocalTone, Look, MatrixDelta, Shading, WhiteBalance
from ispd.isp.params import Cube
from ispd.isp.stages.lattice import identity
from tests.fit import planted

PLAIN = Look(curve=planted.film(), exposure=Exposure(auto="none"), gamut=Gamut("clip"))
RED = (0.0, 0.02, 0.03, 0.02, 0.0, -0.01, -0.02, -0.01, 0.0)
BLUE = (0.04, 0.03, 0.01, 0.0, 0.0, 0.0, -0.02, -0.04, -0.06)
COOL, WARM = (0.1, -0.05, 0.06, 0.02, -0.03, 0.05), (-0.05, 0.1, -0.04, 0.08, 0.06, -0.08)


def turned(size: int) -> Cube:
    """A lattice that turns hues where colors are strong, and leaves greys."""
    nodes = identity(size, torch.zeros(1))
    strong = nodes.amax(-1, keepdim=True) - nodes.amin(-1, keepdim=True)
    moved = nodes + 0.12 * strong * (nodes.roll(1, -1) - nodes)
    return Cube(size, moved.numpy().astype("<f4").tobytes())


PLANTED = {
    "exposure and white balance": (
        replace(PLAIN, exposure=Exposure(ev=0.7, auto="none"), camera=Camera(white_balance=WhiteBalance(0.2, -0.15))),
        Family(),
    ),
    "curve": (replace(PLAIN, curve=planted.film()), Family(core=False)),
    "channels": (replace(PLAIN, curve=replace(planted.film(), red=RED, blue=BLUE)), Family()),
    "matrix": (replace(PLAIN, camera=Camera(matrix=MatrixDelta(COOL))), Family()),
    "two lights": (
        replace(PLAIN, camera=Camera(matrix=MatrixDelta(COOL, WARM, (-0.7, 1.0)))),
        Family(True, ("warm",)),
    ),
    "shading": (
        replace(PLAIN, camera=Camera(shading=Shading((0.6, 0.3, 0.0), (0.5, 0.2, 0.0), (0.4, 0.3, 0.0)))),
        Family(True, ("shading",)),
    ),
    "slope": (
        replace(PLAIN, exposure=Exposure(slope=-0.3, slope_range=(8.0, 14.0), auto="none")),
        Family(True, ("slope",)),
    ),
    "local tone": (
        replace(PLAIN, local_tone=LocalTone((1.0, 0.9, 0.6, 0.2, 0.0, -0.3, -0.5), coarse=0.3, fine=0.2)),
        Family(True, ("tones",)),
    ),
    "lattice": (replace(PLAIN, lattice=Lattice(turned(9))), Family(lattice=9)),
    # what stage `finish` does to color, curves and lattice find again: no numbers of its own learn
    "saturation": (replace(PLAIN, finish=Finish(saturation=1.3)), Family(lattice=9)),
    "split toning": (
        replace(PLAIN, finish=Finish(shadow_red=-0.04, shadow_blue=0.08, highlight_red=0.06, highlight_blue=-0.05)),
        Family(lattice=9),  # a tint goes by luminance, not channel by channel
    ),
    "saturation and split toning": (
        replace(
            PLAIN, finish=Finish(0.8, shadow_red=-0.04, shadow_blue=0.08, highlight_red=0.06, highlight_blue=-0.05)
        ),
        Family(lattice=9),
    ),
}


@pytest.mark.parametrize("stage", PLANTED)
def test_what_was_planted_is_found_again_on_unseen_pictures(stage: str) -> None:
    look, family = PLANTED[stage]
    seen = planted.samples(look, range(8))
    frame = frame_of(seen, ("Acme One",))
    cells = together([draw(sample, 700, 0) for sample in seen])
    values = grow(family, cells, frame, {})
    learned = settled(model.look(values, frame, 0))
    unseen = planted.samples(look, range(40, 44))
    assert planted.difference(learned, unseen) < 0.3
    assert planted.difference(PLAIN, unseen) > 0.5 or stage == "curve"  # or nothing had been planted


ADAPTING = replace(PLAIN, exposure=Exposure(key_slope=-0.7, key_range=(-2.0, 2.0), auto="none"))


def test_an_exposure_that_adapts_is_found_again() -> None:
    learned = learn(planted.unevenly_exposed(ADAPTING, range(8)), 0, 2, "cpu", lambda line: None)
    assert "key" in learned.family.extras
    assert learned.look.exposure.key_slope == pytest.approx(-0.7, abs=0.05)
    unseen = planted.unevenly_exposed(ADAPTING, range(40, 44))
    assert planted.difference(learned.look, unseen) < 0.3
    assert planted.difference(PLAIN, unseen) > 0.5


def test_a_look_that_does_not_adapt_is_not_thought_to() -> None:
    for count in (3, 8):
        learned = learn(planted.unevenly_exposed(PLAIN, range(count)), 0, 2, "cpu", lambda line: None)
        assert learned.look.exposure.key_slope == 0.0


def test_identity_stays_identity() -> None:
    x = (2 ** torch.linspace(0, float(np.log2(4097)), 33) - 1) / 512
    curve = replace(PLAIN.curve, heights=tuple(encode(x.clamp(max=1), "srgb").tolist()))
    look = replace(PLAIN, curve=curve)
    learned = learn(planted.samples(look, range(5)), 0, 2, "cpu", lambda line: None)
    assert planted.difference(learned.look, planted.samples(look, range(40, 44))) < 0.1
    assert learned.family.numbers <= Family().numbers  # nothing asks for more


def test_the_same_seed_gives_the_same_look() -> None:
    pairs = planted.samples(PLANTED["channels"][0], range(4))
    first, second = (learn(pairs, 3, 2, "cpu", lambda line: None) for _ in range(2))
    assert first.look == second.look
    assert first.table == second.table
