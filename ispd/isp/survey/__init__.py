"""Survey: what only the whole picture tells, found once, before any strip is rendered.

Takes   stored codes of the whole photo, (planes, H, W), after opcode list 1; its shot; the look that it is for
Gives   the shot with what was found; a surveyed shot stays as it is

    Levels.full       where the sensor really ends                 survey/wells.py
    neutral           where the file has no usable white balance   survey/white_balance.py
    lateral_ca        how the lens sizes red and blue              survey/lateral_ca.py
    noise_profile     how much samples scatter                     survey/noise.py
    exposure_shift    what a look with automatic exposure adds     survey/metering.py
    scene_key         how bright it lies, for a look that adapts  survey/metering.py
    bases             how bright surroundings are, for local tone  survey/bases.py

Numpy alone, and pure: the same for every device, and for a developer that has no torch.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from ispd.isp.look import LocalTone, Look
from ispd.isp.noise import wanted
from ispd.isp.survey.bases import bases
from ispd.isp.survey.lateral_ca import lateral_ca
from ispd.isp.survey.metering import exposure_shift, scene_key
from ispd.isp.survey.noise import noise_profile
from ispd.isp.survey.overview import overview
from ispd.isp.survey.wells import full_wells
from ispd.isp.survey.white_balance import balanced
from ispd.isp.values import GainMap, Shot, WarpRadial, WarpRectilinear


def survey(samples: NDArray[Any], shot: Shot, look: Look) -> Shot:
    """The shot, knowing more, as far as the look asks for it."""
    if shot.levels.full:
        return shot
    active = shot.active
    codes = samples[:, active.top : active.bottom, active.left : active.right]
    shot = replace(shot, levels=replace(shot.levels, full=full_wells(codes, shot.levels)))
    if look.camera.corrections.lateral_ca == "auto" and shot.cfa and not _moves_colors_apart(shot, look):
        shot = replace(shot, lateral_ca=lateral_ca(codes[0], shot.levels, shot.cfa))
    keyed = len(look.exposure.key_range) == 2
    if shot.lights or look.exposure.auto == "scene" or keyed or look.local_tone != LocalTone():
        small = overview(samples, _as_it_will_be(shot, look))
        shot = balanced(small, shot)
        if look.local_tone != LocalTone():
            shot = replace(shot, bases=bases(small.light, small.block, shot))
        if look.exposure.auto == "scene":
            shot = replace(shot, exposure_shift=exposure_shift(small, shot, look))
        if keyed:
            shot = replace(shot, scene_key=scene_key(small.light, shot, look))
    if wanted(look.denoise):
        shot = replace(shot, noise_profile=noise_profile(codes, shot))  # how bright it will be says what is seen
    return shot


def _as_it_will_be(shot: Shot, look: Look) -> Shot:
    """Without the file's gain maps, where the look does without."""
    if look.camera.corrections.shading == "file":
        return shot
    return replace(shot, opcodes2=tuple(opcode for opcode in shot.opcodes2 if not isinstance(opcode, GainMap)))


def _moves_colors_apart(shot: Shot, look: Look) -> bool:
    """Whether a warp that is applied corrects lateral color already."""
    warps = [opcode for opcode in shot.opcodes3 if isinstance(opcode, WarpRectilinear | WarpRadial)]
    return look.camera.corrections.geometry == "file" and any(len(set(warp.planes)) > 1 for warp in warps)
