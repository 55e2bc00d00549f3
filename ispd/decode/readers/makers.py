"""The Shot of other makers' raws, from the numbers a reader knows: these files have no DNG tags that say it.

Source  dcraw's authors on its cam_xyz tables: XYZ relative to D65, to camera color without white balance
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ispd.decode.dng.color import (
    ESTIMATED,
    UNKNOWN_NEUTRAL,
    lights_of_d65_matrix,
    plain_matrix,
    rec2020_from_d65_matrix,
)
from ispd.decode.dng.lights import usual_lights
from ispd.decode.readers.picture import Unreadable
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.values import Area, Levels, Light, Matrix, Shot
from ispd.orders import scene_ev

LEAST_CROP = 0.8  # of the active area's sides: less is not the camera's crop but a reader's guess
SEES = {"R": "R", "G": "G", "B": "B", "E": "GB", "C": "GB", "M": "RB", "Y": "RG", "W": "RGB"}  # of sRGB, ideally


@dataclass(frozen=True)
class Sensor:
    """What a reader knows of a raw; unknown white balances and matrices are empty."""

    cfa: str  # of the active area; "" where every site has all planes
    colors: str
    planes: int
    black: tuple[float, ...]  # one a site of the pattern, or one a plane without pattern
    white: float
    active: Area
    crop: Area | None  # in the same coordinates as `active`
    as_shot: Sequence[float]  # multipliers, one a color
    daylight: Sequence[float]
    cam_from_xyz: Sequence[Sequence[float]]
    orientation: int
    pixel_aspect: float
    iso: int | None
    exposure_seconds: float | None
    f_number: float | None
    balanced: bool = False  # the camera has applied its white balance to the samples


def shot_of(sensor: Sensor) -> tuple[Shot, tuple[str, ...]]:
    """The shot, and a sentence for each thing that had to be guessed."""
    if not set(sensor.colors) <= set(SEES) or not set(sensor.cfa) <= set(sensor.colors):
        raise Unreadable(f"it finds a color filter {sensor.cfa} of {sensor.colors}")
    matrix, about_matrix = _matrix(sensor)
    neutral, lights, about_neutral = _neutral(sensor, matrix, known=not about_matrix)
    side = math.isqrt(len(sensor.cfa)) or 1
    black = tuple(max(level, 0.0) for level in sensor.black)
    if not max(black) < sensor.white < math.inf:
        raise Unreadable(f"it finds a black level of {max(black):g} and a white level of {sensor.white:g}")
    shot = Shot(
        cfa=sensor.cfa,
        colors=sensor.colors,
        levels=Levels(black, (side, side, 1 if sensor.cfa else sensor.planes), (sensor.white,) * sensor.planes),
        active=sensor.active,
        crop=_crop(sensor.active, sensor.crop),
        neutral=neutral,
        rec2020_from_camera=matrix,
        lights=lights,
        orientation=sensor.orientation,
        pixel_aspect=sensor.pixel_aspect if 0.1 < sensor.pixel_aspect < 10 else 1.0,
        iso=sensor.iso,
        scene_ev=scene_ev(sensor.exposure_seconds, sensor.f_number, sensor.iso),
    )
    return shot, (*about_neutral, *about_matrix)


def _neutral(
    sensor: Sensor, matrix: Matrix, *, known: bool
) -> tuple[tuple[float, ...], tuple[Light, ...], tuple[str, ...]]:
    """The camera's color of a neutral object, green = 1; where that is a guess, the lights that it may have been."""
    n = len(sensor.colors)
    if n == 1 or sensor.balanced:
        return (1.0,) * n, (), ()
    if _usable(sensor.as_shot, n):
        return _reciprocal(sensor.as_shot, sensor.colors), (), ()
    daylight = _reciprocal(sensor.daylight, sensor.colors) if _usable(sensor.daylight, n) else ()
    lights: tuple[Light, ...] = ()
    if known:
        lights = lights_of_d65_matrix(sensor.cam_from_xyz[:n], sensor.colors, matrix)
    elif sensor.colors == "RGB" and sensor.cfa:
        lights = usual_lights(daylight or UNKNOWN_NEUTRAL, matrix)
    instead = ESTIMATED if lights else "daylight is assumed" if daylight else "none is applied"
    return daylight or (1.0,) * n, lights, (f"the file has no usable white balance: {instead}",)


def _reciprocal(gains: Sequence[float], colors: str) -> tuple[float, ...]:
    green = gains[max(colors.find("G"), 0)]
    return tuple(float(green / gains[i]) for i in range(len(colors)))


def _usable(gains: Sequence[float], n: int) -> bool:
    """[0, 1, 0, 0] and negative ones mean "none", all ones "not said"; the fourth of three colors is 0 or anything."""
    given = gains[:n]
    return len(given) == n and all(0 < gain < math.inf for gain in given) and len(set(given)) > 1


def _matrix(sensor: Sensor) -> tuple[Matrix, tuple[str, ...]]:
    """rec2020_from_camera for white-balanced values; its rows sum to 1."""
    n = len(sensor.colors)
    if n == 1:
        return ((1.0,), (1.0,), (1.0,)), ()
    known = rec2020_from_d65_matrix(sensor.cam_from_xyz[:n]) if len(sensor.cam_from_xyz) >= n else None
    if known is not None:
        return known, ()
    warning = ("the camera's color matrix is unknown: its colors are taken for sRGB's",)
    if n == 3:
        return plain_matrix(n), warning
    camera_from_srgb = np.array([[(p in SEES[c]) / len(SEES[c]) for p in "RGB"] for c in sensor.colors])
    rec2020_from_camera = np.linalg.inv(rgb_from_rec2020("srgb")) @ np.linalg.pinv(camera_from_srgb)
    return tuple(tuple(row) for row in rec2020_from_camera.tolist()), warning


def _crop(active: Area, crop: Area | None) -> Area:
    """The camera's crop relative to the active area; all of it where the crop is none or not inside."""
    whole = Area(0, 0, active.height, active.width)
    if crop is None:
        return whole
    moved = Area(crop.top - active.top, crop.left - active.left, crop.bottom - active.top, crop.right - active.left)
    inside = moved.top >= 0 and moved.left >= 0 and moved.bottom <= active.height and moved.right <= active.width
    large = moved.height >= LEAST_CROP * active.height and moved.width >= LEAST_CROP * active.width
    return moved if inside and large else whole
