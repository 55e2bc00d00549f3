"""What light is multiplied by, and where the sensor ends under it: known before any pixel is.  Torch-free.

Source  DNG 1.7.1 chapter 6: gains are the neutral's reciprocals; the least is 1, so nothing clips that was whole

>>> gains(WhiteBalance(), (0.5, 1.0, 0.8))
[2.0, 1.0, 1.25]
>>> gain(Exposure(ev=1.0), baseline=0.5, shift=-0.5)
2.0
"""

from __future__ import annotations

from ispd.isp.look import Exposure, Look, WhiteBalance
from ispd.isp.params import Scalar
from ispd.isp.values import Shot


def gains(p: WhiteBalance, neutral: tuple[float, ...], colors: str = "RGB") -> list[Scalar]:
    """One factor a color.  Offsets are against green: they do not brighten by themselves."""
    most = max(neutral)
    stops = {"R": p.red, "B": p.blue}
    return [most / value * 2.0 ** stops.get(color, 0.0) for value, color in zip(neutral, colors, strict=True)]


def gain(p: Exposure, baseline: float, shift: float) -> Scalar:
    """What exposure multiplies by: the look's stops, and of the file's and the scene's those that the look asks for."""
    stops = p.ev + (baseline if p.baseline == "file" else 0.0) + (shift if p.auto == "scene" else 0.0)
    factor: Scalar = 2.0**stops
    return factor


def baseline(shot: Shot, look: Look) -> float:
    """The stops that the file asks for; its camera profile may add some."""
    profile = shot.camera_profile if look.embedded.tables == "file" else None
    return shot.baseline_exposure + (profile.exposure_offset if profile else 0.0)


def ceiling(shot: Shot, look: Look) -> Scalar:
    """The scene value at which neutral light has run every channel out: white lies no higher.  Of a surveyed shot."""
    balance = gains(look.camera.white_balance, shot.neutral, shot.colors)
    if look.highlights.method == "clip":
        return min(balance) * gain(look.exposure, baseline(shot, look), shot.exposure_shift)
    full = max(shot.levels.full, default=1.0)
    return max(balance) * full * gain(look.exposure, baseline(shot, look), shot.exposure_shift)
