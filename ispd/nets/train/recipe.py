"""What a training is told: the keys of the TOML file for `ispd model train`.  Torch-free.

A file that names `data` is a Recipe, the published one: pairs of mosaics and pictures.  A file that names `maps` and
`photos` is one of Shots that are simulated: for `hdr-unet`, or for a published network that learns from the same crops.

The defaults of the first are the published recipe; where its code and its documentation differ, the documented one,
and the other by name.  Those of the second, where nothing is said here, are the Recipe and the Habits of
`hdr_unet.py` and `rivals.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from ispd.isp.params import Bounds

Architecture: TypeAlias = Literal["raw-to-tonemapped-hdr", "pynet"]


@dataclass(frozen=True)
class Level:
    """How long and with how many pairs at once one level of the pyramid is trained: a `[[level]]` table."""

    level: Annotated[int, Bounds(0, 5)]
    batch: Annotated[int, Bounds(1, 1024)]
    epochs: Annotated[int, Bounds(1, 10_000)]


@dataclass(frozen=True)
class Recipe:
    """The whole file."""

    architecture: Architecture
    data: Path  # has train/ and test/, each with a folder of mosaics (N.png, 16 bit) and one of pictures (N.jpg)
    out: Path  # where checkpoints, log and samples go; a training that was stopped goes on from there
    vgg: Path | None = None  # torchvision's weights of VGG-19, which do not come with ispd
    level: tuple[Level, ...] = ()  # coarsest first; left out: the published epochs and batches
    rate: Annotated[float, Bounds(1e-8, 1)] = 5e-5  # Adam's
    mse: Literal["documented", "code"] = "documented"  # weight at levels 1 and 0 of raw-to-tonemapped-hdr: 10, or 1
    features: Annotated[float, Bounds(0, 100)] = 1.0  # weight of VGG's term; 0 does without its weights
    precision: Literal["float32", "mixed"] = "float32"  # mixed: bfloat16, statistics and losses in float32
    seed: Annotated[int, Bounds(0, 2**31)] = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Annotated[int, Bounds(0, 1024)] = 0  # of the CPU; 0: as many as it has cores
    checkpoint_steps: Annotated[int, Bounds(1, 1_000_000)] = 500  # between checkpoints, each with samples
    samples: Annotated[int, Bounds(0, 64)] = 4  # pairs that are shown: wanted beside made


@dataclass(frozen=True)
class Shots:
    """The whole file, for simulated shots.  None: as the network's own recipe has it."""

    architecture: Literal["hdr-unet", Architecture]
    maps: Path  # a folder of radiance maps, .hdr and .exr
    photos: Path  # a folder of clean sRGB photographs, .jpg and .png
    out: Path  # where checkpoints, weights, log and samples go; a training that was stopped goes on from there
    steps: Annotated[int, Bounds(1, 100_000_000)] | None = None
    batch: Annotated[int, Bounds(1, 1024)] | None = None  # crops a step
    rate: Annotated[float, Bounds(1e-8, 1)] | None = None  # Adam's, at its highest
    histogram: Annotated[float, Bounds(0, 100)] | None = None  # weight of its loss; 0 does without
    precision: Literal["float32", "mixed"] | None = None  # mixed: bfloat16, statistics and losses in float32
    seed: Annotated[int, Bounds(0, 2**31)] | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Annotated[int, Bounds(0, 1024)] = 1  # of the CPU; 0: as many as it has cores.  As many, the same weights
    workers: Annotated[int, Bounds(0, 64)] | None = None  # further threads, that simulate ahead: the same weights
    checkpoint_steps: Annotated[int, Bounds(1, 1_000_000)] | None = None  # between checkpoints
    line_steps: Annotated[int, Bounds(1, 1_000_000)] | None = None  # between lines, which tell the mean
    cpu_minutes: Annotated[float, Bounds(0, 1e6)] | None = None  # of learning, at which it is stopped


OURS, RIVALS = ("histogram", "workers"), ("cpu_minutes",)  # keys of Shots that act for hdr-unet alone; for others alone


def silent(recipe: Shots) -> list[str]:
    """What the file says and its architecture does not hear."""
    unheard = RIVALS if recipe.architecture == "hdr-unet" else OURS
    return [
        f"{key} does not act where architecture is {recipe.architecture}: leave it out"
        for key in unheard
        if getattr(recipe, key) is not None
    ]


@dataclass(frozen=True)
class Terms:
    """Weights of a level's losses."""

    mse: float
    features: float = 0.0  # VGG
    structure: float = 0.0  # 1 - MS-SSIM
    histogram: float = 0.0  # distance of RGB-uv histograms, the published batch formula


LEVELS: dict[Architecture, tuple[Level, ...]] = {
    "raw-to-tonemapped-hdr": (Level(4, 50, 15), Level(3, 35, 20), Level(2, 25, 25), Level(1, 15, 33), Level(0, 10, 60)),
    "pynet": (
        *(Level(5, 50, 8), Level(4, 50, 8), Level(3, 50, 17), Level(2, 50, 17)),
        *(Level(1, 16, 25), Level(0, 12, 50)),
    ),
}
FOLDERS: dict[Architecture, tuple[str, str]] = {
    "raw-to-tonemapped-hdr": ("raw", "groundtruth"),
    "pynet": ("huawei_raw", "canon"),
}


def terms(recipe: Recipe, level: int) -> Terms:
    """The losses of a level, as published."""
    if recipe.architecture == "pynet":
        published = {5: Terms(1), 4: Terms(1), 0: Terms(1, features=1, structure=0.4)}.get(level, Terms(10, features=1))
    else:
        fine = Terms(10 if recipe.mse == "documented" else 1, features=1, structure=0.4, histogram=0.25)
        published = {4: Terms(1, histogram=0.25), 1: fine, 0: fine}.get(level, Terms(10, features=1, histogram=0.25))
    return Terms(published.mse, published.features * recipe.features, published.structure, published.histogram)


def problems(recipe: Recipe) -> list[str]:
    """What the values of the file do not say together."""
    levels = recipe.level or LEVELS[recipe.architecture]
    found = []
    deepest = LEVELS[recipe.architecture][0].level
    numbers = [each.level for each in levels]
    if numbers != sorted(set(numbers), reverse=True) or max(numbers) > deepest:
        found.append(
            f"level: {recipe.architecture} is trained from level {deepest} down to 0, each once, in that order"
        )
    if recipe.vgg is None and any(terms(recipe, number).features for number in numbers):
        found.append("vgg: the published losses compare features of VGG-19: name its weights, or say features = 0")
    return found
