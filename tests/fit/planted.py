"""Samples whose look is known: simulated light, sent through the stages by a planted look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ispd.fit import model
from ispd.fit.cells import Photo, every
from ispd.fit.loss import Target, target
from ispd.fit.sample import Placement, Sample, keyed
from ispd.isp.color.mix import mix
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.color.transfer import encode
from ispd.isp.look import Corrections, Curve, Look
from ispd.isp.render import grade
from ispd.isp.values import Area, Levels, Matrix, SceneRGB, Shot
from ispd.orders import Space

HEIGHT, WIDTH, CELL = 36, 48, 4
DAY = ((0.9, 0.15, -0.05), (-0.05, 1.1, -0.05), (0.02, -0.2, 1.18))
LAMP = ((1.0, 0.1, -0.1), (-0.1, 1.15, -0.05), (0.05, -0.35, 1.3))


def light(seed: int) -> Tensor:
    """(3, HEIGHT, WIDTH) patches of all colors and brightnesses under a soft shade; nothing is clipped."""
    rng = np.random.default_rng(seed)
    patches = np.exp2(rng.uniform(-6, -0.3, (1, 6, 8))) * np.exp2(rng.normal(0, 0.7, (3, 6, 8)))
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH]
    shade = np.exp2(np.sin(down / 9 + seed) * 0.4 + np.cos(across / 7) * 0.4)
    planes = np.clip(patches.repeat(6, 1).repeat(6, 2) * shade, 0, 0.9)
    return torch.from_numpy(planes).float()


def sample(look: Look, seed: int, space: Space = "srgb", **changes: object) -> Sample:
    """One pair; the warmth of its light and the brightness of its scene go with the seed."""
    warm = (seed * 0.37) % 1  # every seed another light, all of them between day and lamp
    matrix = tuple(
        tuple(a + warm * (b - a) for a, b in zip(*rows, strict=True)) for rows in zip(DAY, LAMP, strict=True)
    )
    shot = _shot(matrix, (0.45 + 0.4 * warm, 1.0, 0.75 - 0.35 * warm), 8.0 + seed * 1.7 % 6)
    bare = Sample(
        name=f"{seed:03}.dng",
        raw_path=f"/{seed:03}.dng".encode(),
        reference_path=None,
        digest=str(seed),
        model="Acme One",
        serial="1",
        captured=f"2026-03-{1 + seed % 28:02}T12:00:00",
        shot=shot,
        corrections=Corrections(),
        placement=Placement(1, ((1.0, 0.0), (0.0, 1.0)), (0.0, 0.0)),
        cell=CELL,
        grey=False,
        light=light(seed),
        ceiling=torch.ones(3, HEIGHT, WIDTH),
        wanted=torch.zeros(3, HEIGHT, WIDTH),
        low=torch.zeros(3, HEIGHT, WIDTH, dtype=torch.bool),
        high=torch.zeros(3, HEIGHT, WIDTH, dtype=torch.bool),
        trust=torch.ones(HEIGHT, WIDTH),
        place=_places(),
        space=space,
    )
    bare = replace(bare, shot=keyed(bare.shot, bare.light))
    return replace(finished(bare, look), **changes)  # type: ignore[arg-type]


def finished(bare: Sample, look: Look) -> Sample:
    """The sample with the picture that the look makes of it, cut to its space as a JPEG is."""
    screen_from_rec2020 = rgb_from_rec2020(bare.space)
    screen = mix(screen_from_rec2020, rendered(whole(bare), look))
    wanted = mix(np.linalg.inv(screen_from_rec2020), screen.clamp(0, 1))
    shape = (3, HEIGHT, WIDTH)
    return replace(
        bare, wanted=wanted.reshape(shape), low=(screen <= 0).reshape(shape), high=(screen >= 1).reshape(shape)
    )


def samples(look: Look, seeds: Sequence[int]) -> list[Sample]:
    """Pairs of one look."""
    return [sample(look, seed) for seed in seeds]


def unevenly_exposed(look: Look, seeds: Sequence[int]) -> list[Sample]:
    """Pairs of one look whose raws differ by up to three stops."""
    pairs = []
    for seed in seeds:
        pair = sample(look, seed)
        light = pair.light / 2.0 ** (seed * 0.61 % 1 * 3)
        pairs.append(finished(replace(pair, light=light, shot=keyed(pair.shot, light)), look))
    return pairs


def whole(pair: Sample) -> Photo:
    """Every cell of a sample."""
    return every(pair, HEIGHT * WIDTH)


def rendered(photo: Photo, look: Look) -> Tensor:
    """(3, cells) display-linear Rec.2020."""
    scene = model.toned(model.scene(model.camera(photo, look), photo.sample.shot, look), photo, look)
    return grade(SceneRGB(scene), look)[:, 0]


def difference(look: Look, pairs: Sequence[Sample]) -> float:
    """Mean ΔE2000 of a look over pairs."""
    from ispd.fit.loss import shown_difference

    means = []
    for pair in pairs:
        photo = whole(pair)
        means.append(shown_difference(rendered(photo, look), aim_of(photo)).mean())
    return float(torch.stack(means).mean())


def aim_of(photo: Photo) -> Target:
    """What a photo's cells are compared with."""
    return target(photo.wanted, photo.low, photo.high, (photo.sample.space,))


def film() -> Curve:
    """A curve with a toe and a shoulder."""
    x = (2 ** torch.linspace(0, math.log2(4097), 33) - 1) / 512
    heights = 0.03 + 0.94 * encode(1.4 * x / (0.4 + x), "srgb").clamp(max=1)
    return Curve(method="learned", heights=tuple(heights.tolist()))


def _shot(matrix: Matrix, neutral: tuple[float, ...], scene_ev: float) -> Shot:
    area = Area(0, 0, HEIGHT * CELL, WIDTH * CELL)
    levels = Levels((0.0,), (1, 1, 1), (1.0,), full=(1.0,))
    return Shot("", "RGB", levels, area, area, neutral, matrix, iso=100, scene_ev=scene_ev)


def _places() -> Tensor:
    down, across = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    return torch.stack([across - WIDTH / 2, down - HEIGHT / 2]) / (math.hypot(HEIGHT, WIDTH) / 2)
