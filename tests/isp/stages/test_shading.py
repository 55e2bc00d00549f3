from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from ispd.isp.look import Shading
from ispd.isp.stages.shading import shading
from ispd.isp.values import Raw, Window
from tests.isp.shots import seen_through

terms = st.lists(st.floats(-1, 1), max_size=3).map(tuple)
GREY = torch.full((3, 9, 12), 0.25, dtype=torch.float64)
WHOLE = Window(0, 9, 12)


def shaded(p: Shading, samples: torch.Tensor, window: Window = WHOLE, cfa: str = "") -> torch.Tensor:
    return shading(Raw(samples, torch.ones_like(samples)), p, window, cfa, "RGB").samples


def test_a_stop_in_the_corner_is_twice_the_light_there_and_nothing_in_the_middle() -> None:
    plane = torch.ones(3, 101, 101, dtype=torch.float64)
    lifted = shaded(Shading(green=(1.0,)), plane, Window(0, 101, 101))
    assert float(lifted[1, 50, 50]) == 1
    assert abs(float(lifted[1, 0, 0]) - 2 ** (100 / 101) ** 2) < 1e-9  # a pixel's center, not the picture's corner
    torch.testing.assert_close(lifted[0], plane[0])


@given(red=terms, green=terms, blue=terms)
def test_a_mosaic_is_lifted_as_the_planes_it_is_of(
    red: tuple[float, ...], green: tuple[float, ...], blue: tuple[float, ...]
) -> None:
    p = Shading(red, green, blue)
    seen = seen_through(GREY, "GRBG")[None]
    torch.testing.assert_close(shaded(p, seen, cfa="GRBG")[0], seen_through(shaded(p, GREY), "GRBG"))


@given(red=terms, top=st.integers(0, 6))
def test_rows_are_lifted_as_in_the_whole(red: tuple[float, ...], top: int) -> None:
    p = Shading(red, red, (0.1,))
    part = shaded(p, GREY[:, top:], Window(top, 9, 12))
    torch.testing.assert_close(part, shaded(p, GREY)[:, top:])


def test_what_has_clipped_is_known_to_have() -> None:
    raw = shading(Raw(GREY, GREY), Shading((1.0,), (0.5,), (0.2,)), WHOLE, "", "RGB")
    torch.testing.assert_close(raw.samples, raw.ceiling)
