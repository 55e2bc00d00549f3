from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ispd.isp.look import LocalTone
from ispd.isp.stages.local_tone import local_tone, spread
from ispd.isp.survey.bases import LARGE, bases
from ispd.isp.values import Bases, SceneRGB
from tests.isp.shots import shot

SIZE = 120
SHOT = shot(SIZE, SIZE)
AT = torch.arange(SIZE, dtype=torch.float64) + 0.5


def around(light: torch.Tensor) -> torch.Tensor:
    """The bases of a grey scene (H, W), at its own pixels."""
    return spread(bases(light.expand(3, -1, -1).numpy(), 1.0, SHOT), AT, AT)


def rendered(light: torch.Tensor, p: LocalTone, stops: float = 0.0) -> torch.Tensor:
    """A grey scene (H, W) of light before exposure, exposed and toned."""
    rgb = local_tone(SceneRGB(light.expand(3, -1, -1) * 2**stops), p, around(light), stops)
    torch.testing.assert_close(rgb[0], rgb[2])
    return rgb[1]


def flat(level: float) -> torch.Tensor:
    return torch.full((SIZE, SIZE), level, dtype=torch.float64)


def halves(dark: float, bright: float) -> torch.Tensor:
    return torch.cat([flat(dark)[:, : SIZE // 2], flat(bright)[:, SIZE // 2 :]], dim=1)


@given(knot=st.integers(0, 6), stops=st.floats(-3, 3))
@settings(deadline=None)
def test_a_flat_field_is_lifted_by_the_knot_it_lies_on(knot: int, stops: float) -> None:
    tones = tuple(0.1 * number - 0.2 for number in range(7))
    level = 0.18 * 2.0 ** (-8 + 2 * knot - stops)  # exposed, it lies on the knot
    lift = rendered(flat(level), LocalTone(tones, 0.7, 0.3), stops) / (level * 2**stops)
    torch.testing.assert_close(lift.log2(), torch.full_like(lift, tones[knot]), atol=2e-3, rtol=0)


def test_no_halo_beside_an_edge() -> None:
    """Shadows lifted by a stop, four stops below what stays: each side moves as one."""
    p = LocalTone((1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0))
    dark, bright = 0.18 / 8, 0.18 * 4
    lift = (rendered(halves(dark, bright), p) / halves(dark, bright)).log2()
    assert float(lift[:, : SIZE // 2].amin()) > 0.85
    assert float(lift[:, SIZE // 2 :].amax()) < 0.15


def test_fine_detail_grows_by_its_share() -> None:
    """Ripples of half a stop and three pixels, of which the base sees next to nothing."""
    ripple = torch.sin(AT * 2 * math.pi / 3).expand(SIZE, -1) * 0.05
    light = 0.18 * 2**ripple
    inner = slice(20, 100)
    grown = (rendered(light, LocalTone(fine=0.5)).log2() - math.log2(0.18))[inner, inner]
    assert float(grown.std() / ripple[inner, inner].std()) == pytest.approx(1.5, abs=0.03)


def test_coarse_detail_grows_and_fine_stays() -> None:
    period = SIZE * LARGE  # half as wide as the large surroundings
    ripple = torch.sin(AT * 2 * math.pi / period).expand(SIZE, -1) * 0.2
    light = 0.18 * 2**ripple
    inner = slice(30, 90)
    grown = (rendered(light, LocalTone(coarse=1.0)).log2() - math.log2(0.18))[inner, inner]
    assert float(grown.std() / ripple[inner, inner].std()) > 1.2


def test_maps_are_found_where_they_lie() -> None:
    maps = torch.arange(4 * 2 * 3, dtype=torch.float32)
    small = Bases(2, 3, 10.0, maps.numpy().tobytes())
    found = spread(small, torch.tensor([5.0, 15.0]), torch.tensor([5.0, 15.0, 25.0]))
    torch.testing.assert_close(found, maps.reshape(4, 2, 3))
    between = spread(small, torch.tensor([10.0]), torch.tensor([10.0, 100.0]))
    torch.testing.assert_close(between[0], torch.tensor([[2.0, 3.5]]))  # the mean of four; flat beyond the last


@pytest.mark.parametrize("level", [-1.0, 0.0, 1e-30, 1e6])
def test_no_light_is_too_strange(level: float) -> None:
    p = LocalTone((1.0, 0.5, 0.0, 0.0, 0.0, -0.5, -1.0), 0.5, 0.5)
    assert bool(rendered(flat(level), p).isfinite().all())
