from __future__ import annotations

import torch

from ispd.isp.look import Sharpen
from ispd.isp.stages.sharpen import sharpen
from ispd.isp.values import DisplayRGB

EDGE = DisplayRGB(torch.where(torch.arange(20) < 10, 0.2, 0.6).double() * torch.tensor([1.0, 0.5, 0.8])[:, None, None])


def test_none_is_the_same_picture() -> None:
    assert sharpen(EDGE, Sharpen(amount=0.0)) is EDGE


def test_an_edge_gets_steeper_and_the_flat_parts_stay() -> None:
    crisp = sharpen(EDGE, Sharpen(amount=1.0, radius_px=0.7))
    assert crisp[0, 0, 9] < EDGE[0, 0, 9]
    assert crisp[0, 0, 10] > EDGE[0, 0, 10]
    torch.testing.assert_close(crisp[..., :5], EDGE[..., :5])
    torch.testing.assert_close(crisp[..., 15:], EDGE[..., 15:])


def test_colors_of_pixels_stay() -> None:
    crisp = sharpen(EDGE, Sharpen(amount=2.0))
    torch.testing.assert_close(crisp / crisp[:1], EDGE / EDGE[:1])


def test_a_single_pixel_is_fine() -> None:
    one = DisplayRGB(torch.full((3, 1, 1), 0.3))
    torch.testing.assert_close(sharpen(one, Sharpen(amount=1.0)), one)
