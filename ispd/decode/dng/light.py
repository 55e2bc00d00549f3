"""Lights: the whites of EXIF's illuminants, and the color temperature of a chromaticity.

Source  EXIF 2.32 LightSource; CIE 15 for A…D75; fluorescents at the middle of EXIF's ranges, on the black body's curve,
        which in CIE 1960 is from Krystek, "An algorithm to calculate correlated colour temperature",
        Color Research & Application 10 (1985) 38, good to 15,000 K

>>> round(temperature_and_tint((0.3127, 0.3290))[0], -2)  # D65
6500.0
>>> round(temperature_and_tint((0.44757, 0.40745))[0], -2)  # illuminant A
2900.0
"""

from __future__ import annotations

import struct
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

XY: TypeAlias = tuple[float, float]
Array: TypeAlias = NDArray[np.float64]

OTHER = 255  # CalibrationIlluminant: the light is described by IlluminantData

_MIREDS: Array = np.linspace(40, 1000, 961)  # 25,000 K … 1,000 K

_WHITES: dict[int, XY] = {
    3: (0.4476, 0.4075),  # tungsten, as A
    17: (0.4476, 0.4075),  # A
    18: (0.3484, 0.3516),  # B
    19: (0.3101, 0.3162),  # C
    20: (0.3324, 0.3474),  # D55
    21: (0.3127, 0.3290),  # D65
    22: (0.2990, 0.3149),  # D75
    23: (0.3457, 0.3585),  # D50
    24: (0.4234, 0.3990),  # ISO studio tungsten, 3200 K
}

_TEMPERATURES = {  # EXIF's other lights
    1: 5500,  # daylight
    2: 4150,  # fluorescent
    4: 5500,  # flash
    9: 5500,  # fine weather
    10: 6500,  # cloudy
    11: 7500,  # shade
    12: 6400,  # daylight fluorescent, 5700–7100 K
    13: 5050,  # day white fluorescent, 4600–5500 K
    14: 4150,  # cool white fluorescent, 3800–4500 K
    15: 3525,  # white fluorescent, 3250–3800 K
    16: 2925,  # warm white fluorescent, 2600–3250 K
}


def temperature_and_tint(xy: XY) -> tuple[float, float]:
    """(kelvin, distance from the black body's curve in CIE 1960; above the curve, greenish, is positive)."""
    u, v = uv_of(xy)
    curve_u, curve_v = _black_body(_MIREDS)
    distances = np.hypot(curve_u - u, curve_v - v)
    nearest = int(distances.argmin())
    mired = float(_MIREDS[nearest]) + _between(distances, nearest) * float(_MIREDS[1] - _MIREDS[0])
    here_u, here_v = _black_body(np.array([mired]))
    distance = float(np.hypot(here_u[0] - u, here_v[0] - v))
    return 1e6 / mired, distance if v > here_v[0] else -distance


def uv_of(xy: XY) -> XY:
    """CIE 1960 (u, v), where equal steps along the black body's curve look about equal."""
    scale = -2 * xy[0] + 12 * xy[1] + 3
    return 4 * xy[0] / scale, 6 * xy[1] / scale


def xy_from_temperature(kelvin: float) -> XY:
    """On the black body's curve."""
    u, v = (float(c[0]) for c in _black_body(np.array([1e6 / kelvin])))
    scale = 2 * u - 8 * v + 4
    return 3 * u / scale, 2 * v / scale


def white_of_illuminant(code: int, data: bytes = b"") -> XY | None:
    """The white of an EXIF LightSource; `data` is IlluminantData, which describes `OTHER`.  None: unknown."""
    if code == OTHER:
        return _described(data)
    if code in _TEMPERATURES:
        return xy_from_temperature(_TEMPERATURES[code])
    return _WHITES.get(code)


def _described(data: bytes) -> XY | None:
    """IlluminantData of kind 0: two rationals, x and y.  (Kind 1, a spectrum, is not read.)"""
    for order in "<>":
        if len(data) >= 18 and struct.unpack_from(order + "H", data)[0] == 0:
            x, x_below, y, y_below = struct.unpack_from(order + "4I", data, 2)
            if x_below and y_below and 0 < x / x_below < 1 and 0.01 < y / y_below < 1:
                return x / x_below, y / y_below
    return None


def _black_body(mireds: Array) -> tuple[Array, Array]:
    """CIE 1960 (u, v) at 1e6/mired kelvin."""
    t = 1e6 / mireds
    u = (0.860117757 + 1.54118254e-4 * t + 1.28641212e-7 * t * t) / (1 + 8.42420235e-4 * t + 7.08145163e-7 * t * t)
    v = (0.317398726 + 4.22806245e-5 * t + 4.20481691e-8 * t * t) / (1 - 2.89741816e-5 * t + 1.61456053e-7 * t * t)
    return u, v


def _between(distances: Array, at: int) -> float:
    """Where between its neighbors a parabola through squared distances has its least, in steps, -1…1."""
    if not 0 < at < len(distances) - 1:
        return 0.0
    before, here, after = (float(d) ** 2 for d in distances[at - 1 : at + 2])
    bend = before - 2 * here + after
    return 0.5 * (before - after) / bend if bend > 0 else 0.0
