from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from ispd.isp.factors import ceiling
from ispd.isp.look import Denoise, Look
from ispd.isp.noise import acts
from ispd.isp.render import codes, grade, scene
from ispd.isp.stages.denoise import denoise
from ispd.isp.values import Mosaic, Raw, Window
from ispd.simulate.photograph import scene as light_of
from ispd.simulate.pictures import photograph_named
from tests.isp.shots import DAYLIGHT, XTRANS, mosaic, seen_through, shot

ISO_100 = ((4e-5, 2e-7),) * 3  # S and O of a usual simulated camera
ISO_3200 = ((1.28e-3, 2.048e-4),) * 3
NEITHER, FULL = Denoise(luminance=0.0, color=0.0), Denoise(luminance=1.0, color=1.0)


def noisy(light: Tensor, profile: tuple[tuple[float, float], ...], seed: int = 0) -> Tensor:
    """What a sensor says of linear light in [0, 1]."""
    shot_noise, read_noise = profile[0]
    generator = torch.Generator().manual_seed(seed)
    return light + (shot_noise * light + read_noise).sqrt() * torch.randn(light.shape, generator=generator)


def cleaned(samples: Tensor, p: Denoise = FULL, cfa: str = "RGGB", gain: float = 1.0) -> Tensor:
    """(1, H, W) or planes, whose noise has been multiplied by `gain` together with their light."""
    planes = samples if samples.dim() == 3 else samples[None]
    raw = Raw(planes * gain, torch.full_like(planes, gain))
    window = Window(0, *planes.shape[1:])
    return denoise(raw, p, ISO_3200, (), window, cfa, "RGB").samples / gain


@pytest.mark.parametrize("gain", [1.0, 3.0])
@pytest.mark.parametrize("level", [0.005, 0.05, 0.4])
@pytest.mark.parametrize("cfa", ["RGGB", "GBRG", XTRANS, ""])
def test_a_flat_field_gets_flat_and_keeps_its_light(cfa: str, level: float, gain: float) -> None:
    samples = noisy(torch.full((3 if cfa == "" else 1, 192, 192), level), ISO_3200)
    clean = cleaned(samples, cfa=cfa, gain=gain)
    left = 0.4 if cfa == XTRANS else 0.25  # interpolated planes tell less of what is noise
    assert float(clean.std()) < left * float(samples.std())
    assert float(clean.mean() - samples.mean()) == pytest.approx(0, abs=0.02 * float(samples.std()))


def test_strength_zero_leaves_the_picture() -> None:
    samples = noisy(torch.full((64, 64), 0.1), ISO_3200)
    grain = cleaned(samples, Denoise(luminance=0.0, color=0.0))[0]
    torch.testing.assert_close(grain, samples, atol=1e-5, rtol=0)


def test_luminance_and_color_are_told_apart() -> None:
    """Of grey noise only luminance is left by `color`, and the other way round."""
    samples = noisy(torch.full((192, 192), 0.2), ISO_3200)

    def spread_of(mosaic: Tensor) -> tuple[float, float]:
        quads = torch.nn.functional.pixel_unshuffle(mosaic, 2)
        return float(quads.mean(dim=0).std()), float((quads[0] - quads[3]).std())

    before = spread_of(samples[None])
    colorless = spread_of(cleaned(samples, Denoise(luminance=0.0, color=1.0)))
    smooth = spread_of(cleaned(samples, Denoise(luminance=1.0, color=0.0)))
    assert colorless[0] == pytest.approx(before[0], rel=0.03)
    assert colorless[1] < 0.2 * before[1]
    assert smooth[1] == pytest.approx(before[1], rel=0.03)
    assert smooth[0] < 0.35 * before[0]


@pytest.mark.parametrize("period", [3, 4, 6])
def test_a_fine_grid_stays(period: int) -> None:
    """Pickets of a fence, whose contrast is seen through the noise."""
    pickets = torch.where(torch.arange(192) % period < period / 2, 0.3, 0.1).expand(192, 192)
    clean = cleaned(noisy(pickets, ISO_3200))[0]
    kept = ((clean - clean.mean()) * (pickets - pickets.mean())).sum() / ((pickets - pickets.mean()) ** 2).sum()
    assert float(kept) > 0.93


def test_an_edge_between_colors_does_not_bleed() -> None:
    red, green = torch.tensor([0.4, 0.1, 0.05]), torch.tensor([0.1, 0.4, 0.05])
    rgb = torch.where(torch.arange(96) < 48, red[:, None], green[:, None])[:, None].expand(3, 96, 96)
    light = seen_through(rgb, "RGGB")
    clean = cleaned(noisy(light, ISO_3200))[0]
    beside = (clean - light)[:, 42:54].reshape(48, 2, 6, 2).mean(dim=0)  # each site of the array by itself
    assert float(beside.abs().max()) < 0.02


def test_a_photo_at_iso_3200_gains_three_decibels() -> None:
    """PSNR in sRGB after the look `neutral` against the photo without noise, 10 px border left out."""
    picture = photograph_named("astronaut", 320)
    light = torch.from_numpy(np.ascontiguousarray(light_of(picture))).permute(2, 0, 1).clamp(min=0).float() * 0.7
    sites = seen_through(light * torch.tensor(DAYLIGHT)[:, None, None], "RGGB")
    still, look = Look(denoise=NEITHER), Look()
    clean = developed(mosaic(sites, neutral=DAYLIGHT, noise_profile=ISO_3200), still)
    photo = mosaic(noisy(sites, ISO_3200), neutral=DAYLIGHT, noise_profile=ISO_3200)
    gained = psnr(developed(photo, look), clean) - psnr(developed(photo, still), clean)
    assert gained > 3.0


def developed(photo: Mosaic, look: Look) -> Tensor:
    return codes(grade(scene(photo, look), look, ceiling(photo.shot, look)), look, "srgb").clamp(0, 1)


def psnr(picture: Tensor, clean: Tensor) -> float:
    difference = ((picture - clean) * 255)[:, 10:-10, 10:-10].round()
    return 10 * math.log10(255**2 / float((difference**2).mean()))


def test_noise_that_nobody_sees_costs_nothing() -> None:
    assert not acts(FULL, shot(8, 8, noise_profile=ISO_100))
    assert not acts(FULL, shot(8, 8))
    assert acts(FULL, shot(8, 8, noise_profile=ISO_3200))
    assert not acts(NEITHER, shot(8, 8, noise_profile=ISO_3200))


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 1), (13, 6)])
@pytest.mark.parametrize("cfa", ["RGGB", XTRANS, ""])
def test_any_size_is_fine(size: tuple[int, int], cfa: str) -> None:
    samples = noisy(torch.full((3 if cfa == "" else 1, *size), 0.2), ISO_3200)
    clean = cleaned(samples, cfa=cfa)
    assert clean.shape == samples.shape
    assert bool(clean.isfinite().all())
