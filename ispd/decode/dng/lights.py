"""Lights that a photo may have been taken under, for a file that does not say: what each is to its camera.

The survey of the whole picture weighs them (isp/survey/white_balance.py).  They are the black body's, in equal steps of
the reciprocal temperature, which are about equal steps to the eye.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ispd.decode.dng.light import XY, xy_from_temperature
from ispd.isp.values import Light, Matrix

Array: TypeAlias = NDArray[np.floating]

MIREDS = range(105, 436, 15)  # 9500 K, a blue sky's shade, to 2300 K, a dim lamp
DAYLIGHT_MIRED, LAMP_MIRED = 1e6 / 6504, 1e6 / 2856
TOWARDS_LAMP = (1.6, 1.0, 0.54)  # a Bayer sensor's neutral under lamps against that in daylight, roughly


def seen_lights(
    neutral_under: Callable[[XY], Array], matrix_under: Callable[[XY], Array], colors: str
) -> tuple[Light, ...]:
    """What a camera whose color is known makes of them; those that it cannot see are left out."""
    lights = []
    for mired in MIREDS:
        xy = xy_from_temperature(1e6 / mired)
        neutral, matrix = neutral_under(xy), matrix_under(xy)
        if np.isfinite(neutral).all() and neutral.min() > 0 and np.isfinite(matrix).all():
            lights.append(Light(1e6 / mired, as_green(neutral, colors), tuple(map(tuple, matrix.tolist()))))
    return tuple(lights)


def usual_lights(daylight: tuple[float, ...], matrix: Matrix) -> tuple[Light, ...]:
    """What a camera of R, G and B makes of them if only its daylight is known; or its samples are balanced already."""
    step = np.log(TOWARDS_LAMP) / (LAMP_MIRED - DAYLIGHT_MIRED)
    neutrals = {1e6 / mired: np.array(daylight) * np.exp(step * (mired - DAYLIGHT_MIRED)) for mired in MIREDS}
    usual = [Light(kelvin, tuple(neutral.tolist()), matrix) for kelvin, neutral in neutrals.items()]
    return (*usual, Light(1e6 / DAYLIGHT_MIRED, (1.0, 1.0, 1.0), matrix))


def as_green(neutral: Array, colors: str) -> tuple[float, ...]:
    """Scaled so that green, or the first color where there is none, is 1."""
    return tuple((neutral / neutral[max(colors.find("G"), 0)]).tolist())
