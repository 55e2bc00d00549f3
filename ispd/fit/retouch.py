"""Retouch: a region that was changed by itself teaches a look something false, so the pair is refused.

A look is the same everywhere: equal light becomes equal color, but for what changes smoothly (shading, local tone).
So the reference is predicted from the raw's colors by a smooth model of the whole photo; where a compact region is off
the prediction, while the same colors elsewhere are not, somebody has been there.

Takes   the two halves of a sample
Gives   how much of the picture was changed by itself, 0 where nothing was
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ispd.isp.color.lab import lab_from_rec2020

BLOCKS = 48  # of the long edge: a region of fewer than LEAST_AREA of them is a speck that a robust loss overlooks
CALM = 0.3  # trust of cells that are looked at
DARK = 2.0**-9  # of white: light below is noise
LIGHTNESS, COLOR = 12.0, 13.0  # CIELAB units off, beyond what local tone does
TIMES = 6.0  # … and so many times what is usual in this photo
LEAST_AREA, MOST_AREA = 9, 0.3  # blocks; share of the picture: what is changed in half of it is no region
FILLED = 0.3  # of its bounding box: edges that are off are thin lines
ALIKE = (0.25, 0.12, 0.12)  # stops of light and of two ratios of channels that count as the same color
ELSEWHERE = 0.4  # share of a region's cells whose color must be known from elsewhere
ROUNDS = 4


def retouched(light: Tensor, balance: Tensor, wanted: Tensor, trust: Tensor, place: Tensor) -> float:
    """`light` (colors, h, w) and `balance` (colors), as the grid has them; the share of the picture."""
    usable = (trust > CALM) & (wanted.amax(0) < 0.98) & (wanted.amin(0) >= 0)
    colors = _colors(light * balance[:, None, None])
    usable &= colors[0] > torch.log2(torch.tensor(2 * DARK))
    if int(usable.sum()) < 500:
        return 0.0
    off = _off(colors, lab_from_rec2020(wanted.clamp(0, 1)), usable, place)
    height, width = (max(1, round(side * BLOCKS / max(trust.shape))) for side in trust.shape)
    size = (height, width)
    weight = usable.to(off)
    known = F.adaptive_avg_pool2d(weight[None], size)[0]
    blocks = F.adaptive_avg_pool2d((off * weight)[None], size)[0] / known.clamp(min=1e-3)
    usual = blocks[:, known > 0.3].abs().median(dim=1).values.clamp(min=0.3)
    lightness = blocks[0].abs() > max(LIGHTNESS, TIMES * float(usual[0]))
    color = blocks[1:].square().sum(0).sqrt() > max(COLOR, TIMES * float(usual[1:].norm()))
    found = 0
    for region in _regions((lightness | color) & (known > 0.3)):
        if _differs_there_alone(region, off, colors, usable):
            found += int(region.sum())
    return found / known.numel()


def _colors(balanced: Tensor) -> Tensor:
    """(3, h, w): log2 of light, and of the first and last channel against the mean of the others."""
    clipped = balanced.clamp(min=DARK)
    mean = clipped.mean(0)
    return torch.log2(torch.stack([mean, clipped[0] / mean, clipped[-1] / mean]))


def _off(colors: Tensor, lab: Tensor, usable: Tensor, place: Tensor) -> Tensor:
    """(3, h, w): the reference's CIELAB off what a smooth model of the photo predicts, fitted robustly."""
    terms = _terms(colors, place)
    rows, targets = terms[:, usable].T.to(torch.float64), lab[:, usable].T.to(torch.float64)
    step = max(1, len(rows) // 20_000)
    some, aims = rows[::step], targets[::step]
    weight = torch.ones(len(some), 1, dtype=torch.float64)
    solution = torch.zeros(rows.shape[1], 3, dtype=torch.float64)
    for _ in range(ROUNDS):
        normal = some.T @ (some * weight) + 1e-3 * len(some) * 1e-3 * torch.eye(some.shape[1], dtype=torch.float64)
        solution = torch.linalg.solve(normal, some.T @ (aims * weight))
        error = (aims - some @ solution).norm(dim=1, keepdim=True)
        weight = 1 / (1 + (error / (2 * error.median().clamp(min=0.5))).square())
    predicted = torch.einsum("khw,kc->chw", terms, solution.to(torch.float32))
    return (lab - predicted) * usable


def _terms(colors: Tensor, place: Tensor) -> Tensor:
    """(terms, h, w): polynomials of the raw's color, of degree 5 in light and 3 in all, and of the place."""
    light, red, blue = (colors[0] + 4) / 4, colors[1], colors[2]
    one = torch.ones_like(light)
    terms = [one, light, light**2, light**3, light**4, light**5]
    terms += [red * light**power for power in range(4)] + [blue * light**power for power in range(4)]
    terms += [red**2, red * blue, blue**2, red**2 * light, red * blue * light, blue**2 * light]
    terms += [red**3, red**2 * blue, red * blue**2, blue**3]
    x, y = place
    r2 = x * x + y * y
    terms += [x, y, x * x, y * y, x * y, r2 * r2, r2 * light, x * light, y * light]
    return torch.stack(terms)


def _regions(mask: Tensor) -> list[Tensor]:
    """Connected, compact parts of a mask, small and thin ones left out."""
    open_ = {(int(row), int(column)) for row, column in mask.nonzero().tolist()}
    regions = []
    while open_:
        stack, part = [open_.pop()], []
        while stack:
            row, column = stack.pop()
            part.append((row, column))
            around = [(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
            near = [place for place in around if place in open_]
            open_.difference_update(near)
            stack += near
        rows, columns = zip(*part, strict=True)
        box = (max(rows) - min(rows) + 1) * (max(columns) - min(columns) + 1)
        if LEAST_AREA <= len(part) <= MOST_AREA * mask.numel() and len(part) >= FILLED * box:
            region = torch.zeros_like(mask)
            region[list(rows), list(columns)] = True
            regions.append(region)
    return regions


def _differs_there_alone(region: Tensor, off: Tensor, colors: Tensor, usable: Tensor) -> bool:
    """Whether the region's colors are known from elsewhere, and are not off there in the same way."""
    there = F.interpolate(region[None, None].float(), size=usable.shape, mode="nearest")[0, 0] > 0.5
    inside, outside = there & usable, ~there & usable
    cells = torch.stack([torch.round(plane / step) for plane, step in zip(colors, ALIKE, strict=True)]).long()
    key = (cells[0] + 64) * 65536 + (cells[1] + 128) * 256 + (cells[2] + 128)
    keys, index = torch.unique(key, return_inverse=True)
    count = torch.bincount(index[outside], minlength=len(keys)).float()
    sums = [torch.bincount(index[outside], weights=plane[outside], minlength=len(keys)) for plane in off]
    mean = torch.stack(sums) / count.clamp(min=1)
    known = count[index[inside]] >= 4
    if float(known.float().mean()) < ELSEWHERE:
        return False
    apart = (off[:, inside] - mean[:, index[inside]])[:, known]
    middle = apart.median(dim=1).values
    return bool(middle[0].abs() > LIGHTNESS or middle[1:].norm() > COLOR)
