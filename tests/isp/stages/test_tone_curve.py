"""The file's tone curve: through it go the brightest and the darkest channel, and hue stays."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ispd.isp.color.prophoto import prophoto_from_rec2020, rec2020_from_prophoto
from ispd.isp.stages.tone_curve import tone_curve
from ispd.isp.values import SceneRGB

SQUARE = ((0.0, 0.0, 0.0), (1.0, 1.0, 2.0))  # y = x²
ROOT = ((0.0, 0.0, 3.0), (0.25, 0.5, 1.0), (1.0, 1.0, 0.5))


def toned(prophoto: torch.Tensor, **how: float) -> torch.Tensor:
    return prophoto_from_rec2020(tone_curve(SceneRGB(rec2020_from_prophoto(prophoto)), SQUARE, **how))


def test_greys_go_through_the_curve() -> None:
    grey = torch.linspace(0, 1, 11, dtype=torch.float64).expand(3, 1, 11)
    torch.testing.assert_close(tone_curve(SceneRGB(grey), SQUARE), grey**2, atol=1e-9, rtol=0)


@pytest.mark.parametrize("knot", ROOT)
def test_the_curve_meets_its_points(knot: tuple[float, float, float]) -> None:
    x, y, _ = knot
    torch.testing.assert_close(tone_curve(SceneRGB(torch.full((3, 1, 1), x)), ROOT), torch.full((3, 1, 1), y))


@given(st.lists(st.floats(0.02, 3), min_size=3, max_size=3, unique=True))
def test_the_hue_stays(values: list[float]) -> None:
    """By the hexcone, in ProPhoto; above 1 too."""
    out = toned(torch.tensor(values, dtype=torch.float64)[:, None, None]).flatten().tolist()
    if max(out) - min(out) > 1e-6:
        before, after = colorsys.rgb_to_hsv(*values)[0], colorsys.rgb_to_hsv(*out)[0]
        assert abs((before - after + 0.5) % 1 - 0.5) < 1e-4
    assert max(out) == pytest.approx(min(max(values), 1) ** 2, abs=1e-6)
    assert min(out) == pytest.approx(min(min(values), 1) ** 2, abs=1e-6)


def test_a_lamp_is_white() -> None:
    lamp = torch.tensor([1.3, 2.0, 5.0])[:, None, None]
    torch.testing.assert_close(toned(lamp), torch.ones(3, 1, 1))


def test_black_is_where_it_is_said_and_white_stays() -> None:
    light = torch.tensor([[[-0.1, 0.01, 0.02, 1.0]]]).expand(3, 1, 4)
    below, at, above, white = tone_curve(SceneRGB(light), SQUARE, black=0.01)[0, 0].tolist()
    assert (below, at) == pytest.approx((0, 0), abs=1e-6)
    assert above > 0
    assert white == pytest.approx(1)


@given(st.lists(st.floats(-1e9, 1e9, width=32), min_size=3, max_size=3))
def test_any_light_gives_numbers_and_slopes(values: list[float]) -> None:
    light = torch.tensor(values, dtype=torch.float32)[:, None, None].requires_grad_()
    out = tone_curve(SceneRGB(light), ROOT)
    (slope,) = torch.autograd.grad(out.sum(), light)
    assert bool(out.isfinite().all())
    assert bool(slope.isfinite().all())


def test_many_points_are_followed() -> None:
    x = np.linspace(0, 1, 257)
    knots = tuple(zip(x.tolist(), (x**0.5).tolist(), np.gradient(x**0.5, x).tolist(), strict=True))
    light = torch.linspace(0.05, 1, 500, dtype=torch.float64).expand(3, 1, 500)
    torch.testing.assert_close(tone_curve(SceneRGB(light), knots), light**0.5, atol=2e-4, rtol=0)
