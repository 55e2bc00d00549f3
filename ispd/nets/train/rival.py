"""The honest rival: ispd's own pipeline on the clipped, noisy mosaic, every method pinned by `ispd.nets.hdr_look`.

It has what the network has: the same white balance, matrix, gain maps, noise model, exposure and tone; its denoise
knows the simulated noise exactly.
"""

from __future__ import annotations

from ispd.isp import render
from ispd.isp.values import DisplayRGB
from ispd.nets.hdr_look import toned
from ispd.nets.train.sensor import Exposed
from ispd.nets.train.target import SIMULATED


def rival(exposed: Exposed) -> DisplayRGB:
    """(3, H, W)."""
    return toned(render.sensor(exposed.mosaic, SIMULATED), exposed.mosaic.shot, SIMULATED)
