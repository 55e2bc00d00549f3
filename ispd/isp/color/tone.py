"""The tone curve: its shape, solved from what a look says.  Torch-free; for numbers, arrays and tensors that learn.

    mid grey    GREY_IN of the scene becomes about GREY_OUT of the screen, with slope `contrast` in log-log
    shadows     a toe: below TOE of grey the curve bends into a straight line to black
    white       `white_ev` above grey, or a little below the sensor's end if that is lower; a shoulder leads there

Source  K. Naka, W. Rushton, J. Physiol. 185 (1966), as E. Reinhard, K. Devlin, IEEE TVCG 11 (2005) use it
        mid grey: ISO 12232:2019, saturation-based speed: 18 % grey is metered at 10/78 of what saturates

>>> bool(abs(tone(np.array([GREY_IN]), Curve(black_ev=-16.0), white(Curve(), 1.0))[0] - GREY_OUT) < 1e-3)
True
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ispd.isp.look import Curve
from ispd.isp.params import Scalar

if TYPE_CHECKING:
    from torch import Tensor

Light = TypeVar("Light", "Tensor", NDArray[np.floating])

GREY_IN = 10 / 78  # where a camera's meter puts a grey card: the headroom above it is why plain sensor data looks dark
GREY_OUT = 0.18  # where a screen shows it: L* = 50
TOE = 2.0**-2.5  # of grey: darker than this, the curve bends into a straight line, and shadows stay open
WIDE = 4.5  # stops from grey to white; an ordinary sensor has about 4
LEAST_RANGE = 2.6  # stops from grey to white; with less, no curve of slope 1 gets there
LEAST_EXPONENT = 0.3  # flatter, and white close to grey could not be reached: there the slope gives way
CURVE_FLOOR, CURVE_TOP = 2.0**-9, 8.0  # of a learned curve: log light begins to be even, and where its knots end
BEYOND = 0.02  # encoded, for each octave above its knots or unit of light below: there is still a slope to learn by
DARKEST = -16.0  # stops before exposure: no place is darker to local tone
LOCAL_GREY = math.log2(0.18)  # of local tone's knots, which begin at LOCAL_FIRST stops from it
LOCAL_FIRST, LOCAL_STEP = -8.0, 2.0
LEAST_END = 1e-6  # of the sensor: its fourth power is still a number
SOLVE = 16  # fixed-point steps for the exponent; the error shrinks to a tenth or less with each


def white(p: Curve, ceiling: Scalar) -> Scalar:
    """The scene value that becomes the screen's white; `ceiling`, where the sensor ran out."""
    asked = GREY_IN * 2.0**p.white_ev
    lower = (asked**-4 + max(ceiling, LEAST_END) ** -4) ** -0.25  # a smooth minimum: both sides can learn
    reached: Scalar = max(lower, GREY_IN * 2.0**LEAST_RANGE)
    return reached


def tone(norm: Light, p: Curve, white: Scalar) -> Light:
    """0 → 0, GREY_IN → about GREY_OUT, `white` → 1, then 1."""
    grey = GREY_IN / white
    exponent, q = _shape(p.contrast * _softening(grey), grey)
    black = _sigmoid(grey * 2.0**p.black_ev, grey, exponent, q)
    toned: Light = (_sigmoid((norm / white).clip(max=1), grey, exponent, q) - black) / (1 - black)
    return toned.clip(min=0)


def _softening(grey: Scalar) -> Scalar:
    """1 up to WIDE stops of range, then less, by the square root of how much wider it is."""
    stops = -math.log2(grey) if isinstance(grey, float) else -grey.log2()
    softer: Scalar = min(WIDE / stops, 1.0) ** 0.5
    return softer


def _shape(contrast: Scalar, grey: Scalar) -> tuple[Scalar, Scalar]:
    """Exponent c and q of `_sigmoid` for which grey lies where it should and the slope there is `contrast`.

    With m = power(grey), grey's place gives q = (GREY_OUT - m) / (m·(1 - GREY_OUT)).  The slope at grey, in log-log, is
    that of the power, 1 + (c - 1) / (1 + TOE), times (1 - GREY_OUT) / (1 - m): solved for c by repetition.
    """
    exponent = contrast / (1 - GREY_OUT)
    for _ in range(SOLVE):
        slope = contrast * (1 - _power(grey, grey, exponent)) / (1 - GREY_OUT)
        exponent = max(1 + (slope - 1) * (1 + TOE), LEAST_EXPONENT)
    m = _power(grey, grey, exponent)
    return exponent, (GREY_OUT - m) / (m * (1 - GREY_OUT))


def _sigmoid(x: Any, grey: Scalar, exponent: Scalar, q: Scalar) -> Any:
    """(q + 1)·p / (q·p + 1) of the power p: 0 at black, 1 at white (x = 1), a shoulder between grey and white."""
    power = _power(x, grey, exponent)
    return (q + 1) * power / (q * power + 1)


def _power(x: Any, grey: Scalar, exponent: Scalar) -> Any:
    """xᶜ with a toe: a straight line to black below TOE · grey; 1 at x = 1."""
    toe = TOE * grey
    return x * ((x + toe) / (1 + toe)) ** (exponent - 1)
