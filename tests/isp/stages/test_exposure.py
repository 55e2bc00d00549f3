from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from ispd.isp.look import Exposure
from ispd.isp.stages.exposure import exposure
from ispd.isp.values import SceneRGB

stops = st.floats(-4, 4)
SCENE = SceneRGB(torch.rand(3, 4, 4, dtype=torch.float64) * 8)


@given(a=stops, b=stops)
def test_stops_add_up(a: float, b: float) -> None:
    once = exposure(SCENE, Exposure(a + b), 0.0, 0.0)
    torch.testing.assert_close(exposure(exposure(SCENE, Exposure(a), 0.0, 0.0), Exposure(b), 0.0, 0.0), once)


def test_the_files_own_stops_count_unless_they_are_declined() -> None:
    torch.testing.assert_close(exposure(SCENE, Exposure(), 1.0, 0.0), SceneRGB(SCENE * 2))
    torch.testing.assert_close(exposure(SCENE, Exposure(baseline="none"), 1.0, 0.0), SCENE)


def test_what_the_scene_asks_for_counts_unless_it_is_declined() -> None:
    torch.testing.assert_close(exposure(SCENE, Exposure(), 1.0, -2.0), SceneRGB(SCENE / 2))
    torch.testing.assert_close(exposure(SCENE, Exposure(auto="none"), 1.0, -2.0), SceneRGB(SCENE * 2))
