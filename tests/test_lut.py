"""A look as one .cube: what the colors of a plain picture become."""

from __future__ import annotations

import numpy as np
import pytest

from ispd.isp.look import Camera, Curve, Exposure, Finish, Gamut, Lattice, Look, WhiteBalance
from ispd.isp.params import Cube
from ispd.lut import combined, left_out
from ispd.profile import cube

NOTHING = Look(curve=Curve(method="none"), gamut=Gamut(method="clip"))
# heights of a curve that encodes light and does nothing else, at 33 even steps of log2((x + 2^-9) / 2^-9) from 0 to 8
LIGHT = (2.0 ** (np.arange(33) / 32 * np.log2(8 * 512 + 1)) - 1) / 512
ENCODED = np.where(LIGHT <= 0.0031308, 12.92 * LIGHT, 1.055 * LIGHT.clip(1e-9) ** (1 / 2.4) - 0.055).clip(0, 1.1)


def numbers(lattice: Cube) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.frombuffer(lattice.nodes, "<f4").reshape(-1, 3)


def test_a_look_that_does_nothing_moves_no_color() -> None:
    assert np.allclose(numbers(combined(NOTHING, 5)), numbers(cube.identity(5)), atol=1e-5)


def test_a_learned_curve_that_only_encodes_moves_colors_by_its_knots_alone() -> None:
    plain = Look(curve=Curve(method="learned", heights=tuple(ENCODED.tolist())), gamut=Gamut(method="clip"))
    assert np.allclose(numbers(combined(plain, 5)), numbers(cube.identity(5)), atol=0.02)


def test_the_lattice_comes_after_the_curve() -> None:
    """A lattice that inverts makes white of black."""
    inverted = cube.made(2, [1 - value for value in cube.values(cube.identity(2))])
    made = numbers(combined(Look(curve=NOTHING.curve, lattice=Lattice(inverted), gamut=NOTHING.gamut), 3))
    assert made[0] == pytest.approx([1, 1, 1], abs=1e-5)
    assert made[-1] == pytest.approx([0, 0, 0], abs=1e-5)


def test_what_is_left_out_is_named_and_not_in_it() -> None:
    full = Look(
        camera=Camera(white_balance=WhiteBalance(red=0.5)),
        exposure=Exposure(ev=1.0),
        curve=NOTHING.curve,
        finish=Finish(saturation=0.0),
        gamut=NOTHING.gamut,
    )
    assert left_out(full) == ("camera.white_balance", "exposure", "finish")
    assert combined(full, 3) == combined(NOTHING, 3)
