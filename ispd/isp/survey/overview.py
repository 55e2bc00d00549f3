"""Overview: the photo at about an eighth of its size, for what only needs to see the whole.

Takes   stored codes, (planes, H, W), after opcode list 1; a shot whose full wells are known
Gives   each block's mean color, linear, as the stages `levels` and `opcodes` would have it, and how much of it clipped
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ispd.isp.values import Area, GainMap, Levels, MapPolynomial, MapTable, Region, Shot

Array: TypeAlias = NDArray[np.floating[Any]]
Places: TypeAlias = NDArray[np.intp]

BLOCK = 8  # pixels of a block's side, rounded to whole repeats of the filter array
CLIPPED = 0.98  # of a full well
KINDS = {"<u2": np.uint32, "|u1": np.uint32, "|b1": np.uint8}  # what sums of few of a type fit in
MOST = 65536.0  # times white, as the stage `levels` has it


@dataclass(frozen=True)
class Overview:
    """A small picture."""

    light: Array  # (colors, h, w) float32: each block's mean, linear, 0 is black and 1 is white; not balanced
    clipped: Array  # (h, w) float32: the share of a block's samples that have clipped
    block: int  # pixels of a block's side


def overview(samples: NDArray[Any], shot: Shot) -> Overview:
    """The active area in blocks, the file's maps applied; rows and columns that fill no block are left out."""
    active, p = shot.active, shot.levels
    side = math.isqrt(len(shot.cfa)) or 1
    times = max(1, round(BLOCK / side))
    planes, clipped = [], []
    with np.errstate(over="ignore", invalid="ignore"):  # a float file may say anything
        for number, codes in enumerate(samples[:, active.top : active.bottom, active.left : active.right]):
            linear = linearized(codes, p.table) if p.table else codes
            black, span = p.greatest_black(number), p.white_of(number) - p.greatest_black(number)
            above = _binned(linear, side, times) / times**2 - _black(p, number, side, times, codes.shape)
            light = np.nan_to_num(above / (span or 1.0), posinf=MOST, neginf=0.0).clip(-MOST, MOST)
            planes.append(_flattened(light, shot, number, side * times))
            full = black + CLIPPED * span * (p.full[number] if p.full else 1.0)
            clipped.append(_binned(_reaches(linear, full), side, times).mean(axis=(0, 1)) / times**2)
    sites = np.concatenate([plane.reshape(side * side, *plane.shape[2:]) for plane in planes])
    if shot.cfa:
        letters = np.array(list(shot.cfa))
        sites = np.stack([sites[letters == color].mean(axis=0) for color in shot.colors])
    return Overview(sites, np.mean(clipped, axis=0), side * times)


def _binned(plane: NDArray[Any], side: int, times: int) -> Array:
    """(side, side, h, w) float32: for each site of the repeat its sum over the `times` × `times` repeats of a block."""
    block = side * times
    height, width = plane.shape[0] // block, plane.shape[1] // block
    whole = plane[: height * block, : width * block].reshape(height, times, side, width * block)
    # whole rows are added, which is fast, and faster in whole numbers; then columns of what is left
    rows = whole.sum(axis=1, dtype=KINDS.get(plane.dtype.str, np.float32)).astype(np.float32)
    sums = np.zeros((side, side, height, width), np.float32)
    for column in range(block):
        sums[:, column % side] += rows[:, :, column::block].swapaxes(0, 1)
    return sums


def _reaches(plane: NDArray[Any], full: float) -> NDArray[np.bool_]:
    """Whether samples are as great as `full`; whole numbers are compared with one, which is several times as fast."""
    if plane.dtype.kind == "u" and 0 < full <= np.iinfo(plane.dtype).max:
        return np.asarray(plane >= plane.dtype.type(math.ceil(full)))
    return np.asarray(plane >= full)


def _black(p: Levels, plane: int, side: int, times: int, shape: tuple[int, ...]) -> Array:
    """(side, side, h, w), or less where it broadcasts: the mean black of each site of the repeat in each block."""
    pattern = np.reshape(p.black, p.black_shape)[:, :, min(plane, p.black_shape[2] - 1)]
    whole = np.tile(pattern, (side, side))  # here each site lies on every black of the pattern, equally often
    sites = [[whole[row::side, column::side].mean() for column in range(side)] for row in range(side)]
    block = side * times
    return (
        np.array(sites)[:, :, None, None]
        + _of_blocks(p.delta_v, shape[0], block)[:, None]
        + _of_blocks(p.delta_h, shape[1], block)
    )


def curved(light: Array, shot: Shot, plane: int) -> Array:
    """Light of any shape through opcode list 2's curves that cover the photo."""
    for opcode in shot.opcodes2:
        if isinstance(opcode, MapPolynomial | MapTable) and _covers(opcode.region, plane, shot.active):
            light = _curved(light, opcode)
    return light


def _flattened(sites: Array, shot: Shot, plane: int, block: int) -> Array:
    """(side, side, h, w) with opcode list 2's maps that cover the photo, as the stage `opcodes` applies them."""
    rows, columns = ((np.arange(blocks) + 0.5) * block for blocks in sites.shape[2:])
    centers = rows / shot.active.height, columns / shot.active.width
    for opcode in shot.opcodes2:
        if not isinstance(opcode, MapPolynomial | MapTable | GainMap) or not _covers(opcode.region, plane, shot.active):
            continue
        region = opcode.region
        down, right = max(1, region.row_pitch), max(1, region.col_pitch)
        for row, column in np.ndindex(sites.shape[:2]):
            if (row - region.area.top) % down == 0 and (column - region.area.left) % right == 0:
                sites[row, column] = _changed(sites[row, column], opcode, plane - region.plane, centers)
    return sites


def _covers(region: Region, plane: int, active: Area) -> bool:
    area = region.area
    seen = min(area.height, active.height) * min(area.width, active.width)
    return 0 <= plane - region.plane < region.planes and 2 * seen > active.height * active.width


def _changed(
    light: Array, opcode: MapPolynomial | MapTable | GainMap, plane: int, centers: tuple[Array, Array]
) -> Array:
    return light * _gain(opcode, plane, centers) if isinstance(opcode, GainMap) else _curved(light, opcode)


def _curved(light: Array, opcode: MapPolynomial | MapTable) -> Array:
    inside = light.clip(0, 1)
    if isinstance(opcode, MapPolynomial):
        mapped = np.polynomial.polynomial.polyval(inside, np.nan_to_num(opcode.coefficients))
    else:
        table = np.array(opcode.table or (0, 65535))
        mapped = table[np.rint(inside * 65535).astype(np.intp).clip(0, len(table) - 1)] / 65535
    return np.asarray(np.nan_to_num(mapped) + (light - inside), np.float32)


def _gain(p: GainMap, plane: int, centers: tuple[Array, Array]) -> Array:
    """A gain map at the blocks' centers, bilinear between its points."""
    gains = np.nan_to_num(np.array(p.gains, np.float32), nan=1.0, posinf=1.0, neginf=1.0).clip(min=0)
    if gains.size == 0:
        return np.ones((1, 1), np.float32)
    for axis in (0, 1):
        lower, upper, t = _between(centers[axis], gains.shape[axis], p.spacing[axis], p.origin[axis])
        gains = np.moveaxis(gains, axis, -1)
        gains = np.moveaxis(gains[..., lower] + (gains[..., upper] - gains[..., lower]) * t, -1, axis)
    return gains[:, :, min(plane, gains.shape[2] - 1)]


def _between(
    centers: Array, points: int, spacing: float, origin: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    """For each block's center the map points before and after it, and how far it has come between them."""
    if points < 2 or not math.isfinite(spacing * origin) or spacing <= 0:
        first = np.zeros(len(centers), np.intp)
        return first, first, np.zeros(len(centers), np.float32)
    at = ((centers - origin) / spacing).clip(0, points - 1)
    lower = at.astype(np.intp).clip(max=points - 2)
    return lower, lower + 1, np.asarray(at - lower, np.float32)


def _of_blocks(deltas: tuple[float, ...], length: int, block: int) -> Array:
    """The mean of each block of rows or columns; 0 beyond what the file tells."""
    padded = np.zeros(length // block * block)
    padded[: len(deltas)] = deltas[: len(padded)]
    means: Array = padded.reshape(-1, block).mean(axis=1)
    return means


def linearized(codes: NDArray[Any], table: tuple[int, ...]) -> Array:
    """Codes through the file's table, as float32; numbers that are none stay none."""
    if not table:
        return codes.astype(np.float32)
    if codes.dtype.kind not in "iu":
        codes = np.nan_to_num(np.rint(codes)).clip(0, len(table) - 1).astype(np.intp)
    light: Array = np.asarray(table, np.float32).take(codes, mode="clip")
    return light
