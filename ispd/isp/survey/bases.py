"""Bases: how bright the surroundings of each place are, for local tone.

Takes   the photo in blocks or cells, linear, file's maps applied, not balanced (colors, h, w); its shot
Gives   Bases: for surroundings of two sizes a slope and an offset at each place, so that a pixel of any size finds its
        base from its own luminance: near an edge by that side's, and within a flat place by its mean
Source  K. He, J. Sun, X. Tang, "Guided image filtering", ECCV 2010, guided by the picture itself, on log luminance
"""

from __future__ import annotations

import math

import numpy as np

from ispd.isp.color.tone import DARKEST
from ispd.isp.survey.overview import Array
from ispd.isp.values import Bases, Shot

LONGEST = 256  # cells of the long edge: more would not be seen, and cost
SMALL, LARGE = 1 / 48, 1 / 10  # radius of the surroundings, of the long edge
EDGE = 0.5  # stops: what differs by less is one surface, by more an edge
LUMINANCE = np.array([0.2627, 0.6780, 0.0593])  # of Rec.2020


def bases(light: Array, cell_px: float, shot: Shot) -> Bases:
    """From cells of `cell_px` pixels of the active area, the first at its top left."""
    balance = max(shot.neutral) / np.array(shot.neutral)
    weights = LUMINANCE @ np.array(shot.rec2020_from_camera) * balance
    brightness = _smaller(np.tensordot(weights, light, axes=1), times := math.ceil(max(light.shape[1:]) / LONGEST))
    stops = np.log2(np.maximum(brightness, 2.0**DARKEST))
    maps = [part for share in (SMALL, LARGE) for part in _guided(stops, max(1, round(share * max(stops.shape))))]
    rows, columns = stops.shape
    return Bases(rows, columns, cell_px * times, np.asarray(maps, "<f4").tobytes())


def _smaller(plane: Array, times: int) -> Array:
    """Means of `times` × `times` cells; the last rows and columns, if they fill no cell, are left out."""
    if times < 2 or min(plane.shape) < times:
        return plane
    height, width = (length // times for length in plane.shape)
    means: Array = plane[: height * times, : width * times].reshape(height, times, width, times).mean(axis=(1, 3))
    return means


def _guided(stops: Array, radius: int) -> tuple[Array, Array]:
    """Slope and offset: base = slope · stops + offset."""
    mean = _boxed(stops, radius)
    variance = np.maximum(_boxed(stops * stops, radius) - mean * mean, 0)
    slope = variance / (variance + EDGE**2)
    return _boxed(slope, radius), _boxed((1 - slope) * mean, radius)


def _boxed(plane: Array, radius: int) -> Array:
    """The mean of a square around each cell, of what lies inside the picture."""
    for axis in (0, 1):
        length = plane.shape[axis]
        sums = np.concatenate([np.zeros_like(np.take(plane, [0], axis)), np.cumsum(plane, axis, np.float64)], axis)
        first = np.maximum(np.arange(length) - radius, 0)
        last = np.minimum(np.arange(length) + radius + 1, length)
        count = np.expand_dims(last - first, 1 - axis)
        plane = (np.take(sums, last, axis) - np.take(sums, first, axis)) / count
    return plane
