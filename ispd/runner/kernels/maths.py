"""Powers in float32 that a loop over a row can do sixteen at a time; each within 3e-7 of the right answer.

Source  log2: the mantissa folded around 1, a polynomial of degree 8; exp2: one of degree 6 on [-1/2, 1/2]; atan: one of
        degree 13 on [0, 1], all fitted (Chebyshev, least greatest error).  No division: it takes as long as they do
        cube root: a guess from the bits, then twice Halley's step (1694) for 1/∛x, which multiplies alone
"""

from __future__ import annotations

import numpy as np

from ispd.runner.kernels.compiler import part

f = np.float32
i = np.int32

HALF_ROOT = i(0x3F3504F3)  # the bits of √½
MANTISSA = i(23)
ONE = i(127)  # the exponent of 1.0
THIRD = f(0x54A20000)  # the bits of 1 / ∛x are these less a third of x's
PI, HALF_PI = f(np.pi), f(np.pi / 2)
LOG2 = (1.4426948, -0.72135717, 0.48093942, -0.36008713, 0.28670806, -0.25007075, 0.23688647, -0.14573462)
EXP2 = (1.0, 0.6931472067, 0.2402265121, 0.05550327214, 0.009618025603, 0.001340043217, 0.0001546973198)
ATAN = (0.9999993278, -0.3332637452, 0.1987987216, -0.1348040561, 0.08374155654, -0.03689862925, 0.007825482945)


@part
def log2(x: np.float32) -> np.float32:
    """Of a positive number."""
    bits = f(x).view(np.int32)
    exponent = i(i(bits - HALF_ROOT) >> MANTISSA)  # numba sums int32 in int64: at once back, or half the lanes are lost
    mantissa = i(bits - i(exponent << MANTISSA)).view(np.float32) - f(1)
    series = f(LOG2[7])
    series = f(LOG2[6]) + mantissa * series
    series = f(LOG2[5]) + mantissa * series
    series = f(LOG2[4]) + mantissa * series
    series = f(LOG2[3]) + mantissa * series
    series = f(LOG2[2]) + mantissa * series
    series = f(LOG2[1]) + mantissa * series
    series = f(LOG2[0]) + mantissa * series
    return f(exponent) + mantissa * series


@part
def exp2(x: np.float32) -> np.float32:
    """Of a number between -126 and 127."""
    whole = i(np.floor(x + f(0.5)))
    r = x - f(whole)
    power = f(EXP2[6])
    power = f(EXP2[5]) + r * power
    power = f(EXP2[4]) + r * power
    power = f(EXP2[3]) + r * power
    power = f(EXP2[2]) + r * power
    power = f(EXP2[1]) + r * power
    power = f(EXP2[0]) + r * power
    return power * i(i(whole + ONE) << MANTISSA).view(np.float32)


@part
def power(x: np.float32, exponent: np.float32) -> np.float32:
    """xᵉ of a positive number."""
    return exp2(exponent * log2(x))


@part
def encoded(x: np.float32, knee: np.float32, slope: np.float32, scale: np.float32, exponent: np.float32) -> np.float32:
    """A transfer curve (`ispd.isp.color.spaces.Transfer`) at x ≥ 0."""
    curved = scale * power(max(x, knee), exponent) - (scale - f(1))
    return slope * x if x <= knee else curved


@part
def decoded(y: np.float32, knee: np.float32, slope: np.float32, scale: np.float32, exponent: np.float32) -> np.float32:
    """Its inverse at y ≥ 0."""
    end = slope * knee
    curved = power((max(y, end) + (scale - f(1))) / scale, f(1) / exponent)
    return y / slope if y <= end else curved


@part
def cube_root(x: np.float32) -> np.float32:
    """Odd; below 1e-9 a line to the origin, as in `ispd.isp.color.oklab`."""
    size = abs(x)
    large = max(size, f(1e-9))
    root = i(THIRD - f(1 / 3) * f(f(large).view(np.int32))).view(np.float32)  # of 1 / large, within 3 %
    off = f(1) - large * (root * root * root)
    root = root + root * (off * (f(1 / 3) + f(2 / 9) * off))
    off = f(1) - large * (root * root * root)
    root = root + root * (off * (f(1 / 3) + f(2 / 9) * off))
    root = large * root * root if size >= f(1e-9) else size * f(1e6)
    return root if x >= f(0) else -root


@part
def angle(y: np.float32, x: np.float32) -> np.float32:
    """atan2, within 2e-6."""
    ax, ay = abs(x), abs(y)
    s = min(ax, ay) / max(max(ax, ay), f(1e-20))
    s2 = s * s
    turn = f(ATAN[6])
    turn = f(ATAN[5]) + s2 * turn
    turn = f(ATAN[4]) + s2 * turn
    turn = f(ATAN[3]) + s2 * turn
    turn = f(ATAN[2]) + s2 * turn
    turn = f(ATAN[1]) + s2 * turn
    turn = s * (f(ATAN[0]) + s2 * turn)
    turn = HALF_PI - turn if ay > ax else turn
    turn = PI - turn if x < f(0) else turn
    return turn if y >= f(0) else -turn
