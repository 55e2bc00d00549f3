"""Hue tables against Python's own HSV, and what a table must never do."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from ispd.isp.color.prophoto import prophoto_from_rec2020, rec2020_from_prophoto
from ispd.isp.color.transfer import decode, encode
from ispd.isp.stages.hue_table import hue_table
from ispd.isp.values import HueTable, SceneRGB


def table(nodes: NDArray[np.float64], encoding: str = "linear") -> HueTable:
    """Of nodes (values, hues, saturations, 3)."""
    values, hues, saturations, _ = nodes.shape
    return HueTable(hues, saturations, values, nodes.astype("<f4").tobytes(), encoding)


def everywhere(turn: float, stretch: float, gain: float, encoding: str = "linear") -> HueTable:
    return table(np.tile([turn, stretch, gain], (1, 1, 2, 1)), encoding)


def random_table(seed: int, shape: tuple[int, int, int], encoding: str = "linear") -> HueTable:
    values, hues, saturations = shape
    rng = np.random.default_rng(seed)
    nodes = np.stack(
        [rng.uniform(-40, 40, shape), rng.uniform(0, 1.5, shape), rng.uniform(0.3, 1.5, shape)], axis=-1
    ).reshape(values, hues, saturations, 3)
    return table(nodes, encoding)


def colors(seed: int = 0, count: int = 200) -> Tensor:
    """Linear ProPhoto inside [0, 1], (3, count, 1)."""
    return torch.rand(3, count, 1, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def mapped(prophoto: Tensor, p: HueTable) -> Tensor:
    return prophoto_from_rec2020(hue_table(SceneRGB(rec2020_from_prophoto(prophoto)), p))


@pytest.mark.parametrize(("turn", "stretch", "gain"), [(0, 1, 1), (30, 1, 1), (-90, 1, 1), (0, 0.5, 1), (20, 0.8, 0.7)])
def test_one_shift_everywhere_is_what_hsv_says(turn: float, stretch: float, gain: float) -> None:
    seen = mapped(colors(), everywhere(turn, stretch, gain))
    for before, after in zip(colors()[..., 0].T.tolist(), seen[..., 0].T.tolist(), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*before)
        expected = colorsys.hsv_to_rgb((hue + turn / 360) % 1, saturation * stretch, value * gain)
        assert after == pytest.approx(expected, abs=1e-6)


def looked_up(nodes: NDArray[np.float64], hue: float, saturation: float, value: float) -> NDArray[np.float64]:
    """Trilinear by the specification's words: hue in a circle, the two others from end to end."""
    values, hues, saturations, _ = nodes.shape
    total = np.zeros(3)
    h, s, v = hue * hues, saturation * (saturations - 1), value * (values - 1)
    for v_index in range(values):
        for h_index in range(hues):
            for s_index in range(saturations):
                around = min(abs(h - h_index), hues - abs(h - h_index))
                weight = max(0, 1 - around) if hues > 1 else 1.0
                weight *= max(0, 1 - abs(s - s_index)) * max(0, 1 - abs(v - v_index))
                total += weight * nodes[v_index, h_index, s_index]
    return total


@pytest.mark.parametrize("encoding", ["linear", "srgb"])
@pytest.mark.parametrize("shape", [(1, 6, 3), (4, 5, 2), (3, 1, 4)])
def test_between_nodes_a_table_is_trilinear(shape: tuple[int, int, int], encoding: str) -> None:
    p = random_table(1, shape, encoding)
    nodes = np.frombuffer(p.nodes, "<f4").reshape(*shape, 3).astype(float)
    seen = mapped(colors(count=60), p)
    for before, after in zip(colors(count=60)[..., 0].T.tolist(), seen[..., 0].T.tolist(), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*before)
        place = float(encode(torch.tensor(value, dtype=torch.float64), "srgb")) if encoding == "srgb" else value
        turn, stretch, gain = looked_up(nodes, hue, saturation, place)
        light = float(decode(torch.tensor(place * gain), "srgb")) if encoding == "srgb" else value * gain
        expected = colorsys.hsv_to_rgb((hue + turn / 360) % 1, min(saturation * stretch, 1), light)
        assert after == pytest.approx(expected, abs=2e-5)


@given(level=st.floats(-0.1, 4), seed=st.integers(0, 5), encoding=st.sampled_from(["linear", "srgb"]))
def test_a_grey_stays_a_grey(level: float, seed: int, encoding: str) -> None:
    grey = torch.full((3, 1, 1), level, dtype=torch.float64)
    red, green, blue = hue_table(SceneRGB(grey), random_table(seed, (3, 6, 4), encoding)).flatten().tolist()
    assert red == pytest.approx(green, abs=1e-6)
    assert blue == pytest.approx(green, abs=1e-6)


def test_a_table_of_nothing_changes_nothing_inside_or_outside_its_space() -> None:
    wild = colors(3) * 5 - 1
    torch.testing.assert_close(mapped(wild, everywhere(0, 1, 1)), wild, atol=1e-9, rtol=0)
    torch.testing.assert_close(mapped(wild, everywhere(0, 1, 1, "srgb")), wild, atol=1e-9, rtol=0)


def test_light_above_one_gets_the_shift_of_one() -> None:
    """So a bright lamp keeps its hue when the exposure brings it down."""
    p = random_table(2, (4, 6, 3))
    top = colors(5) / colors(5).amax(dim=0)
    torch.testing.assert_close(mapped(top * 7, p), mapped(top, p) * 7)


def test_neighbors_in_hue_stay_neighbors_across_the_circles_seam() -> None:
    p = random_table(4, (1, 7, 3))
    just_above, just_below = torch.tensor([0.5, 0.2 + 1e-7, 0.2]), torch.tensor([0.5, 0.2, 0.2 + 1e-7])
    near = [mapped(one[:, None, None].double(), p) for one in (just_above, just_below)]
    torch.testing.assert_close(near[0], near[1], atol=1e-5, rtol=0)


@given(
    seed=st.integers(0, 3),
    values=st.lists(st.floats(-1e9, 1e9, allow_subnormal=True, width=32), min_size=3, max_size=3),
    encoding=st.sampled_from(["linear", "srgb"]),
)
@settings(max_examples=60)
def test_any_light_gives_numbers_and_slopes(seed: int, values: list[float], encoding: str) -> None:
    light = torch.tensor(values, dtype=torch.float32)[:, None, None].requires_grad_()
    out = hue_table(SceneRGB(light), random_table(seed, (2, 6, 3), encoding))
    (slope,) = torch.autograd.grad(out.sum(), light)
    assert bool(out.isfinite().all())
    assert bool(slope.isfinite().all())


def test_the_slope_is_the_one_that_small_steps_have() -> None:
    p = random_table(6, (3, 6, 4))
    light = rec2020_from_prophoto(colors(7, count=8)).requires_grad_()
    assert torch.autograd.gradcheck(lambda rgb: hue_table(SceneRGB(rgb), p), light, eps=1e-7, atol=1e-4)
