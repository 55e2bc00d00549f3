"""From picture to DNG and back: reader and ISP together bring back the light that the simulated camera saw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ispd.decode.dng.shot import shot_from_dng
from ispd.decode.dng.tags import read_tiff
from ispd.isp import render
from ispd.isp.look import Exposure, Look
from ispd.isp.values import Mosaic
from ispd.simulate.camera import CAMERAS, SimulatedCamera
from ispd.simulate.dng import encode_dng
from ispd.simulate.photograph import Moment, expose, scene
from ispd.simulate.pictures import color_chart

PATCH = 24


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.model)
@pytest.mark.parametrize("temperature_k", [3600, 6504])
def test_the_scene_comes_back(camera: SimulatedCamera, temperature_k: float) -> None:
    if camera.correction == "none":  # what the file does not correct cannot come back
        camera = replace(camera, shading=(0.0, 0.0, 0.0))
    camera, moment = replace(camera, shot_noise=1e-9, read_noise=0.0), Moment(temperature_k=temperature_k, ev=-0.2)
    picture = color_chart(PATCH)
    negative = expose(picture, camera, moment)
    shot, warnings = shot_from_dng(read_tiff(encode_dng(negative)))
    samples = torch.from_numpy(negative.samples.astype(np.float32))[None]
    look = Look(exposure=Exposure(auto="none"))  # as bright as it was
    rendered = render.scene(Mosaic(samples, shot), look).numpy().transpose(1, 2, 0)
    rendered = rendered[shot.crop.top : shot.crop.bottom, shot.crop.left : shot.crop.right]
    middle = slice(PATCH // 2, None, PATCH)
    assert rendered[middle, middle] == pytest.approx(scene(picture, moment)[middle, middle], rel=0.01, abs=5e-4)
    assert warnings == ()
