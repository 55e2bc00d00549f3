"""What `simulation.toml` says, typed; and chance that is the same whenever it is asked.

>>> SIMULATION.views.side
192
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import TypeAlias

import msgspec
import torch

Range: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Scenes:
    """Which are held out, and where panorama bands look straight ahead."""

    held_out_maps: tuple[str, ...]
    held_out_photos: tuple[str, ...]
    horizon: dict[str, float]


@dataclass(frozen=True)
class Views:
    """How crops are taken from scenes."""

    side: int
    supersampled: int
    field_deg: Range
    roll_deg: Range
    reduced: Range
    photos: float
    spread_ev: Range


@dataclass(frozen=True)
class Camera:
    """Bodies and their lenses."""

    matrices: tuple[tuple[float, ...], ...]
    mixed: float
    warmth_log2: Range
    tint_log2: Range
    bits: tuple[int, int]
    black_share_log2: Range
    shaded: float
    shading: Range
    shading_color: float


@dataclass(frozen=True)
class Exposure:
    """How shots are exposed."""

    whole: float
    clipped_share_log2: Range
    room_log2: Range
    darkest_median_log2: float
    most_clipped: float
    key_log2: Range
    baseline_ev: Range


@dataclass(frozen=True)
class Noise:
    """How much sensors scatter."""

    clean: float
    clean_shot_log2: Range
    shot_log2: Range
    read_log2: Range


@dataclass(frozen=True)
class Strata:
    """Where one group of results ends and the next begins."""

    noise: Range
    clipped: Range


@dataclass(frozen=True)
class Simulation:
    """The whole file."""

    scenes: Scenes
    views: Views
    camera: Camera
    exposure: Exposure
    noise: Noise
    strata: Strata


def _read() -> Simulation:
    text = files(__package__).joinpath("simulation.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Simulation)


SIMULATION = _read()


class Chance:
    """Numbers drawn one after the other, the same for the same seeds on every machine."""

    def __init__(self, *seeds: int) -> None:
        seed = 0
        for part in seeds:  # splitmix64's multiplier: neighbors get unlike streams
            seed = ((seed ^ part) * 0x9E3779B97F4A7C15 + 0xBF58476D1CE4E5B9) % 2**63
            seed ^= seed >> 29
        self.generator = torch.Generator().manual_seed(seed)

    def between(self, ends: Range) -> float:
        """Evenly between two numbers."""
        return ends[0] + (ends[1] - ends[0]) * float(torch.rand((), generator=self.generator, dtype=torch.float64))

    def index(self, count: int) -> int:
        """One of `count`."""
        return int(torch.randint(count, (), generator=self.generator))

    def happens(self, share: float) -> bool:
        """True in `share` of the cases."""
        return self.between((0.0, 1.0)) < share
