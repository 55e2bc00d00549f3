from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ispd.isp.look import Highlights
from ispd.isp.stages.highlights import highlights
from ispd.isp.values import Raw

CEILING = torch.tensor([2.0, 1.0, 1.6])[:, None, None]  # daylight: red and blue go on when green has clipped
DESATURATE, CLIP = Highlights("desaturate"), Highlights("clip")


def cut(light: Tensor) -> Raw:
    """What a sensor says of light (3, H, W)."""
    return Raw(torch.minimum(light, CEILING), CEILING.expand_as(light))


def ramp(color: tuple[float, float, float], steps: int = 400) -> Tensor:
    """(3, 1, steps): a color from dark to far beyond what the sensor holds."""
    return torch.tensor(color)[:, None, None] * torch.linspace(0, 6, steps)[None, None, :]


def test_all_clipped_is_white() -> None:
    white = highlights(cut(torch.full((3, 1, 1), 9.0)), DESATURATE, 1.0, "", "RGB")
    assert white.flatten().tolist() == [2.0, 2.0, 2.0]


def test_grey_stays_grey_on_the_whole_way_to_white() -> None:
    raised = highlights(cut(ramp((1.0, 1.0, 1.0))), DESATURATE, 1.0, "", "RGB")
    assert float((raised.amax(dim=0) - raised.amin(dim=0)).max()) < 0.02


def test_a_sky_never_turns_pink() -> None:
    """Blue sky running out: green must not fall below both red and blue."""
    raised = highlights(cut(ramp((0.6, 0.9, 1.3))), DESATURATE, 1.0, "", "RGB")
    red, green, blue = raised[:, 0]
    assert bool((green >= torch.minimum(red, blue) - 0.01).all())


@pytest.mark.parametrize("color", [(1.0, 0.15, 0.1), (0.1, 0.9, 0.2), (0.1, 0.2, 1.0)])
def test_a_saturated_color_keeps_its_hue_while_one_channel_has_clipped(color: tuple[float, float, float]) -> None:
    light = ramp(color)
    raw = cut(light)
    one = (light > 0.74 * CEILING).sum(dim=0) == 1
    raised = highlights(raw, DESATURATE, 1.0, "", "RGB")
    torch.testing.assert_close(raised[:, one], raw.samples[:, one], atol=0.02, rtol=0)


@pytest.mark.parametrize("color", [(1.0, 1.0, 1.0), (0.6, 0.9, 1.3), (1.0, 0.5, 0.15), (1.0, 0.15, 0.1)])
def test_no_edge_shows_where_a_channel_runs_out(color: tuple[float, float, float]) -> None:
    """A smooth ramp of light stays one: no step larger than a few steps of the ramp itself."""
    light = ramp(color, steps=2000)
    step = float(light[:, 0, 1].max())
    raised = highlights(cut(light), DESATURATE, 1.0, "", "RGB")
    assert float(raised.diff(dim=-1).abs().max()) < 25 * step


def test_what_has_not_clipped_is_untouched() -> None:
    light = torch.rand(3, 8, 8) * 0.7
    raw = cut(light)
    assert highlights(raw, DESATURATE, 1.0, "", "RGB") is raw.samples


def test_light_far_above_white_has_not_clipped() -> None:
    """Merged exposures in floating point go on above 1."""
    light = torch.tensor([3.5, 2.5, 6.0])[:, None, None]
    merged = highlights(Raw(light, torch.ones_like(light)), DESATURATE, 1.0, "", "RGB")
    torch.testing.assert_close(merged, light)


def test_clip_cuts_all_at_the_lowest_ceiling() -> None:
    cutoff = highlights(cut(ramp((1.0, 1.0, 1.0))), CLIP, 1.0, "", "RGB")
    assert float(cutoff.max()) == 1.0


def test_one_color_alone_has_nobody_to_ask() -> None:
    samples = torch.linspace(0, 1, 20).reshape(1, 4, 5)
    mono = highlights(Raw(samples, torch.ones_like(samples)), DESATURATE, 1.0, "", "W")
    torch.testing.assert_close(mono, samples)
