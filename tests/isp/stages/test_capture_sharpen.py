from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ispd.isp.crispness import SLACK, luminance_law, taps
from ispd.isp.look import CaptureSharpen
from ispd.isp.stages.capture_sharpen import capture_sharpen
from ispd.isp.values import CameraRGB

COLOR = torch.tensor([0.6, 1.0, 0.5], dtype=torch.float64)[:, None, None]
CLEAN = (0.0, 0.0)


def edge(dark: float, light: float, softness_px: float = 0.6, length: int = 20) -> Tensor:
    """(length, length): down the middle, from one tone to another, through a lens as soft as that."""
    away = torch.arange(length, dtype=torch.float64) + 0.5 - length / 2
    part = (1 + torch.erf(away / (softness_px * math.sqrt(2)))) / 2
    return (dark + (light - dark) * part).expand(length, length)


def crisp(light: Tensor, p: CaptureSharpen = CaptureSharpen(1.0), law: tuple[float, float] = CLEAN) -> Tensor:  # noqa: B008
    """What becomes of light of one color."""
    return capture_sharpen(CameraRGB(light * COLOR), p, law)


def test_none_is_the_same_picture() -> None:
    rgb = CameraRGB(torch.rand(3, 5, 5))
    assert capture_sharpen(rgb, CaptureSharpen(0.0), CLEAN) is rgb


@pytest.mark.parametrize("turned", [False, True])
def test_an_edge_gets_steeper_and_the_flat_parts_stay(turned: bool) -> None:
    light = edge(0.1, 0.5).T if turned else edge(0.1, 0.5)
    sharp = crisp(light)[1].T if turned else crisp(light)[1]
    before, after = edge(0.1, 0.5), sharp
    assert float(after[10, 10] - after[10, 9]) > 1.1 * float(before[10, 10] - before[10, 9])
    torch.testing.assert_close(after[:, :4], before[:, :4])
    torch.testing.assert_close(after[:, 16:], before[:, 16:])


def test_colors_of_pixels_stay() -> None:
    light = edge(0.1, 0.5)
    sharp = crisp(light)
    torch.testing.assert_close(sharp / sharp[:1], (light * COLOR) / (light * COLOR)[:1])


@pytest.mark.parametrize("amount", [0.6, 2.0])
def test_no_halo_goes_farther_than_the_slack(amount: float) -> None:
    light = torch.rand(40, 40, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 0.7
    sharp = crisp(light, CaptureSharpen(amount))[1]
    around = torch.nn.functional.unfold(light[None, None], 3).reshape(9, 38, 38)
    low, high = around.amin(dim=0), around.amax(dim=0)
    inner = sharp[1:-1, 1:-1]
    assert bool((inner <= high + SLACK * (high - low) + 1e-9).all())
    assert bool((inner >= low - SLACK * (high - low) - 1e-9).all())
    assert float((inner - light[1:-1, 1:-1]).abs().max()) > 0.02


def test_noise_stays_noise_and_edges_among_it_get_steeper() -> None:
    law = (4e-4, 4e-6)
    light = edge(0.1, 0.5, length=200)
    generator = torch.Generator().manual_seed(2)
    noisy = light + (law[0] * light + law[1]).sqrt() * torch.randn(light.shape, generator=generator)
    told, blind = crisp(noisy, law=law)[1], crisp(noisy)[1]
    flat = (slice(None), slice(0, 90))
    grain = float(noisy[flat].std())
    assert float(told[flat].std()) < 1.15 * grain
    assert float(blind[flat].std()) > 1.4 * grain  # so it is the law that keeps it
    assert float((told[:, 100] - told[:, 99]).mean()) > 1.1 * float((noisy[:, 100] - noisy[:, 99]).mean())


def test_where_the_sensor_ends_nothing_is_done() -> None:
    light = edge(1.0, 3.0)
    torch.testing.assert_close(crisp(light / COLOR.mean()), light / COLOR.mean() * COLOR)


def test_light_is_a_matter_of_scale() -> None:
    light = edge(0.1, 0.4)
    torch.testing.assert_close(crisp(light / 64), crisp(light) / 64, rtol=1e-9, atol=0)


def test_the_picture_goes_on_in_the_mirror() -> None:
    """As demosaic sees it: so that halves of a symmetric picture are what the whole is."""
    light = torch.rand(9, 12, generator=torch.Generator().manual_seed(3), dtype=torch.float64) * 0.7
    whole = torch.cat((light.flip(0)[:-1], light))
    torch.testing.assert_close(crisp(whole)[:, 8:], crisp(light), rtol=0, atol=0)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 2), (4, 1)])
@pytest.mark.parametrize("colors", [1, 3, 4])
def test_any_size_and_any_colors_are_fine(size: tuple[int, int], colors: int) -> None:
    rgb = CameraRGB(torch.rand(colors, *size, generator=torch.Generator().manual_seed(1)) - 0.3)
    sharp = capture_sharpen(rgb, CaptureSharpen(2.0), (0.0, 1e-4))
    assert sharp.shape == rgb.shape
    assert bool(sharp.isfinite().all())


def test_light_below_black_stays_below_black() -> None:
    rgb = CameraRGB(torch.full((3, 5, 5), -0.01))
    torch.testing.assert_close(capture_sharpen(rgb, CaptureSharpen(2.0), CLEAN), rgb)


def test_the_taps_are_a_gaussian() -> None:
    middle, side = taps(0.6)
    assert middle + 2 * side == pytest.approx(1)
    assert side / middle == pytest.approx(math.exp(-1 / (2 * 0.36)))


def test_the_law_of_luminance_is_of_balanced_light() -> None:
    """One color: a gain g makes g·S·y + g²·O of S·x + O.  Three: green counts twice."""
    assert luminance_law(((1e-3, 1e-4),), [2.0]) == pytest.approx((2e-3, 4e-4))
    assert luminance_law(((1e-3, 1e-4),) * 3, [2.0, 1.0, 2.0]) == pytest.approx((1.5e-3, 2.5e-4))
    assert luminance_law((), [2.0, 1.0, 1.5]) == (0.0, 0.0)
