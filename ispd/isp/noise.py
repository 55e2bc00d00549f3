"""The noise of a sensor, and what `denoise` does about it in numbers.  Numpy alone: kernels share them.

A sample x, linear, 0 at black and 1 at white, has the variance S·x + O, because photons arrive one by one and the
amplifier hums.  Shading and white balance multiply it by g: its variance at light y = g·x is g·S·y + g²·O.

Source  DNG 1.7.1 chapter 4, NoiseProfile; A. Foi et al., "Practical Poissonian-Gaussian noise modeling and fitting for
        single-image raw-data", IEEE TIP 17 (2008)
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ispd.isp.look import Denoise
from ispd.isp.params import Scalar
from ispd.isp.values import Shot

Array: TypeAlias = NDArray[np.floating[Any]]
Profile: TypeAlias = tuple[tuple[float, float], ...]

DARK = 0.016  # of white: three stops below mid grey, where noise is seen first
SEEN = 0.12  # of such a tone: less noise is hardly seen at full size, and removing it is not worth the time

REACH = 24  # rows from which noise is told: 7 + 4 quads, and the rest of theirs
BLOCK, STEP = 8, 4  # quads of a mosaic (2 × 2 sites), or pixels; every one lies in four blocks
THRESHOLD = 2.4  # standard deviations of a coefficient's noise: what lies below is taken for noise
SHARED = 0.3  # of the other planes' energy counts too: where one has an edge, all have
GRAIN = 0.15  # of luminance noise always stays: without any, skin is plastic; it costs no decibel
DARKEST = 0.02  # of the pedestal: noise below black is cut there before its root is taken
FAINT = 0.25  # of the pedestal: below black, variance is taken as there
NONE = 1e-12  # variance of what has no noise at all
ALIKE = 8.0  # summed squared differences, over variance, of two blocks' means: noise alone gives about 3


def acts(p: Denoise, shot: Shot) -> bool:
    """Whether there is noise that anybody would see, and the look wants it gone.  Of a surveyed shot."""
    return wanted(p) and visible(shot.noise_profile, shot)


def wanted(p: Denoise) -> bool:
    """Whether the look wants noise gone."""
    return _is_on(p.luminance) or _is_on(p.color)


def _is_on(strength: Scalar) -> bool:
    return not isinstance(strength, (int, float)) or strength > 0


def visible(profile: Profile, shot: Shot) -> bool:
    """Whether a dark tone is grainy in the picture: a photo that will be brightened holds it darker."""
    x = DARK * 2.0 ** -(shot.baseline_exposure + shot.exposure_shift)
    return any(math.sqrt(max(0.0, s * x + o)) > SEEN * x for s, o in profile)


def pedestal(profile: Profile) -> float:
    """k of the square root √(x + k) that makes noise nearly even over all tones."""
    return min(16.0, max(2 * (o / max(s, 1e-9) + s) for s, o in profile))


def cosines(count: int = BLOCK) -> Array:
    """(count, count): rows are the orthonormal DCT-II of `count` samples."""
    k, x = np.arange(count)[:, None], np.arange(count)[None]
    basis: Array = np.cos(np.pi * (2 * x + 1) * k / (2 * count)) * math.sqrt(2 / count)
    basis[0] /= math.sqrt(2)
    return basis


def overlap() -> Array:
    """(BLOCK,): how much a sample of a block counts where blocks overlap: most in its middle."""
    weights: Array = np.sin(np.pi * (np.arange(BLOCK) + 0.5) / BLOCK)
    return weights


def mixing(planes: int) -> Array:
    """(planes, planes) orthonormal: first luminance, then differences.  Four are R, G, G, B or four colors."""
    if planes != 4:
        return cosines(planes)
    half, root = 0.5, math.sqrt(0.5)
    return np.array([[half] * 4, [root, 0, 0, -root], [half, -half, -half, half], [0, root, -root, 0]])
