"""Lateral color: how much wider or narrower than the green picture a lens draws the red and the blue one.

Takes   stored codes of a mosaic's active area, its levels, its array
Gives   (red, blue): 0.001 is a thousandth wider than green, about the center; 0 where the photo does not show it

    blocks      the 160 richest in detail outside of the center, of the green samples; none with clipped ones
    each block  color = a + c·green + e·∂green/∂r by least squares at the color's own sites, both blurred alike: the
                color lies e/c px nearer to the center than green.  Blocks where color and green differ tell nothing
    the photo   one scale through all blocks' shifts, e/c = -scale·r, by Tukey's biweight.  It must stand out of its own
                error, its blocks must agree, and so must every side of the picture: a red flower is no lens

Source  T. Boult, G. Wolberg, "Correcting chromatic aberrations using image warping", CVPR 1992 (the model); B. Lucas,
        T. Kanade, 1981 (shifts from gradients); A. Beaton, J. Tukey, 1974 (biweight).  Own thresholds: 29 photographs,
        each with ± 0.05 % added to what it has, is found to 0.01 % where it is believed
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ispd.isp.survey.overview import linearized
from ispd.isp.values import Levels

Array: TypeAlias = NDArray[np.floating[Any]]

BAYER = ("RGGB", "BGGR", "GRBG", "GBRG")
SIDE = 32  # samples of one color along a block's side
CENTER = 0.35  # of the corner's distance: nearer, a scale shifts nothing
BLOCKS, FEWEST = 160, 16
WHOLE = 0.85  # of white: brighter blocks may be clipped, and glow in colors of their own
ALIKE = 0.93  # of a block's variance that green must explain
CERTAIN = 4.0  # times the scale's own error
SCATTER_PX = 0.8  # between blocks
LEAST_PX, MOST_PX = 0.1, 3.0  # at the corner: less is not seen, more is no lens; `stages.lateral_ca` looks so far
SWEEPS, BIWEIGHT = 6, 4.685
STEADY_PX = 0.1  # no block is trusted beyond that


def lateral_ca(codes: NDArray[Any], p: Levels, cfa: str) -> tuple[float, float]:
    """Of a Bayer mosaic (H, W); any other array shows too little of each color: 0, 0."""
    height, width = codes.shape
    if cfa not in BAYER or min(height, width) < 8 * SIDE:
        return 0.0, 0.0
    corners = _richest(codes, p, cfa)
    blocks = [linearized(codes[y - 2 : y + 2 * SIDE + 4, x - 2 : x + 2 * SIDE + 4], p.table) for y, x in corners]
    if len(blocks) < FEWEST:
        return 0.0, 0.0
    center = np.array(codes.shape) / 2
    red, blue = (_scale(np.stack(blocks), corners - center, divmod(cfa.index(color), 2), center) for color in "RB")
    return red, blue


def _richest(codes: NDArray[Any], p: Levels, cfa: str) -> NDArray[np.intp]:
    """(n, 2): top left corners of the blocks with most detail for their noise, farther out rather than nearer."""
    step, right = 2 * SIDE, cfa.index("G") % 2
    down, across = ((length - 8) // step for length in codes.shape)
    whole = codes[4 : 4 + down * step : 2, 4 + right : 4 + across * step : 4]
    black, white = p.greatest_black(0), p.white_of(0)
    green = (linearized(whole, p.table) - np.float32(black)).reshape(down, SIDE, across, SIDE // 2)
    changes = [np.abs(green[:, 4:] - green[:, :-4]), np.abs(green[..., 2:] - green[..., :-2])]
    detail = sum(change.mean(axis=(1, 3)) for change in changes) / np.sqrt(green.mean(axis=(1, 3)).clip(min=1))
    corners = 4 + step * np.stack(np.meshgrid(np.arange(down), np.arange(across), indexing="ij"), -1)
    center = np.array(codes.shape) / 2
    distance = np.hypot(*np.moveaxis(corners + SIDE - center, -1, 0)) / math.hypot(*center)
    told = (distance > CENTER) & (green.max(axis=(1, 3)) < WHOLE * (white - black))
    detail, corners = (detail * distance * told).ravel(), corners.reshape(-1, 2)
    order = np.argsort(-detail, kind="stable")[:BLOCKS]
    richest: NDArray[np.intp] = corners[order[detail[order] > 0]]
    return richest


def _scale(blocks: Array, at: Array, site: tuple[int, int], center: Array) -> float:
    """The one scale of a color, whose sites are at `site` of each repeat; 0 where it is not certain.

    `blocks` (n, SIDE·2 + 6, …) begin two sites before the corner `at`, which counts from the center.
    """
    row, column = site[0] + 2, site[1] + 2
    color = blocks[:, row : row + 2 * SIDE : 2, column : column + 2 * SIDE : 2]
    up, down, left, right = (
        blocks[:, y : y + 2 * SIDE : 2, x : x + 2 * SIDE : 2]
        for y, x in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1))
    )
    at = at + SIDE
    distance = np.hypot(*at.T)
    shifts, errors, alike = _shifts(_blurred(color), _blurred((up + down + left + right) / 4), at / distance[:, None])
    known = alike > ALIKE
    if known.sum() < FEWEST:
        return 0.0
    shifts, distance, at = shifts[known], distance[known], at[known]
    trust = 1 / (errors[known] ** 2 + STEADY_PX**2)
    scale, weights = _fitted(shifts, distance, trust)
    off = shifts - scale * distance
    error = math.sqrt(((weights * distance * off) ** 2).sum()) / (weights * distance**2).sum()
    corner = math.hypot(*center)
    agreed = np.median(np.abs(off)) * 1.48 < SCATTER_PX and _every_side_agrees(scale, shifts, distance, weights, at)
    if not agreed or abs(scale) < CERTAIN * error or not abs(scale) * corner > LEAST_PX:
        return 0.0
    return float(np.clip(-scale, -MOST_PX / corner, MOST_PX / corner))


def _blurred(planes: Array) -> Array:
    """Twice 1 2 1 along both directions: no noise, and nothing finer than a gradient describes."""
    for _ in range(2):
        planes = planes[:, 2:] + 2 * planes[:, 1:-1] + planes[:, :-2]
        planes = planes[:, :, 2:] + 2 * planes[:, :, 1:-1] + planes[:, :, :-2]
    return planes / 256


def _shifts(color: Array, green: Array, outward: Array) -> tuple[Array, Array, Array]:
    """Of each block: how many px nearer to the center the color lies than green, that number's error by the block's own
    residuals, and the part of the color's variance that green explains."""
    # the five-point derivative; neighbors of one color are 2 px apart
    down = (8 * (green[:, 3:-1] - green[:, 1:-3]) - (green[:, 4:] - green[:, :-4]))[:, :, 2:-2] / 24
    right = (8 * (green[:, :, 3:-1] - green[:, :, 1:-3]) - (green[:, :, 4:] - green[:, :, :-4]))[:, 2:-2] / 24
    slope = down * outward[:, :1, None] + right * outward[:, 1:, None]
    inner = (slice(None), slice(2, -2), slice(2, -2))
    x, g, d = (plane - plane.mean(axis=(1, 2), keepdims=True) for plane in (color[inner], green[inner], slope))
    gg, gd, dd, gx, dx, xx = (
        np.einsum("nij,nij->n", a, b) for a, b in ((g, g), (g, d), (d, d), (g, x), (d, x), (x, x))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = gg * dd - gd**2
        contrast, moved = (dd * gx - gd * dx) / whole, (gg * dx - gd * gx) / whole
        left = xx - contrast * gx - moved * dx
        count = color[0][inner[1:]].size
        errors = np.sqrt(np.maximum(left, 0) / count * gg / whole) / contrast
        alike = np.where((contrast > 0) & np.isfinite(errors), 1 - left / xx, 0.0)
        return np.nan_to_num(moved / contrast), np.nan_to_num(errors), np.nan_to_num(alike)


def _fitted(shifts: Array, distance: Array, trust: Array) -> tuple[float, Array]:
    """The slope of the shifts over the distance, and the weights that it was found with."""
    slopes = shifts / distance
    order = np.argsort(slopes)
    heaps = np.cumsum((trust * distance**2)[order])
    slope = float(slopes[order][np.searchsorted(heaps, heaps[-1] / 2)])  # the weighted median to begin with
    weights = trust
    for _ in range(SWEEPS):
        off = shifts - slope * distance
        spread = max(1.48 * float(np.median(np.abs(off))), STEADY_PX / 2)
        weights = trust * np.maximum(1 - (off / (BIWEIGHT * spread)) ** 2, 0) ** 2
        slope = float((weights * distance * shifts).sum() / (weights * distance**2).sum())
    return slope, weights


def _every_side_agrees(scale: float, shifts: Array, distance: Array, weights: Array, at: Array) -> bool:
    """Whether top, right, bottom and left, as far as they tell something, all say the same direction; two must."""
    side = np.where(np.abs(at[:, 0]) > np.abs(at[:, 1]), at[:, 0] > 0, 2 + (at[:, 1] > 0))
    slopes = [
        (weights * distance * shifts)[side == one].sum() / max((weights * distance**2)[side == one].sum(), 1e-9)
        for one in range(4)
        if (side == one).sum() >= 4
    ]
    return len(slopes) >= 2 and all(slope * scale > 0 for slope in slopes)
