"""ispd fit: learn a look from raws and their finished pictures."""

from __future__ import annotations

import json
import os
import shutil
import sys
from argparse import ArgumentTypeError, Namespace
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, TextIO

from ispd.cli.command import Subparsers, add_command, add_json, print_json
from ispd.config import device_problem
from ispd.errors import BadModel, CannotCreate, ConfigError, NoInput, PhotoError
from ispd.sentences import counted, short, shown

if TYPE_CHECKING:
    from ispd.decode.cell import Cell
    from ispd.fit.judge import Render
    from ispd.fit.learn import Learned
    from ispd.fit.pairs import Candidate
    from ispd.fit.prove import Proof
    from ispd.fit.sample import Refused, Sample
    from ispd.metadata.exiftool import ExifTool
    from ispd.profile import Profile
    from ispd.profile.certificate import Certificate

EXAMPLES = """\
examples:
  ispd fit summer -o summer.toml                    IMG_1.DNG beside IMG_1.JPG, and so on
  ispd fit raws --references finished -o look.toml  the pictures lie elsewhere
  ispd fit raws --from-previews -o camera.toml      look like the camera's own JPEGs
  ispd fit summer -o grade.toml --backend hdr-unet  the network renders, a grade of its pictures is learned
  ispd develop IMG_9.DNG -o graded --profile look.toml

One pair works, 5 to 20 are good.  A learned profile that is there becomes an older version, LOOK@1.toml; any other file
is left alone.  The profile says how well it holds on photos that it has
not seen, under [fit].  Where all finished pictures are in Adobe RGB, Display P3 or Rec.2020, so are those that it asks
for: `space` under [[output]].
"""
JUDGES = 2  # photos at once: one of 48 MP takes more than a gigabyte


def add_parser(subparsers: Subparsers) -> None:
    """The command's arguments."""
    parser = add_command(subparsers, "fit", __doc__, EXAMPLES)
    pairs = parser.add_mutually_exclusive_group(required=True)
    pairs.add_argument("folder", type=Path, nargs="?", metavar="DIR", help="raws, with finished pictures beside them")
    pairs.add_argument("--pairs", type=Path, metavar="FILE", help="instead: JSON, [[raw, picture or null], …]")
    parser.add_argument("-o", dest="profile", type=_profile, required=True, metavar="LOOK.toml", help="the new profile")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--references", type=Path, metavar="DIR", help="where the finished pictures are, if elsewhere")
    where.add_argument("--from-previews", action="store_true", help="learn from the JPEGs inside the raws")
    parser.add_argument("--report", type=Path, metavar="FILE", help="a page about it, HTML; pictures in FILE-pictures")
    parser.add_argument("--name", metavar="N", help="what the profile is called (default: as its file)")
    parser.add_argument(
        "--backend", default="isp", metavar="B", help="a network that renders; then its pictures' grade"
    )
    parser.add_argument("--device", type=_device, default="cpu", help='what fits and renders: "cpu", "auto", "cuda:1"')
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="the same for the same numbers (default: 0)")
    add_json(parser, "one JSON object: the profile, its held-out error, every pair")


def _profile(name: str) -> Path:
    path = Path(name)
    if path.suffix != ".toml" and not path.is_dir():  # of a folder more is said later
        raise ArgumentTypeError(f"{name}: a profile's file must end in .toml, or nothing finds it")
    return path


def _device(name: str) -> str:
    if problem := device_problem(name):
        raise ArgumentTypeError(f'"{name}" {problem}')
    return name


def run(args: Namespace) -> int:
    """Learn, keep, say how well it holds."""
    from contextlib import ExitStack

    from ispd.decode.cell import Cell
    from ispd.fit import crisp, grain
    from ispd.fit.certify import certificate
    from ispd.fit.keep import check_may_write, name_of, profile
    from ispd.fit.prove import MOST, prove
    from ispd.fit.workers import side_by_side
    from ispd.metadata.exiftool import ExifTool
    from ispd.photo import facts_of
    from ispd.profile.learned import save
    from ispd.runner.device import choose_device

    name = args.name or name_of(args.profile)
    check_may_write(args.profile)
    if args.report is not None:
        _check_report(args.report)
    steps = Steps(sys.stderr)
    with ExitStack() as stack:
        cell, door = stack.enter_context(Cell()), stack.enter_context(ExifTool())
        device = choose_device(args.device)
        render = _render(args.backend, device)
        judges = stack.enter_context(side_by_side(_judges(args.backend, device)))
        samples, refused = _gathered(args, cell, door, steps)
        if args.backend != "isp":
            samples = _through_the_network(samples, refused, args.backend, render, cell, door, steps)
        learned = _learned(args, samples, device, steps)
        if args.backend == "isp":
            steps.begin("looking at grain and edges", 0)
            learned = grain.as_wanted(learned, cell, door, render, judges)
            learned = crisp.as_wanted(learned, cell, door, render, judges)
        steps.begin("proving it at full size", min(MOST, len(learned.held)))
        proof = prove(learned, cell, door, render, judges, steps.beat)
        of_each_model = {sample.model: os.path.realpath(sample.raw_path) for sample in samples}
        cameras = [facts_of(path, door) for path in of_each_model.values()]
    kept = save(profile(learned, certificate(learned, proof), cameras, name, args.backend), args.profile)
    assert kept.fit is not None  # what was learned has a certificate
    if args.report is not None:
        _write_report(args.report, learned, kept, proof, refused)
    steps.end()
    if args.json:
        print_json(_as_json(args.profile, learned, kept.fit, proof, refused))
    else:
        print(shown(os.fsencode(args.profile)))
        print(_sentence(kept.fit), file=sys.stderr)
    return 0


def _judges(backend: str, device: str) -> int:
    """Photos judged at once: each keeps one core busy; a card or a network is busy with one."""
    return JUDGES if device == "cpu" and backend == "isp" else 1


def _render(backend: str, device: str) -> Render:
    """What renders a proof.  Raises ConfigError where there is no such network."""
    from functools import partial

    from ispd.config import state_of
    from ispd.fit.grade import by_a_network
    from ispd.fit.judge import by_the_isp
    from ispd.models import find, models_folder

    if backend == "isp":
        return partial(by_the_isp, device=device)
    try:
        return by_a_network(find(models_folder(state_of()), backend), device)
    except BadModel as error:
        raise ConfigError(f"--backend {backend}: {error}") from error


def _through_the_network(
    samples: list[Sample], refused: list[Refused], backend: str, render: Render, cell: Cell, door: ExifTool,
    steps: Steps,
) -> list[Sample]:  # fmt: skip
    """Samples of its pictures; what it cannot render joins `refused`.  Raises PhotoError where that is all."""
    from ispd.fit.grade import graded
    from ispd.fit.sample import Refused

    steps.begin(f"rendering {counted(len(samples), 'raw')} by {backend}", len(samples))
    made = []
    for sample in samples:
        try:
            made.append(graded(sample, render, cell, door, steps.beat))
        except PhotoError as error:
            refused.append(Refused(sample.raw_path, sample.reference_path, str(error)))
            steps.say(f"refused {shown(sample.raw_path)}: {error}")
    if not made:
        raise PhotoError(f"nothing to learn from: {backend} can render none of these raws")
    return made


def _gathered(args: Namespace, cell: Cell, door: ExifTool, steps: Steps) -> tuple[list[Sample], list[Refused]]:
    """Read and lay together, each refusal said.  Raises NoInput without any pair, PhotoError where none fits."""
    from ispd.fit.samples import gather

    candidates, refused = _pairs(args, door)
    if not candidates and not refused:
        raise NoInput("no raw has a finished picture: they belong together by name, as IMG_1.DNG and IMG_1.JPG")
    steps.begin(f"reading {counted(len(candidates), 'pair')}", len(candidates))
    samples, unfit = gather(candidates, cell, door, args.seed, steps.beat)
    refused += unfit
    for one in refused:
        steps.say(f"refused {shown(one.path)}: {one.reason}")
    if not samples:
        raise PhotoError(f"nothing to learn from: {counted(len(refused), 'pair')} refused, for what is said above")
    return samples, refused


def _learned(args: Namespace, samples: list[Sample], device: str, steps: Steps) -> Learned:
    """What cells teach: a whole look, or of a network's pictures their grade."""
    from ispd.fit.learn import learn, learn_grade

    steps.begin(f"learning from {counted(len(samples), 'pair')}", 0)
    teach = learn if args.backend == "isp" else learn_grade
    return teach(samples, args.seed, len(os.sched_getaffinity(0)), device, steps.say)


def _check_report(path: Path) -> None:
    """Raises CannotCreate, before a minute is spent."""
    from ispd.fit.keep import check_can_create

    for target in (path, _pictures(path)):
        if os.path.lexists(target):
            raise CannotCreate(f"{target} is there already: choose another name for the report")
    check_can_create(path)


def _pictures(report: Path) -> Path:
    return report.with_name(f"{report.stem}-pictures")


def _write_report(path: Path, learned: Learned, kept: Profile, proof: Proof, refused: list[Refused]) -> None:
    from ispd.fit.exhibit import exhibit, from_judged
    from ispd.fit.report import Report, Step, write, write_pictures

    assert kept.fit is not None
    exhibits = []
    for raw, held in {held.sample.raw_path: held for held in learned.held}.items():  # by blocks, each is held out often
        whole, figures = proof.judged.get(raw), proof.photos[raw]
        one = exhibit(held.sample, held.look) if whole is None else from_judged(whole, held.sample)
        exhibits.append(replace(one, mean=figures.mean, p95=figures.p95))
    steps = [Step(str(one.family), one.mean, one.worst, one.family == learned.family) for one in learned.table]
    report = Report(kept.name, learned.look, learned.bodies, kept.fit, tuple(exhibits), tuple(steps), tuple(refused))
    write(path, report)
    write_pictures(_pictures(path), report)


def _pairs(args: Namespace, door: ExifTool) -> tuple[list[Candidate], list[Refused]]:
    from ispd.fit.pairs import find

    if args.pairs is not None:
        return _named(args.pairs), []
    return find(args.folder, args.references, previews=args.from_previews, door=door)


def _named(file: Path) -> list[Candidate]:
    """The pairs that a JSON file names; relative paths begin at its folder."""
    from ispd.fit.pairs import Candidate

    try:
        rows = json.loads(file.read_bytes())
        if not isinstance(rows, list):
            raise TypeError
        folder = file.absolute().parent
        return [
            Candidate(os.fsencode(folder / raw), None if reference is None else os.fsencode(folder / reference))
            for raw, reference in rows
        ]
    except OSError as error:
        raise NoInput(f"{shown(os.fsencode(file))} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise ConfigError(f'{file}: must be JSON as [["IMG_1.DNG", "IMG_1.JPG"], ["IMG_2.DNG", null]]') from error


def _sentence(proof: Certificate) -> str:
    """How well it holds, for people."""
    from ispd.profile.certificate import others_show

    figures = (
        f"mean ΔE2000 {proof.held_out_mean:.2f}, 95 % below {proof.held_out_p95:.1f}, worst photo {proof.worst:.2f}"
    )
    if proof.split == "photos":
        return f"{proof.family}: {figures}, on photos left out"
    return (
        f"{proof.family}: {figures}, on parts of its own photos left out: "
        f"too few to leave out whole ones, and other photos usually show {others_show(proof)} times that"
    )


def _as_json(path: Path, learned: Learned, proof: Certificate, seen: Proof, refused: list[Refused]) -> dict[str, Any]:
    on_cells: dict[bytes, list[float]] = {}
    for held in learned.held:
        on_cells.setdefault(held.sample.raw_path, []).append(held.mean)
    return {
        "profile": str(path),
        "family": proof.family,
        "held_out": {
            "mean": proof.held_out_mean,
            "median": proof.held_out_median,
            "p95": proof.held_out_p95,
            "psnr": proof.held_out_psnr,
            "worst": proof.worst,
            "photos": len(seen.photos),
            "split": proof.split,
        },
        "noise_floor": proof.noise_floor,
        "grid_gap": proof.grid_gap,
        "families": [{"family": str(one.family), "mean": round(one.mean, 3)} for one in learned.table],
        "pairs": [
            {
                "raw": os.fsdecode(sample.raw_path),
                "reference": None if sample.reference_path is None else os.fsdecode(sample.reference_path),
                "mean": round(seen.photos[sample.raw_path].mean, 3),
                "p95": round(seen.photos[sample.raw_path].p95, 3),
                "rendered": sample.raw_path in seen.judged,  # else expected, from those that were
                "on_cells": round(fmean(on_cells[sample.raw_path]), 3),  # measured of every photo
            }
            for sample in learned.samples
        ],
        "refused": [
            {
                "raw": os.fsdecode(one.path),
                "reference": None if one.reference is None else os.fsdecode(one.reference),
                "reason": one.reason,
            }
            for one in refused
        ],
    }


class Steps:
    """What is done now, on stderr: a bar that moves on a terminal, a line a step elsewhere."""

    WIDTH = 24

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._moves = stream, stream.isatty()
        self._name, self._done, self._of = "", 0, 0

    def begin(self, name: str, of: int) -> None:
        """A step of `of` parts; 0: nobody knows."""
        self.end()
        self._name, self._done, self._of = name, 0, of
        if self._moves:
            self._draw(name)
        else:
            print(name, file=self._stream, flush=True)

    def beat(self) -> None:
        """One more part is done."""
        self._done += 1
        if self._moves:
            self._draw(self._name)

    def say(self, text: str) -> None:
        """What is worth keeping is a line, what passes is in the bar."""
        if text.startswith("refused ") or not self._moves:
            self._clear()
            print(text, file=self._stream, flush=True)
        else:
            self._draw(f"{self._name}: {text}")

    def end(self) -> None:
        """Leave no bar behind."""
        self._clear()

    def _draw(self, text: str) -> None:
        filled = self.WIDTH * self._done // self._of if self._of else 0
        bar = f"[{'█' * filled}{'·' * (self.WIDTH - filled)}] " if self._of else ""
        columns = shutil.get_terminal_size().columns
        self._stream.write(f"\r\x1b[K{short(bar + text, columns - 1)}")
        self._stream.flush()

    def _clear(self) -> None:
        if self._moves:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
