"""The whole camera on one screen: what happens to a photo, in the order of the physics.

    Mosaic ─ mended, surveyed, sensor ▶ CameraRGB ─ corrected, light ▶ SceneRGB ─ grade ▶ DisplayRGB ─ codes ▶ output

All of it works on whole frames; all but `mended`, `surveyed` and `corrected` (where a lens correction moves pixels)
work on strips of rows too, with `reach` more rows above and below than are kept.  Crop, orientation and size: `size`,
and the stages `resize` and `orient`.  `ispd.runner` puts it together for files.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from ispd.isp import noise
from ispd.isp.color.tone import GREY_IN
from ispd.isp.color.transfer import encode
from ispd.isp.crispness import luminance_law
from ispd.isp.factors import baseline, exposed, gains, matrix_delta
from ispd.isp.look import Look
from ispd.isp.params import Scalar
from ispd.isp.pattern import shifted
from ispd.isp.stages.camera_matrix import camera_matrix, color_matrix
from ispd.isp.stages.capture_sharpen import capture_sharpen
from ispd.isp.stages.curve import curve
from ispd.isp.stages.demosaic import demosaic
from ispd.isp.stages.denoise import denoise
from ispd.isp.stages.exposure import exposure
from ispd.isp.stages.finish import finish
from ispd.isp.stages.gamut import gamut
from ispd.isp.stages.highlights import highlights
from ispd.isp.stages.hot_pixels import hot_pixels
from ispd.isp.stages.hue_table import hue_table
from ispd.isp.stages.lateral_ca import lateral_ca
from ispd.isp.stages.lattice import lattice
from ispd.isp.stages.learned_curve import learned_curve
from ispd.isp.stages.levels import levels
from ispd.isp.stages.local_tone import acts, local_tone, spread
from ispd.isp.stages.opcodes import flatten, lens, mend
from ispd.isp.stages.shading import shading
from ispd.isp.stages.sharpen import sharpen
from ispd.isp.stages.tone_curve import tone_curve
from ispd.isp.stages.white_balance import white_balance
from ispd.isp.survey import survey
from ispd.isp.values import Bases, CameraProfile, CameraRGB, DisplayRGB, Mosaic, Raw, SceneRGB, Shot, Window
from ispd.orders import Space

REACH = 14  # rows that highlights, demosaic (12, in whole repeats of every filter array) and capture_sharpen look away
MENDED_REACH = 8  # more where defects are looked for
NETWORK_REACH = 2  # more where `best` demosaics, or `auto`, which may be that
FRINGES_REACH = 12  # more where red and blue are moved, which looks 8 rows far


def reach(shot: Shot, look: Look) -> int:
    """How many rows above and below its own a strip needs, of a surveyed shot."""
    cleaned = noise.REACH if noise.acts(look.denoise, shot) else 0
    moved = FRINGES_REACH if any(_fringes(shot, look)) else 0
    learned = NETWORK_REACH if look.demosaic.method in ("auto", "best") else 0
    mended = MENDED_REACH if look.hot_pixels.method == "repair" else 0
    return REACH + mended + cleaned + moved + learned


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
    if mosaic.shot.levels.full:  # known: a graphics card need not give its samples back
        return mosaic
    return replace(mosaic, shot=survey(mosaic.samples.detach().cpu().numpy(), mosaic.shot, look))


def sensor(mosaic: Mosaic, look: Look) -> CameraRGB:
    """From stored codes to camera color, for the rows of the active area that `mosaic` holds."""
    shot = mosaic.shot
    raw, window, cfa = balanced(mosaic, look)
    balance = gains(look.camera.white_balance, shot.neutral, shot.colors)
    if noise.acts(look.denoise, shot):  # in balanced light, where grey is alike in all planes; before patterns are made
        raw = denoise(raw, look.denoise, shot.noise_profile, shot.levels.full, window, cfa, shot.colors)
    samples = highlights(raw, look.highlights, min(balance), cfa, shot.colors)  # while it is known what clipped
    if cfa:
        samples = lateral_ca(samples, _fringes(shot, look), cfa, window)  # before a color is guessed from another
        samples = demosaic(samples, cfa, look.demosaic.method, shot.colors)  # the one stage whose method is a name
    law = luminance_law(shot.noise_profile, balance)
    return capture_sharpen(CameraRGB(samples), look.capture_sharpen, law)  # before anything moves or mixes pixels


def balanced(mosaic: Mosaic, look: Look) -> tuple[Raw, Window, str]:
    """Stored codes as balanced light, its noise and its ends as they are; which rows they are, and their array."""
    shot, (codes, window) = mosaic.shot, _active(mosaic)
    cfa = shifted(shot.cfa, window.top) if shot.cfa else ""
    raw = levels(codes, shot.levels, window)  # counts to [0, 1], with ceilings; everything below relies on it
    raw = flatten(raw, shot.opcodes2, window, look.camera.corrections)  # the file's gain maps: shading acts on light
    raw = shading(raw, look.camera.shading, window, cfa, shot.colors)  # what these maps have left
    raw = hot_pixels(raw, look.hot_pixels, shot.noise_profile, cfa, shot.colors)  # before anything mixes sites
    balance = gains(look.camera.white_balance, shot.neutral, shot.colors)
    return white_balance(raw, balance, cfa, shot.colors), window, cfa  # demosaicing compares neighbors: balance first


def _fringes(shot: Shot, look: Look) -> tuple[float, ...]:
    """How much wider than green red and blue lie, if the look wants them moved."""
    return shot.lateral_ca if look.camera.corrections.lateral_ca == "auto" else ()


def corrected(rgb: CameraRGB, shot: Shot, look: Look, top: int = 0) -> CameraRGB:
    """Opcode list 3 done; on the whole active area, or, where no warp moves pixels, on its rows from `top` on."""
    window = Window(top, shot.active.height, shot.active.width)
    return CameraRGB(lens(rgb, shot.opcodes3, window, look.camera.corrections))


def light(rgb: CameraRGB, shot: Shot, look: Look, top: int = 0, left: int = 0) -> SceneRGB:
    """Camera color to scene light; `top` and `left` say where in the active area it lies."""
    asked = shot.camera_profile if look.embedded.tables == "file" else None
    linear = camera_matrix(rgb, asked.rec2020_from_camera if asked else shot.rec2020_from_camera)
    linear = color_matrix(linear, matrix_delta(look.camera.matrix, shot.neutral, shot.colors))  # as the look has it
    linear = hue_table(linear, asked.hue_sat_map if asked else None)  # made for that matrix: a pair
    stops = baseline(shot, look), shot.exposure_shift, shot.scene_ev, shot.scene_key
    linear = exposure(linear, look.exposure, *stops)  # still linear, so it acts like light
    if shot.bases and acts(look.local_tone):
        linear = local_tone(linear, look.local_tone, _around(linear, shot.bases, top, left), _stops(shot, look))
    return hue_table(linear, asked.look_table if asked else None)  # as bright as it was made to be seen


def grade(
    rgb: SceneRGB, look: Look, ceiling: Scalar = math.inf, camera_profile: CameraProfile | None = None
) -> DisplayRGB:
    """Scene light to the screen's.  `ceiling`: where the sensor ran out, by the function of that name."""
    p = look.curve
    if p.method == "file" and camera_profile is not None and camera_profile.tone_curve:
        black = GREY_IN * 2.0**p.black_ev if camera_profile.black == "auto" else 0.0
        rgb = SceneRGB(tone_curve(rgb, camera_profile.tone_curve, black))  # what the file's maker meant it to be
        p = replace(p, method="none")
    display = learned_curve(rgb, p) if p.method == "learned" else curve(rgb, p, ceiling)
    return retouched(display, look)


def retouched(rgb: DisplayRGB, look: Look) -> DisplayRGB:
    """The last of the grade, which acts on a network's pictures too."""
    rgb = lattice(rgb, look.lattice.cube)  # what no curve can say, on the colors that it has made
    return finish(rgb, look.finish)  # saturation by eye: after the tones it is judged with


def codes(rgb: DisplayRGB, look: Look, space: Space) -> Tensor:
    """Encoded RGB of `space` in [0, 1], sharpened; to be quantized."""
    rgb = sharpen(rgb, look.sharpen)  # after the resize: crisp at the size that is looked at
    return encode(gamut(rgb, look.gamut, space), space)  # last: from here on values are for one kind of screen


def _around(rgb: Tensor, bases: Bases, top: int, left: int) -> Tensor:
    """(4, H, W): local tone's bases where these pixels lie."""
    down = torch.arange(top, top + rgb.shape[1], dtype=rgb.dtype, device=rgb.device) + 0.5
    across = torch.arange(left, left + rgb.shape[2], dtype=rgb.dtype, device=rgb.device) + 0.5
    return spread(bases, down, across)


def _stops(shot: Shot, look: Look) -> Tensor | float:
    factor = exposed(shot, look)
    return factor.log2() if isinstance(factor, Tensor) else math.log2(factor)


def _active(mosaic: Mosaic) -> tuple[Tensor, Window]:
    """The codes inside the active area, and which of its rows they are."""
    active = mosaic.shot.active
    first = max(active.top, mosaic.top)
    samples = mosaic.samples[:, first - mosaic.top : active.bottom - mosaic.top, active.left : active.right]
    return _floating(samples), Window(first - active.top, active.height, active.width)


def _floating(samples: Tensor) -> Tensor:
    return samples if samples.dtype in (torch.float32, torch.float64) else samples.to(torch.float32)
