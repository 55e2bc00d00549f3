"""What `capture_sharpen` does in numbers: how it blurs, and how much of what it finds is noise.  Kernels share them."""

from __future__ import annotations

import math

from ispd.isp.noise import Profile
from ispd.isp.params import Scalar

CORED = 2.0  # times a sample's variance: detail whose square is that is half noise
END, FADING = 1.0, 0.2  # of white, where the first color clips: from 0.8 on less is done, there nothing
SLACK = 0.25  # of the neighbors' range, that a pixel may go beyond it
LEAST = 1e-20  # added to light and to squares before they divide


def taps(radius_px: float) -> tuple[float, float]:
    """Weights of a Gaussian of three taps: the middle's, and that of each beside it."""
    side = math.exp(-0.5 / radius_px**2)
    return 1 / (1 + 2 * side), side / (1 + 2 * side)


def luminance_law(profile: Profile, balance: list[Scalar]) -> tuple[Scalar, Scalar]:
    """(S, O) of a balanced site's light, whatever its color: the mean, green counted twice as in luminance."""
    if len(profile) != len(balance) or not profile:
        return 0.0, 0.0
    weights = (0.25, 0.5, 0.25) if len(profile) == 3 else (1 / len(profile),) * len(profile)
    scaled = list(zip(weights, profile, balance, strict=True))
    return (
        sum(weight * gain * shot for weight, (shot, _), gain in scaled),
        sum(weight * gain * gain * read for weight, (_, read), gain in scaled),
    )
