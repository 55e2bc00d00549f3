"""The whole camera on one screen: what happens to a photo, in the order of the physics.

    Mosaic ─ mended, surveyed, sensor ▶ CameraRGB ─ corrected, light ▶ SceneRGB ─ grade ▶ DisplayRGB ─ codes ▶ output

All of it works on whole frames; all but `mended`, `surveyed` and `corrected` (where a lens correction moves pixels)
work on strips of rows too, with REACH more rows above and below than are kept.  Crop, orientation and size: `picture`
and the stages `resize` and `orient`.  `ispd.runner` puts it together for files.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from ispd.isp.color.transfer import encode
from ispd.isp.look import Look
from ispd.isp.params import Scalar
from ispd.isp.pattern import shifted
from ispd.isp.stages.camera_matrix import camera_matrix
from ispd.isp.stages.curve import curve
from ispd.isp.stages.demosaic import demosaic
from ispd.isp.stages.exposure import exposure, gain
from ispd.isp.stages.finish import finish
from ispd.isp.stages.gamut import gamut
from ispd.isp.stages.highlights import highlights
from ispd.isp.stages.levels import levels
from ispd.isp.stages.opcodes import flatten, lens, mend
from ispd.isp.stages.sharpen import sharpen
from ispd.isp.stages.white_balance import gains, white_balance
from ispd.isp.survey import survey
from ispd.isp.values import Area, CameraRGB, DisplayRGB, Mosaic, SceneRGB, Shot, TrimBounds, Window
from ispd.orders import Space

REACH = 12  # rows that demosaic and highlights look up and down, rounded up to whole repeats of every filter array


def scene(mosaic: Mosaic, look: Look) -> SceneRGB:
    """The light in front of the lens: the whole active area, uncropped, as the sensor lies."""
    mosaic = surveyed(mended(mosaic), look)  # defects first: everything below compares neighbors
    return light(corrected(sensor(mosaic, look), mosaic.shot, look), mosaic.shot, look)


def mended(mosaic: Mosaic) -> Mosaic:
    """Opcode list 1 done, on the whole stored image."""
    if not mosaic.shot.opcodes1:
        return mosaic
    samples = mend(_floating(mosaic.samples), mosaic.shot.opcodes1, mosaic.shot.cfa)
    return replace(mosaic, samples=samples, shot=replace(mosaic.shot, opcodes1=()))


def surveyed(mosaic: Mosaic, look: Look) -> Mosaic:
    """With what only the whole picture tells in its shot: `ispd.isp.survey`.  Once known, it stays."""
    return replace(mosaic, shot=survey(mosaic.samples.detach().cpu().numpy(), mosaic.shot, look))


def sensor(mosaic: Mosaic, look: Look) -> CameraRGB:
    """From stored codes to camera color, for the rows of the active area that `mosaic` holds."""
    shot, (codes, window) = mosaic.shot, _active(mosaic)
    cfa = shifted(shot.cfa, window.top) if shot.cfa else ""
    balance = gains(look.camera.white_balance, shot.neutral, shot.colors)
    raw = levels(codes, shot.levels, window)  # counts to [0, 1], with ceilings; everything below relies on it
    raw = flatten(raw, shot.opcodes2, window, look.camera.corrections)  # the file's gain maps: shading acts on light
    raw = white_balance(raw, balance, cfa, shot.colors)  # demosaicing compares neighbors: balance first
    samples = highlights(raw, look.highlights, _least(balance), cfa, shot.colors)  # while it is known what clipped
    if cfa:
        samples = demosaic(samples, cfa, look.demosaic.method, shot.colors)  # the one stage whose method is a name
    return CameraRGB(samples)


def corrected(rgb: CameraRGB, shot: Shot, look: Look, top: int = 0) -> CameraRGB:
    """Opcode list 3 done; on the whole active area, or, where no warp moves pixels, on its rows from `top` on."""
    window = Window(top, shot.active.height, shot.active.width)
    return CameraRGB(lens(rgb, shot.opcodes3, window, look.camera.corrections))


def light(rgb: CameraRGB, shot: Shot, look: Look) -> SceneRGB:
    """Camera color to scene light."""
    linear = camera_matrix(rgb, shot.rec2020_from_camera)  # the last that knows which camera it was
    return exposure(linear, look.exposure, shot.baseline_exposure)  # still linear, so it acts like light


def grade(rgb: SceneRGB, look: Look, ceiling: Scalar = math.inf) -> DisplayRGB:
    """Scene light to the screen's.  `ceiling`: where the sensor ran out, by the function of that name."""
    return finish(curve(rgb, look.curve, ceiling), look.finish)  # saturation by eye: after the tones it is judged with


def codes(rgb: DisplayRGB, look: Look, space: Space) -> Tensor:
    """Encoded RGB of `space` in [0, 1], sharpened; to be quantized."""
    rgb = sharpen(rgb, look.sharpen)  # after the resize: crisp at the size that is looked at
    return encode(gamut(rgb, look.gamut, space), space)  # last: from here on values are for one kind of screen


def ceiling(shot: Shot, look: Look) -> Scalar:
    """The scene value at which neutral light has run every channel out: white lies no higher.  Of a surveyed shot."""
    balance = gains(look.camera.white_balance, shot.neutral, shot.colors)
    full = max(shot.levels.full, default=1.0)
    most = _least(balance) if look.highlights.method == "clip" else -_least([-factor * full for factor in balance])
    return most * gain(look.exposure, shot.baseline_exposure)


def picture(shot: Shot) -> Area:
    """The part of the active area that becomes the picture: the file's crop, inside what exists."""
    whole = Area(0, 0, shot.active.height, shot.active.width)
    area = _within(shot.crop, whole)
    for opcode in (*shot.opcodes2, *shot.opcodes3):
        if isinstance(opcode, TrimBounds):
            area = _within(opcode.area, area)
    return area


def _within(area: Area, bounds: Area) -> Area:
    """The part of `area` inside `bounds`; where they do not meet, the bounds."""
    top, left = max(area.top, bounds.top), max(area.left, bounds.left)
    bottom, right = min(area.bottom, bounds.bottom), min(area.right, bounds.right)
    return Area(top, left, bottom, right) if top < bottom and left < right else bounds


def _active(mosaic: Mosaic) -> tuple[Tensor, Window]:
    """The codes inside the active area, and which of its rows they are."""
    active = mosaic.shot.active
    first = max(active.top, mosaic.top)
    samples = mosaic.samples[:, first - mosaic.top : active.bottom - mosaic.top, active.left : active.right]
    return _floating(samples), Window(first - active.top, active.height, active.width)


def _floating(samples: Tensor) -> Tensor:
    return samples if samples.dtype in (torch.float32, torch.float64) else samples.to(torch.float32)


def _least(factors: list[Scalar]) -> Scalar:
    """The smallest of numbers and tensors that learn."""
    if any(isinstance(factor, Tensor) for factor in factors):
        return torch.stack([torch.as_tensor(factor) for factor in factors]).amin()
    return min(float(factor) for factor in factors)
