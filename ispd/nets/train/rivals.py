"""python -m ispd.nets.train.rivals --maps DIR --photos DIR -o DIR: a published network learns from `hdr-unet`'s crops.

The same scenes, shots and order of crops as `ispd.nets.train.hdr_unet` with the same seed and batch; the published
levels, coarsest first, each as large a share of the steps as its epochs are of all, and the published losses without
VGG's, whose weights do not come with ispd.  The published distance of histograms counts the less the larger a batch
is: here it counts as much as in the published batches.  As for `hdr-unet` it is taken of small pictures every fourth
step, and the weights that are kept are a mean of the last ones: the last quarter of a level's steps.

Takes   a mosaic's codes without pedestal, as ten bits: as `ispd model import --black 0` has a photo put before it
Gives   the wanted picture in sRGB codes and primaries, as the published networks do; what lies outside is clipped

`-o` has log.jsonl, checkpoint.pt (a killed training goes on, to the step) and level_K.safetensors, the kept weights,
which `ispd model import` takes.
"""

from __future__ import annotations

import json
import math
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, TextIO, get_args

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor

from ispd.errors import BadModel
from ispd.isp.color.mix import mix
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.color.transfer import decode
from ispd.isp.stages.levels import levels
from ispd.isp.values import DisplayRGB, Mosaic, Window
from ispd.nets.bayer import pack_bayer
from ispd.nets.checkpoint import Network, build
from ispd.nets.losses import histogram_distance, ms_ssim_loss, rgbuv_histogram
from ispd.nets.train import hdr_unet
from ispd.nets.train.evaluate import Develop, code, entries, measured, table
from ispd.nets.train.hdr_unet import HISTOGRAM_EVERY, HISTOGRAM_SIDE, crop
from ispd.nets.train.published import cut, written
from ispd.nets.train.radiance import Scene, maps, photographs
from ispd.nets.train.recipe import LEVELS, Architecture, Terms, terms
from ispd.nets.train.recipe import Recipe as Published
from ispd.nets.train.sensor import Exposed
from ispd.nets.train.simulation import SIMULATION
from ispd.nets.train.target import target

WHITE = 1023.0  # ten bits
SAVED = 100  # steps between checkpoints
KEPT = 0.25  # of a level's steps: the last ones, whose weights are averaged


@dataclass(frozen=True)
class Recipe:
    """What decides the numbers."""

    architecture: Architecture = "raw-to-tonemapped-hdr"
    steps: int = 1500
    batch: int = 4
    rate: float = 5e-5  # Adam's, constant, as published
    bfloat16: bool = False
    seed: int = 1


@dataclass(frozen=True)
class Stretch:
    """The steps of one level."""

    level: int
    first: int
    last: int
    histogram_share: float  # of its weight: the distance of N pairs is their mean distance over √N


def stretches(recipe: Recipe) -> list[Stretch]:
    """Every level of the pyramid, as published, scaled to the steps that there are."""
    published = LEVELS[recipe.architecture]
    epochs = np.cumsum([0] + [each.epochs for each in published])
    ends = [int(end) for end in np.round(recipe.steps * epochs / epochs[-1])]
    return [
        Stretch(each.level, ends[place], ends[place + 1], math.sqrt(recipe.batch / each.batch))
        for place, each in enumerate(published)
    ]


def given(mosaic: Mosaic) -> Tensor:
    """(4, h, w): a simulated mosaic as the network sees it."""
    window = Window(0, *mosaic.samples.shape[1:])
    light = levels(mosaic.samples, mosaic.shot.levels, window).samples[0]
    return pack_bayer((light * WHITE).clamp(0, WHITE), mosaic.shot.cfa)


def wanted(exposed: Exposed) -> Tensor:
    """(3, H, W) codes with sRGB's primaries."""
    return code(DisplayRGB(mix(rgb_from_rec2020("srgb"), target(exposed))))


def developing(net: Network) -> Develop:
    """What the network makes of a shot, as codes in the space in which all are compared."""
    rec2020_from_srgb = np.linalg.inv(rgb_from_rec2020("srgb"))

    def develop(mosaic: Mosaic) -> Tensor:
        with torch.inference_mode():
            return code(DisplayRGB(mix(rec2020_from_srgb, decode(net(given(mosaic)[None])[0], "srgb"))))

    return develop


def resized(pictures: Tensor, level: int) -> Tensor:
    """A coarser level's picture, by the published filter."""
    if level == 0:
        return pictures
    side = pictures.shape[-1] >> level
    return F.interpolate(pictures, (side, side), mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)


def batches(scenes: list[Scene], recipe: Recipe, first: int) -> Iterator[tuple[Tensor, Tensor]]:
    """From step `first` on: the crops that `hdr-unet` has learned from at these steps."""
    for step in range(first, recipe.steps):
        with torch.no_grad():
            shots = [crop(scenes, (recipe.seed, step, number)) for number in range(recipe.batch)]
            both = torch.stack([given(one.mosaic) for one in shots]), torch.stack([wanted(one) for one in shots])
        yield both


def loss(made: Tensor, real: Tensor, weights: Terms, step: int) -> Tensor:
    """A level's, as published but for VGG's; the histogram as `hdr-unet` has it."""
    total = weights.mse * F.mse_loss(made, real)
    if weights.structure:
        total = total + weights.structure * ms_ssim_loss(made, real)
    if weights.histogram and step % HISTOGRAM_EVERY == 0:
        small = (F.adaptive_avg_pool2d(x, min(HISTOGRAM_SIDE, x.shape[-1])) for x in (real, made))
        distance = histogram_distance(*(rgbuv_histogram(x) for x in small))
        total = total + weights.histogram * HISTOGRAM_EVERY * distance
    return total


class Training:
    """The network, what it has come from, and how far it is."""

    def __init__(self, recipe: Recipe) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.step, self.cpu_seconds = recipe, 0, 0.0
        self.stretches = stretches(recipe)
        self.net = build(recipe.architecture, self.stretches[0].level)
        self.adam = torch.optim.Adam(self.net.parameters(), lr=recipe.rate)
        self.kept = {name: value.detach().clone() for name, value in self.net.state_dict().items()}

    def stretch(self) -> Stretch:
        """The one that the next step belongs to."""
        return next((each for each in self.stretches if self.step < each.last), self.stretches[-1])

    def learn(self, mosaics: Tensor, pictures: Tensor) -> dict[str, float]:
        """One step; what there is to say of it."""
        started, here = time.process_time(), self.stretch()
        if self.step == here.first:  # the next level begins with the weights, and Adam anew, as published
            self.net.level = here.level
            self.adam = torch.optim.Adam(self.net.parameters(), lr=self.recipe.rate)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.recipe.bfloat16):
            made = self.net(mosaics).float()
        real = resized(pictures, here.level)
        published = terms(Published(self.recipe.architecture, Path(), Path(), features=0), here.level)
        weights = replace(published, histogram=published.histogram * here.histogram_share)
        total = loss(made, real, weights, self.step)
        self.adam.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        self.adam.step()
        self.step += 1
        share = max(1 / (KEPT * (here.last - here.first)), 1 / (self.step - here.first))
        for name, value in self.net.state_dict().items():
            self.kept[name].lerp_(value, min(1.0, share))
        self.cpu_seconds += time.process_time() - started
        decibels = -10 * (made.detach() - real).square().mean(dim=(1, 2, 3)).log10().mean()
        return {"loss": float(total.detach()), "psnr": float(decibels)}

    def averaged(self) -> Network:
        """The network with the weights that are kept."""
        net = build(self.recipe.architecture, self.net.level)
        net.load_state_dict(self.kept)
        return net.eval()

    def save(self, path: Path) -> None:
        """All or nothing."""
        state = {
            "recipe": json.dumps(asdict(self.recipe)),
            "step": self.step,
            "cpu_seconds": self.cpu_seconds,
            "net": self.net.state_dict(),
            "kept": self.kept,
            "adam": self.adam.state_dict(),
        }
        buffer = BytesIO()
        torch.save(state, buffer)
        written(path, buffer.getbuffer())

    def resume(self, path: Path) -> None:
        """Raises BadModel where the checkpoint is another recipe's."""
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        if state["recipe"] != json.dumps(asdict(self.recipe)):
            raise BadModel(f"{path} belongs to another training: {state['recipe']}. Give -o another folder.")
        self.net.load_state_dict(state["net"])
        self.kept, self.step, self.cpu_seconds = state["kept"], state["step"], state["cpu_seconds"]
        self.adam.load_state_dict(state["adam"])
        self.net.level = self.stretch().level


def run(recipe: Recipe, scenes: list[Scene], out: Path, told: int = 20, cpu_seconds: float = float("inf")) -> Training:
    """From where `out` has it to the end, or until so much time has gone into learning."""
    out.mkdir(parents=True, exist_ok=True)
    held_out = {*SIMULATION.scenes.held_out_maps, *SIMULATION.scenes.held_out_photos}
    training = Training(recipe)
    if (out / "checkpoint.pt").exists():
        training.resume(out / "checkpoint.pt")
    cut(out / "log.jsonl", training.step)
    learned = [scene for scene in scenes if scene.name not in held_out]
    found: list[dict[str, float]] = []
    with (out / "log.jsonl").open("a") as lines:
        for mosaics, pictures in batches(learned, recipe, training.step):
            here = training.stretch()
            found.append(training.learn(mosaics, pictures))
            stops = training.step in (here.last, recipe.steps) or training.cpu_seconds > cpu_seconds
            if stops or training.step % told == 0:
                means = {name: round(sum(one[name] for one in found) / len(found), 4) for name in found[0]}
                hours = round(training.cpu_seconds / 3600, 4)
                _tell(lines, {"step": training.step, "level": here.level, **means, "cpu_hours": hours})
                found = []
            if stops or training.step % SAVED == 0:
                training.save(out / "checkpoint.pt")
                weights = {name: value.contiguous() for name, value in training.kept.items()}
                written(out / f"level_{here.level}.safetensors", save(weights))
            if training.cpu_seconds > cpu_seconds:
                break
        shown = entries([scene for scene in scenes if scene.name in held_out], seed=0)
        if training.step == recipe.steps and shown:
            networks: dict[str, Develop] = {recipe.architecture: developing(training.averaged())}
            _tell(lines, {"step": training.step, **table(measured(networks, shown))})
    return training


def _tell(lines: TextIO, line: dict[str, Any]) -> None:
    for file in (lines, sys.stderr):
        print(json.dumps(line), file=file, flush=True)


def main() -> None:
    """Learn, telling how far it is."""
    parser = ArgumentParser(prog="python -m ispd.nets.train.rivals", description=__doc__.splitlines()[0])
    parser.add_argument("--maps", type=Path, required=True, help="a folder of .hdr or .exr")
    parser.add_argument("--photos", type=Path, required=True, help="a folder of clean sRGB photographs")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--architecture", choices=get_args(Architecture), default=Recipe.architecture)
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--batch", type=int, default=Recipe.batch)
    parser.add_argument("--rate", type=float, default=Recipe.rate)
    parser.add_argument("--bfloat16", action="store_true", help="layers in bfloat16, sums in float32")
    parser.add_argument("--seed", type=int, default=hdr_unet.Recipe.seed)
    parser.add_argument("--cpu-minutes", type=float, default=float("inf"), help="stop after as much learning")
    args = parser.parse_args()
    torch.set_num_threads(1)
    names = ("architecture", "steps", "batch", "rate", "bfloat16", "seed")
    recipe = replace(Recipe(), **{name: getattr(args, name) for name in names})
    run(recipe, [*maps(args.maps), *photographs(args.photos)], args.out, cpu_seconds=60 * args.cpu_minutes)


if __name__ == "__main__":
    main()
