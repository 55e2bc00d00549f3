"""The DNG color model, against what a camera of known response must have seen."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from ispd.decode.dng.codes import Tag
from ispd.decode.dng.color import CameraColor, color_from_dng, plain_matrix, rec2020_from_d65_matrix
from ispd.decode.dng.light import xy_from_temperature
from ispd.decode.dng.tags import read_tiff
from ispd.isp.color.spaces import D50_XYZ, D65, Array, adapt, xyz_from_rgb, xyz_from_xy
from ispd.simulate.camera import CAMERAS, SimulatedCamera
from ispd.simulate.photograph import Moment, camera_color, photograph
from ispd.simulate.tiff import Kind, pack
from tests.decode.dng.build import (
    DAYLIGHT,
    FORWARD_DAYLIGHT,
    FORWARD_TUNGSTEN,
    NOTHING,
    TUNGSTEN,
    Tags,
    tiff,
)

D65_XYZ = xyz_from_xy(D65)
A = (0.4476, 0.4075)
DAYLIGHT_MATRIX = np.reshape(DAYLIGHT, (3, 3))
TUNGSTEN_MATRIX = np.reshape(TUNGSTEN, (3, 3))
COLORS = np.array([[1.0, 1.0, 1.0], [0.8, 0.1, 0.2], [0.1, 0.6, 0.3], [0.2, 0.2, 0.9], [0.02, 0.03, 0.01]])  # Rec.2020
DUAL: Tags = {
    Tag.ColorMatrix1: (Kind.SRATIONAL, TUNGSTEN),
    Tag.ColorMatrix2: (Kind.SRATIONAL, DAYLIGHT),
    Tag.CalibrationIlluminant1: (Kind.SHORT, 17),
    Tag.CalibrationIlluminant2: (Kind.SHORT, 21),
}


def color(tags: Tags, colors: str = "RGB") -> CameraColor:
    return color_from_dng(tiff(tags), colors)


def neutral_tag(values: Array | tuple[float, ...]) -> Tags:
    return {Tag.AsShotNeutral: (Kind.RATIONAL, tuple(float(v) for v in values))}


def seen(matrix: Array, rec2020: Array) -> Array:
    """White-balanced camera color under D65 of a camera with that ColorMatrix."""
    response = rec2020 @ (matrix @ xyz_from_rgb("rec2020")).T
    balanced: Array = response / (matrix @ D65_XYZ)
    return balanced


def rendered(result: CameraColor, balanced: Array) -> Array:
    product: Array = balanced @ np.array(result.rec2020_from_camera).T
    return product


def test_under_daylight_the_color_matrix_is_undone_exactly() -> None:
    result = color(neutral_tag(DAYLIGHT_MATRIX @ D65_XYZ))
    assert result.warnings == ()
    assert_allclose(rendered(result, seen(DAYLIGHT_MATRIX, COLORS)), COLORS, atol=2e-5)


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.model)
@pytest.mark.parametrize("kelvin", [2856.0, 3400.0, 4800.0, 6504.0])
def test_the_simulated_cameras_color_is_undone_under_every_light(camera: SimulatedCamera, kelvin: float) -> None:
    data = photograph(np.full((16, 16, 3), 128, np.uint8), camera, Moment(temperature_k=kelvin))
    result = color_from_dng(read_tiff(data), "RGB")
    balanced = camera_color(COLORS, camera, kelvin) / camera.neutral(kelvin)
    assert_allclose(rendered(result, balanced), COLORS, atol=2e-3)


def test_each_calibration_light_has_its_own_matrix() -> None:
    for white, code, matrix in ((A, 17, TUNGSTEN), (D65, 21, DAYLIGHT)):
        neutral = np.reshape(matrix, (3, 3)) @ xyz_from_xy(white)
        alone: Tags = {
            Tag.ColorMatrix1: (Kind.SRATIONAL, matrix),
            Tag.CalibrationIlluminant1: (Kind.SHORT, code),
            **neutral_tag(neutral),
        }
        both = {**DUAL, **neutral_tag(neutral)}
        assert_allclose(color(both).rec2020_from_camera, color(alone).rec2020_from_camera, atol=1e-3)


def test_halfway_in_reciprocal_temperature_the_matrices_are_averaged() -> None:
    middle = xy_from_temperature(2 / (1 / 2856 + 1 / 6504))
    average = (TUNGSTEN_MATRIX + DAYLIGHT_MATRIX) / 2
    neutral = neutral_tag(average @ xyz_from_xy(middle))
    alone: Tags = {
        Tag.ColorMatrix1: (Kind.SRATIONAL, tuple(average.ravel())),
        Tag.CalibrationIlluminant1: (Kind.SHORT, 255),  # "other": the light is described
        Tag.IlluminantData1: (Kind.UNDEFINED, b"\0\0" + pack(Kind.RATIONAL, middle)),
        **neutral,
    }
    assert_allclose(color({**DUAL, **neutral}).rec2020_from_camera, color(alone).rec2020_from_camera, atol=2e-3)


def test_the_order_of_the_two_lights_does_not_matter() -> None:
    swapped: Tags = {
        Tag.ColorMatrix1: DUAL[Tag.ColorMatrix2],
        Tag.ColorMatrix2: DUAL[Tag.ColorMatrix1],
        Tag.CalibrationIlluminant1: DUAL[Tag.CalibrationIlluminant2],
        Tag.CalibrationIlluminant2: DUAL[Tag.CalibrationIlluminant1],
    }
    neutral = neutral_tag((0.6, 1.0, 0.5))
    assert_allclose(
        color({**DUAL, **neutral}).rec2020_from_camera, color({**swapped, **neutral}).rec2020_from_camera, atol=1e-9
    )


def test_three_lights_each_have_their_own_matrix() -> None:
    third = tuple((TUNGSTEN_MATRIX * 0.9 + DAYLIGHT_MATRIX * 0.1).ravel())
    triple: Tags = {**DUAL, Tag.ColorMatrix3: (Kind.SRATIONAL, third), Tag.CalibrationIlluminant3: (Kind.SHORT, 23)}
    neutral = np.reshape(third, (3, 3)) @ xyz_from_xy((0.3457, 0.3585))
    alone: Tags = {
        Tag.ColorMatrix1: (Kind.SRATIONAL, third),
        Tag.CalibrationIlluminant1: (Kind.SHORT, 23),
        **neutral_tag(neutral),
    }
    both = {**triple, **neutral_tag(neutral)}
    assert_allclose(color(both).rec2020_from_camera, color(alone).rec2020_from_camera, atol=1e-3)


def test_at_one_of_three_lights_the_others_say_nothing() -> None:
    third: Tags = {
        **DUAL,
        Tag.ColorMatrix3: (Kind.SRATIONAL, tuple(np.eye(3).ravel())),
        Tag.CalibrationIlluminant3: (Kind.SHORT, 22),
    }
    neutral = neutral_tag(TUNGSTEN_MATRIX @ xyz_from_xy(A))
    assert_allclose(
        color({**third, **neutral}).rec2020_from_camera, color({**DUAL, **neutral}).rec2020_from_camera, atol=0.01
    )


def test_a_forward_matrix_takes_balanced_camera_color_to_d50() -> None:
    result = color(
        {
            **neutral_tag((0.5, 1.0, 0.66)),
            Tag.ForwardMatrix1: (Kind.SRATIONAL, FORWARD_DAYLIGHT),
        }
    )
    camera = np.array([0.3, 0.5, 0.2])
    xyz_d65 = adapt(D50_XYZ, D65_XYZ) @ np.reshape(FORWARD_DAYLIGHT, (3, 3)) @ camera
    assert_allclose(rendered(result, camera), np.linalg.solve(xyz_from_rgb("rec2020"), xyz_d65), atol=2e-3)


def test_a_forward_matrix_that_moves_white_is_left_out_with_a_warning() -> None:
    plain = color(neutral_tag((0.5, 1.0, 0.66)))
    wrong = color({**neutral_tag((0.5, 1.0, 0.66)), Tag.ForwardMatrix1: (Kind.SRATIONAL, (0.0,) * 9)})
    assert wrong.rec2020_from_camera == plain.rec2020_from_camera
    assert "ForwardMatrix1" in wrong.warnings[0]


def test_a_forward_matrix_made_for_a_table_counts_only_with_it() -> None:
    plain = color(neutral_tag((0.5, 1.0, 0.66)))
    paired = color(
        {
            **neutral_tag((0.5, 1.0, 0.66)),
            Tag.ForwardMatrix1: (Kind.SRATIONAL, FORWARD_DAYLIGHT),
            Tag.ProfileHueSatMapDims: (Kind.LONG, (90, 30, 1)),
        }
    )
    assert replace(paired, profile_matrix=()) == replace(plain, profile_matrix=())
    assert paired.profile_matrix != plain.profile_matrix


def test_analog_balance_scales_the_neutral_and_leaves_the_colors() -> None:
    gains = (2.158672, 1.0, 1.414752)
    plain = color(neutral_tag((0.5, 1.0, 0.66)))
    scaled = color({**neutral_tag((0.5 * gains[0], 1.0, 0.66 * gains[2])), Tag.AnalogBalance: (Kind.RATIONAL, gains)})
    assert_allclose(scaled.rec2020_from_camera, plain.rec2020_from_camera, atol=1e-5)
    assert_allclose(scaled.neutral, np.array(plain.neutral) * gains, atol=1e-5)


def test_a_bodys_calibration_counts_for_profiles_of_its_signature_only() -> None:
    calibration: Tags = {Tag.CameraCalibration1: (Kind.SRATIONAL, (0.9, 0.06, 0, 0, 1.0, 0, 0, 0.04, 1.1))}
    ours: Tags = {
        Tag.CameraCalibrationSignature: (Kind.ASCII, "com.adobe"),
        Tag.ProfileCalibrationSignature: (Kind.ASCII, "com.adobe"),
    }
    neutral = neutral_tag((0.5, 1.0, 0.66))
    plain = color(neutral).rec2020_from_camera
    used = color({**neutral, **calibration}).rec2020_from_camera
    assert not np.allclose(used, plain, atol=1e-3)
    assert color({**neutral, **calibration, **ours}).rec2020_from_camera == used
    other: Tags = {**ours, Tag.ProfileCalibrationSignature: (Kind.ASCII, "else")}
    assert color({**neutral, **calibration, **other}).rec2020_from_camera == plain


def test_a_white_point_says_the_same_as_the_neutral_it_makes() -> None:
    white = (0.3457, 0.3585)
    by_neutral = color({**DUAL, **neutral_tag(color({**DUAL, **_white_only(white)}).neutral)})
    by_white = color({**DUAL, **_white_only(white)})
    assert_allclose(by_white.neutral, by_neutral.neutral, atol=1e-4)
    assert_allclose(by_white.rec2020_from_camera, by_neutral.rec2020_from_camera, atol=1e-3)


def _white_only(white: tuple[float, float]) -> Tags:
    return {Tag.AsShotNeutral: None, Tag.AsShotWhiteXY: (Kind.RATIONAL, white)}


def test_a_neutral_of_any_scale_is_taken_by_its_green() -> None:
    assert_allclose(color(neutral_tag((1.0, 2.477, 1.462))).neutral, (0.40371, 1.0, 0.59023), atol=1e-5)


def test_a_fourth_number_of_zero_is_no_color() -> None:
    assert_allclose(color(neutral_tag((0.5, 1.0, 0.66, 0.0))).neutral, (0.5, 1.0, 0.66), atol=1e-6)


@pytest.mark.parametrize(
    "value",
    [
        (Kind.RATIONAL, (0.0, 1.0, 0.0)),
        (Kind.RATIONAL, NOTHING * 3),
        (Kind.SRATIONAL, (-1.0, 1.0, 1.0)),
        (Kind.RATIONAL, (1e-5, 1.0, 1.0)),
        (Kind.RATIONAL, (1.0, 1.0)),
        None,
    ],
)
def test_without_a_usable_balance_daylight_by_the_matrix_is_taken_with_a_warning(
    value: tuple[Kind, tuple[float, ...] | bytes] | None,
) -> None:
    result = color({Tag.AsShotNeutral: value})
    daylight = DAYLIGHT_MATRIX @ D65_XYZ
    assert_allclose(result.neutral, daylight / daylight[1], rtol=1e-4)
    assert "estimated" in result.warnings[-1]


def test_all_ones_is_a_placeholder_where_the_matrix_makes_no_light_of_it() -> None:
    result = color(neutral_tag((1.0, 1.0, 1.0)))
    assert max(result.neutral) < 1.001
    assert min(result.neutral) < 0.9
    assert "1 1 1" in result.warnings[0]


def test_all_ones_is_true_of_data_that_were_balanced_before_they_were_stored() -> None:
    daylight = DAYLIGHT_MATRIX @ D65_XYZ
    gains = tuple((daylight[1] / daylight).tolist())
    result = color({**neutral_tag((1.0, 1.0, 1.0)), Tag.AnalogBalance: (Kind.RATIONAL, gains)})
    assert result.neutral == (1.0, 1.0, 1.0)
    assert result.warnings == ()


@pytest.mark.parametrize(
    "matrix",
    [NOTHING * 9, (0.0,) * 9, (-1.0, 0, 0, 0, -1.0, 0, 0, 0, -1.0), (0.3, 0.5, 0.2) * 3, (1.0,) * 3],
    ids=["nan", "zero", "negative", "singular", "short"],
)
def test_an_unusable_matrix_is_replaced_with_a_warning(matrix: tuple[float, ...] | bytes) -> None:
    broken = tiff({Tag.ColorMatrix1: (Kind.SRATIONAL, matrix)})
    alone = color_from_dng(broken, "RGB")
    assert alone.rec2020_from_camera == plain_matrix(3)
    assert any("color matrix" in warning for warning in alone.warnings)
    helped = color_from_dng(broken, "RGB", tuple(map(tuple, DAYLIGHT_MATRIX.tolist())))
    assert_allclose(rendered(helped, seen(DAYLIGHT_MATRIX, COLORS)), COLORS, atol=1e-6)
    assert_allclose(helped.neutral, (0.5, 1.0, 0.66), atol=1e-6)


def test_with_neither_matrix_nor_balance_both_are_guessed_and_said() -> None:
    result = color({Tag.ColorMatrix1: None, Tag.AsShotNeutral: None})
    assert result.rec2020_from_camera == plain_matrix(3)
    assert min(result.neutral) > 0.3
    assert len(result.warnings) == 2


def test_one_plane_has_no_color() -> None:
    assert color({}, "W") == CameraColor((1.0,), ((1.0,), (1.0,), (1.0,)))


def test_a_readers_d65_matrix_of_three_colors_is_undone_exactly() -> None:
    matrix = rec2020_from_d65_matrix(DAYLIGHT_MATRIX.tolist())
    assert matrix is not None
    assert_allclose(seen(DAYLIGHT_MATRIX, COLORS) @ np.array(matrix).T, COLORS, atol=1e-9)


def test_a_readers_matrix_of_four_colors_is_undone_and_keeps_white() -> None:
    gmcy = np.array([[-0.2, 1.2, 0.1], [0.6, 0.2, 0.5], [-0.1, 0.9, 0.6], [0.7, 0.9, -0.1]])
    matrix = rec2020_from_d65_matrix(gmcy.tolist())
    assert matrix is not None
    assert np.shape(matrix) == (3, 4)
    assert_allclose(seen(gmcy, COLORS) @ np.array(matrix).T, COLORS, atol=1e-9)
    assert_allclose(np.array(matrix) @ np.ones(4), np.ones(3), atol=1e-12)


@pytest.mark.parametrize("matrix", [[[0.0] * 3] * 3, [[math.nan] * 3] * 3, [[1.0, 1.0, 1.0]] * 3, []])
def test_a_readers_matrix_of_nothing_is_none(matrix: list[list[float]]) -> None:
    assert rec2020_from_d65_matrix(matrix) is None


def near(matrix: tuple[float, ...], spread: float) -> st.SearchStrategy[tuple[float, ...]]:
    """Matrices around a real one, most of them still some camera's."""
    offsets = st.lists(st.floats(-spread, spread), min_size=len(matrix), max_size=len(matrix))
    return offsets.map(lambda o: tuple(m + d for m, d in zip(matrix, o, strict=True)))


@given(
    first=near(TUNGSTEN, 0.6),
    second=near(DAYLIGHT, 0.6),
    forward=near(FORWARD_DAYLIGHT, 0.1),
    calibration=near((1, 0, 0, 0, 1, 0, 0, 0, 1), 0.6),
    neutral=st.lists(st.floats(0, 4, width=32), min_size=3, max_size=3),
    lights=st.tuples(st.integers(0, 30), st.integers(0, 30)),
)
def test_whatever_the_tags_say_white_stays_white_and_all_is_finite(
    first: tuple[float, ...],
    second: tuple[float, ...],
    forward: tuple[float, ...],
    calibration: tuple[float, ...],
    neutral: list[float],
    lights: tuple[int, int],
) -> None:
    result = color(
        {
            Tag.ColorMatrix1: (Kind.SRATIONAL, first),
            Tag.ColorMatrix2: (Kind.SRATIONAL, second),
            Tag.ForwardMatrix1: (Kind.SRATIONAL, forward),
            Tag.CameraCalibration1: (Kind.SRATIONAL, calibration),
            Tag.CalibrationIlluminant1: (Kind.SHORT, lights[0]),
            Tag.CalibrationIlluminant2: (Kind.SHORT, lights[1]),
            Tag.AsShotNeutral: (Kind.RATIONAL, tuple(neutral)),
        }
    )
    assert all(math.isfinite(v) and v > 0 for v in result.neutral)
    assert_allclose(np.array(result.rec2020_from_camera) @ np.ones(3), np.ones(3), atol=1e-6)


def test_forward_matrices_are_interpolated_as_the_color_matrices_are() -> None:
    neutral = neutral_tag(TUNGSTEN_MATRIX @ xyz_from_xy(A))
    both: Tags = {
        **DUAL,
        **neutral,
        Tag.ForwardMatrix1: (Kind.SRATIONAL, FORWARD_TUNGSTEN),
        Tag.ForwardMatrix2: (Kind.SRATIONAL, FORWARD_DAYLIGHT),
    }
    camera = np.array([0.3, 0.5, 0.2])
    xyz_d65 = adapt(D50_XYZ, D65_XYZ) @ np.reshape(FORWARD_TUNGSTEN, (3, 3)) @ camera
    assert_allclose(rendered(color(both), camera), np.linalg.solve(xyz_from_rgb("rec2020"), xyz_d65), atol=3e-3)
