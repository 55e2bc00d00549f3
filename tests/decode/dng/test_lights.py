from __future__ import annotations

import numpy as np
import pytest

from ispd.decode.dng.color import lights_of_d65_matrix, plain_matrix, rec2020_from_d65_matrix
from ispd.decode.dng.lights import seen_lights, usual_lights
from ispd.simulate.camera import KESTREL, LANTERN, SimulatedCamera


@pytest.mark.parametrize("camera", [KESTREL, LANTERN])
def test_a_known_camera_sees_the_lights_in_order_from_blue_to_red(camera: SimulatedCamera) -> None:
    matrix = rec2020_from_d65_matrix(camera.daylight)
    assert matrix is not None
    lights = lights_of_d65_matrix(camera.daylight, "RGB", matrix)
    neutrals = np.array([light.neutral for light in lights])
    assert (np.diff([light.temperature_k for light in lights]) < 0).all()
    assert (np.diff(neutrals[:, 0]) > 0).all()
    assert (np.diff(neutrals[:, 2]) < 0).all()
    np.testing.assert_array_equal(neutrals[:, 1], 1)
    daylight = min(lights, key=lambda light: abs(light.temperature_k - 6504))
    np.testing.assert_allclose(daylight.neutral, camera.neutral(6504), rtol=0.05)  # whose white is D65's, a bit greener


def test_a_usual_sensor_sees_less_blue_and_more_red_by_lamps_or_is_balanced_already() -> None:
    *lights, balanced = usual_lights((0.5, 1.0, 0.65), plain_matrix(3))
    cold, warm = lights[0].neutral, lights[-1].neutral
    assert cold[0] < 0.5 < warm[0]
    assert cold[2] > 0.65 > warm[2]
    assert balanced.neutral == (1, 1, 1)


def test_a_light_that_a_camera_cannot_see_is_left_out() -> None:
    matrix = np.eye(3)
    assert seen_lights(lambda xy: np.array([xy[0] - 0.4, 1.0, 0.5]), lambda _: matrix, "RGB")
    assert not seen_lights(lambda _: np.array([0.0, 1.0, 1.0]), lambda _: matrix, "RGB")
    assert not seen_lights(lambda _: np.ones(3), lambda _: matrix * np.nan, "RGB")
