"""The look of `hdr-unet`'s pictures: what it was trained towards, and what is applied to the light that it gives.

Takes   CameraRGB, balanced, with light above the sensor's end; the shot
Gives   (3, H, W) DisplayRGB
"""

from __future__ import annotations

from ispd.isp import render
from ispd.isp.factors import ceiling, exposed
from ispd.isp.look import (
    Camera,
    CaptureSharpen,
    Corrections,
    Curve,
    Demosaic,
    Exposure,
    Highlights,
    HotPixels,
    LocalTone,
    Look,
)
from ispd.isp.values import CameraRGB, DisplayRGB, Shot

HEADROOM_EV = 0.7  # where white lies above the sensor's end: room for what has clipped
LOOK = Look(  # every method by its name: a training's result must not change with a default
    camera=Camera(corrections=Corrections(lateral_ca="none")),
    hot_pixels=HotPixels(method="repair"),
    highlights=Highlights(method="desaturate"),
    demosaic=Demosaic(method="directional"),
    capture_sharpen=CaptureSharpen(amount=0.0),
    exposure=Exposure(baseline="file", auto="scene"),
    local_tone=LocalTone(tones=(1.2, 1.2, 1.0, 0.5, 0.0, -0.25, -1.3), coarse=0.1, fine=0.05),
    curve=Curve(method="filmic", contrast=1.4, white_ev=7.0, black_ev=-10.0),
)


def toned(camera: CameraRGB, shot: Shot, look: Look = LOOK, top: int = 0, left: int = 0) -> DisplayRGB:
    """Matrix, exposure, local tone and curve; `top` and `left` say where in the active area it lies."""
    white = float(ceiling(shot, look)) * 2.0**HEADROOM_EV
    return render.grade(render.light(camera, shot, look, top, left), look, white)


def gain(shot: Shot, look: Look = LOOK) -> float:
    """What exposure multiplies light by."""
    return float(exposed(shot, look))
