"""python -m bench.demosaic: how near each demosaic comes to pictures whose every color is known, and what it costs.

Five columns of CPSNR, the mean over a set of 10 · log10(255² / MSE over the three channels), 8 bits, 10 px border out:

    kodak     the 24 pictures as they are, codes taken for light, as papers do.  A test set: nothing is chosen by it
    photos    photographs that `best` has not learned from (HELD_OUT), at half size (averaged in linear light), codes
              taken for light
    vivid     the same with their colors VIVID times as far from grey: what breaks methods that trust in grey detail
    ISO 100   the same photographs in linear light as a daylight sensor sees them (NEUTRAL), with its noise, balanced,
    ISO 1600  demosaiced; compared as sRGB codes

and CPU seconds per 12 megapixels, in strips as the runner cuts them, also as ratio to `directional`; the methods take
turns.  A method is a line in METHODS, an array a line in ARRAYS.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import TypeAlias

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ispd.isp.color.transfer import decode, encode
from ispd.isp.pattern import colors_of, planes_of_sites, tiled
from ispd.isp.stages.demosaic import demosaic
from ispd.isp.stages.demosaic.detailed import detailed
from ispd.isp.stages.demosaic.kriged import kriged
from ispd.simulate.camera import X_TRANS

Method: TypeAlias = Callable[[Tensor, str], Tensor]

METHODS: dict[str, Method] = {
    "bilinear": lambda mosaic, cfa: demosaic(mosaic, cfa, "bilinear"),
    "detailed": lambda mosaic, cfa: detailed(mosaic, cfa, colors_of(cfa)),
    "kriged": kriged,
    "malvar": lambda mosaic, cfa: demosaic(mosaic, cfa, "malvar"),
    "directional": lambda mosaic, cfa: demosaic(mosaic, cfa, "directional"),
    "best": lambda mosaic, cfa: demosaic(mosaic, cfa, "best"),
}
ARRAYS = {
    "bayer": ("RGGB", ("bilinear", "malvar", "directional", "best")),
    "x-trans": (X_TRANS, ("bilinear", "detailed", "kriged")),
    "quad": ("RRGGRRGGGGBBGGBB", ("bilinear", "detailed", "kriged")),
}
BASE = ("bayer", "directional")

HELD_OUT = (  # of the photographs, the ones that `bench.train_demosaic` leaves alone
    "astronaut", "blue-periwinkle", "colorado-sign", "motherboard-circuits", "orange-hallway", "pink-tulips",
    "singaporean-cityscape", "the-spices-of-life",
)  # fmt: skip
VIVID = 1.7
SAMPLES = Path(__file__).parents[2] / "shared" / "samples"
NEUTRAL = (0.5, 1.0, 0.625)  # a sensor's answer to white in daylight, before balance
NOISE = {100: (4e-5, 3e-8), 1600: (6.4e-4, 7.7e-6)}  # S, O: variance = S·x + O; a full well of 25000 e⁻, 4 e⁻ to read
BORDER = 10  # px
STRIP = (120, 4000)  # what the runner gives a method at a time for a 12 MP photo, seams included


@dataclass(frozen=True)
class Figures:
    """One line of the table; a figure is None where its pictures are missing."""

    decibels: tuple[float | None, ...]
    cpu_seconds: float


def main() -> None:
    """Measure and print."""
    parser = ArgumentParser(prog="python -m bench.demosaic", description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=Path, default=SAMPLES, help="folder of kodak/ and photos/ (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="timed runs of each method (%(default)s)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    kodak = pictures(args.samples / "kodak")
    photos = [halved(one) for one in pictures(args.samples / "photos", HELD_OUT)]
    for name, found in (("kodak", kodak), ("photos", photos)):
        if not found:
            print(f"{args.samples / name} has no pictures: the columns that need them stay empty", file=sys.stderr)
    with torch.inference_mode():
        print(table(measured(kodak, photos, args.rounds)))
    for iso, (shot, read) in NOISE.items():
        print(f"ISO {iso}: S = {shot:g}, O = {read:g}, neutral {NEUTRAL}")


def measured(kodak: list[Tensor], photos: list[Tensor], rounds: int) -> dict[tuple[str, str], Figures]:
    """By array and method."""
    rows = [(array, method) for array, (_, methods) in ARRAYS.items() for method in methods]
    costs = cpu_seconds(rows, rounds)
    figures = {}
    for array, name in rows:
        cfa, method = ARRAYS[array][0], METHODS[name]
        groups = (kodak, photos, [saturated(one, VIVID).mul(255).round() / 255 for one in photos])
        decibels = [average([coded(one, cfa, method) for one in group]) for group in groups]
        decibels += [average([exposed(one, cfa, method, iso) for one in photos]) for iso in NOISE]
        figures[array, name] = Figures(tuple(decibels), costs[array, name])
        print(f"{array} {name}", file=sys.stderr)
    return figures


def pictures(folder: Path, names: tuple[str, ...] = ()) -> list[Tensor]:
    """(3, H, W) sRGB codes in [0, 1] of the pictures named, or of every picture there, in the order of names."""
    files = sorted(file for file in folder.glob("*") if file.suffix in (".webp", ".png", ".jpg"))
    files = [file for file in files if not names or file.stem in names]
    arrays = (np.array(Image.open(file).convert("RGB"), dtype=np.float32) for file in files)
    return [torch.from_numpy(array).permute(2, 0, 1) / 255 for array in arrays]


def halved(codes: Tensor) -> Tensor:
    """Half as large, averaged in linear light: sharp to the pixel, and without the noise of its source."""
    light = torch.nn.functional.avg_pool2d(decode(codes, "srgb"), 2)
    return encode(light, "srgb").mul(255).round() / 255


def saturated(rgb: Tensor, by: Tensor | float) -> Tensor:
    """(…, 3, H, W), each color so many times as far from its grey, as far as there is room."""
    grey = rgb.mean(dim=-3, keepdim=True)
    return (grey + by * (rgb - grey)).clamp(0, 1)


def seen_through(planes: Tensor, cfa: str) -> Tensor:
    """(H, W): what a sensor with this filter array measures."""
    own = tiled(planes_of_sites(cfa, "RGB"), *planes.shape[1:])
    return planes.gather(0, own[None])[0]


def coded(codes: Tensor, cfa: str, method: Method) -> float:
    """CPSNR with the codes taken for light."""
    return cpsnr(method(seen_through(codes, cfa), cfa), codes)


def exposed(codes: Tensor, cfa: str, method: Method, iso: int) -> float:
    """CPSNR of what a noisy sensor saw; the noise is the same for every method."""
    shot, read = NOISE[iso]
    neutral = torch.tensor(NEUTRAL)[:, None, None]
    clean = seen_through(decode(codes, "srgb") * neutral, cfa)
    normal = torch.randn(clean.shape, generator=torch.Generator().manual_seed(iso))
    noisy = clean + normal * (shot * clean + read).sqrt()
    balanced = noisy / seen_through(neutral.expand_as(codes), cfa)
    return cpsnr(encode(method(balanced, cfa).clamp(0, 1), "srgb"), codes)


def cpsnr(guess: Tensor, truth: Tensor) -> float:
    """Decibels between two pictures of codes in [0, 1]."""
    error = ((guess.clamp(0, 1) * 255).round() - (truth * 255).round())[:, BORDER:-BORDER, BORDER:-BORDER]
    return float(10 * torch.log10(255**2 / error.square().mean()))


def average(decibels: list[float]) -> float | None:
    return mean(decibels) if decibels else None


def cpu_seconds(rows: list[tuple[str, str]], rounds: int) -> dict[tuple[str, str], float]:
    """Per 12 megapixels, the median of `rounds` in which all take turns; the first of all only warms up."""
    strip = torch.rand(STRIP, generator=torch.Generator().manual_seed(1))
    taken: dict[tuple[str, str], list[float]] = {row: [] for row in rows}
    for _ in range(rounds + 1):
        for array, name in rows:
            start = time.thread_time()
            METHODS[name](strip, ARRAYS[array][0])
            taken[array, name].append(time.thread_time() - start)
    return {row: median(times[1:]) * 12e6 / strip.numel() for row, times in taken.items()}


def table(figures: dict[tuple[str, str], Figures]) -> str:
    """One line an array and method."""
    isos = "".join(f"{f'ISO {iso}':>10}" for iso in NOISE)
    lines = [f"{'array':<10}{'method':<14}{'kodak':>10}{'photos':>10}{'vivid':>10}{isos}{'CPU-s':>8}{'ratio':>8}"]
    base = figures[BASE].cpu_seconds
    for (array, method), row in figures.items():
        decibels = "".join(f"{'-':>10}" if one is None else f"{one:>10.2f}" for one in row.decibels)
        lines.append(f"{array:<10}{method:<14}{decibels}{row.cpu_seconds:>8.2f}{row.cpu_seconds / base:>8.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
