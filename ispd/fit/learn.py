"""Learn: samples become a look, with the proof of how well it holds on photos it has not seen.

    corrections   are the file's own shading maps in the reference?  both ways are tried, before any shading learns
    choose        families by leave-photos-out: fits of few cells, each fold from its own start
    fit           the chosen family on all photos and many cells, polished through the stages that render
    certificate   from the folds' fits alone, finished as the last one is, and of what photos it was learned

Deterministic by seed.  Raises PhotoError where the samples say nothing.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from ispd.errors import PhotoError
from ispd.fit import cube, descend, model, newton
from ispd.fit.cells import Cells, draw, every, together
from ispd.fit.coarse import coarse
from ispd.fit.families import LATTICES, Family, grow
from ispd.fit.loss import Target, shown_encoded
from ispd.fit.model import Frame, Values
from ispd.fit.sample import Sample
from ispd.fit.select import USUAL, Trial, Verdict, choose, differences, doubt_of, preferred, verdict
from ispd.fit.settle import settled
from ispd.fit.split import Split, scenes, split
from ispd.fit.workers import side_by_side
from ispd.isp.factors import warmth
from ispd.isp.look import Camera, Look

MOST = 40  # photos: more teach little more, and each costs time
OWN_CAMERA = 4  # photos of a model, from which on it has a camera part, and shading, of its own
SLOPE_PHOTOS, SLOPE_SPAN = 4, 2.0  # EV
KEY_SPAN = 0.5  # stops
WARMTH_SPAN = 0.3  # stops of red over blue: with less between them, lights are one
CHOOSE_CELLS, FIT_CELLS = 18_000, 60_000  # all photos together …
CHOOSE_EACH, FIT_EACH = (800, 4000), (2000, 12_000)  # … and each, at least and at most
JUDGE_EACH = 4000
SHADING_GAIN = 0.05  # ΔE that leaving out the file's shading maps must gain
ROUNDS, POLISH = 2, 6


@dataclass(frozen=True)
class Held:
    """A photo as a fit renders it that has not seen it (or, by blocks, not this quarter of it)."""

    sample: Sample
    look: Look
    mean: float  # ΔE2000 over its cells
    median: float
    p95: float
    psnr: float
    part: Sample | None = None  # as it was held out: by blocks only a quarter of its cells counts


@dataclass(frozen=True)
class Learned:
    """A look in plain numbers, and what is known of it."""

    look: Look  # with the camera part of the one model, or of those that share one
    bodies: tuple[tuple[str, Camera], ...]  # of several models each its own
    family: Family
    table: tuple[Verdict, ...]
    by: Literal["photos", "blocks"]  # what was held out
    held: tuple[Held, ...]
    samples: tuple[Sample, ...]  # that it was learned from
    seed: int

    def mean(self, figure: str) -> float:
        """A figure of `Held`, over photos."""
        total: float = sum(getattr(held, figure) for held in self.held)
        return total / len(self.held)

    @property
    def worst(self) -> float:
        return max(held.mean for held in self.held)


def learn(samples: Sequence[Sample], seed: int, workers: int, device: str, said: Callable[[str], None]) -> Learned:
    """What `samples` teach, fitted on that device.  `said` is told of every step, as a line for people."""
    return _alone(_learn, samples, seed, workers, device, said)


def learn_grade(
    samples: Sequence[Sample], seed: int, workers: int, device: str, said: Callable[[str], None]
) -> Learned:
    """The same for a network's pictures (`ispd.fit.grade`): only a lattice learns."""
    return _alone(_learn_grade, samples, seed, workers, device, said)


def _alone(
    way: Callable[[tuple[Sample, ...], int, int, str, Callable[[str], None]], Learned],
    samples: Sequence[Sample],
    seed: int,
    workers: int,
    device: str,
    said: Callable[[str], None],
) -> Learned:
    if not samples:
        raise PhotoError("no pair of raw and finished picture is left to learn from")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # folds run side by side: threads inside of each operation would wait for each other
    try:
        workers = workers if device == "cpu" else 1  # a graphics card does one thing at a time
        return way(_some(samples, seed), seed, workers, device, said)
    except model.NotANumber as error:
        raise PhotoError(f"{error}: a stage made values of it that are no numbers; leave this pair out") from error
    finally:
        torch.set_num_threads(threads)


def _learn(samples: tuple[Sample, ...], seed: int, workers: int, device: str, said: Callable[[str], None]) -> Learned:
    bodies = _bodies(samples)
    samples = _corrected(samples, bodies, seed, workers, device, said)
    whole = {sample.raw_path: sample for sample in samples}
    samples = tuple(map(coarse, samples))
    parts = split(samples, seed)
    trials = trials_of(parts, bodies, seed, device)
    said(f"choosing: {len(trials)} folds by {parts.by}")

    def heard(verdict: Verdict) -> None:
        said(f"{verdict.family}: {verdict.mean:.2f}")

    doubt = doubt_of(parts, len(samples))
    frame = frame_of(samples, bodies)
    family, table = choose(trials, _extras(samples, parts, frame), doubt, workers, heard)
    said(f"fitting {family} to {len(samples)} photos")
    with side_by_side(workers) as pool:
        fit = pool.submit(_fit, family, samples, frame, seed, device)  # first: it takes longest
        held = tuple(_held(trials, family, whole, device, pool))
        values = fit.result()
    looks = [settled(model.look(values, frame, body)) for body in range(len(bodies))]
    alone = len(bodies) - 1 if "" in bodies else 0
    return Learned(
        look=looks[alone] if len(bodies) == 1 or "" in bodies else replace(looks[0], camera=Camera()),
        bodies=tuple((name, looks[at].camera) for at, name in enumerate(bodies) if name) if len(bodies) > 1 else (),
        family=family,
        table=tuple(table),
        by=parts.by,
        held=held,
        samples=tuple(whole.values()),
        seed=seed,
    )


def _learn_grade(
    samples: tuple[Sample, ...], seed: int, workers: int, device: str, said: Callable[[str], None]
) -> Learned:
    whole = {sample.raw_path: sample for sample in samples}
    samples = tuple(map(coarse, samples))
    parts, bodies = split(samples, seed), ("",)
    trials = trials_of(parts, bodies, seed, device)
    said(f"choosing: {len(trials)} folds by {parts.by}")
    table = []
    with side_by_side(workers) as pool:
        for size in (0, *LATTICES):
            table.append(verdict(trials, Family(False, lattice=size, is_grade=True), pool))
            said(f"{table[-1].family}: {table[-1].mean:.2f}")
        usual = next(one for one in table if one.family.lattice == USUAL)
        family, frame = preferred(usual, table, doubt_of(parts, len(samples))).family, frame_of(samples, bodies)
        values = grow(family, _fit_cells(samples, seed, device), frame, {})
        held = tuple(_held(trials, family, whole, device, pool))
    return Learned(
        look=settled(model.look(values, frame, 0)),
        bodies=(),
        family=family,
        table=tuple(table),
        by=parts.by,
        held=held,
        samples=tuple(whole.values()),
        seed=seed,
    )


def _some(samples: Sequence[Sample], seed: int) -> tuple[Sample, ...]:
    """All, or MOST of them, one of each scene first."""
    if len(samples) <= MOST:
        return tuple(samples)
    groups = scenes(samples)
    chance = random.Random(seed)
    for group in groups:
        chance.shuffle(group)
    chance.shuffle(groups)
    turns = [group[turn] for turn in range(max(map(len, groups))) for group in groups if turn < len(group)]
    return tuple(turns[:MOST])


def _bodies(samples: Sequence[Sample]) -> tuple[str, ...]:
    """Models with a camera part of their own; "" for the others together."""
    counts = Counter(sample.model for sample in samples)
    if len(counts) == 1:
        return tuple(counts)
    own = sorted(name for name, count in counts.items() if count >= OWN_CAMERA)
    return tuple(own) if len(own) == len(counts) else (*own, "")


def frame_of(samples: Sequence[Sample], bodies: tuple[str, ...]) -> Frame:
    """What training photos settle."""
    warm = sorted(warmth(sample.shot.neutral, sample.shot.colors) for sample in samples)
    seen = [sample.shot.scene_ev for sample in samples if sample.shot.scene_ev is not None]
    keys = [sample.shot.scene_key for sample in samples if sample.shot.scene_key is not None]
    corrections = Counter(sample.corrections for sample in samples).most_common(1)[0][0]
    return Frame(
        bodies=bodies,
        corrections=corrections,
        warmth=(warm[0], warm[-1]) if warm[-1] - warm[0] >= WARMTH_SPAN else (0.0, 0.0),
        ev=(min(seen), max(seen)) if seen else (0.0, 0.0),
        key=(min(keys), max(keys)) if keys else (0.0, 0.0),
    )


def _extras(samples: Sequence[Sample], parts: Split, frame: Frame) -> list[str]:
    """What these photos could teach beyond the core."""
    extras = ["tones"]
    if all(sample.shot.scene_key is not None for sample in samples) and frame.key[1] - frame.key[0] >= KEY_SPAN:
        extras.append("key")
    if frame.warmth != (0.0, 0.0):
        extras.append("warm")
    if parts.by == "blocks":  # the others have to be proven
        return extras
    seen = [sample.shot.scene_ev for sample in samples if sample.shot.scene_ev is not None]
    if len(seen) >= SLOPE_PHOTOS and max(seen) - min(seen) >= SLOPE_SPAN:
        extras.append("slope")
    if max(Counter(sample.model for sample in samples).values()) >= OWN_CAMERA:
        extras.append("shading")
    return extras


def _corrected(
    samples: tuple[Sample, ...], bodies: tuple[str, ...], seed: int, workers: int, device: str,
    said: Callable[[str], None],
) -> tuple[Sample, ...]:  # fmt: skip
    """Samples as the reference has them: with the file's shading maps, or without."""
    if all(sample.bare is None for sample in samples):
        return samples
    ways = samples, tuple(sample.unshaded() for sample in samples)
    with_maps, without = (_core_error(tuple(map(coarse, way)), bodies, seed, workers, device) for way in ways)
    said(f"the file's shading maps: {with_maps:.2f} with, {without:.2f} without")
    return ways[without < with_maps - SHADING_GAIN]


def _core_error(samples: tuple[Sample, ...], bodies: tuple[str, ...], seed: int, workers: int, device: str) -> float:
    with side_by_side(workers) as pool:
        trials = trials_of(split(samples, seed), bodies, seed, device)
        return float(torch.cat(list(pool.map(lambda trial: trial.errors(Family()), trials))).mean())


def trials_of(parts: Split, bodies: tuple[str, ...], seed: int, device: str) -> list[Trial]:
    """A trial of every fold."""
    trials = []
    for fold in parts.folds:
        count = _each(CHOOSE_CELLS, CHOOSE_EACH, fold.seen)
        seen, held = (_drawn(part, count, seed, device) for part in (fold.seen, fold.held))
        trials.append(Trial(seen, held, frame_of(fold.seen, bodies)))
    return trials


def _drawn(samples: Sequence[Sample], count: int, seed: int, device: str) -> Cells:
    return together([draw(sample, count, seed).to(device) for sample in samples])


def _each(total: int, limits: tuple[int, int], samples: Sequence[Sample]) -> int:
    """Cells of each photo."""
    least, most = limits
    return min(max(total // len(samples), least), most, *(int((sample.trust > 0).sum()) for sample in samples))


def _fit(family: Family, samples: tuple[Sample, ...], frame: Frame, seed: int, device: str) -> Values:
    cells = _fit_cells(samples, seed, device)
    return _finished(family, cells, grow(family, cells, frame, {}), frame)


def _fit_cells(samples: tuple[Sample, ...], seed: int, device: str) -> Cells:
    return _drawn(samples, _each(FIT_CELLS, FIT_EACH, samples), seed + 1, device)


def _finished(family: Family, cells: Cells, values: Values, frame: Frame) -> Values:
    """Rest and lattice refined together, then the last bit."""
    if family.is_grade:
        return values  # there is no rest
    for _ in range(ROUNDS if family.lattice else 0):
        values = newton.solve(cells, values, frame, family.blocks, 2)
        values = cube.solve(cells, values, frame, family.lattice)
    return descend.polish(cells, values, frame, POLISH, lambda: None)


def _held(
    trials: list[Trial], family: Family, whole: Mapping[bytes, Sample], device: str, pool: ThreadPoolExecutor
) -> list[Held]:
    def finished(trial: Trial) -> Values:
        return _finished(family, trial.seen, trial.values(family), trial.frame)

    held = []
    for trial, fit in zip(trials, pool.map(finished, trials), strict=True):
        values = {name: value for name, value in fit.items() if name != "offsets"}
        for photo in trial.held.photos:
            sample = photo.sample
            look = settled(model.look(values, trial.frame, trial.frame.body(sample)))
            cells = together([every(sample, JUDGE_EACH).to(device)])
            error = differences(cells, values, trial.frame)
            held.append(
                Held(
                    whole[sample.raw_path],
                    look,
                    float(error.mean()),
                    float(error.median()),
                    float(error.quantile(0.95)),
                    psnr(model.predicted(cells, values, trial.frame), cells.aim),
                    part=sample,
                )
            )
    return held


def psnr(predicted: Tensor, aim: Target) -> float:
    """Of encoded sRGB values, decibel."""
    ours, wanted = shown_encoded(predicted, aim)
    return -10 * math.log10(max(float(((ours - wanted) ** 2).mean()), 1e-10))
