"""What light is multiplied by, and where the sensor ends under it: known before any pixel is.  Torch-free.

Source  DNG 1.7.1 chapter 6: gains are the neutral's reciprocals; the least is 1, so nothing clips that was whole

>>> gains(WhiteBalance(), (0.5, 1.0, 0.8))
[2.0, 1.0, 1.25]
>>> gain(Exposure(ev=1.0), baseline=0.5, shift=-0.5)
2.0
"""

from __future__ import annotations

import math

from ispd.isp.look import Exposure, Look, MatrixDelta, WhiteBalance
from ispd.isp.params import Numbers, Scalar
from ispd.isp.values import Shot

SLOPE_REACH = 1.0  # stops beyond the range in which a slope was learned, from where on it holds still


def gains(p: WhiteBalance, neutral: tuple[float, ...], colors: str = "RGB") -> list[Scalar]:
    """One factor a color.  Offsets are against green: they do not brighten by themselves."""
    most = max(neutral)
    stops = {"R": p.red, "B": p.blue}
    return [most / value * 2.0 ** stops.get(color, 0.0) for value, color in zip(neutral, colors, strict=True)]


def gain(
    p: Exposure, baseline: float, shift: float, scene_ev: float | None = None, scene_key: float | None = None
) -> Scalar:
    """What exposure multiplies by: the look's stops, and of the file's and the scene's those that the look asks for."""
    stops = p.ev + (baseline if p.baseline == "file" else 0.0) + p.slope * _off_middle(scene_ev, p.slope_range)
    factor: Scalar = 2.0 ** (stops + automatic(p, shift, scene_key))
    return factor


def automatic(p: Exposure, shift: float, scene_key: float | None) -> Scalar:
    """The stops among these that a photo's own light asks for."""
    return (shift if p.auto == "scene" else 0.0) + p.key_slope * _off_middle(scene_key, p.key_range)


def _off_middle(value: float | None, seen: Numbers) -> float:
    """How far from the middle of what a slope has seen; 0 where one of them is not known."""
    if value is None or len(seen) != 2:
        return 0.0
    low, high = (float(end) for end in seen)
    return min(max(value, low - SLOPE_REACH), high + SLOPE_REACH) - (low + high) / 2


def exposed(shot: Shot, look: Look) -> Scalar:
    """The same for a shot that has been surveyed."""
    return gain(look.exposure, baseline(shot, look), shot.exposure_shift, shot.scene_ev, shot.scene_key)


def warmth(neutral: tuple[float, ...], colors: str) -> float:
    """How warm the light was: red over blue of a neutral object, in stops.  Of one camera it goes with 1 / kelvin."""
    if "R" not in colors or "B" not in colors:
        return 0.0
    return math.log2(neutral[colors.index("R")] / neutral[colors.index("B")])


def matrix_delta(p: MatrixDelta, neutral: tuple[float, ...], colors: str) -> list[list[Scalar]] | None:
    """The 3 × 3 matrix of a shot's light, rows summing to 1; None where there is nothing to correct."""
    if len(p.cool) == 0:
        return None
    terms = list(p.cool)
    if len(p.warm) and len(p.warmth) == 2:
        cool, warm = (float(end) for end in p.warmth)
        share = min(max((warmth(neutral, colors) - cool) / ((warm - cool) or 1.0), 0.0), 1.0)
        terms = [a + share * (b - a) for a, b in zip(p.cool, p.warm, strict=True)]
    rg, rb, gr, gb, br, bg = terms
    return [[1 - rg - rb, rg, rb], [gr, 1 - gr - gb, gb], [br, bg, 1 - br - bg]]


def baseline(shot: Shot, look: Look) -> float:
    """The stops that the file asks for; its camera profile may add some."""
    profile = shot.camera_profile if look.embedded.tables == "file" else None
    return shot.baseline_exposure + (profile.exposure_offset if profile else 0.0)


def ceiling(shot: Shot, look: Look) -> Scalar:
    """The scene value at which neutral light has run every channel out: white lies no higher.  Of a surveyed shot."""
    balance = gains(look.camera.white_balance, shot.neutral, shot.colors)
    if look.highlights.method == "clip":
        return min(balance) * exposed(shot, look)
    full = max(shot.levels.full, default=1.0)
    return max(balance) * full * exposed(shot, look)
