"""A simulated shot: radiance in, a mosaic of codes out, with everything that a file would tell of it.

    radiance ─▶ camera color ─▶ exposure ─▶ shading ─▶ mosaic ─▶ photons, read-out ─▶ codes, clipped at white

Takes   (3, H, W) linear Rec.2020, relative, H and W even; chance
Gives   Exposed: the mosaic as `ispd.isp.render` takes it, surveyed, and the light that a sensor without end would have
        brought there
Source  noise: A. Foi et al., IEEE TIP 17 (2008); camera color: DNG 1.7.1 chapter 6
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ispd.isp.color.mix import luminance, mix
from ispd.isp.color.spaces import D65, Array, xyz_from_rgb, xyz_from_xy
from ispd.isp.factors import gains
from ispd.isp.look import WhiteBalance
from ispd.isp.pattern import planes_of_sites, tiled
from ispd.isp.survey.bases import bases
from ispd.isp.survey.overview import BLOCK, overview
from ispd.isp.values import Area, Bases, CameraRGB, GainMap, Levels, Matrix, Mosaic, Region, Shot
from ispd.nets.train.simulation import SIMULATION, Chance

MAP_POINTS = 9  # of a gain map, in each direction
LEAST_LIGHT = 1e-9


@dataclass(frozen=True)
class Body:
    """A camera under a light: balanced camera color, and what it multiplies it by."""

    rec2020_from_camera: Matrix
    neutral: tuple[float, ...]


@dataclass(frozen=True)
class Exposed:
    """One simulated shot."""

    mosaic: Mosaic
    truth: CameraRGB  # (3, H, W), balanced, unclipped and without noise
    bases: Bases  # of the truth; the shot has those of its own codes
    clipped: float  # share of the pixels with a channel at its end
    noise: float  # standard deviation over light, three stops below the scene's median


def expose(radiance: Tensor, chance: Chance, cfa: str = "RGGB") -> Exposed:
    """A shot by a camera, with settings and noise, that chance has chosen."""
    camera = body(chance)
    balance = torch.tensor([float(gain) for gain in gains(WhiteBalance(), camera.neutral)])[:, None, None]
    color = mix(np.linalg.inv(np.array(camera.rec2020_from_camera)), radiance).clamp(min=0)
    height, width = radiance.shape[1:]
    lift, maps = _shading(height, width, cfa, chance)
    sensed = color / balance / lift  # what reaches the sites
    sensed = sensed * _exposure(sensed, chance)
    truth = sensed * lift * balance
    scene = mix(camera.rec2020_from_camera, truth)
    median = float(luminance(scene).median().clamp(min=LEAST_LIGHT))
    p = SIMULATION.exposure
    low, high = p.baseline_ev
    baseline = min(max(float(np.log2(2.0 ** chance.between(p.key_log2) / median)), low), high)
    shot_noise, read_noise = _noise(chance)
    samples, levels = _read_out(_sites(sensed, cfa), shot_noise, read_noise, chance)
    shot = Shot(
        cfa=cfa,
        colors="RGB",
        levels=levels,
        active=Area(0, 0, height, width),
        crop=Area(0, 0, height, width),
        neutral=camera.neutral,
        rec2020_from_camera=camera.rec2020_from_camera,
        baseline_exposure=baseline,
        noise_profile=((shot_noise, read_noise),) * 3,
        opcodes2=maps,
    )
    small = overview(samples.numpy(), shot)
    shot = replace(shot, bases=bases(small.light, small.block, shot))
    blocks = (F.avg_pool2d(truth, BLOCK) / balance).numpy()
    tone = median / 8
    return Exposed(
        Mosaic(samples, shot),
        CameraRGB(truth),
        bases(blocks, BLOCK, shot),
        clipped=float((sensed >= 1).any(dim=0).float().mean()),
        noise=(shot_noise * tone + read_noise) ** 0.5 / tone,
    )


def body(chance: Chance) -> Body:
    """A camera that could be, under a light that could be."""
    p = SIMULATION.camera
    real = [_rows(matrix) for matrix in p.matrices]
    camera_from_xyz = real[chance.index(len(real))]
    if chance.happens(p.mixed):
        share = chance.between((0.0, 1.0))
        camera_from_xyz = share * camera_from_xyz + (1 - share) * real[chance.index(len(real))]
    daylight = camera_from_xyz @ xyz_from_xy(D65)
    balanced = camera_from_xyz / daylight[:, None] @ xyz_from_rgb("rec2020")
    rec2020_from_camera = np.linalg.inv(balanced)
    warmth, tint = chance.between(p.warmth_log2), chance.between(p.tint_log2)
    neutral = daylight / daylight[1] * np.exp2([warmth / 2 - tint, 0.0, -warmth / 2 - tint])
    return Body(
        tuple(tuple(float(value) for value in row) for row in rec2020_from_camera),
        tuple(float(value) for value in neutral),
    )


def _rows(matrix: tuple[float, ...]) -> Array:
    """3 × 3, scaled so that bodies can be mixed."""
    square = np.array(matrix).reshape(3, 3)
    scaled: Array = square / (square @ xyz_from_xy(D65))[1]
    return scaled


def _exposure(sensed: Tensor, chance: Chance) -> float:
    """What light is multiplied by so that as much clips as should."""
    p = SIMULATION.exposure
    brightest = sensed.amax(dim=0).flatten().clamp(min=LEAST_LIGHT)
    if chance.happens(p.whole):
        asked = 2.0 ** chance.between(p.room_log2) / float(brightest.max())
    else:
        share = 2.0 ** chance.between(p.clipped_share_log2)
        asked = 1 / float(torch.quantile(brightest, 1 - share))
    least = 2.0**p.darkest_median_log2 / float(brightest.median())
    most = 1 / float(torch.quantile(brightest, 1 - p.most_clipped))
    factor: float = min(max(asked, least), most) if least < most else min(asked, most)
    return factor


def _noise(chance: Chance) -> tuple[float, float]:
    """S and O."""
    p = SIMULATION.noise
    shot = 2.0 ** chance.between(p.clean_shot_log2 if chance.happens(p.clean) else p.shot_log2)
    return shot, shot**2 * 2.0 ** chance.between(p.read_log2)


def _shading(height: int, width: int, cfa: str, chance: Chance) -> tuple[Tensor, tuple[GainMap, ...]]:
    """(3, H, W) of what undoes the lens's fall-off, and the maps that say so; the crop lies anywhere in the frame."""
    p = SIMULATION.camera
    if not chance.happens(p.shaded):
        return torch.ones(3, 1, 1), ()
    frame = chance.between((1.0, 4.0))  # of the crop's sides
    start = [chance.between((-frame / 2, frame / 2 - 1)) for _ in range(2)]  # of the crop, from the frame's middle
    k = chance.between(p.shading)
    ks = k * np.array(
        [
            1 + chance.between((-p.shading_color, p.shading_color)),
            1.0,
            1 + chance.between((-p.shading_color, p.shading_color)),
        ]
    )
    points = np.linspace(0, 1, MAP_POINTS)
    down, across = (2 / frame * (points + offset) for offset in start)
    square = (down[:, None] ** 2 + across**2) / 2
    gain = 1 + square[..., None] * ks
    maps = []
    for position, letter in enumerate(cfa):
        row, column = divmod(position, 2)
        region = Region(Area(row, column, height, width), row_pitch=2, col_pitch=2)
        plane = gain[..., "RGB".index(letter)]
        values = tuple(tuple((float(value),) for value in line) for line in plane)
        maps.append(GainMap(region, (1 / (MAP_POINTS - 1),) * 2, (0.0, 0.0), values))
    grid = torch.from_numpy(gain).permute(2, 0, 1)[None].float()
    at = [(torch.arange(length) + 0.5) / length * 2 - 1 for length in (height, width)]
    places = torch.stack((at[1].expand(height, -1), at[0][:, None].expand(-1, width)), dim=-1)[None]
    return F.grid_sample(grid, places, mode="bilinear", align_corners=True)[0], tuple(maps)


def _sites(color: Tensor, cfa: str) -> Tensor:
    """(1, H, W): what each filter lets through."""
    return color.gather(0, tiled(planes_of_sites(cfa, "RGB"), *color.shape[1:])[None])


def _read_out(sites: Tensor, shot: float, read: float, chance: Chance) -> tuple[Tensor, Levels]:
    """(1, H, W) codes, float: photons arrive one by one, the amplifier hums, the converter has its steps."""
    p = SIMULATION.camera
    bits = p.bits[0] + chance.index(p.bits[1] - p.bits[0] + 1)
    white = 2.0**bits - 1
    black = float(round(2.0 ** (bits + chance.between(p.black_share_log2))))
    photons = torch.poisson(sites.clamp(max=2.0) / shot, generator=chance.generator) * shot
    signal = photons + torch.randn(sites.shape, generator=chance.generator) * read**0.5
    codes = (black + signal * (white - black)).round().clamp(0, white)
    return codes, Levels((black,), (1, 1, 1), (white,), full=(1.0,))
