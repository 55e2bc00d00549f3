"""A published network learns from `hdr-unet`'s crops: `ispd model train CONFIG.toml`, its keys in `recipe.py`.

The same scenes, shots and order of crops as `ispd.nets.train.hdr_unet` with the same seed and batch; the published
levels, coarsest first, each as large a share of the steps as its epochs are of all, and the published losses without
VGG's, whose weights do not come with ispd.  The published distance of histograms counts the less the larger a batch
is: here it counts as much as in the published batches.  As for `hdr-unet` it is taken of small pictures every fourth
step, and the weights that are kept are a mean of the last ones: the last quarter of a level's steps.

Takes   a mosaic's codes without pedestal, as ten bits: as `ispd model import --black 0` has a photo put before it
Gives   the wanted picture in sRGB codes and primaries, as the published networks do; what lies outside is clipped

The folder `out` has log.jsonl, checkpoint.pt (a killed training goes on, to the step), samples/K-STEP.png (held-out
views: wanted beside made) and level_K.safetensors, the kept weights, which `ispd model import` takes.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor

from ispd.errors import ConfigError, MachineError
from ispd.isp.color.mix import mix
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.color.transfer import decode
from ispd.isp.stages.levels import levels
from ispd.isp.values import DisplayRGB, Mosaic, Window
from ispd.nets.bayer import pack_bayer
from ispd.nets.checkpoint import Network, build
from ispd.nets.losses import histogram_distance, ms_ssim_loss, rgbuv_histogram
from ispd.nets.train.evaluate import Develop, Entry, code, entries, measured, table
from ispd.nets.train.folder import checkpoint, cut, same_recipe, save_checkpoint, sheet, writing, written
from ispd.nets.train.hdr_unet import CPU, HISTOGRAM_EVERY, HISTOGRAM_SIDE, Teller, crop, means, split
from ispd.nets.train.radiance import Scene
from ispd.nets.train.recipe import LEVELS, Architecture, Terms, terms
from ispd.nets.train.recipe import Recipe as Published
from ispd.nets.train.sensor import Exposed
from ispd.nets.train.target import target

WHITE = 1023.0  # ten bits
SHOWN = 4  # held-out views in a picture of samples
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
class Habits:
    """What does not change the numbers, but for a device's own rounding."""

    device: torch.device = CPU
    line_steps: int = 1  # from line to line
    checkpoint_steps: int = 100  # between checkpoints
    until: int = 1 << 60  # stop after this step, as if killed
    cpu_seconds: float = math.inf  # stop after as much learning


@dataclass(frozen=True)
class Stretch:
    """The steps of one level."""

    level: int
    first: int
    last: int
    histogram_share: float  # of its weight: the distance of N pairs is their mean distance over √N

    def cost(self, done: int) -> float:
        """Of what is left of it after `done` steps of the whole: of a finer level a step has four times the pixels."""
        return max(0, self.last - max(self.first, done)) * 2.0**-self.level


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
    """What the network makes of a shot, as codes in the space in which all are compared; on the device where it is."""
    rec2020_from_srgb = np.linalg.inv(rgb_from_rec2020("srgb"))
    device = next(net.parameters()).device

    def develop(mosaic: Mosaic) -> Tensor:
        with torch.inference_mode():
            made = net(given(mosaic)[None].to(device))[0].cpu()
            return code(DisplayRGB(mix(rec2020_from_srgb, decode(made, "srgb"))))

    return develop


def resized(pictures: Tensor, level: int) -> Tensor:
    """A coarser level's picture, by the published filter."""
    if level == 0:
        return pictures
    side = pictures.shape[-1] >> level
    return F.interpolate(pictures, (side, side), mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)


def batches(scenes: list[Scene], recipe: Recipe, first: int, last: int) -> Iterator[tuple[Tensor, Tensor]]:
    """From step `first` on: the crops that `hdr-unet` has learned from at these steps."""
    for step in range(first, last):
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

    def __init__(self, recipe: Recipe, device: torch.device = CPU) -> None:
        torch.manual_seed(recipe.seed)
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
        self.recipe, self.device, self.step, self.cpu_seconds = recipe, device, 0, 0.0
        self.stretches = stretches(recipe)
        self.net: Network = build(recipe.architecture, self.stretches[0].level).to(device)
        self.adam = torch.optim.Adam(self.net.parameters(), lr=recipe.rate)
        self.kept = {name: value.detach().clone() for name, value in self.net.state_dict().items()}

    def stretch(self) -> Stretch:
        """The one that the next step belongs to."""
        return next((each for each in self.stretches if self.step < each.last), self.stretches[-1])

    def learn(self, mosaics: Tensor, pictures: Tensor) -> dict[str, float]:
        """One step; what there is to say of it.  Raises MachineError where the loss is no number."""
        started, here = time.process_time(), self.stretch()
        if self.step == here.first:  # the next level begins with the weights, and Adam anew, as published
            self.net.level = here.level
            self.adam = torch.optim.Adam(self.net.parameters(), lr=self.recipe.rate)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.bfloat16):
            made = self.net(mosaics.to(self.device)).float()
        real = resized(pictures.to(self.device), here.level)
        published = terms(Published(self.recipe.architecture, Path(), Path(), features=0), here.level)
        weights = replace(published, histogram=published.histogram * here.histogram_share)
        total = loss(made, real, weights, self.step)
        if not math.isfinite(float(total.detach())):
            raise MachineError(
                f"step {self.step}: the loss is {float(total.detach())}; try a lower rate, and `out` another folder"
            )
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
        net: Network = build(self.recipe.architecture, self.net.level).to(self.device)
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
        save_checkpoint(path, state)

    def resume(self, path: Path) -> None:
        """Raises BadModel, ConfigError where the checkpoint is another recipe's."""
        with checkpoint(path) as state:
            same_recipe(path, state.get("recipe"), json.dumps(asdict(self.recipe)))
            self.net.load_state_dict(state["net"])
            self.kept = {name: value.to(self.device) for name, value in state["kept"].items()}
            self.step, self.cpu_seconds = state["step"], state["cpu_seconds"]
            self.adam.load_state_dict(state["adam"])
            self.net.level = self.stretch().level


def run(
    recipe: Recipe, scenes: list[Scene], out: Path, habits: Habits, say: Callable[[str], None] = lambda line: None
) -> Training:
    """From where `out` has it to the end, or until so much time has gone into learning; `say` gets every line.

    Raises NoInput where there is nothing to learn from, ConfigError where steps are too few or a checkpoint is
    another recipe's, BadModel where it is broken, CannotCreate where the disk refuses, MachineError where the loss is
    no number.
    """
    learned, held_out = split(scenes)
    if not stretches(recipe)[-1].cost(0):
        raise ConfigError(f"steps = {recipe.steps} leaves none for the finest level: {recipe.architecture} takes more")
    with writing(out):
        (out / "samples").mkdir(parents=True, exist_ok=True)
        training = Training(recipe, habits.device)
        if (out / "checkpoint.pt").exists():
            training.resume(out / "checkpoint.pt")
        cut(out / "log.jsonl", training.step or -1)
        with (out / "log.jsonl").open("a") as log:
            _learn(training, learned, held_out, out, habits, Teller(log, say))
    return training


def _learn(
    training: Training, scenes: list[Scene], held_out: list[Scene], out: Path, habits: Habits, tell: Teller
) -> None:
    recipe, last = training.recipe, min(training.recipe.steps, habits.until)
    shown = entries(held_out[:SHOWN], seed=0, views=1)
    begun, cost = time.monotonic(), _left(training)
    found: list[dict[str, float]] = []
    for mosaics, pictures in batches(scenes, recipe, training.step, last):
        if training.cpu_seconds > habits.cpu_seconds:
            break
        here = training.stretch()
        found.append(training.learn(mosaics, pictures))
        stops = training.step in (here.last, last) or training.cpu_seconds > habits.cpu_seconds
        if stops or training.step % habits.line_steps == 0:
            left = _left(training)
            pace = {
                "cpu_hours": round(training.cpu_seconds / 3600, 4),
                "seconds_left": round((time.monotonic() - begun) / (cost - left) * left),
            }
            tell({"step": training.step, "level": here.level, **means(found), **pace})
            found = []
        if stops:
            _sample(training, shown, out / "samples" / f"{here.level}-{training.step}.png")
        if training.step == recipe.steps and held_out:
            networks: dict[str, Develop] = {recipe.architecture: developing(training.averaged())}
            tell({"step": training.step, "seconds_left": 0, **table(measured(networks, entries(held_out, seed=0)))})
        if stops or training.step % habits.checkpoint_steps == 0:
            # the checkpoint last: whatever a kill left undone before it is done again
            weights = {name: value.cpu().contiguous() for name, value in training.kept.items()}
            written(out / f"level_{here.level}.safetensors", save(weights))
            tell.sync()
            training.save(out / "checkpoint.pt")


def _left(training: Training) -> float:
    """What is still to be done, in steps of level 0."""
    return sum(each.cost(training.step) for each in training.stretches)


def _sample(training: Training, shown: list[Entry], path: Path) -> None:
    """Wanted beside made, at the size of the level."""
    if shown:
        develop, level = developing(training.averaged()), training.net.level
        sheet(path, [[resized(one.wanted[None], level)[0], develop(one.mosaic)] for one in shown])
