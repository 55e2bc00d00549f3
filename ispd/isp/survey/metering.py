"""Metering: how many stops brighter or darker a photo should be than it was exposed, where nobody sits to say so.

A camera's meter has been at work already, so most photos are right, and the answer is near 0.  What is found out are
the others: frames that were held back to save their highlights (phones, cinema cameras), or that were simply missed.
Light in, stops out: twice the light gives about a stop less.

    key       half of it the scene's average lightness, half of it what its brightest part has: an average alone would
              turn snow and night to grey, highlights alone would believe every lamp
    error     how far the key lies from where well exposed photos have it; little errors are taste, and stay
    doubt     a flat frame (wall, fog, page) tells nothing; a frame of contrasts (night with lamps, a window, a face
              before the sun) has a key by intent; a frame that is very dark is dark; a bright one is overexposed only
              if much of it lies beyond white
    room      no lift beyond where highlights are whole, no lowering below where shadows are open and white is white

Source  the meter's grey: ISO 12232:2019 and `isp.color.tone.GREY_IN`; lightness as the cube root of light: CIE 15 (L*);
        KEY was measured on well exposed photographs, and agrees with what four cameras made of their own raws
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ispd.isp.color.tone import GREY_IN
from ispd.isp.factors import baseline, ceiling
from ispd.isp.look import Look
from ispd.isp.survey.overview import Array, Overview
from ispd.isp.values import Shot

MOST = 1.5  # stops, either way: what is farther off was meant, or is lost
FEWEST = 48  # blocks; fewer are a sample rather than a scene
LUMINANCE = np.array([0.2627, 0.6780, 0.0593])  # of Rec.2020
DARKEST = 2.0**-8  # of grey: no darker place counts for less

KEY = 0.9  # stops above the meter's grey: the median of 29 photographs; two thirds of them lie within half a stop
TASTE = 0.5  # stops of error that are halved; a third of one is left alone, and a whole one nearly all taken
FLAT, SHAPED = 0.3, 1.5  # stops from the 5th to the 95th percentile: here a scene begins, there it is one wholly
ORDINARY, CONTRASTY = 3.5, 5.5  # stops from the median to the 99th percentile: of a scene by day; of lamps at night
DIM, DARK = 2.0, 4.5  # stops of error: nobody underexposes by more; a frame as dark as that is night, or a lens cap
SOFT = 0.5  # stops around WHITE over which a place comes to count as beyond it: a flat page must not flip
WHITE = 2.7  # stops above grey: where a print is white; `ceiling` may lie far above, in a file that says so
BLOWN, UNBLOWN_TRUST = (0.02, 0.15), 0.25  # of the frame above WHITE: a bright frame without is a pale scene, as it was
LIGHTS_STAY, SHADOWS_STAY = 3.2, -1.5  # stops: where the 99th percentile and the darker quarter may be moved to
WHITE_STAYS = 2.8  # stops: where the sensor's end may be moved to; lower, and the curve would show it grey


def exposure_shift(overview: Overview, shot: Shot, look: Look) -> float:
    """The stops to add to what the file asks for; the look's own `ev` comes on top of them."""
    plain = replace(look, exposure=replace(look.exposure, ev=0.0))
    scene = _from_grey(overview.light, shot, plain)
    if scene.size < FEWEST:
        return 0.0
    stops = np.log2(scene)
    dark, darker, middle, bright, brightest = np.percentile(stops, [5, 25, 50, 95, 99])
    error = KEY - _key(scene, bright)
    shift = error**3 / (error**2 + TASTE**2) * _rise(bright - dark, FLAT, SHAPED)
    if error > 0:
        shift *= (1 - _rise(brightest - middle, ORDINARY, CONTRASTY)) * (1 - _rise(error, DIM, DARK))
        return float(min(shift, MOST, max(0.0, LIGHTS_STAY - brightest)))
    blown = _rise(float(np.clip((stops - WHITE) / SOFT + 0.5, 0, 1).mean()), *BLOWN)
    shift *= UNBLOWN_TRUST + (1 - UNBLOWN_TRUST) * blown
    whitest = math.log2(float(ceiling(shot, plain)) / GREY_IN)
    return float(max(shift, -MOST, min(0.0, max(SHADOWS_STAY - darker, WHITE_STAYS - whitest))))


def scene_key(light: Array, shot: Shot, look: Look) -> float:
    """The key of a small picture (colors, h, w), in stops from the meter's grey, as the file wants it exposed."""
    scene = _from_grey(light, shot, look)
    return float(_key(scene, np.log2(np.percentile(scene, 95))))


def _key(scene: Array, bright: float) -> float:
    """`bright`: where its brightest part lies, in stops."""
    key: float = (3 * np.log2(np.cbrt(scene).mean()) + bright) / 2
    return key


def _from_grey(light: Array, shot: Shot, look: Look) -> Array:
    """Scene luminance as the pipeline would make it, times grey, before the look's own exposure."""
    asked = baseline(shot, look) if look.exposure.baseline == "file" else 0.0
    scene: Array = np.clip(_luminance(light, shot) * (2.0**asked / GREY_IN), DARKEST, None)
    return scene


def _luminance(light: Array, shot: Shot) -> Array:
    """Scene luminance before exposure."""
    balance = max(shot.neutral) / np.array(shot.neutral)
    weights = LUMINANCE @ np.array(shot.rec2020_from_camera) * balance
    luminance: Array = np.tensordot(weights, light, axes=1)
    return luminance


def _rise(x: float, start: float, end: float) -> float:
    """0 up to `start`, 1 from `end` on, smooth between."""
    t = min(max((x - start) / (end - start), 0.0), 1.0)
    return t * t * (3 - 2 * t)
