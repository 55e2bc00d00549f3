"""What the camera does to color is what its files say: our own reader of DNG color, written apart, undoes it."""

from __future__ import annotations

import numpy as np
import pytest

from ispd.decode.dng.color import color_from_dng
from ispd.decode.dng.tags import read_tiff
from ispd.isp.color.spaces import D50_XYZ
from ispd.simulate.camera import CAMERAS, DAYLIGHT_K, SimulatedCamera, illuminant_xy
from ispd.simulate.photograph import Moment, camera_color, photograph

EVERY_CAMERA = pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.model)
SCENE = np.random.default_rng(0).random((8, 8, 3))
FLAT = np.full((48, 48, 3), 0.5)


@EVERY_CAMERA
@pytest.mark.parametrize("temperature_k", [3000, 3600, 4500, 5600, 6504, 8000])
def test_the_color_model_brings_the_scene_back(camera: SimulatedCamera, temperature_k: float) -> None:
    color = color_from_dng(read_tiff(photograph(FLAT, camera, Moment(temperature_k=temperature_k))), "RGB")
    balanced = camera_color(SCENE, camera, temperature_k) / np.array(color.neutral)
    assert balanced @ np.array(color.rec2020_from_camera).T == pytest.approx(SCENE, abs=2e-3)
    assert color.warnings == ()


@EVERY_CAMERA
def test_forward_matrices_map_white_to_white(camera: SimulatedCamera) -> None:
    for calibration in camera.calibrations():
        if calibration.forward:
            assert np.sum(calibration.forward, axis=1) == pytest.approx(D50_XYZ, abs=3e-4)


@pytest.mark.parametrize(
    ("temperature_k", "xy"),
    [
        (5003, (0.3457, 0.3585)),  # D50, D55, D75 of CIE 15, by their temperatures there
        (5503, (0.3324, 0.3474)),
        (7504, (0.2990, 0.3149)),
        (DAYLIGHT_K, (0.3127, 0.3290)),
        (2856, (0.4476, 0.4074)),  # A
    ],
)
def test_lights_are_where_the_cie_has_them(temperature_k: float, xy: tuple[float, float]) -> None:
    assert illuminant_xy(temperature_k) == pytest.approx(xy, abs=2e-4)


def test_cameras_differ_in_everything_a_developer_must_care_about() -> None:
    for what in ("cfa", "black", "white", "correction", "daylight", "shading", "margin_px"):
        assert len({getattr(camera, what) for camera in CAMERAS}) > 1, what
