"""python -m bench.style: how well a learned look holds on photos it has not seen, beside other ways to learn it.

Thirty scenes are photographed by a simulated camera, real programs make the wanted pictures, and each way learns from
the first 1, 3, 8 or 20 pairs of one order; all are judged on the same eight photos, at full size.  A mean of 0.1 more
or less says nothing: the order of the scenes matters more.

Sets are kept in --work and made again only where they are missing.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench.style import models, real
from bench.style.measure import Error, apart, cropped, over_photos, read
from bench.style.photos import SMALL, TWELVE, Photo, take
from bench.style.programs import auto_matched, lut_generator, through_a_lut
from bench.style.references import REFERENCES, render, run
from bench.style.scenes import SCENES

PAIRS = (1, 3, 8, 20)
HELD_OUT = 8
CACHE = Path.home() / ".cache/ispd-bench/style"
UNTOUCHED = """\
schema = 1
name = "light"
[camera.corrections]
lateral_ca = "none"
lens = "none"
[look]
hot_pixels.method = "none"
denoise = { luminance = 0, color = 0 }
highlights.method = "desaturate"
capture_sharpen.amount = 0
exposure = { auto = "none", ev = -2.0 }
curve.method = "none"
sharpen.amount = 0
gamut.method = "clip"
[[output]]
format = "tiff"
bits = 16
space = "rec2020"
"""  # two stops down, so that what is brighter than white still fits into a TIFF
ROOM = 4.0


@dataclass(frozen=True)
class Set:
    """Raws with their wanted pictures, in the order in which they are learned from; the last ones are held out."""

    name: str
    raws: tuple[Path, ...]
    wanted: tuple[Path, ...]
    held_out: int
    size: tuple[int, int]
    seed: int

    def pairs(self, count: int) -> list[tuple[Path, Path]]:
        """The first ones."""
        return list(zip(self.raws, self.wanted, strict=True))[:count]

    def judged(self) -> list[tuple[Path, Path]]:
        """The last ones."""
        return list(zip(self.raws, self.wanted, strict=True))[-self.held_out :]


@dataclass(frozen=True)
class Row:
    """One cell of the table."""

    set: str
    pairs: int
    way: str
    error: Error
    seconds: float  # of learning, wall
    photos: dict[str, float]  # each held-out photo's mean


Way = Callable[[Set, int, Path], list[Tensor]]


def main() -> None:
    """Make what is missing, learn, judge, print."""
    parser = ArgumentParser(prog="python -m bench.style", description=__doc__)
    parser.add_argument("--work", type=Path, default=CACHE, help=f"where sets are kept (default: {CACHE})")
    parser.add_argument("--sets", nargs="+", default=[*(one.name for one in REFERENCES), "real"], help="which (all)")
    parser.add_argument("--pairs", nargs="+", type=int, default=PAIRS, help="how many to learn from (1 3 8 20)")
    parser.add_argument("--ways", nargs="+", choices=[*WAYS], default=[*WAYS], help="which ways to learn (all)")
    parser.add_argument("--size", choices=("small", "12"), default="small", help="0.9 or 12 megapixels a photo")
    parser.add_argument("--seed", type=int, default=7, help="of noise and order; 7 begins with a day's landscape")
    parser.add_argument("--json", action="store_true", help="one JSON object a cell, a line each")
    parser.add_argument("--make", action="store_true", help="only make the sets")
    args = parser.parse_args()
    torch.set_num_threads(1)  # a bench is a guest on its machine
    size = {"small": SMALL, "12": TWELVE}[args.size]
    sets = [one for name in args.sets if (one := made(name, args.work, size, args.seed)) is not None]
    if args.make:
        return
    rows = []
    for one in sets:
        for count in args.pairs:
            if count > len(one.raws) - one.held_out:
                continue
            for name in args.ways:
                if name == PREVIEW_WAY and count != args.pairs[0]:
                    continue  # no pair makes it better
                with_seed = args.work / f"runs/{size[0]}-{args.seed}/{one.name}-{count}-{name.replace(' ', '-')}"
                if (row := judged(one, count, name, with_seed)) is not None:
                    rows.append(row)
                    print(json.dumps(asdict(row)) if args.json else line(row), file=sys.stderr, flush=True)
    if args.json:
        for row in rows:
            print(json.dumps(asdict(row)))
    else:
        print(table(rows))


def made(name: str, work: Path, size: tuple[int, int], seed: int) -> Set | None:
    """The set of that name, all its files there; None where its program is not."""
    reference = next((one for one in REFERENCES if one.name == name), REFERENCES[0])
    if not shutil.which(reference.program):
        print(f"{name}: left out, {reference.program} is not installed", file=sys.stderr)
        return None
    if name == "real":
        raws = real.cut(work / "tiles")
        order = np.random.default_rng(seed).permutation(len(raws))
    else:
        raws = [photo.path for photo in take(work / f"photos-{size[0]}-{seed}", size, seed)]
        order = np.random.default_rng(seed).permutation(len(raws))
    folder = work / "refs" / (name if name == "real" else f"{name}-{size[0]}-{seed}")
    wanted = render(reference, raws, folder)
    held_out = 3 if name == "real" else HELD_OUT
    shuffled = [(raws[at], wanted[at]) for at in order]
    return Set(name, tuple(r for r, _ in shuffled), tuple(w for _, w in shuffled), held_out, size, seed)


def judged(one: Set, count: int, way: str, work: Path) -> Row | None:
    """Learn and compare; None, with a word on stderr, where that way cannot be gone here."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    start = time.monotonic()
    try:
        pictures = WAYS[way](one, count, work)
    except (RuntimeError, LookupError) as error:
        print(f"{one.name} {count} {way}: {error}", file=sys.stderr)
        return None
    taken = time.monotonic() - start
    maps = []
    for picture, (_, reference) in zip(pictures, one.judged(), strict=True):
        wanted = read(reference)
        maps.append(apart(at_center(picture, wanted), at_center(wanted, picture)))
    means = {raw.stem: round(float(found.mean()), 3) for (raw, _), found in zip(one.judged(), maps, strict=True)}
    return Row(one.name, count, way, over_photos(maps), round(taken, 1), means)


def at_center(picture: Tensor, other: Tensor) -> Tensor:
    """What the other shows of it: the program that drops a border drops as many pixels on one side as on the other."""
    return cropped(picture, max(0, picture.shape[1] - other.shape[1]) // 2)


def ours(one: Set, count: int, work: Path) -> list[Tensor]:
    """`ispd fit` on a folder of copies, then `ispd develop` with what it learned."""
    pairs, profile = work / "pairs", work / "look.toml"
    pairs.mkdir()
    for pair in one.pairs(count):
        for file in pair:
            shutil.copyfile(file, pairs / file.name)  # a link would change the file's own time while others read it
    ispd = [sys.executable, "-m", "ispd"]
    told = run([*ispd, "fit", pairs, "-o", profile, "--seed", "1", "--json", "--report", work / "report.html"])
    (work / "fit.json").write_text(told)
    return developed(one, profile, work / "out", ["--format", "tiff"])


def developed(one: Set, profile: Path, out: Path, options: Sequence[str] = ()) -> list[Tensor]:
    """The held-out raws by a profile, through the command."""
    raws = [raw for raw, _ in one.judged()]
    run([sys.executable, "-m", "ispd", "develop", *raws, "-o", out, "--profile", profile, *options])
    return [read(out / f"{raw.stem}.tif") for raw in raws]


def light(raws: Sequence[Path]) -> list[Tensor]:
    """Linear Rec.2020 of raws, without any look; kept beside them."""
    folder = raws[0].parent.with_name(raws[0].parent.name + "-light")
    folder.mkdir(exist_ok=True)
    made = [folder / f"{raw.stem}.tif" for raw in raws]
    if missing := [raw for raw, picture in zip(raws, made, strict=True) if not picture.exists()]:
        profile = folder / "light.toml"
        profile.write_text(UNTOUCHED)
        run([sys.executable, "-m", "ispd", "develop", *missing, "-o", folder, "--profile", profile])
    return [read(picture, "rec2020") * ROOM for picture in made]


def modelled(new: Callable[[], models.Model]) -> Way:
    """One of the small models."""

    def way(one: Set, count: int, work: Path) -> list[Tensor]:
        torch.manual_seed(1)
        cells = []
        pairs = one.pairs(count)
        for picture, (_, reference) in zip(light([raw for raw, _ in pairs]), pairs, strict=True):
            wanted = read(reference)
            cells.append(models.cells(at_center(picture, wanted), at_center(wanted, picture)))
        model = models.fit(new(), cells)
        return [models.apply(model, picture) for picture in light([raw for raw, _ in one.judged()])]

    return way


def by_lut(one: Set, count: int, work: Path) -> list[Tensor]:
    """darktable-lut-generator, where it has been installed beside the sets."""
    command = lut_generator(CACHE / "lutgen")
    if command is None:
        raise LookupError("darktable-lut-generator is not there; bench/style/programs.py says how to get it")
    return through_a_lut(command, work, one.pairs(count), one.judged())


def by_preview(one: Set, count: int, work: Path) -> list[Tensor]:
    """RawTherapee's auto-matched curve: it learns from no pair, but from each photo's own preview."""
    if one.name == "real":
        raise LookupError("no scene to take again")
    scenes = {scene.name: scene for scene in SCENES}
    held_out = [(Photo(scenes[raw.stem], raw), wanted) for raw, wanted in one.judged()]
    return auto_matched(work, held_out, one.size, one.seed)


PREVIEW_WAY = "auto-matched"
WAYS: dict[str, Way] = {
    "ispd": ours,
    "five stages": modelled(models.FiveStages),
    "matrix + 3 curves": modelled(models.ThreeCurves),
    "darktable-lut-generator": by_lut,
    PREVIEW_WAY: by_preview,
}


def line(row: Row) -> str:
    """For whoever waits."""
    error = row.error
    return (
        f"{row.set:<8}{row.pairs:>3}  {row.way:<24}{error.mean:>6.2f} / {error.p95:<6.1f}"
        f"worst {error.worst:.2f} ({error.worst / error.mean:.1f} ×)   {row.seconds:.0f} s"
    )


def table(rows: Sequence[Row]) -> str:
    """Markdown: one line a set and way, one column a number of pairs."""
    counts = sorted({row.pairs for row in rows})
    lines = ["| set | way | " + " | ".join(f"{count} pairs" for count in counts) + " |"]
    lines.append("|---|---|" + "---|" * len(counts))
    for name, way in dict.fromkeys((row.set, row.way) for row in rows):
        found = {row.pairs: row.error for row in rows if (row.set, row.way) == (name, way)}
        cells = [f"{e.mean:.2f} / {e.p95:.1f} / {e.worst / e.mean:.1f}" if (e := found.get(c)) else "" for c in counts]
        lines.append(f"| {name} | {way} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", "Mean ΔE2000 / 95 % / worst photo ÷ mean, over the photos held out."])


if __name__ == "__main__":
    main()
