from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ispd.isp.look import HotPixels
from ispd.isp.stages.hot_pixels import hot_pixels
from ispd.isp.values import Raw
from tests.isp.shots import XTRANS, seen_through

LAW = ((4e-5, 2e-7),) * 3
CFAS = ["RGGB", "GBRG", XTRANS, ""]
COLORS = ((0.5, 0.9, 0.5), (0.25, 1.0, 0.72), (0.45, 0.5, 0.15))  # white, blue and orange light, as a sensor sees it


def repaired(samples: Tensor, cfa: str = "RGGB", profile: tuple[tuple[float, float], ...] = LAW) -> Tensor:
    planes = samples if samples.dim() == 3 else samples[None]
    return hot_pixels(Raw(planes, torch.ones_like(planes)), HotPixels("repair"), profile, cfa, "RGB").samples


def noisy(light: Tensor, seed: int = 0) -> Tensor:
    (shot, read), *_ = LAW
    return light + (shot * light + read).sqrt() * torch.randn(
        light.shape, generator=torch.Generator().manual_seed(seed)
    )


def scene(cfa: str, height: int = 60, width: int = 66) -> Tensor:
    """A soft one, of all colors."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    soft = 0.2 + 0.1 * torch.sin(rows / 30) * torch.cos(columns / 25)
    rgb = soft * torch.tensor([0.6, 1.0, 0.7])[:, None, None]
    return noisy(seen_through(rgb, cfa)[None] if cfa else rgb)


@pytest.mark.parametrize("value", [1.0, 0.7, 0.0])
@pytest.mark.parametrize("cfa", CFAS)
def test_hot_and_dead_sites_are_mended(cfa: str, value: float) -> None:
    clean = scene(cfa)
    bad = clean.clone()
    bad[:, 8:52:11, 8:58:13] = value  # mirrored, X-Trans has other neighbors
    bad[:, 0, 0] = value
    mended = repaired(bad, cfa)
    assert float((mended - clean).abs().max()) < 0.05
    same = bad == clean
    torch.testing.assert_close(mended[same], bad[same], atol=0, rtol=0)


def test_two_side_by_side_in_one_color_are_mended() -> None:
    clean = scene("RGGB")
    bad = clean.clone()
    bad[0, 20, 20] = bad[0, 20, 22] = 1.0
    assert float((repaired(bad) - clean).abs().max()) < 0.05


@pytest.mark.parametrize("size_px", [0.6, 0.8, 1.2])
@pytest.mark.parametrize("cfa", ["RGGB", XTRANS])
def test_stars_stay(cfa: str, size_px: float) -> None:
    """Points of light of any color and brightness, anywhere between the sites, blurred as little as lenses can."""
    generator = torch.Generator().manual_seed(3)
    night = torch.full((3, 240, 240), 0.01)
    for row in range(10, 230, 20):
        for column in range(10, 230, 20):
            y, x, stops, color = torch.rand(4, generator=generator).tolist()
            down, across = spread(10 + y, size_px), spread(10 + x, size_px)
            light = 2.0 ** (-6 * stops) * torch.tensor(COLORS[int(3 * color)])
            night[:, row - 10 : row + 10, column - 10 : column + 10] += light[:, None, None] * down[:, None] * across
    sky = noisy(seen_through(night, cfa))[None].clamp(max=1)
    torch.testing.assert_close(repaired(sky, cfa), sky, atol=0, rtol=0)


def spread(at: float, size_px: float) -> Tensor:
    """(20,): what falls on each site of a Gaussian around `at`."""
    edges = (torch.arange(21) - at) / (size_px * math.sqrt(2))
    return torch.erf(edges).diff() / 2


@pytest.mark.parametrize("cfa", ["RGGB", "GRBG"])
@pytest.mark.parametrize("period", [2, 3, 5])
def test_lines_a_pixel_wide_and_grids_stay(cfa: str, period: int) -> None:
    line = torch.where(torch.arange(64) % period == 0, 0.6, 0.05)
    for picture in (line.expand(64, 64), line[:, None].expand(64, 64), torch.maximum(line, line[:, None])):
        sites = noisy(picture)[None]
        torch.testing.assert_close(repaired(sites, cfa), sites, atol=0, rtol=0)


@pytest.mark.parametrize("value", [1.0, 0.0])
def test_lamps_and_twigs_in_fine_texture_stay(value: float) -> None:
    rows, columns = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    texture = torch.where((rows // 2 + columns // 2) % 2 == 0, 0.6, 0.05 if value else 0.2)
    texture[8:56:11, 8:56:13] = value
    sites = noisy(texture)[None]
    torch.testing.assert_close(repaired(sites), sites, atol=0, rtol=0)


def test_noise_is_no_defect() -> None:
    law = ((1.28e-3, 2e-4),) * 3  # ISO 3200
    light = torch.full((1, 400, 400), 0.05)
    grain = light + math.sqrt(1.28e-3 * 0.05 + 2e-4) * torch.randn(
        light.shape, generator=torch.Generator().manual_seed(2)
    )
    torch.testing.assert_close(repaired(grain, profile=law), grain, atol=0, rtol=0)


def test_none_leaves_everything() -> None:
    raw = Raw(torch.rand(1, 8, 8), torch.ones(1, 8, 8))
    assert hot_pixels(raw, HotPixels("none"), (), "RGGB", "RGB") is raw


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 9), (5, 2)])
@pytest.mark.parametrize("cfa", CFAS)
def test_any_size_is_fine(size: tuple[int, int], cfa: str) -> None:
    samples = torch.rand(3 if cfa == "" else 1, *size, generator=torch.Generator().manual_seed(1))
    assert bool(repaired(samples, cfa).isfinite().all())
