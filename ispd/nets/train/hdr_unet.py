"""The training of `hdr-unet`: `ispd model train CONFIG.toml`, with the file's keys in `recipe.py`.

Goes on where it was when killed, to the step: all that chance decides depends on the seed and the step alone, and a
checkpoint holds the rest.  The folder `out` has

    log.jsonl        a line a step: loss, decibels, seconds left; and what each measurement has found
    checkpoint.pt    all that is needed to go on
    weights.safetensors    the mean of the last steps' weights: what is shipped
    samples/N.png    held-out views: wanted, rival, network

The loss is the mean *logarithm* of a crop's squared error, as PSNR is, in display codes: with plain squares the noisy
crops alone would decide.  To it come MS-SSIM, the distance of RGB-uv histograms, and a little of the error before
tones, by which light that the curve has cut still learns.  On a CPU with as many threads the numbers are the same each
time; a graphics card adds up some gradients in any order.
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
from pathlib import Path
from typing import Any, TextIO

import torch
import torch.nn.functional as F
from torch import Tensor

from ispd.errors import MachineError, NoInput
from ispd.isp.values import Shot
from ispd.nets.hdr_look import gain
from ispd.nets.hdr_unet import BLOCKS, WIDTHS, HdrUNet, Seen, compressed, knee, packed
from ispd.nets.losses import histogram_distance, ms_ssim_loss, rgbuv_histogram
from ispd.nets.train.evaluate import (
    EDGE,
    Entry,
    code,
    developing,
    entries,
    measured,
    rendered,
    shot_seen,
    table,
)
from ispd.nets.train.folder import checkpoint, cut, same_recipe, save_checkpoint, sheet, writing, written
from ispd.nets.train.radiance import Scene, view
from ispd.nets.train.sensor import Exposed, expose
from ispd.nets.train.simulation import SIMULATION, Chance
from ispd.nets.train.target import SIMULATED, target

STEEPEST = 0.5  # of a step's gradient: a lamp's edge has many times what noise has, which is to be learned too
NOT_SEEN = (0.5 / 255) ** 2  # squared error that rounding makes: below it a crop has nothing left to teach
BRIGHTEST = 16.0  # of exposed light: what is brighter looks the same
HISTOGRAM_SIDE, HISTOGRAM_EVERY = (
    48,
    4,
)  # pixels and steps: whole and always, histograms would take nine tenths of the time
AHEAD = 4  # batches that are simulated while others are learned from
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Recipe:
    """What decides the numbers; as it stands, the shipped weights'."""

    steps: int = 16_000
    batch: int = 4
    rate: float = 2e-3  # Adam's, at its highest
    learned_rate: float = 0.02  # of it: for the kernels that know how to demosaic already
    warming: int = 200
    falling: float = 0.2  # of the steps, the last ones, while the rate falls to nothing
    averaged: int = 1000  # steps that the kept weights average
    similarity: float = 0.5  # weight of 1 - MS-SSIM
    histogram: float = 0.05  # weight of the distance of histograms
    light: float = 0.3  # weight of the error before tones
    widths: tuple[int, ...] = WIDTHS
    blocks: tuple[int, ...] = BLOCKS
    bfloat16: bool = True  # layers; statistics and losses are float32
    seed: int = 1


@dataclass(frozen=True)
class Habits:
    """What does not change the numbers, but for a device's own rounding."""

    device: torch.device = CPU
    workers: int = 0  # threads that simulate ahead
    line_steps: int = 1  # from line to line
    checkpoint_steps: int = 1000  # between measurements and checkpoints
    until: int = 1 << 60  # stop after this step, as if killed


@dataclass(frozen=True)
class Lesson:
    """One crop."""

    seen: Seen
    shot: Shot
    light: Tensor  # (3, H, W) compressed camera color that is wanted, up to …
    brightest: float
    wanted: Tensor  # (3, H, W) display codes


def crop(scenes: list[Scene], seeds: tuple[int, ...]) -> Exposed:
    """The shot that belongs to the seeds."""
    chance = Chance(*seeds)
    photos = [scene for scene in scenes if scene.is_photograph]
    others = [scene for scene in scenes if not scene.is_photograph]
    group = photos if photos and (not others or chance.happens(SIMULATION.views.photos)) else others
    return expose(view(group[chance.index(len(group))], SIMULATION.views.side, chance), chance)


def lesson(exposed: Exposed) -> Lesson:
    """What there is to learn from a shot."""
    shot = exposed.mosaic.shot
    factor = gain(shot, SIMULATED)
    light = compressed((exposed.truth * factor).clamp(max=BRIGHTEST), bend := knee(shot, factor))
    brightest = float(compressed(torch.tensor(BRIGHTEST), bend))
    return Lesson(shot_seen(exposed.mosaic), shot, light, brightest, code(target(exposed)))


def batches(scenes: list[Scene], recipe: Recipe, first: int, last: int, workers: int) -> Iterator[list[Lesson]]:
    """From step `first` on, simulated ahead by threads: each is the same whoever makes it, and when."""

    def batch(step: int) -> list[Lesson]:
        with torch.inference_mode():
            return [lesson(crop(scenes, (recipe.seed, step, number))) for number in range(recipe.batch)]

    if workers == 0:
        yield from map(batch, range(first, last))
        return
    with ThreadPoolExecutor(workers) as pool:
        coming: deque[Future[list[Lesson]]] = deque()
        for step in range(first, last):
            while len(coming) < AHEAD and step + len(coming) < last:
                coming.append(pool.submit(batch, step + len(coming)))
            yield coming.popleft().result()


class Training:
    """The network, what it has come from, and how far it is."""

    def __init__(self, recipe: Recipe, device: torch.device = CPU) -> None:
        torch.manual_seed(recipe.seed)
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
        self.recipe, self.device, self.step = recipe, device, 0
        self.net = self._placed(HdrUNet(recipe.widths, recipe.blocks))
        self.kept = {name: value.detach().clone() for name, value in self.net.state_dict().items()}
        kernels = list(self.net.kernels.parameters())
        others = [value for name, value in self.net.named_parameters() if not name.startswith("kernels")]
        groups = [{"params": others, "share": 1.0}, {"params": kernels, "share": recipe.learned_rate}]
        self.adam = torch.optim.Adam(groups, betas=(0.9, 0.99))
        self.cpu_seconds = 0.0

    def learn(self, lessons: list[Lesson]) -> dict[str, float]:
        """One step; what there is to say of it.  Raises MachineError where the network answers with no numbers."""
        recipe = self.recipe
        started = time.process_time()
        for group in self.adam.param_groups:
            group["lr"] = recipe.rate * group["share"] * _pace(self.step, recipe)
        mosaic, told = (
            torch.cat(planes).to(self.device).contiguous(memory_format=torch.channels_last)
            for planes in zip(*(one.seen for one in lessons), strict=True)
        )
        with torch.autocast(self.device.type, torch.bfloat16, enabled=recipe.bfloat16):
            light = self.net(mosaic, told)
        if not bool(light.isfinite().all()):
            raise MachineError(
                f"step {self.step}: the network's answers are no numbers; try a lower rate, and `out` another folder"
            )
        made = torch.stack([code(rendered(x, one.shot)) for x, one in zip(light, lessons, strict=True)])
        wanted = torch.stack([one.wanted for one in lessons]).to(self.device)
        true = torch.stack([one.light for one in lessons]).to(self.device)
        made, wanted, light, true = (x[:, :, EDGE:-EDGE, EDGE:-EDGE] for x in (made, wanted, light, true))
        brightest = light.new_tensor([one.brightest for one in lessons])[:, None, None, None]
        squares = (made - wanted).square().mean(dim=(1, 2, 3))
        loss = (squares + NOT_SEEN).log().mean() / 2
        loss = loss + recipe.light * (torch.minimum(light, brightest) - true).abs().mean()
        if recipe.similarity:
            loss = loss + recipe.similarity * ms_ssim_loss(made, wanted)
        if recipe.histogram and self.step % HISTOGRAM_EVERY == 0:
            histograms = (rgbuv_histogram(F.adaptive_avg_pool2d(x, HISTOGRAM_SIDE)) for x in (made, wanted))
            loss = loss + recipe.histogram * HISTOGRAM_EVERY * histogram_distance(*histograms)
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        norms = [torch.nn.utils.clip_grad_norm_(group["params"], STEEPEST) for group in self.adam.param_groups]
        norm = float(norms[0] + norms[1])
        if math.isfinite(norm):  # a crop that gives no number teaches nothing
            self.adam.step()
        self.step += 1
        share = max(1 / recipe.averaged, 1 / (self.step + 1))
        for name, value in self.net.state_dict().items():
            self.kept[name].lerp_(value, share)
        self.cpu_seconds += time.process_time() - started
        return {
            "loss": float(loss.detach()),
            "psnr": float(-10 * squares.detach().log10().mean()),
            "gradient": float(norms[0]),
        }

    def averaged(self) -> HdrUNet:
        """The network with the mean of its last steps' weights."""
        net = HdrUNet(self.recipe.widths, self.recipe.blocks)
        net.load_state_dict(self.kept)
        return self._placed(net).eval()

    def _placed(self, net: HdrUNet) -> HdrUNet:
        return net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def save(self, path: Path) -> None:
        """All or nothing: a kill in the midst leaves the last one."""
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
        """Raises BadModel, ConfigError where the checkpoint is another recipe's; a longer one's is the same."""
        with checkpoint(path) as state:
            same_recipe(path, _but_steps(state.get("recipe")), _but_steps(json.dumps(asdict(self.recipe))))
            self.net.load_state_dict(state["net"])
            self.kept = {name: value.to(self.device) for name, value in state["kept"].items()}
            self.adam.load_state_dict(state["adam"])
            self.step, self.cpu_seconds = state["step"], state["cpu_seconds"]


def _but_steps(recipe: str | None) -> str:
    return json.dumps({key: value for key, value in json.loads(recipe or "{}").items() if key != "steps"})


def _pace(step: int, recipe: Recipe) -> float:
    """Up in a line, level, down in a line: so where the end lies need not be known until the rate falls."""
    return min(1.0, (step + 1) / recipe.warming, (1 - step / recipe.steps) / recipe.falling)


def run(
    recipe: Recipe, scenes: list[Scene], out: Path, habits: Habits, say: Callable[[str], None] = lambda line: None
) -> Training:
    """The whole training, from where `out` has it; `say` gets every line.

    Raises NoInput where there is nothing to learn from, BadModel, ConfigError where a checkpoint does not fit,
    CannotCreate where the disk refuses, MachineError where the network is lost.
    """
    learned, held_out = split(scenes)
    with writing(out):
        (out / "samples").mkdir(parents=True, exist_ok=True)
        training = Training(recipe, habits.device)
        if (out / "checkpoint.pt").exists():
            training.resume(out / "checkpoint.pt")
        cut(out / "log.jsonl", training.step or -1)  # of none at all: the first measurement is made again, too
        with (out / "log.jsonl").open("a") as log:
            _learn(training, learned, entries(held_out, seed=0), out, habits, Teller(log, say))
    return training


def split(scenes: list[Scene]) -> tuple[list[Scene], list[Scene]]:
    """Those that are learned from, and those that are held out.  Raises NoInput where the former are none."""
    names = {*SIMULATION.scenes.held_out_maps, *SIMULATION.scenes.held_out_photos}
    learned = [scene for scene in scenes if scene.name not in names]
    if not learned:
        raise NoInput("simulation.toml holds out every scene that was given: there is nothing to learn from")
    return learned, [scene for scene in scenes if scene.name in names]


@dataclass(frozen=True)
class Teller:
    """Lines of JSON, for the log and for who looks on."""

    log: TextIO
    say: Callable[[str], None]

    def __call__(self, line: dict[str, Any]) -> None:
        text = json.dumps({key: _finite(value) for key, value in line.items()})
        print(text, file=self.log, flush=True)
        self.say(text)

    def sync(self) -> None:
        """What was said is on the disk: a checkpoint may follow."""
        os.fsync(self.log.fileno())


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def means(found: list[dict[str, float]]) -> dict[str, float]:
    """Of what each of several steps has said."""
    return {name: round(sum(one[name] for one in found) / len(found), 4) for name in found[0]}


def _learn(
    training: Training, scenes: list[Scene], shown: list[Entry], out: Path, habits: Habits, tell: Teller
) -> None:
    recipe, last = training.recipe, min(training.recipe.steps, habits.until)
    begun, first = time.monotonic(), training.step
    found: list[dict[str, float]] = []
    for lessons in batches(scenes, recipe, first, last, habits.workers):
        if training.step == 0:
            tell({"step": 0, "cpu_hours": 0.0, "seconds_left": None, **_measured(training, shown, out)})
        found.append(training.learn(lessons))
        each = (time.monotonic() - begun) / (training.step - first)
        left = round(each * (recipe.steps - training.step))
        if training.step % habits.line_steps == 0:
            pace = {"crops_per_second": round(recipe.batch / each, 2), "seconds_left": left}
            tell({"step": training.step, **means(found), **pace})
            found = []
        if training.step % habits.checkpoint_steps == 0 or training.step == last:
            # the checkpoint last: whatever a kill left undone before it is done again
            hours = round(training.cpu_seconds / 3600, 4)
            tell({"step": training.step, "cpu_hours": hours, "seconds_left": left, **_measured(training, shown, out)})
            tell.sync()
            training.save(out / "checkpoint.pt")


def _measured(training: Training, shown: list[Entry], out: Path) -> dict[str, Any]:
    """What the kept weights do on the held-out views; weights and pictures are written."""
    written(out / "weights.safetensors", packed(training.kept))
    if not shown:
        return {}
    develop = developing(training.averaged())
    few = shown[:: max(1, len(shown) // 8)]
    sheet(out / "samples" / f"{training.step}.png", [[one.wanted, one.rival, develop(one.mosaic)] for one in few])
    return table(measured({"hdr-unet": develop}, shown))
