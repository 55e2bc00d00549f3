from __future__ import annotations

import pytest
import torch

from ispd.isp.color.mix import luminance
from ispd.isp.color.oklab import oklab_from_rec2020
from ispd.isp.look import Finish
from ispd.isp.stages.finish import finish
from ispd.isp.values import DisplayRGB

COLORS = DisplayRGB(torch.rand(3, 9, 9, generator=torch.Generator().manual_seed(5), dtype=torch.float64))
GREYS = DisplayRGB(torch.linspace(0, 1, 11, dtype=torch.float64).expand(3, 1, -1))


def test_the_default_is_the_same_picture() -> None:
    assert finish(COLORS, Finish()) is COLORS


def test_no_saturation_is_black_and_white() -> None:
    red, green, blue = finish(COLORS, Finish(saturation=0.0))
    torch.testing.assert_close(red, green)
    torch.testing.assert_close(red, blue)


def test_saturation_keeps_lightness_and_scales_chroma() -> None:
    before = oklab_from_rec2020(COLORS)
    after = oklab_from_rec2020(finish(COLORS, Finish(saturation=1.3)))
    torch.testing.assert_close(after, before * torch.tensor([1.0, 1.3, 1.3], dtype=torch.float64)[:, None, None])


def test_a_tint_colors_its_end_and_leaves_black_and_white() -> None:
    toned = finish(GREYS, Finish(shadow_blue=0.1, highlight_red=0.1))[:, 0]
    torch.testing.assert_close(toned[:, 0], GREYS[:, 0, 0])
    torch.testing.assert_close(toned[:, -1], GREYS[:, 0, -1])
    dark, bright = toned[:, 1], toned[:, 7]
    assert dark[2] > dark[0]
    assert bright[0] > bright[2]


@pytest.mark.parametrize("p", [Finish(shadow_red=0.2), Finish(shadow_blue=-0.2), Finish(highlight_red=-0.1)])
def test_a_tint_keeps_luminance(p: Finish) -> None:
    torch.testing.assert_close(luminance(finish(GREYS, p)), luminance(GREYS), atol=1e-4, rtol=0)
