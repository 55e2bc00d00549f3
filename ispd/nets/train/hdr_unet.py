"""python -m ispd.nets.train.hdr_unet --maps DIR --photos DIR -o DIR: the training of `hdr-unet`.

Goes on where it was when killed, to the step: all that chance decides depends on the seed and the step alone, and a
checkpoint holds the rest.  `-o` has:

    log.jsonl        a line every few steps: loss, decibels, seconds left; and what each measurement has found
    checkpoint.pt    all that is needed to go on
    weights.safetensors    the mean of the last steps' weights: what is shipped
    samples/N.png    held-out views: wanted, rival, network

The loss is the mean *logarithm* of a crop's squared error, as PSNR is, in display codes: with plain squares the noisy
crops alone would decide.  To it come MS-SSIM, the distance of RGB-uv histograms, and a little of the error before
tones, by which light that the curve has cut still learns.  On one thread the numbers are the same each time.
"""

from __future__ import annotations

import json
import math
import sys
import time
from argparse import ArgumentParser
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, TextIO

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ispd.errors import IspdError
from ispd.isp.values import Shot
from ispd.nets.hdr_look import gain
from ispd.nets.hdr_unet import BLOCKS, WIDTHS, HdrUNet, Seen, compressed, knee, packed
from ispd.nets.losses import histogram_distance, ms_ssim_loss, rgbuv_histogram
from ispd.nets.train.evaluate import (
    EDGE,
    Develop,
    Entry,
    code,
    developing,
    entries,
    measured,
    rendered,
    shot_seen,
    table,
)
from ispd.nets.train.published import cut, written
from ispd.nets.train.radiance import Scene, maps, photographs, view
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


@dataclass(frozen=True)
class Recipe:
    """What decides the numbers."""

    steps: int = 100_000
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
    bfloat16: bool = False
    seed: int = 1


@dataclass(frozen=True)
class Habits:
    """What does not change the numbers."""

    workers: int = 0  # threads that simulate ahead
    told: int = 20  # steps from line to line
    measured: int = 1000  # steps between measurements and checkpoints
    until: int = 10**9  # stop after this step, as if killed


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

    def __init__(self, recipe: Recipe) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.step = recipe, 0
        self.net = HdrUNet(recipe.widths, recipe.blocks).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.kept = {name: value.detach().clone() for name, value in self.net.state_dict().items()}
        kernels = list(self.net.kernels.parameters())
        others = [value for name, value in self.net.named_parameters() if not name.startswith("kernels")]
        groups = [{"params": others, "share": 1.0}, {"params": kernels, "share": recipe.learned_rate}]
        self.adam = torch.optim.Adam(groups, betas=(0.9, 0.99))
        self.cpu_seconds = 0.0

    def learn(self, lessons: list[Lesson]) -> dict[str, float]:
        """One step; what there is to say of it."""
        recipe = self.recipe
        started = time.process_time()
        for group in self.adam.param_groups:
            group["lr"] = recipe.rate * group["share"] * _pace(self.step, recipe)
        mosaic = torch.cat([one.seen.mosaic for one in lessons]).contiguous(memory_format=torch.channels_last)
        told = torch.cat([one.seen.told for one in lessons]).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16):
            light = self.net(mosaic, told)
        made = torch.stack([code(rendered(x, one.shot)) for x, one in zip(light, lessons, strict=True)])
        wanted = torch.stack([one.wanted for one in lessons])
        made, wanted, light, true = (
            x[:, :, EDGE:-EDGE, EDGE:-EDGE] for x in (made, wanted, light, torch.stack([one.light for one in lessons]))
        )
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
        return net.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload, no-any-return]

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
        buffer = BytesIO()
        torch.save(state, buffer)
        written(path, buffer.getvalue())

    def resume(self, path: Path) -> None:
        """Raises IspdError where the checkpoint is another recipe's; a longer or shorter one's is the same."""
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        if json.loads(state["recipe"]) | {"steps": 0} != json.loads(json.dumps(asdict(self.recipe))) | {"steps": 0}:
            raise IspdError(f"{path} belongs to another training: {state['recipe']}. Give -o another folder.")
        self.net.load_state_dict(state["net"])
        self.kept = state["kept"]
        self.adam.load_state_dict(state["adam"])
        self.step, self.cpu_seconds = state["step"], state["cpu_seconds"]


def _pace(step: int, recipe: Recipe) -> float:
    """Up in a line, level, down in a line: so where the end lies need not be known until the rate falls."""
    return min(1.0, (step + 1) / recipe.warming, (1 - step / recipe.steps) / recipe.falling)


def main() -> None:
    """Learn until the last step, telling how far it is."""
    parser = ArgumentParser(prog="python -m ispd.nets.train.hdr_unet", description=__doc__.splitlines()[0])
    parser.add_argument("--maps", type=Path, required=True, help="a folder of .hdr")
    parser.add_argument("--photos", type=Path, required=True, help="a folder of clean sRGB photographs")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--batch", type=int, default=Recipe.batch)
    parser.add_argument("--rate", type=float, default=Recipe.rate)
    parser.add_argument("--histogram", type=float, default=Recipe.histogram, help="weight; 0 for the ablation")
    parser.add_argument("--bfloat16", action="store_true", help="layers in bfloat16, sums in float32")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=Habits.workers, help="threads that simulate ahead")
    parser.add_argument("--told", type=int, default=Habits.told, help="steps from line to line")
    parser.add_argument(
        "--measured", type=int, default=Habits.measured, help="steps between measurements and checkpoints"
    )
    parser.add_argument("--until", type=int, help="stop after this step, as if killed")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    names = ("steps", "batch", "rate", "histogram", "bfloat16", "seed")
    recipe = replace(Recipe(), **{name: getattr(args, name) for name in names})
    habits = Habits(args.workers, args.told, args.measured, args.until or recipe.steps)
    run(recipe, [*maps(args.maps), *photographs(args.photos)], args.out, habits)


def run(recipe: Recipe, scenes: list[Scene], out: Path, habits: Habits) -> Training:
    """The whole training, from where `out` has it."""
    (out / "samples").mkdir(parents=True, exist_ok=True)
    held_out = {*SIMULATION.scenes.held_out_maps, *SIMULATION.scenes.held_out_photos}
    learned = [scene for scene in scenes if scene.name not in held_out]
    shown = entries([scene for scene in scenes if scene.name in held_out], seed=0)
    training = Training(recipe)
    checkpoint, log = out / "checkpoint.pt", out / "log.jsonl"
    if checkpoint.exists():
        training.resume(checkpoint)
    cut(log, training.step)
    last = min(recipe.steps, habits.until)
    begun, first = time.monotonic(), training.step
    sums: dict[str, float] = {}
    with log.open("a") as lines:
        for lessons in batches(learned, recipe, first, last, habits.workers):
            if training.step == 0:
                _tell(lines, {"step": 0, "cpu_hours": 0.0, **_measured(training, shown, out)})
            for name, value in training.learn(lessons).items():
                sums[name] = sums.get(name, 0.0) + value
            if training.step % habits.told == 0:
                each = (time.monotonic() - begun) / (training.step - first)
                means = {name: round(value / habits.told, 4) for name, value in sums.items()}
                pace = {
                    "crops_per_second": round(recipe.batch / each, 2),
                    "seconds_left": round(each * (recipe.steps - training.step)),
                }
                _tell(lines, {"step": training.step, **means, **pace})
                sums = {}
            if training.step % habits.measured == 0 or training.step == last:
                training.save(checkpoint)
                hours = round(training.cpu_seconds / 3600, 4)
                _tell(lines, {"step": training.step, "cpu_hours": hours, **_measured(training, shown, out)})
    return training


def _tell(lines: TextIO, line: dict[str, Any]) -> None:
    text = json.dumps(line)
    print(text, file=lines, flush=True)
    print(text, file=sys.stderr, flush=True)


def _measured(training: Training, shown: list[Entry], out: Path) -> dict[str, Any]:
    """What the kept weights do on the held-out views; weights and pictures are written."""
    written(out / "weights.safetensors", packed(training.kept))
    if not shown:
        return {}
    develop = developing(training.averaged())
    _picture(develop, shown, out / "samples" / f"{training.step}.png")
    return table(measured({"hdr-unet": develop}, shown))


def _picture(develop: Develop, shown: list[Entry], path: Path) -> None:
    """Some of the held-out views: wanted, rival, network, side by side."""
    rows = []
    for entry in shown[:: max(1, len(shown) // 8)]:
        rows.append(torch.cat((entry.wanted, entry.rival, develop(entry.mosaic)), dim=2))
    sheet = (torch.cat(rows, dim=1).clamp(0, 1) * 255).round().to(torch.uint8)
    Image.fromarray(sheet.permute(1, 2, 0).contiguous().numpy()).save(path)


if __name__ == "__main__":
    main()
