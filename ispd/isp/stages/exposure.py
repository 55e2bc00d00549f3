"""Exposure: brighten or darken the scene, in stops.

Takes   SceneRGB; `baseline`, the stops that the file itself asks for (BaselineExposure); `shift`, those that the whole
        scene asks for (survey/metering.py); `scene_ev`, how bright the scene was, and `scene_key`, where its light
        lies in the raw, for looks with a slope over them
Gives   the same; nothing is clipped, so two exposures add up
Source  one stop doubles the light

>>> import torch
>>> exposure(SceneRGB(torch.tensor([0.18])), Exposure(ev=1.0), baseline=0.5, shift=0.0)
tensor([0.5091])
"""

from __future__ import annotations

from ispd.isp.factors import gain
from ispd.isp.look import Exposure
from ispd.isp.values import SceneRGB


def exposure(
    rgb: SceneRGB,
    p: Exposure,
    baseline: float,
    shift: float,
    scene_ev: float | None = None,
    scene_key: float | None = None,
) -> SceneRGB:
    """Light times `gain`."""
    return SceneRGB(rgb * gain(p, baseline, shift, scene_ev, scene_key))
