"""The training of the published networks: level by level, coarsest first, each from where the last one ended.

Goes on where it was when killed, to the step: the order of pairs depends on seed, level and epoch alone, and a
checkpoint holds the rest.  The folder `out` has

    log.jsonl              a line every step: losses, seconds left
    checkpoint.pt          all that is needed to go on
    level_K.safetensors    what level K has ended with; `ispd model import` takes it
    samples/K-STEP.png     pairs of the test set: wanted beside made

On a CPU with as many threads the numbers are the same each time; a graphics card adds up some gradients in any order.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TextIO

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save
from torch import Tensor

from ispd.errors import BadModel, ConfigError, MachineError
from ispd.nets.checkpoint import Network, build
from ispd.nets.losses import histogram_distance, ms_ssim_loss, rgbuv_histogram
from ispd.nets.train.folder import checkpoint, cut, same_recipe, save_checkpoint, sheet, writing, written
from ispd.nets.train.pairs import Pair, find_pairs, load_pair
from ispd.nets.train.recipe import FOLDERS, LEVELS, Recipe, Terms, problems, terms
from ispd.nets.vgg import Vgg19Features, vgg19_features, vgg_loss

AHEAD = 3  # batches that are read while others are learned from
SMOOTH = {"raw-to-tonemapped-hdr": Image.Resampling.BICUBIC, "pynet": Image.Resampling.BILINEAR}
NUMBERS = ("architecture", "level", "rate", "mse", "features", "precision", "seed")  # keys that decide the numbers

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Stretch:
    """One level's part of the training, in steps of the whole."""

    level: int
    batch: int
    first: int
    steps_an_epoch: int
    last: int


def train(recipe: Recipe, device: torch.device, say: Callable[[str], None], until: int = 1 << 60) -> int:
    """From where `recipe.out` has it to the end, or to step `until`; how many steps have been made in all.

    Raises ConfigError, NoInput where the data set is wrong, BadModel where VGG's weights or a checkpoint do not fit,
    CannotCreate where the disk refuses, MachineError where the loss is no number any more.
    """
    if found := problems(recipe):
        raise ConfigError(*found)
    pairs = find_pairs(recipe.data / "train", FOLDERS[recipe.architecture], *sides(recipe.architecture))
    stretches = stretches_of(recipe, len(pairs))
    shown = _shown(recipe)
    with writing(recipe.out):
        (recipe.out / "samples").mkdir(parents=True, exist_ok=True)
        training = Training(recipe, device, stretches)
        training.resume()
        with (recipe.out / "log.jsonl").open("a") as log:
            return _run(training, pairs, shown, log, say, until)


def stretches_of(recipe: Recipe, pairs: int) -> list[Stretch]:
    """Raises ConfigError where a batch wants more pairs than there are."""
    found: list[Stretch] = []
    first = 0
    for each in recipe.level or LEVELS[recipe.architecture]:
        epoch = pairs // each.batch  # what is left over is dropped, as published
        if epoch == 0:
            raise ConfigError(
                f"level {each.level}: a batch of {each.batch} is more than the {pairs} pairs that there are"
            )
        found.append(Stretch(each.level, each.batch, first, epoch, first + epoch * each.epochs))
        first = found[-1].last
    return found


def _run(
    training: Training, pairs: list[Pair], shown: list[Pair], log: TextIO, say: Callable[[str], None], until: int
) -> int:
    recipe = training.recipe
    last = min(training.stretches[-1].last, until)
    begun, first = time.monotonic(), training.step
    for given, wanted in _batches(training, pairs, last):
        stretch = training.stretch
        losses = training.learn(given, wanted)
        each = (time.monotonic() - begun) / (training.step - first)
        left = sum(_cost(s) * max(0, s.last - max(s.first, training.step)) for s in training.stretches)
        line = {
            "step": training.step,
            "level": stretch.level,
            "epoch": (training.step - 1 - stretch.first) // stretch.steps_an_epoch,
            **{name: round(value, 6) for name, value in losses.items()},
            "pairs_per_second": round(stretch.batch / each, 3),
            "seconds_left": round(each * left / _cost(stretch)),
        }
        print(json.dumps(line), file=log, flush=True)
        say(json.dumps(line))
        ends = training.step == stretch.last
        if ends or training.step == last or training.step % recipe.checkpoint_steps == 0:
            os.fsync(log.fileno())
            training.sample(shown, stretch.level)
            if ends:
                training.keep(stretch.level)
            training.save()
    return training.step


def _cost(stretch: Stretch) -> float:
    """How long a step of a level takes beside others: finer levels have four times the pixels and most of the work."""
    return stretch.batch * 2.0**-stretch.level


class Training:
    """The network, what it has come from, and how far it is."""

    def __init__(self, recipe: Recipe, device: torch.device, stretches: list[Stretch]) -> None:
        self.recipe, self.device, self.stretches, self.step = recipe, device, stretches, 0
        torch.manual_seed(recipe.seed)
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
        self.net: Network = build(recipe.architecture, self.stretch.level).to(device)
        self.adam = torch.optim.Adam(self.net.parameters(), lr=recipe.rate)
        self.vgg = _vgg(recipe, device) if any(terms(recipe, each.level).features for each in stretches) else None

    @property
    def stretch(self) -> Stretch:
        """The one that the next step belongs to; after the end the last one."""
        return next((each for each in self.stretches if self.step < each.last), self.stretches[-1])

    def learn(self, given: Tensor, wanted: Tensor) -> dict[str, float]:
        """One step; its losses by name.  Raises MachineError where they are no number."""
        stretch = self.stretch
        if self.step == stretch.first and self.step:  # the next level begins with the weights, and Adam anew
            self.net.level = stretch.level
            self.adam = torch.optim.Adam(self.net.parameters(), lr=self.recipe.rate)
        with self._precision():
            made = self.net(given.to(self.device))
        losses = measured(made.float(), wanted.to(self.device), terms(self.recipe, stretch.level), self.vgg)
        total = losses["loss"]
        if not math.isfinite(float(total.detach())):
            raise MachineError(
                f"step {self.step}: the loss is {float(total.detach())}; try a lower rate, and `out` another folder"
            )
        self.adam.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        self.adam.step()
        self.step += 1
        return {name: float(value.detach()) for name, value in losses.items()}

    def sample(self, shown: list[Pair], level: int) -> None:
        """Pictures of some pairs: wanted on the left, made on the right."""
        if not shown:
            return
        rows = []
        for pair in shown:
            given, wanted = load_pair(pair, level, SMOOTH[self.recipe.architecture])
            with torch.inference_mode(), self._precision():
                made = self.net(given[None].to(self.device))[0].float().cpu()
            rows.append([wanted, made])
        sheet(self.recipe.out / "samples" / f"{level}-{self.step}.png", rows)

    def keep(self, level: int) -> None:
        """A level's weights under their published names."""
        state = {name: value.detach().cpu().contiguous() for name, value in self.net.state_dict().items()}
        written(self.recipe.out / f"level_{level}.safetensors", save(state))

    def save(self) -> None:
        """All or nothing: a kill in the midst leaves the last one."""
        state = {
            "numbers": _numbers(self.recipe),
            "step": self.step,
            "net": self.net.state_dict(),
            "adam": self.adam.state_dict(),
        }
        save_checkpoint(self.recipe.out / "checkpoint.pt", state)

    def resume(self) -> None:
        """From the checkpoint, if there is one.  Raises BadModel, ConfigError where it is another recipe's."""
        path = self.recipe.out / "checkpoint.pt"
        if path.exists():
            with checkpoint(path) as state:
                same_recipe(path, state.get("numbers"), _numbers(self.recipe))
                self.net.load_state_dict(state["net"])
                self.adam.load_state_dict(state["adam"])
                self.step = int(state["step"])
            self.net.level = self.stretch.level
        cut(self.recipe.out / "log.jsonl", self.step)

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.precision == "mixed")


def measured(made: Tensor, wanted: Tensor, weights: Terms, vgg: Vgg19Features | None) -> dict[str, Tensor]:
    """Every loss that has a weight, and "loss": their weighted sum."""
    losses = {"mse": F.mse_loss(made, wanted)}
    total = weights.mse * losses["mse"]
    if weights.features and vgg is not None:
        losses["features"] = vgg_loss(vgg, made, wanted)
        total = total + weights.features * losses["features"]
    if weights.structure:
        losses["structure"] = ms_ssim_loss(made, wanted)
        total = total + weights.structure * losses["structure"]
    if weights.histogram:
        losses["histogram"] = histogram_distance(rgbuv_histogram(wanted), rgbuv_histogram(made))
        total = total + weights.histogram * losses["histogram"]
    return {"loss": total, **losses}


def _batches(training: Training, pairs: list[Pair], last: int) -> Iterator[Batch]:
    """From the training's step on, read ahead by a thread each."""
    smooth = SMOOTH[training.recipe.architecture]
    orders: dict[tuple[int, int], list[int]] = {}

    def batch(step: int) -> Batch:
        stretch = next(each for each in training.stretches if step < each.last)
        epoch, place = divmod(step - stretch.first, stretch.steps_an_epoch)
        key = (stretch.level, epoch)
        if key not in orders:
            seeds = (training.recipe.seed, *key)
            orders[key] = np.random.default_rng(seeds).permutation(len(pairs)).tolist()
        mine = orders[key][place * stretch.batch : (place + 1) * stretch.batch]
        loaded = [load_pair(pairs[number], stretch.level, smooth) for number in mine]
        return torch.stack([given for given, _ in loaded]), torch.stack([wanted for _, wanted in loaded])

    with ThreadPoolExecutor(AHEAD) as pool:
        coming: deque[Future[Batch]] = deque()
        for step in range(training.step, last):
            while len(coming) < AHEAD and step + len(coming) < last:
                coming.append(pool.submit(batch, step + len(coming)))
            yield coming.popleft().result()


def sides(architecture: str) -> tuple[int, int]:
    """What the sides of a mosaic must be a multiple of, and how long they must be."""
    with torch.device("meta"):
        network = build(architecture, 0)
    return 2 * network.MULTIPLE, 2 * network.SMALLEST


def _shown(recipe: Recipe) -> list[Pair]:
    """Of the test set, if there is one."""
    test, folders = recipe.data / "test", FOLDERS[recipe.architecture]
    if recipe.samples == 0 or not (test / folders[0]).is_dir():
        return []
    return find_pairs(test, folders, *sides(recipe.architecture))[: recipe.samples]


def _vgg(recipe: Recipe, device: torch.device) -> Vgg19Features:
    assert recipe.vgg is not None  # or `problems` would have said so
    try:
        state = torch.load(recipe.vgg, weights_only=True, map_location="cpu")
    except OSError as error:
        raise BadModel(f"vgg = {recipe.vgg} cannot be read: {error.strerror}") from error
    except Exception as error:  # torch has no error of its own for what a file may be
        raise BadModel(f"vgg = {recipe.vgg} is no checkpoint that holds tensors alone") from error
    return vgg19_features(state).to(device)


def _numbers(recipe: Recipe) -> str:
    said = asdict(recipe)
    return json.dumps({key: said[key] for key in NUMBERS})
