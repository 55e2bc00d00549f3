"""The wanted picture: our own local tone mapping of light that no sensor has cut.

Takes   Exposed
Gives   (3, H, W) DisplayRGB
"""

from __future__ import annotations

from dataclasses import replace

from ispd.isp.look import Corrections, HotPixels
from ispd.isp.values import DisplayRGB
from ispd.nets.hdr_look import LOOK, toned
from ispd.nets.train.sensor import Exposed

SIMULATED = replace(  # simulated shots say how bright they are to be, and their sensors have no defects
    LOOK,
    camera=replace(LOOK.camera, corrections=Corrections(lateral_ca="none", lens="none")),
    hot_pixels=HotPixels(method="none"),
    exposure=replace(LOOK.exposure, auto="none"),
)


def target(exposed: Exposed) -> DisplayRGB:
    """What a perfect network makes of the shot."""
    return toned(exposed.truth, replace(exposed.mosaic.shot, bases=exposed.bases), SIMULATED)
