from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ispd.isp.stages.demosaic import demosaic
from ispd.isp.stages.lateral_ca import lateral_ca
from ispd.isp.values import Window
from tests.isp.shots import seen_through

HEIGHT, WIDTH = 160, 240
PHASES = ["RGGB", "GRBG", "GBRG", "BGGR"]
SCALES = (0.02, -0.012)  # 2.9 and 1.7 px at the corner of so small a picture


def waves(scale: float = 0.0, top: int = 0, height: int = HEIGHT) -> Tensor:
    """(height, WIDTH): a smooth scene as a lens draws it that makes it wider by `scale`."""
    y = (torch.arange(top, top + height).double() + 0.5 - HEIGHT / 2) / (1 + scale)
    x = (torch.arange(WIDTH).double() + 0.5 - WIDTH / 2) / (1 + scale)
    return 0.5 + 0.3 * torch.sin(0.55 * y[:, None] + 0.2 * x) * torch.cos(0.6 * x - 0.1 * y[:, None])


def fringed(scales: tuple[float, float], top: int = 0, height: int = HEIGHT) -> Tensor:
    red, blue = scales
    return torch.stack([waves(red, top, height), waves(0, top, height), waves(blue, top, height)])


def corrected(cfa: str, scales: tuple[float, float]) -> Tensor:
    mosaic = seen_through(fringed(SCALES), cfa)[None]
    return lateral_ca(mosaic, scales, cfa, Window(0, HEIGHT, WIDTH))


@pytest.mark.parametrize("cfa", PHASES)
def test_red_and_blue_come_to_where_green_is(cfa: str) -> None:
    wanted = seen_through(fringed((0.0, 0.0)), cfa)
    inner = (slice(8, -8), slice(8, -8))
    before = (seen_through(fringed(SCALES), cfa) - wanted)[inner].square().mean().sqrt()
    after = (corrected(cfa, SCALES)[0] - wanted)[inner].square().mean().sqrt()
    assert float(after) < 0.1 * float(before)


def test_fringes_go_from_the_demosaiced_picture() -> None:
    wanted = fringed((0.0, 0.0))[:, 12:-12, 12:-12]
    before, after = (demosaic(corrected("RGGB", scales), "RGGB")[:, 12:-12, 12:-12] for scales in ((0.0, 0.0), SCALES))
    assert float((after - wanted).abs().mean()) < 0.3 * float((before - wanted).abs().mean())


@pytest.mark.parametrize("scales", [(), (0.0, 0.0)])
def test_where_nothing_was_found_nothing_is_touched(scales: tuple[float, ...]) -> None:
    mosaic = torch.rand(1, 20, 22)
    assert lateral_ca(mosaic, scales, "RGGB", Window(0, 20, 22)) is mosaic


def test_measured_greens_stay() -> None:
    mosaic = torch.rand(1, 40, 42)
    moved = lateral_ca(mosaic, SCALES, "RGGB", Window(0, 40, 42))
    assert torch.equal(moved[0, ::2, 1::2], mosaic[0, ::2, 1::2])
    assert torch.equal(moved[0, 1::2, ::2], mosaic[0, 1::2, ::2])


@pytest.mark.parametrize("cfa", PHASES)
def test_flat_stays_flat(cfa: str) -> None:
    flat = torch.full((1, 30, 31), 0.3)
    torch.testing.assert_close(lateral_ca(flat, SCALES, cfa, Window(0, 30, 31)), flat)


def test_twice_the_light_is_twice_the_answer() -> None:
    mosaic, window = torch.rand(1, 30, 32), Window(0, 30, 32)
    once = lateral_ca(mosaic, SCALES, "RGGB", window)
    torch.testing.assert_close(lateral_ca(2 * mosaic, SCALES, "RGGB", window), 2 * once)


def test_a_strip_sees_what_the_whole_frame_sees() -> None:
    whole = corrected("RGGB", SCALES)
    strip = seen_through(fringed(SCALES, top=40, height=60), "RGGB")[None]
    part = lateral_ca(strip, SCALES, "RGGB", Window(40, HEIGHT, WIDTH))
    torch.testing.assert_close(part[:, 8:-8], whole[:, 48:92])
