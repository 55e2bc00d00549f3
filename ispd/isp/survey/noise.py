"""Noise: how much a sensor's samples scatter, where the file does not say, or says more than is true.

Blocks spread over the photo give, for each color, a mean and the variance of second differences between sites of that
color, down and across at once, which slopes and edges along rows or columns do not enter.  Texture does: so the line
S·x + O is laid below nearly all of the points, where an even block's variance falls by chance one time in twenty.

Takes   stored codes of the active area, (planes, H, W); a shot whose full wells are known
Gives   (S, O) a color, as `Shot.noise_profile` has it: variance = S·x + O for x in [0, 1], before gain maps;
        () where the photo has too few blocks that are neither clipped nor black, and the file is silent;
        what the file says, unless less is measured: lossy compression and a camera's own denoising leave it as it was
Source  noise from the flattest blocks: S. Olsen, CVGIP 55 (1993); quantile regression: R. Koenker, G. Bassett,
        Econometrica 46 (1978); quantiles of χ²: E. Wilson, M. Hilferty, PNAS 17 (1931)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ispd.isp.noise import visible
from ispd.isp.survey.overview import Array, curved, linearized
from ispd.isp.values import Shot

SIDE, REPEATS = 16, 4  # pixels of a block's side, at least, and repeats of the filter array
MOST, FEWEST = 2048, 64  # blocks that are looked at; colors of blocks that make a law
BRIGHT, DARK = 0.9, 0.02  # of a full well; of a block's samples that may lie at code 0, where noise is cut
CHANCE, DEVIATIONS = 0.05, -1.645  # where the line lies, and so many standard deviations below the mean that is
ALIKE = 2.25  # Σρ² of neighboring second differences of white noise: so many count as one
TONE, SURELY = 0.05, 0.7  # a middling tone, at which two laws are compared; a measurement is not better than this
RATIOS = np.concatenate([[0.0], np.geomspace(1e-5, 10, 97)])  # O / S that are tried


def noise_profile(codes: NDArray[Any], shot: Shot) -> tuple[tuple[float, float], ...]:
    """The file's, if none is seen or no less is found; else what is measured."""
    stated = shot.noise_profile
    if stated and not visible(stated, shot):
        return stated
    measured = _measured(codes, shot)
    louder = not measured or (stated and all(map(_is_no_less, measured, stated)))
    return stated if stated and louder else measured


def _is_no_less(measured: tuple[float, float], stated: tuple[float, float]) -> bool:
    (shot, read), (stated_shot, stated_read) = measured, stated
    return shot * TONE + read >= SURELY * (stated_shot * TONE + stated_read)


def _measured(codes: NDArray[Any], shot: Shot) -> tuple[tuple[float, float], ...]:
    """One pair a color; of a mosaic the same: its colors share an amplifier, and few are seen dark and bright alike."""
    repeat = math.isqrt(len(shot.cfa)) or 1
    blocks = _scattered(codes, max(SIDE, REPEATS * repeat))
    with np.errstate(over="ignore", invalid="ignore"):  # a float file may say anything
        light = np.stack([_light(plane, shot, number) for number, plane in enumerate(blocks)])
        full = np.reshape(shot.levels.full or (1.0,), (-1, 1, 1, 1))
        usable = ((light < BRIGHT * full).all(axis=(0, 2, 3))) & ((blocks <= 0).mean(axis=(0, 2, 3)) < DARK)
        if not usable.any():
            return ()
        light = light[:, usable]
        points = [_points(light, repeat, color, shot) for color in range(len(shot.colors))]
    if shot.cfa:
        points = [np.concatenate(points, axis=1)]
    lines = [_line(*of_color) for of_color in points] * (len(shot.colors) // len(points))
    return tuple(line for line in lines if line) if all(lines) else ()


def _scattered(codes: NDArray[Any], side: int) -> NDArray[Any]:
    """(planes, blocks, side, side): all blocks, or every other one, or every third … down and across."""
    planes, height, width = codes.shape
    down, right = height // side, width // side
    apart = max(1, math.ceil(math.sqrt(down * right / MOST)))
    whole = codes[:, : down * side, : right * side].reshape(planes, down, side, right, side)
    some = whole[:, ::apart, :, ::apart].swapaxes(2, 3)
    return some.reshape(planes, -1, side, side)


def _light(codes: NDArray[Any], shot: Shot, plane: int) -> Array:
    """Stored codes of any shape, linear, 0 at black and 1 at white; through the curves of opcode list 2 too."""
    black, white = shot.levels.greatest_black(plane), shot.levels.white_of(plane)
    light: Array = (linearized(codes, shot.levels.table) - np.float32(black)) / np.float32((white - black) or 1)
    return curved(light, shot, plane)


def _points(light: Array, repeat: int, color: int, shot: Shot) -> Array:
    """(2, blocks): mean and variance of one color in each block, the latter raised from its low chance to the mean."""
    down = light[..., repeat:, :] - light[..., :-repeat, :]
    second = down[..., repeat:] - down[..., :-repeat]
    if shot.cfa:
        sites = np.reshape([letter == shot.colors[color] for letter in shot.cfa], (repeat, repeat))
        own = np.tile(sites, (light.shape[2] // repeat + 1,) * 2)
        samples = light[0][:, own[: light.shape[2], : light.shape[3]]]
        differences = second[0][:, own[: second.shape[2], : second.shape[3]]]
    else:
        samples, differences = (each[color].reshape(light.shape[1], -1) for each in (light, second))
    count = max(1, differences.shape[1])
    return np.stack([samples.mean(axis=1), (differences**2).sum(axis=1) / (4 * count * _low(count / ALIKE))])


def _low(freedom: float) -> float:
    """The CHANCE quantile of χ² over its mean."""
    return max(0.01, (1 - 2 / (9 * freedom) + DEVIATIONS * math.sqrt(2 / (9 * freedom))) ** 3)


def _line(means: Array, variances: Array) -> tuple[float, float] | None:
    """S and O of the line below all but CHANCE of the points, in the logarithm; every stop of light counts alike."""
    good = (variances > 0) & np.isfinite(means + variances)
    means, variances = means[good].clip(min=0), variances[good]
    if len(means) < FEWEST:
        return None
    stop = np.log2(means.clip(min=1e-4)).astype(int)
    weights = 1 / np.sqrt(np.bincount(stop - stop.min())[stop - stop.min()])
    height, best, shot_noise = np.log(variances), (math.inf, 0.0, 0.0), math.inf
    for ratio in RATIOS:
        above = height - np.log((means + ratio).clip(min=1e-9))
        shot_noise = _quantile(above, weights, shot_noise)
        error = above - shot_noise
        loss = float((weights * np.where(error > 0, CHANCE * error, (CHANCE - 1) * error)).sum())
        best = min(best, (loss, math.exp(shot_noise), ratio))
    _, slope, ratio = best
    return slope, slope * float(ratio)


def _quantile(values: Array, weights: Array, most: float) -> float:
    """The CHANCE quantile, which is known to be no more than `most`: only what lies below that is sorted."""
    low = values <= most
    values, least = values[low], CHANCE * weights.sum()
    order = values.argsort()
    place = np.searchsorted(weights[low][order].cumsum(), least)
    return float(values[order[min(place, len(order) - 1)]])
