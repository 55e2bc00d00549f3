"""Hot pixels: single sites that shine, or stay dark, by themselves are mended from neighbors of their color.

What falls through a lens is never as small as one site: a star or a lamp lights the sites beside it too, whatever
their color.  So a site is defective that lies far above (or below) all but one of the eight nearest of its color, far
by the noise that is to be expected, while the four beside it show hardly anything of that light.  One-pixel lines,
grids and stars stay.  It is mended along the direction in which its neighbors differ least.

Takes   Raw, linear, before anything is mixed; `profile`, (S, O) a color, () where nobody knows; `cfa` as these rows
        see it ("" for a linear file)
Gives   the same but for defects; with `none`, the same
Source  a point's least spread: a Gaussian of 0.6 px, integrated over sites; each beside the middle gets a third of it
        measured: such stars of three colors stay, all 1728, at two ISOs; of the sites of Kodak pictures, which
        no lens has softened, 1 in 35 000 is taken for a defect; of those of real photos fewer than 1 in 50 000
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor

from ispd.isp.defects import AROUND, DARKER, DEVIATIONS, FAINT, LIVELY, LIVELY_STUCK, SEEN, SHARE, STUCK, worst
from ispd.isp.look import HotPixels
from ispd.isp.noise import Profile
from ispd.isp.pattern import planes_of_sites, repeat
from ispd.isp.values import Raw

NEAREST, FAR = 8, 4  # sites of a color that are compared, and how far they may lie


def hot_pixels(raw: Raw, p: HotPixels, profile: Profile, cfa: str, colors: str) -> Raw:
    """Mosaic or planes, with what is defective mended."""
    if p.method == "none":
        return raw
    step = repeat(cfa) if cfa else 1
    samples = raw.samples
    shot, read = worst(profile)
    suspects = _suspects(samples, step)
    if len(suspects[0]) == 0:
        return raw
    value, gain = samples[suspects], raw.ceiling[suspects]
    near = _near(samples, suspects, cfa, colors)
    ranked = near.sort(dim=0).values
    low, high = ranked[1], ranked[-2]
    noise = (gain * shot * near.mean(dim=0).clamp(min=0) + gain * gain * read).sqrt()
    beside, around, unlike = _beside(samples, suspects, step)
    lively = torch.maximum(high - low, unlike)
    stuck = (value > STUCK * gain) | (value < FAINT)  # texture seldom goes to an end of the scale; lamps and twigs do
    margin = DEVIATIONS * noise + FAINT + torch.where(stuck, LIVELY_STUCK * lively, LIVELY * lively)
    middle = around.mean(dim=0)
    brighter = beside - torch.where(stuck, middle, around.amin(dim=0))
    darker = torch.where(stuck, middle, around.amax(dim=0)) - beside
    hot = (value - high > margin + SHARE * high.clamp(min=0)) & (brighter < SEEN * (value - high))
    dead = (low - value > margin) & (value < DARKER * low) & (darker < SEEN * (low - value))
    bad = hot | dead
    if not bool(bad.any()):
        return raw
    mended = samples.clone()
    mended[tuple(axis[bad] for axis in suspects)] = _along(near[:, bad])
    return replace(raw, samples=mended)


def _suspects(samples: Tensor, step: int) -> tuple[Tensor, Tensor, Tensor]:
    """Plane, row and column of the few sites that stand out from the four one repeat away: cheap."""
    wide = _framed(samples, step)
    _, height, width = samples.shape
    middle, right = slice(step, step + height), slice(step, step + width)
    around = (
        wide[:, :height, right] + wide[:, 2 * step :, right] + wide[:, middle, :width] + wide[:, middle, 2 * step :]
    )
    mean = around / 4
    apart = (samples - mean).abs()
    plane, row, column = (apart > 0.5 * FAINT + 0.5 * SHARE * mean.abs()).nonzero(as_tuple=True)
    return plane, row, column


def _framed(samples: Tensor, width: int) -> Tensor:
    """With `width` sites more on each side, mirrored without repeating the edge, which keeps an array's phase."""
    _, height, across = samples.shape
    rows = _mirror(torch.arange(-width, height + width, device=samples.device), height)
    columns = _mirror(torch.arange(-width, across + width, device=samples.device), across)
    return samples[:, rows][:, :, columns]


def _mirror(index: Tensor, length: int) -> Tensor:
    period = max(1, 2 * (length - 1))
    folded = index.abs() % period
    return torch.minimum(folded, period - folded).clamp(max=length - 1)


def _at(samples: Tensor, places: tuple[Tensor, Tensor, Tensor], down: Tensor, right: Tensor) -> Tensor:
    plane, row, column = places
    _, height, width = samples.shape
    return samples[plane, _mirror(row + down, height), _mirror(column + right, width)]


def _near(samples: Tensor, places: tuple[Tensor, Tensor, Tensor], cfa: str, colors: str) -> Tensor:
    """(8, suspects): the nearest sites of the same color, in pairs that lie opposite where the array has such."""
    _, row, column = places
    offsets = _offsets(cfa, colors).to(samples.device)
    side = offsets.shape[0]
    own = offsets[row % side, column % side]
    return torch.stack([_at(samples, places, own[:, n, 0], own[:, n, 1]) for n in range(NEAREST)])


@lru_cache(maxsize=32)
def _offsets(cfa: str, colors: str) -> Tensor:
    """(side, side, 8, 2): for each site of the repeat, where the nearest others of its color lie."""
    sites = planes_of_sites(cfa, colors).tolist() if cfa else [[0]]
    side = len(sites)
    reach = range(-FAR, FAR + 1)
    table = []
    for row in range(side):
        for column in range(side):
            same = [
                (down, right)
                for down in reach
                for right in reach
                if (down, right) != (0, 0) and sites[(row + down) % side][(column + right) % side] == sites[row][column]
            ]
            same.sort(key=lambda at: (at[0] ** 2 + at[1] ** 2, abs(math.atan2(at[0], at[1]) % math.pi), at))
            table.append((same * NEAREST)[:NEAREST])
    return torch.tensor(table).reshape(side, side, NEAREST, 2)


def _beside(samples: Tensor, places: tuple[Tensor, Tensor, Tensor], step: int) -> tuple[Tensor, Tensor, Tensor]:
    """The mean of the four sites beside each suspect; of the like in four places around; how unlike the first are."""
    cross = ((-1, 0), (1, 0), (0, -1), (0, 1))
    far = max(step, AROUND)
    row = places[1]

    def ring(down: int, right: int) -> Tensor:
        return torch.stack(
            [_at(samples, places, row.new_tensor(down + y), row.new_tensor(right + x)) for y, x in cross]
        )

    here = ring(0, 0)
    around = torch.stack([ring(far * y, far * x).mean(dim=0) for y, x in cross])
    unlike = torch.maximum((here[0] - here[1]).abs(), (here[2] - here[3]).abs())
    return here.mean(dim=0), around, unlike


def _along(near: Tensor) -> Tensor:
    """The mean of the two neighbors that differ least."""
    pairs = near.reshape(NEAREST // 2, 2, -1)
    calmest = (pairs[:, 0] - pairs[:, 1]).abs().argmin(dim=0)
    return pairs.mean(dim=1).gather(0, calmest[None])[0]
