from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import Tensor

from ispd.isp.color.gamut import clip, compress
from ispd.isp.color.mix import mix
from ispd.isp.color.oklab import oklab_from_rec2020, rec2020_from_oklab
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.orders import Space

SPACES: tuple[Space, ...] = get_args(Space)


def colors(count: int = 4000) -> Tensor:
    """Random display colors, many beyond every gamut."""
    return torch.rand(3, count, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 1.3 - 0.1


def oklab_of(linear: Tensor, space: Space) -> Tensor:
    return oklab_from_rec2020(mix(torch.linalg.inv(torch.tensor(rgb_from_rec2020(space))), linear))


@pytest.mark.parametrize("space", SPACES)
def test_everything_lands_inside(space: Space) -> None:
    for method in (clip, compress):
        inside = method(colors(), space)
        assert float(inside.min()) >= 0
        assert float(inside.max()) <= 1


@pytest.mark.parametrize("space", SPACES)
def test_compression_keeps_hue_and_lightness(space: Space) -> None:
    rgb = colors().clamp(min=0)
    before, after = oklab_from_rec2020(rgb), oklab_of(compress(rgb, space), space)
    colored = (after[1:] ** 2).sum(dim=0).sqrt() > 0.03
    turn = torch.atan2(after[2], after[1]) - torch.atan2(before[2], before[1])
    turn = torch.atan2(turn.sin(), turn.cos())[colored]
    assert float(turn.abs().max()) < 0.02  # about one degree, from the bisection's last step
    torch.testing.assert_close(after[0], before[0].clamp(max=1), atol=2e-3, rtol=0)


@pytest.mark.parametrize("space", SPACES)
def test_colors_well_inside_are_untouched(space: Space) -> None:
    soft = 0.5 + 0.1 * (colors() - 0.5)
    torch.testing.assert_close(compress(soft, space), mix(rgb_from_rec2020(space), soft))


def test_a_row_of_ever_stronger_reds_keeps_its_order() -> None:
    """A plain cut would make them all the same red."""
    lab = torch.stack([torch.full((40,), 0.6), torch.linspace(0.1, 0.4, 40), torch.full((40,), 0.05)]).double()
    red = compress(rec2020_from_oklab(lab)[:, :, None], "srgb")
    chroma = (oklab_of(red, "srgb")[1:, :, 0] ** 2).sum(dim=0).sqrt()
    assert bool((chroma.diff() > 0).all())


def test_brighter_than_white_is_white() -> None:
    torch.testing.assert_close(compress(torch.full((3, 1, 1), 1.7), "srgb"), torch.ones(3, 1, 1))
