from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ispd.decode.dng.lights import seen_lights
from ispd.isp.color.spaces import xyz_from_xy
from ispd.isp.look import Exposure, Look
from ispd.isp.survey import survey
from ispd.isp.survey.overview import Overview
from ispd.isp.survey.white_balance import balanced
from ispd.isp.values import Light, Shot
from ispd.simulate.camera import KESTREL, illuminant_xy
from tests.isp.shots import shot

Blocks = NDArray[np.floating]


def lights() -> tuple[Light, ...]:
    """What the camera makes of each light; its matrices tell which was taken."""
    return seen_lights(
        lambda xy: KESTREL.camera_from_xyz(5000) @ xyz_from_xy(xy),
        lambda xy: np.full((3, 3), xy[0]),
        "RGB",
    )


def neutral(kelvin: float) -> Blocks:
    color: Blocks = KESTREL.camera_from_xyz(5000) @ xyz_from_xy(illuminant_xy(kelvin))
    color /= color[1]
    return color


def world(kelvin: float, cast: tuple[float, float, float] = (1, 1, 1)) -> Blocks:
    """(3, 30, 40) blocks of a many-colored world under that light; `cast`: what its things are on the average."""
    rng = np.random.default_rng(3)
    things = rng.beta(2, 4, (1, 30, 40)) * rng.lognormal(0, 0.2, (3, 30, 40))
    light: Blocks = things * np.array(cast)[:, None, None] * neutral(kelvin)[:, None, None]
    light *= 0.9 / light.max()
    return light


def seen(light: Blocks, clipped: Blocks | None = None, **facts: object) -> Shot:
    photo = shot(240, 320, neutral=(0.5, 1.0, 0.6), **{"lights": lights(), **facts})
    return balanced(Overview(light, np.zeros(light.shape[1:]) if clipped is None else clipped, 8), photo)


def angle(one: tuple[float, ...], other: Blocks) -> float:
    cosine = np.dot(one, other) / np.linalg.norm(one) / np.linalg.norm(other)
    return float(np.degrees(np.arccos(min(1.0, cosine))))


@pytest.mark.parametrize("kelvin", [2800, 3400, 4300, 5500, 6500, 7500])
def test_a_many_colored_world_tells_its_light(kelvin: float) -> None:
    """A grey sheet under a balance that is off by 3 degrees looks tinted only beside a white one."""
    assert angle(seen(world(kelvin)).neutral, neutral(kelvin)) < 3


@pytest.mark.parametrize("cast", [(1, 1.5, 0.8), (1.6, 1.0, 1.4)], ids=["meadow", "heath"])
def test_a_world_of_one_color_fools_it_less_than_the_average_would(cast: tuple[float, float, float]) -> None:
    """No light is as green as a meadow: most of the green is the meadow's own."""
    grey_world = neutral(5500) * cast
    assert angle(seen(world(5500, cast)).neutral, neutral(5500)) < 0.6 * angle(tuple(grey_world), neutral(5500))


def test_what_has_clipped_is_no_evidence() -> None:
    light, clipped = world(3000), np.zeros((30, 40))
    light[:, :10], clipped[:10] = 1.0, 0.5
    assert angle(seen(light, clipped).neutral, neutral(3000)) < 3


def test_the_matrix_is_that_of_the_light() -> None:
    for kelvin in (3000, 6500):
        (value, *_), *_ = seen(world(kelvin)).rec2020_from_camera
        assert value == pytest.approx(illuminant_xy(kelvin)[0], abs=0.02)


@pytest.mark.parametrize("level", [0.0, -0.01, 0.97])
def test_black_and_white_frames_tell_nothing(level: float) -> None:
    assert seen(np.full((3, 30, 40), level)).neutral == (0.5, 1.0, 0.6)


def test_a_balance_that_the_file_tells_stays() -> None:
    assert seen(world(3000), lights=()).neutral == (0.5, 1.0, 0.6)


def test_brighter_or_darker_it_is_the_same_light() -> None:
    np.testing.assert_allclose(seen(world(4000) / 8).neutral, seen(world(4000)).neutral, rtol=0.01)


def test_the_survey_balances_whatever_the_look_asks() -> None:
    kelvin, plain = 3000, Look(exposure=Exposure(auto="none"))
    pixels = world(kelvin).repeat(8, axis=1).repeat(8, axis=2)
    photo = shot(240, 320, cfa="", neutral=(0.5, 1.0, 0.6), lights=lights())
    surveyed = survey(pixels, photo, plain)
    assert angle(surveyed.neutral, neutral(kelvin)) < 3
    assert survey(pixels, surveyed, plain) == surveyed
