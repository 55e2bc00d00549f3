"""Lights: the whites of EXIF's illuminants, and the color temperature of a chromaticity.

Source  EXIF 2.32 LightSource; CIE 15 for A…D75; fluorescents at the middle of EXIF's ranges, on the black body's curve,
        which in CIE 1960 is from Krystek, "An algorithm to calculate correlated colour temperature",
        Color Research & Application 10 (1985) 38, good to 15,000 K; spectra by C. Wyman, P. Sloan, P. Shirley, "Simple
        analytic approximations to the CIE XYZ color matching functions", JCGT 2 (2013)

>>> round(temperature_and_tint((0.3127, 0.3290))[0], -2)  # D65
6500.0
>>> round(temperature_and_tint((0.44757, 0.40745))[0], -2)  # illuminant A
2900.0
"""

from __future__ import annotations

import math
import struct
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

XY: TypeAlias = tuple[float, float]
Array: TypeAlias = NDArray[np.float64]

OTHER = 255  # CalibrationIlluminant: the light is described by IlluminantData

MOST_SPECTRUM = 1000  # samples; what the DNG SDK takes
EYE = (  # x̄, ȳ, z̄ as bells: height, middle in nm, width below and above it
    ((1.056, 599.8, 37.9, 31.0), (0.362, 442.0, 16.0, 26.7), (-0.065, 501.1, 20.4, 26.2)),
    ((0.821, 568.8, 46.9, 40.5), (0.286, 530.9, 16.3, 31.1)),
    ((1.217, 437.0, 11.8, 36.0), (0.681, 459.0, 26.0, 13.8)),
)

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


def white_of_illuminant(code: int, data: bytes = b"", order: str = "<") -> XY | None:
    """The white of an EXIF LightSource; `data` is IlluminantData, in the file's byte order, which describes `OTHER`.

    None: unknown.
    """
    if code == OTHER:
        return _described(data, order)
    if code in _TEMPERATURES:
        return xy_from_temperature(_TEMPERATURES[code])
    return _WHITES.get(code)


def _described(data: bytes, order: str) -> XY | None:
    """IlluminantData of kind 0: two rationals, x and y; of kind 1: a spectrum."""
    kind = struct.unpack_from(order + "H", data)[0] if len(data) >= 18 else -1
    if kind == 0:
        return _plausible(*_ratios(data, order, 2, 2))
    if kind == 1:
        count = struct.unpack_from(order + "I", data, 2)[0]
        if MOST_SPECTRUM >= count >= 2 and len(data) >= 6 + 8 * (count + 2):
            first, step, *power = _ratios(data, order, 6, count + 2)
            return _seen(first + step * np.arange(count), np.array(power))
    return None


def _ratios(data: bytes, order: str, at: int, count: int) -> list[float]:
    """Unsigned rationals; NaN without a denominator."""
    numbers = struct.unpack_from(f"{order}{2 * count}I", data, at)
    return [above / below if below else math.nan for above, below in zip(numbers[::2], numbers[1::2], strict=True)]


def _plausible(x: float, y: float) -> XY | None:
    """NaN is not."""
    return (x, y) if 0 < x < 1 and 0.01 < y < 1 and x + y < 1 else None


def _seen(wavelengths_nm: Array, power: Array) -> XY | None:
    """The chromaticity of a light with that spectrum."""
    if not (np.isfinite(wavelengths_nm).all() and np.isfinite(power).all()):
        return None
    x, y, z = (
        sum(height * _lobe(wavelengths_nm, middle, below, above) for height, middle, below, above in lobes) @ power
        for lobes in EYE
    )
    total = float(x + y + z)
    return _plausible(float(x) / total, float(y) / total) if total > 0 else None


def _lobe(wavelengths_nm: Array, middle: float, below: float, above: float) -> Array:
    """A bell with a width on each side."""
    off = (wavelengths_nm - middle) / np.where(wavelengths_nm < middle, below, above)
    bell: Array = np.exp(-0.5 * off * off)
    return bell


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
