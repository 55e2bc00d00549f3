"""python -m bench.train_demosaic PHOTOS OUT.npz: the weights of the demosaic method `best`.

PHOTOS is a folder of clean sRGB photographs, sharp and without noise, as reduced camera pictures are.  Those named in
HELD_OUT are not learned from: they tell how well it goes.  What a patch of a photo becomes before it is learned from:

    size     the photo reduced 1, 1.5, 2 and 3 times; patches with detail are drawn more often than sky
    shape    turned and mirrored; one in five is cut along lines, something else behind: lamps, print, fences
    color    most saturated (up to 3 times) or paled, channels exchanged, each with its own gamma and gain;
             for what is right on pictures whose channels look alike is wrong on red fabric and blue petals
    light    two thirds as encoded for a screen, the others linear and up to three stops darker
    noise    most of the linear ones, some of the others: variance S·x + O, from ISO 50's to ISO 3200's of a phone

The loss is the mean over patches of the logarithm of the squared error, as PSNR is, errors in linear light weighted by
the slope of the eye's response to it.  On one thread the numbers are the same each time; a checkpoint is written
wherever a line is printed.  docs/decisions/0025-a-demosaic-that-learned.md has the figures of the shipped weights.
"""

from __future__ import annotations

import math
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from bench.demosaic import HELD_OUT, VIVID, coded, saturated
from ispd.isp.color.transfer import decode, encode
from ispd.isp.stages.demosaic.best import GUESSES, Network, completed
from ispd.isp.stages.demosaic.malvar import filtered

WIDTH, INNER = 32, 4  # features, and layers from features to features: what `best` has time for
SCALES = (0.75, 1.0, 1.5, 2.0, 3.0)
PATCH, GRID = 48, 8  # pixels: a patch's side, and the steps at which patches may begin
WARMING, AVERAGED = 500, 500  # steps until Adam's rate is reached; steps that the kept weights average
NOT_SEEN = (0.5 / 255) ** 2  # squared error that rounding makes: below it a patch has nothing left to teach
MISSING = (1, 2, 3, 4, 7, 8, 9, 10)  # of the 12 = 3 colors · 4 sites of an RGGB repeat, those not measured


def main() -> None:
    """Learn, telling how far it is."""
    parser = ArgumentParser(prog="python -m bench.train_demosaic", description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=40_000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=2e-3, help="Adam's, at its highest (%(default)s)")
    parser.add_argument("--inner", type=int, default=INNER, help="layers from features to features (%(default)s)")
    parser.add_argument(
        "--begin", type=Path, help="weights to go on from; layers that they lack change nothing at first"
    )
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    paths = sorted(path for path in args.photos.iterdir() if path.suffix in (".jpg", ".png", ".webp"))
    pool = Pool.of([path for path in paths if path.stem not in HELD_OUT])
    held_out = [middle(reduced(path, 1.0)) / 255 for path in paths if path.stem in HELD_OUT]
    chance = torch.Generator().manual_seed(args.seed)
    free = continued(args.begin, args.inner) if args.begin else beginning(args.inner, chance)
    for ready in train(free, pool, args.rate, args.steps, args.batch, chance):
        save(ready, args.out)
        plain, vivid = (score(ready, [saturated(rgb, by) for rgb in held_out]) for by in (1.0, VIVID))
        print(f"held out {plain:.2f} dB, vivid {vivid:.2f} dB", file=sys.stderr, flush=True)


def train(
    free: list[Tensor], pool: Pool, rate: float, steps: int, batch: int, chance: torch.Generator
) -> Iterator[Network]:
    """Adam, its rate falling along a cosine.  Now and then, and at the end, the mean of the last steps' weights."""
    kept = [kernel.detach().clone() for kernel in free]
    adam = torch.optim.Adam(free)
    for step in range(steps):
        for group in adam.param_groups:
            group["lr"] = rate * min(1, (step + 1) / WARMING) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        mosaic, truth, weight = lesson(pool.patches(batch, chance), chance)
        error = ((demosaiced(mosaic, network(free)) - truth) * weight)[:, :, 4:-4, 4:-4]
        loss = (error.square().mean(dim=(1, 2, 3)) + NOT_SEEN).log().mean()
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        for average, kernel in zip(kept, free, strict=True):
            average.lerp_(kernel.detach(), max(1 / AVERAGED, 1 / (step + 1)))
        if (step + 1) % 2500 == 0 or step + 1 == steps:
            print(f"step {step + 1} of {steps}: ", file=sys.stderr, end="")
            yield network(kept)


# The network


def beginning(inner: int, chance: torch.Generator) -> list[Tensor]:
    """The kernels that learn: guesses as Malvar's (what they learn is added), small corrections."""
    shapes = [(GUESSES + WIDTH, 4), *[(WIDTH, WIDTH)] * inner, (GUESSES, WIDTH)]
    kernels = [torch.randn(*shape, 3, 3, generator=chance) * math.sqrt(2 / (9 * shape[1])) for shape in shapes]
    kernels[0][:GUESSES] = 0
    kernels[-1] *= 0.1
    return [kernel.requires_grad_() for kernel in kernels]


def continued(weights: Path, inner: int) -> list[Tensor]:
    """The kernels that learn, from weights; before the last, as many that pass features on as are lacking."""
    arrays = np.load(weights)
    first, *between, last = (torch.from_numpy(arrays[name]) for name in arrays.files)
    first[:GUESSES] -= malvar_kernels()
    between += [torch.nn.init.dirac_(torch.empty(WIDTH, WIDTH, 3, 3)) for _ in range(inner - len(between))]
    return [kernel.requires_grad_() for kernel in (first, *between, last)]


def network(free: list[Tensor]) -> Network:
    """The first layer's kernels made to sum to zero, so that nothing is seen in a flat field; then the guesses."""
    contrast = free[0] - free[0].mean(dim=(2, 3), keepdim=True)
    guesses = torch.cat((malvar_kernels(), torch.zeros_like(contrast[GUESSES:])))
    return (contrast + guesses, *free[1:])


@cache
def malvar_kernels() -> Tensor:
    """(GUESSES, 4 sites, 3, 3): what each sample near a repeat gives to the colors that the repeat lacks."""
    samples = F.pixel_shuffle(torch.eye(36).reshape(36, 4, 3, 3), 2)[:, 0]
    answers = torch.stack([filtered(mosaic, "RGGB")[:, 2:4, 2:4].reshape(12) for mosaic in samples])
    return answers.T[list(MISSING)].reshape(GUESSES, 4, 3, 3)


def demosaiced(mosaic: Tensor, kernels: Network) -> Tensor:
    """(n, 3, H, W) from an RGGB mosaic (n, 1, H, W), as `best` does it."""
    quarters = F.pixel_unshuffle(F.pad(mosaic, (2, 2, 2, 2), mode="reflect"), 2)
    return F.pixel_shuffle(completed(quarters, kernels), 2)


def save(kernels: Network, out: Path) -> None:
    """As `best` loads them, in order."""
    np.savez(out, *[kernel.detach().numpy() for kernel in kernels])


# What it learns from


@dataclass(frozen=True)
class Pool:
    """All photos at all sizes, and how likely each patch is to be drawn."""

    pictures: list[Tensor]  # (3, H, W) uint8
    places: Tensor  # (patches, 3): picture, top, left
    heap: Tensor  # of their chances, summed up

    @classmethod
    def of(cls, paths: list[Path]) -> Pool:
        """A patch is as likely as it has detail; a reduced picture has fewer, which count more."""
        pictures: list[Tensor] = []
        places, chances = [], []
        for path in paths:
            for scale in SCALES:
                picture = reduced(path, scale)
                green = picture[1].float() / 255
                detail = F.avg_pool2d((green[1:, 1:] - green[:-1, :-1]).abs()[None], PATCH - 1, GRID)[0]
                rows, columns = torch.meshgrid(*(torch.arange(length) for length in detail.shape), indexing="ij")
                number = torch.full_like(rows, len(pictures))
                pictures.append(picture)
                places.append(torch.stack((number, rows * GRID, columns * GRID), dim=-1).reshape(-1, 3))
                chances.append(scale * (detail + 0.001).reshape(-1))
        return cls(pictures, torch.cat(places), torch.cat(chances).double().cumsum(0))

    def patches(self, count: int, chance: torch.Generator) -> Tensor:
        """(count, 3, PATCH, PATCH) in [0, 1], turned and mirrored."""
        drawn = torch.rand(count, generator=chance, dtype=torch.float64) * self.heap[-1]
        patches = []
        for number, top, left in self.places[torch.searchsorted(self.heap, drawn)].tolist():
            patch = self.pictures[number][:, top : top + PATCH, left : left + PATCH]
            mirror, flip, turn = (torch.rand(3, generator=chance) < 0.5).tolist()
            patch = patch.flip(2) if mirror else patch
            patch = patch.flip(1) if flip else patch
            patches.append(patch.transpose(1, 2) if turn else patch)
        return torch.stack(patches).float() / 255


def reduced(path: Path, scale: float) -> Tensor:
    """(3, H, W) uint8, even sides, reduced in linear light."""
    codes = torch.from_numpy(np.asarray(Image.open(path).convert("RGB")).copy()).permute(2, 0, 1)
    if scale != 1:
        light = decode(codes[None] / 255, "srgb")
        size = [round(side / scale) for side in codes.shape[1:]]
        light = F.interpolate(light, size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
        codes = (encode(light, "srgb")[0] * 255).round().to(torch.uint8)
    return codes[:, : codes.shape[1] // 2 * 2, : codes.shape[2] // 2 * 2]


def lesson(patches: Tensor, chance: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """The mosaic that a sensor sees, the picture it saw, and how much an error there counts."""
    count = len(patches)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *shape, 1, 1, generator=chance)

    def some(share: float) -> Tensor:
        return uniform(0, 1, 1) < share

    rgb = torch.where(some(0.2), cut(patches, chance), patches)
    rgb = torch.where(some(0.7), saturated(rgb, uniform(0.5, 3.0, 1)), rgb)
    swapped = torch.stack([torch.randperm(3, generator=chance) for _ in range(count)])
    swapped = swapped[:, :, None, None].expand_as(rgb)
    rgb = torch.where(some(0.4), rgb.gather(1, swapped), rgb)
    rgb = torch.where(some(0.4), rgb ** torch.exp2(uniform(-0.8, 0.8, 3)), rgb)
    rgb = torch.where(some(0.4), (rgb * uniform(0.6, 1.4, 3)).clamp(max=1), rgb)
    linear = some(0.35)
    truth = torch.where(linear, decode(rgb, "srgb") * torch.exp2(uniform(-3, 0, 1)), rgb)
    weight = torch.where(linear, 1 / (2.2 * (truth + 0.03) ** 0.55), torch.ones_like(truth))
    mosaic = mosaicked(truth)
    shot = torch.exp2(uniform(-15.6, -7.3, 1))
    noise = (shot * mosaic + 2 * shot**2 + 1e-7).sqrt() * torch.randn(mosaic.shape, generator=chance)
    noisy = uniform(0, 1, 1) < torch.where(linear, 0.6, 0.1)
    return torch.where(noisy, mosaic + noise, mosaic), truth, weight


def mosaicked(rgb: Tensor) -> Tensor:
    """(n, 1, H, W): what an RGGB array lets through."""
    mosaic = rgb[:, 1:2].clone()
    mosaic[:, :, ::2, ::2] = rgb[:, :1, ::2, ::2]
    mosaic[:, :, 1::2, 1::2] = rgb[:, 2:, 1::2, 1::2]
    return mosaic


def cut(patches: Tensor, chance: torch.Generator) -> Tensor:
    """Each patch beyond a line, outside of a stripe or between pickets is another's, or itself, darker or brighter."""
    angle, middle, width, gain, kind, other = torch.rand(6, len(patches), 1, 1, 1, generator=chance)
    place = torch.arange(PATCH) - PATCH / 2
    along = place * torch.cos(angle * math.tau) + place[:, None] * torch.sin(angle * math.tau) + (middle - 0.5) * PATCH
    stripe = 0.5 + 8 * width**2 - along.abs()
    repeat = 2.2 + 6 * width**2  # pixels
    pickets = repeat / 4 - (along.remainder(repeat) - repeat / 2).abs()
    distance = torch.where(kind < 0.25, along, torch.where(kind < 0.5, stripe, pickets))
    behind = torch.where(other < 0.5, patches.roll(1, 0), patches) * 2 * gain
    return torch.lerp(behind, patches, (distance + 0.5).clamp(0, 1)).clamp(0, 1)  # the edge is a pixel wide


# How well it goes


def middle(picture: Tensor, side: int = 500) -> Tensor:
    """The middle of a picture, `side` pixels wide and high at most; an even number of pixels from its edges."""
    top, left = (max(0, length - side) // 4 * 2 for length in picture.shape[1:])
    return picture[:, top : top + side, left : left + side]


def score(kernels: Network, pictures: list[Tensor]) -> float:
    """Mean CPSNR in dB of pictures (3, H, W) in [0, 1]."""
    with torch.inference_mode():
        return mean(
            coded(one, "RGGB", lambda mosaic, _: demosaiced(mosaic[None, None], kernels)[0]) for one in pictures
        )


if __name__ == "__main__":
    main()
