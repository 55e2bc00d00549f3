from __future__ import annotations

import pytest
import torch

from ispd.isp.factors import gains
from ispd.isp.look import WhiteBalance
from ispd.isp.stages.white_balance import white_balance
from ispd.isp.values import Raw
from tests.isp.shots import DAYLIGHT, seen_through


@pytest.mark.parametrize("cfa", ["RGGB", "GRBG", "GBRG", "BGGR"])
def test_a_neutral_object_gets_equal_values(cfa: str) -> None:
    seen = seen_through(torch.tensor(DAYLIGHT)[:, None, None].expand(-1, 6, 6), cfa)[None]
    raw = white_balance(Raw(seen, torch.ones_like(seen)), gains(WhiteBalance(), DAYLIGHT), cfa, "RGB")
    torch.testing.assert_close(raw.samples, torch.ones(1, 6, 6))


def test_the_first_channel_clips_at_one() -> None:
    """Under tungsten red is the strongest channel of all."""
    assert min(gains(WhiteBalance(), (1.25, 1.0, 0.4))) == 1.0


def test_ceilings_are_balanced_too() -> None:
    ones = torch.ones(3, 2, 2)
    raw = white_balance(Raw(ones, ones), gains(WhiteBalance(), DAYLIGHT), "", "RGB")
    assert raw.ceiling[:, 0, 0].tolist() == pytest.approx([2.0, 1.0, 1.6])


def test_an_offset_is_in_stops_against_green() -> None:
    as_shot, warmer = gains(WhiteBalance(), DAYLIGHT), gains(WhiteBalance(red=1.0, blue=-1.0), DAYLIGHT)
    ratios = [float(after) / float(before) for after, before in zip(warmer, as_shot, strict=True)]
    assert ratios == pytest.approx([2.0, 1.0, 0.5])


def test_four_colors_have_four_gains() -> None:
    assert gains(WhiteBalance(), (1.0, 0.5, 0.8, 1.0), "GMCY") == [1.0, 2.0, 1.25, 1.0]
