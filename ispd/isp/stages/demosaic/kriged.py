"""Kriged demosaic, for X-Trans, Quad-Bayer and other arrays of three colors: the best linear guess, along edges.

What the samples around a site tell of the colors it lacks is known before any picture is: neighbors are the more alike
the nearer they lie, along an edge far more than across it, and colors differ less than lightness does.  So for every
site of the repeat and each of four directions the best weights are computed once, from the array itself:

    1  C(i, j) = -|i - j|₈ - COLOR |i - j|₃ [same color] + NOISE [i = j]        i, j among 7 × 7 samples
       |·|ₛ: what lies along the direction counts 1 / sqrt(s), across it sqrt(s)
       the guess of color c is Σ w M, with the w of least expected error, Cw + Fμ = C(·, site as c), under Fᵀw = f:
       the weights of c sum to 1, of other colors to 0 (flat stays flat), and a ramp of grey stays a ramp
    2  A = the sum over 5 × 5 sites of |K[0] - K[-1]| + |K[+1] - K[0]| along the direction, of K = G - R and K = G - B
       by that direction's guesses, over the length of a step; plus |M| / 1000
    3  the four guesses are averaged with weights A⁻⁴
    4  limits (`guided`): green by the site's own color, red and blue by green, each among samples up to 2 sites away

Takes   (H, W) mosaic, white-balanced; any `cfa` that `fits`, of "RGB"; any size
Gives   (3, H, W), R, G, B; looks 8 sites far; beyond a border its pixels go on
Source  universal kriging: N. Cressie, "Statistics for Spatial Data", 1993, §3.4.  A covariance that falls with the
        distance is the 1 / f² of photos' spectra.  The constants are the best on photos at half size, plain and
        saturated, behind X-Trans, by a tenth of a decibel; color stretched less than light: +0.2 | +0.4 dB over none

>>> kriged(torch.full((6, 6), 0.25), "GBGGRGRGRBGBGBGGRGGRGGBGBGBRGRGRGGBG").unique()
tensor([0.2500])
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, reduce

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ispd.isp.pattern import greatest, nearness, planes_of_sites, repeat, spread, tiled
from ispd.isp.stages.demosaic.overshoot import Span, guided

REACH = 3  # sites: samples up to so far away are weighed
FAR = 2  # sites: limits come from samples so near
LIGHT_STRETCH, COLOR_STRETCH, COLOR, NOISE = 8.0, 3.0, 0.12, 0.01
CALM, NOTHING = 0.001, 1e-9  # of a sample; of light
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))
WIDEST = 8  # sites: larger repeats would take seconds to prepare, and no such sensor is known


@cache
def fits(cfa: str) -> bool:
    """Whether this array has all three colors near every site, and a repeat of reasonable size."""
    sites = planes_of_sites(cfa, "RGB") if set(cfa) == set("RGB") else None
    return sites is not None and len(sites) <= WIDEST and nearness(sites, 3) <= FAR


def kriged(mosaic: Tensor, cfa: str) -> Tensor:
    """A guess along each direction, the calmest of them, kept within what was measured."""
    return _limited(mosaic, _calmest(_guesses(mosaic, cfa), mosaic), cfa)


def _guesses(mosaic: Tensor, cfa: str) -> Tensor:
    """(4 directions, 3 colors, H, W): for each site of the repeat its own filters."""
    side, (height, width) = repeat(cfa), mosaic.shape
    padded = _padded(mosaic, cfa)[None]
    filters = torch.from_numpy(_filters(cfa)).to(mosaic)
    guesses = mosaic.new_empty(len(DIRECTIONS), 3, height, width)
    for row, column in np.ndindex(min(side, height), min(side, width)):
        one = F.conv2d(padded[:, row:, column:], filters[row, column, :, None], stride=side)
        guesses[..., row::side, column::side] = one.reshape(len(DIRECTIONS), 3, *one.shape[1:])
    return guesses


def _padded(mosaic: Tensor, cfa: str) -> Tensor:
    """REACH more all around: what the array would see if the border's pixels, bilinearly guessed, went on."""
    planes = F.pad(spread(mosaic, cfa, "RGB"), (REACH, REACH, REACH, REACH), mode="replicate")
    sites = planes_of_sites(cfa, "RGB").roll((REACH, REACH), dims=(0, 1)).to(mosaic.device)
    return planes.gather(0, tiled(sites, *planes.shape[1:])[None])[0]


@cache
def _filters(cfa: str) -> NDArray[np.float32]:
    """(n, n, 4 directions · 3 colors, 7, 7): the weights of every site of the repeat; its own color is just taken."""
    side, sites = repeat(cfa), planes_of_sites(cfa, "RGB").numpy()
    around = np.array([(y, x) for y in range(-REACH, REACH + 1) for x in range(-REACH, REACH + 1)])
    filters = np.zeros((side, side, len(DIRECTIONS), 3, len(around)), dtype=np.float32)
    for row, column in np.ndindex(side, side):
        y, x = around.T + np.array([[row], [column]])
        for direction, along in enumerate(DIRECTIONS):
            filters[row, column, direction] = _weights(around, sites[y % side, x % side], along).T
        filters[row, column, :, sites[row, column]] = np.all(around == 0, axis=1)
    return filters.reshape(side, side, -1, 2 * REACH + 1, 2 * REACH + 1)


def _weights(around: NDArray[np.int64], colors: NDArray[np.int64], along: tuple[int, int]) -> NDArray[np.float64]:
    """(samples, 3): of each sample, for the guess of each color amid them."""
    count, places = len(around), np.vstack([around, (0, 0)])
    apart, (down, right) = places[:, None] - places[None], np.array(along) / math.hypot(*along)
    forward, aside = apart @ (down, right), apart @ (-right, down)

    def distances(stretch: float) -> NDArray[np.float64]:
        stretched: NDArray[np.float64] = np.hypot(forward / math.sqrt(stretch), aside * math.sqrt(stretch))
        return stretched

    light, color = -distances(LIGHT_STRETCH), -COLOR * distances(COLOR_STRETCH)
    same = colors[:, None] == colors[None]
    between = light[:count, :count] + color[:count, :count] * same + NOISE * np.eye(count)
    one_hot = colors[:, None] == np.arange(3)
    wanted = light[:count, count:] + color[:count, count:] * one_hot
    rules = np.hstack([one_hot, around])
    system = np.block([[between, rules], [rules.T, np.zeros((rules.shape[1], rules.shape[1]))]])
    aims = np.vstack([wanted, np.eye(3), np.zeros((2, 3))])
    solved: NDArray[np.float64] = np.linalg.solve(system, aims)[:count]
    return solved


def _calmest(guesses: Tensor, mosaic: Tensor) -> Tensor:
    """(3, H, W): the guesses' mean, weighed by how calm the color differences are along their directions."""
    calm = CALM * mosaic.abs() + NOTHING
    restless = torch.stack(
        [_restlessness(guess, *along) + calm for guess, along in zip(guesses, DIRECTIONS, strict=True)]
    )
    weights = (restless.amin(dim=0) / restless).square().square()
    return (weights[:, None] * guesses).sum(dim=0) / weights.sum(dim=0)


def _restlessness(guess: Tensor, y: int, x: int) -> Tensor:
    """(H, W): how color differences change along the direction, summed over 5 × 5 sites; borders are repeated."""
    differences = F.pad(guess[1:2] - guess[::2], (3, 3, 3, 3), mode="replicate")
    rows, columns = differences.shape[1:]
    before, own, after = (
        differences[:, 1 + step * y : rows - 1 + step * y, 1 + step * x : columns - 1 + step * x] for step in (-1, 0, 1)
    )
    total = ((own - before).abs() + (after - own).abs()).sum(dim=0) / math.hypot(y, x)
    for dim in (0, 1):
        a, b, c, d, e = (total.narrow(dim, start, total.shape[dim] - 4) for start in range(5))
        total = a + b + c + d + e
    return total


def _limited(mosaic: Tensor, planes: Tensor, cfa: str) -> Tensor:
    """Green limited by what was measured at the site, red and blue by green; measured samples as they are."""
    own = tiled(planes_of_sites(cfa, "RGB"), *mosaic.shape).to(mosaic.device)
    red, green, blue = (own == plane for plane in range(3))
    of_red, of_blue = (_span(mosaic, mask, mosaic, _most_beside) for mask in (red, blue))
    of_own = torch.where(red, of_red[0], of_blue[0]), torch.where(red, of_red[1], of_blue[1])
    full = guided(planes[1], _span(mosaic, green, planes[1]), mosaic, of_own)
    full = torch.where(green, mosaic, full)
    first, last = (
        torch.where(mask, mosaic, guided(guess, _span(mosaic, mask, guess), full, _span(full, mask, full)))
        for mask, guess in ((red, planes[0]), (blue, planes[2]))
    )
    return torch.stack([first, full, last])


def _most(plane: Tensor) -> Tensor:
    """The greatest up to FAR away."""
    return greatest(plane, FAR)


def _most_beside(plane: Tensor) -> Tensor:
    """The same without the site's own."""
    rows, columns = plane.shape
    wide = F.pad(plane, (FAR, FAR, FAR, FAR), value=-math.inf)
    steps = [step for step in range(2 * FAR + 1) if step != FAR]
    above_and_below = reduce(torch.maximum, (wide[step : step + rows] for step in steps))
    level = wide[FAR : FAR + rows]
    sides = [above_and_below[:, step : step + columns] for step in (FAR, *steps)]
    return reduce(torch.maximum, sides + [level[:, step : step + columns] for step in steps])


def _span(plane: Tensor, mask: Tensor, otherwise: Tensor, most: Callable[[Tensor], Tensor] = _most) -> Span:
    """The least and the greatest around every site of those that `mask` has; `otherwise` where there are none."""
    nothing = plane.new_tensor(-math.inf)
    low, high = -most(torch.where(mask, -plane, nothing)), most(torch.where(mask, plane, nothing))
    none = high == nothing
    return torch.where(none, otherwise, low), torch.where(none, otherwise, high)
