"""Thirty raws of one simulated camera, real DNGs: 2900 to 7500 K, the as-shot neutral a little off, the lens's fall-off
left in, four stops of exposure.

The camera's automatic exposure leaves a dark place dark and a bright one bright, a quarter of a stop a stop, as a
photographer wants it; so the exposure that EXIF tells says something of how bright the picture is, yet not all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from bench.style.scenes import SCENES, Scene, encoded, light
from ispd.simulate.camera import LANTERN
from ispd.simulate.dng import encode_dng
from ispd.simulate.photograph import Moment, expose

CAMERA = replace(
    LANTERN,
    make="Tessera",
    model="Plumb 3",
    lens="Tessera 28mm f/2.8",
    serial="P3-100093",
    black=(512.0,),
    shot_noise=2e-5,
    read_noise=1e-7,
    shading=(0.45, 0.36, 0.32),
    correction="none",  # nothing in the file undoes it
    baseline_exposure=0.0,
    compression="none",
    preview=False,
)
SMALL = (1152, 768)
TWELVE = (4272, 2848)  # megapixels
F_NUMBER = 4.0
KEY = 0.11  # log-average of an averagely exposed raw, 1.0 is clipped
NEUTRAL_OFF = 0.025  # standard deviation of the as-shot neutral, in natural logarithms
MOST, LEAST = 1.0, -3.0  # stops of exposure


@dataclass(frozen=True)
class Photo:
    """One raw that was made, and what was decided for it."""

    scene: Scene
    path: Path


def take(folder: Path, size: tuple[int, int], seed: int) -> list[Photo]:
    """All scenes as DNGs in `folder`; what is there already is not made again."""
    folder.mkdir(parents=True, exist_ok=True)
    photos = []
    for scene in SCENES:
        path = folder / f"{scene.name}.dng"
        if not path.exists():
            part = path.with_suffix(".part")
            part.write_bytes(photographed(scene, size, seed))
            part.rename(path)
        photos.append(Photo(scene, path))
    return photos


def photographed(scene: Scene, size: tuple[int, int], seed: int, preview: bytes | None = None) -> bytes:
    """The DNG of one scene; with a JPEG of one's own as the picture that the camera made of it."""
    number = SCENES.index(scene)
    rng = np.random.default_rng((seed, number))
    stops = float(np.clip(0.25 * (scene.ev - 8) - 1 + rng.normal(0, 0.5), LEAST, MOST))
    picture = light(scene, *size) * KEY * 2.0**stops
    negative = expose(encoded(picture), CAMERA, moment(scene, number, stops), seed=seed * 1000 + number)
    assert negative.neutral is not None
    off = np.exp(rng.normal(0, NEUTRAL_OFF, 3))
    neutral = tuple(value * factor for value, factor in zip(negative.neutral, off / off[1], strict=True))
    return encode_dng(replace(negative, neutral=neutral, preview=preview))


def moment(scene: Scene, number: int, stops: float) -> Moment:
    """Exposure time and ISO that give so many stops in such a place: the lowest ISO one can hold by hand, or 1600."""
    ev = scene.ev - stops
    iso = next((iso for iso in (100, 200, 400, 800) if _seconds(ev, iso) <= 1 / 30), 1600)
    return Moment(
        temperature_k=scene.temperature_k,
        iso=iso,
        exposure_seconds=_seconds(ev, iso),
        orientation=6 if scene.upright else 1,
        when=datetime(2026, 5, 1, 8, 0, tzinfo=UTC) + timedelta(hours=number),
    )


def _seconds(ev: float, iso: int) -> float:
    return F_NUMBER**2 / float(2.0**ev * iso / 100)
