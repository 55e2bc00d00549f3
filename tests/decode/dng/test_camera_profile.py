"""Camera profiles of DNGs: read, mixed for the light, judged, and applied as chapter 6 orders."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ispd.decode.dng.camera_profile import _spline_slopes
from ispd.decode.dng.codes import Tag
from ispd.decode.dng.shot import shot_from_dng
from ispd.isp.color.prophoto import prophoto_from_rec2020, rec2020_from_prophoto
from ispd.isp.look import Curve, Embedded, Exposure, Finish, Look
from ispd.isp.render import grade, light
from ispd.isp.stages.camera_matrix import camera_matrix
from ispd.isp.stages.hue_table import hue_table
from ispd.isp.values import CameraProfile, CameraRGB, HueTable, SceneRGB, Shot
from ispd.profile.library import shipped_profiles
from ispd.profile.profile import read_profile
from ispd.simulate.tiff import Kind, Value
from tests.decode.dng.build import (
    DAYLIGHT,
    FORWARD_DAYLIGHT,
    FORWARD_TUNGSTEN,
    NOTHING,
    TUNGSTEN,
    tiff,
)

HUES, SATURATIONS = 6, 3
EMBEDDED = read_profile(shipped_profiles() / "dng-embedded.toml").look

Tags = dict[Tag, tuple[Kind, Value] | None]


def nodes(turn: float, stretch: float = 1.0, gain: float = 1.0) -> tuple[float, ...]:
    """The same shift everywhere, in the file's order."""
    return (turn, stretch, gain) * (HUES * SATURATIONS)


def profiled(**more: tuple[Kind, Value] | None) -> Tags:
    """A dual-illuminant camera with forward matrices and a hue table for each light."""
    return {
        Tag.ColorMatrix1: (Kind.SRATIONAL, TUNGSTEN),
        Tag.CalibrationIlluminant1: (Kind.SHORT, 17),
        Tag.ColorMatrix2: (Kind.SRATIONAL, DAYLIGHT),
        Tag.CalibrationIlluminant2: (Kind.SHORT, 21),
        Tag.ForwardMatrix1: (Kind.SRATIONAL, FORWARD_TUNGSTEN),
        Tag.ForwardMatrix2: (Kind.SRATIONAL, FORWARD_DAYLIGHT),
        Tag.ProfileHueSatMapDims: (Kind.LONG, (HUES, SATURATIONS, 1)),
        Tag.ProfileHueSatMapData1: (Kind.FLOAT, nodes(12.0)),
        Tag.ProfileHueSatMapData2: (Kind.FLOAT, nodes(-6.0)),
        **{Tag[name]: value for name, value in more.items()},
    }


def shot_with(tags: Tags) -> tuple[Shot, tuple[str, ...]]:
    return shot_from_dng(tiff(tags))


def profile_of(tags: Tags) -> CameraProfile:
    shot, warnings = shot_with(tags)
    assert warnings == ()
    assert shot.camera_profile is not None
    return shot.camera_profile


def turns(table: HueTable | None) -> NDArray[np.float32]:
    assert table is not None
    return np.frombuffer(table.nodes, "<f4").reshape(-1, 3)[:, 0]


def neutral_under(matrix: tuple[float, ...], xy: tuple[float, float]) -> tuple[Kind, Value]:
    xyz = np.array([xy[0] / xy[1], 1, (1 - sum(xy)) / xy[1]])
    camera = np.array(matrix).reshape(3, 3) @ xyz
    return Kind.RATIONAL, tuple((camera / camera[1]).tolist())


# --- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("matrix", "xy", "turn"), [(TUNGSTEN, (0.44757, 0.40745), 12.0), (DAYLIGHT, (0.3127, 0.329), -6.0)]
)
def test_at_its_own_light_a_table_is_taken_whole(
    matrix: tuple[float, ...], xy: tuple[float, float], turn: float
) -> None:
    table = profile_of(profiled(AsShotNeutral=neutral_under(matrix, xy))).hue_sat_map
    assert turns(table) == pytest.approx(turn, abs=0.1)


def test_between_two_lights_the_tables_are_mixed_over_the_reciprocal_temperature() -> None:
    """D50 lies at share (1/5003 - 1/6504) / (1/2856 - 1/6504) = 0.235 of tungsten: 12·0.235 - 6·0.765 = -1.8."""
    table = profile_of(profiled(AsShotNeutral=None, AsShotWhiteXY=(Kind.RATIONAL, (0.3457, 0.3585)))).hue_sat_map
    assert turns(table) == pytest.approx(-1.8, abs=0.15)


def test_three_lights_have_three_tables() -> None:
    tags = profiled(
        ColorMatrix3=(Kind.SRATIONAL, DAYLIGHT),
        CalibrationIlluminant3=(Kind.SHORT, 23),
        ForwardMatrix3=(Kind.SRATIONAL, FORWARD_DAYLIGHT),
        ProfileHueSatMapData3=(Kind.FLOAT, nodes(40.0)),
        AsShotNeutral=None,
        AsShotWhiteXY=(Kind.RATIONAL, (0.3457, 0.3585)),
    )
    assert turns(profile_of(tags).hue_sat_map) == pytest.approx(40, abs=0.1)


def test_the_forward_matrix_counts_with_its_table_and_only_then() -> None:
    """Alone it leaves out the color that the table brings back: docs/decisions/0009."""
    shot, _ = shot_with(profiled())
    assert shot.camera_profile is not None
    without = dict(profiled()) | {Tag.ForwardMatrix1: None, Tag.ForwardMatrix2: None}
    plain, _ = shot_with(without)
    assert np.allclose(shot.rec2020_from_camera, plain.rec2020_from_camera)
    assert not np.allclose(shot.camera_profile.rec2020_from_camera, shot.rec2020_from_camera, atol=0.01)
    assert np.allclose(np.sum(shot.camera_profile.rec2020_from_camera, axis=1), 1)


def test_a_file_with_nothing_of_a_profile_has_none() -> None:
    assert shot_with({})[0].camera_profile is None


def test_the_other_parts_are_read() -> None:
    profile = profile_of(
        {
            Tag.ProfileLookTableDims: (Kind.LONG, (HUES, SATURATIONS)),
            Tag.ProfileLookTableData: (Kind.FLOAT, nodes(3.0, 1.1, 0.9)),
            Tag.ProfileLookTableEncoding: (Kind.LONG, 1),
            Tag.ProfileToneCurve: (Kind.FLOAT, (0.0, 0.0, 0.5, 0.7, 1.0, 1.0)),
            Tag.BaselineExposureOffset: (Kind.SRATIONAL, -0.35),
            Tag.DefaultBlackRender: (Kind.LONG, 1),
        }
    )
    assert profile.look_table is not None
    assert (profile.look_table.hues, profile.look_table.saturations, profile.look_table.values) == (6, 3, 1)
    assert profile.look_table.encoding == "srgb"
    assert [knot[:2] for knot in profile.tone_curve] == [(0.0, 0.0), (0.5, pytest.approx(0.7)), (1.0, 1.0)]
    assert profile.exposure_offset == pytest.approx(-0.35)
    assert profile.black == "none"


def test_the_spline_is_smooth_twice_and_ends_without_a_bend() -> None:
    x, y = [0.0, 0.2, 0.45, 0.7, 1.0], [0.0, 0.35, 0.6, 0.85, 1.0]
    slopes = _spline_slopes(x, y)

    def bend(i: int, at_end: bool) -> float:
        """Second derivative of the piece i at one of its ends."""
        width, rise = x[i + 1] - x[i], y[i + 1] - y[i]
        if at_end:
            return (2 * slopes[i] + 4 * slopes[i + 1]) / width - 6 * rise / width**2
        return 6 * rise / width**2 - (4 * slopes[i] + 2 * slopes[i + 1]) / width

    for i in range(3):
        assert bend(i, True) == pytest.approx(bend(i + 1, False))
    assert bend(0, False) == pytest.approx(0, abs=1e-9)
    assert bend(3, True) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("tag", "value", "word"),
    [
        ("ProfileHueSatMapDims", (Kind.LONG, (6, 1, 1)), "ProfileHueSatMapDims"),
        ("ProfileHueSatMapDims", (Kind.LONG, (2**31, 2**31, 2**31)), "ProfileHueSatMapDims"),
        ("ProfileHueSatMapDims", (Kind.LONG, (6, 3, 2)), "ProfileHueSatMapDims"),
        ("ProfileHueSatMapData2", (Kind.FLOAT, (float("nan"), *nodes(1.0)[1:])), "ProfileHueSatMapDims"),
        ("ProfileHueSatMapData2", (Kind.FLOAT, nodes(1.0, -0.5)), "ProfileHueSatMapDims"),
        ("ProfileHueSatMapData2", (Kind.FLOAT, nodes(1.0, 1.0, 1e30)), "ProfileHueSatMapDims"),
        ("ProfileToneCurve", (Kind.FLOAT, (0.0, 0.0, 1.0)), "ProfileToneCurve"),
        ("ProfileToneCurve", (Kind.FLOAT, (0.0, 0.0, 0.5, 0.5, 0.5, 0.6, 1.0, 1.0)), "ProfileToneCurve"),
        ("ProfileToneCurve", (Kind.FLOAT, (0.0, 0.0, 1.0, float("inf"))), "ProfileToneCurve"),
        ("ProfileToneCurve", (Kind.FLOAT, (0.0, 0.0, 0.6, 1.0)), "ProfileToneCurve"),
        ("BaselineExposureOffset", (Kind.SRATIONAL, 300.0), "stops"),
        ("ProfileGainTableMap", (Kind.UNDEFINED, b"\0" * 64), "ProfileGainTableMap"),
        ("ProfileGainTableMap2", (Kind.UNDEFINED, b"\0" * 64), "ProfileGainTableMap"),
        ("RGBTables", (Kind.UNDEFINED, b"\0" * 64), "RGBTables"),
    ],
)
def test_nonsense_is_left_out_with_a_warning(tag: str, value: tuple[Kind, Value], word: str) -> None:
    _, warnings = shot_with(profiled(**{tag: value}))
    assert any(word in warning for warning in warnings)


def test_an_unset_offset_is_none() -> None:
    assert profile_of(profiled(BaselineExposureOffset=(Kind.SRATIONAL, NOTHING))).exposure_offset == 0


def test_a_table_for_no_light_of_the_file_leaves_its_matrix_out_too() -> None:
    tags = dict(profiled()) | {Tag.ProfileHueSatMapData1: None, Tag.ProfileHueSatMapData2: None}
    shot, warnings = shot_with(tags)
    assert any("ProfileHueSatMapDims" in warning for warning in warnings)
    assert shot.camera_profile is None


# --- applying --------------------------------------------------------------------------------------------------------

FLAT = SceneRGB(torch.tensor([0.3, 0.2, 0.1])[:, None, None].expand(3, 4, 4))


def test_the_tables_stand_before_and_after_exposure() -> None:
    """A table whose value axis matters: before exposure it sees the scene, after it what the exposure made."""
    bright_only = np.tile([0.0, 1.0, 1.0], (2, 1, 2, 1))
    bright_only[1, :, :, 2] = 0.5  # at value 1 light is halved, at 0 kept
    table = HueTable(1, 2, 2, bright_only.astype("<f4").tobytes())
    shot, _ = shot_with({})
    rgb = CameraRGB(torch.full((3, 2, 2), 0.1))
    stops = Look(embedded=Embedded("file"), exposure=Exposure(ev=2.0))

    def by(profile: CameraProfile) -> float:
        return float(light(rgb, replace(shot, camera_profile=profile), stops)[0, 0, 0])

    matrix = shot.rec2020_from_camera
    assert by(CameraProfile(matrix, hue_sat_map=table)) == pytest.approx(0.4 * (1 - 0.1 / 2), rel=1e-4)
    assert by(CameraProfile(matrix, look_table=table)) == pytest.approx(0.4 * (1 - 0.4 / 2), rel=1e-4)


def test_the_whole_is_its_parts_in_the_specifications_order() -> None:
    shot, _ = shot_with(
        profiled(
            ProfileLookTableDims=(Kind.LONG, (HUES, SATURATIONS, 1)),
            ProfileLookTableData=(Kind.FLOAT, nodes(5.0, 1.2, 0.9)),
            BaselineExposure=(Kind.SRATIONAL, 0.5),
            BaselineExposureOffset=(Kind.SRATIONAL, 0.5),
        )
    )
    profile = shot.camera_profile
    assert profile is not None
    rgb = CameraRGB(torch.rand(3, 5, 5, generator=torch.Generator().manual_seed(2)))
    step = hue_table(camera_matrix(rgb, profile.rec2020_from_camera), profile.hue_sat_map)
    expected = hue_table(SceneRGB(step * 2.0), profile.look_table)
    torch.testing.assert_close(light(rgb, shot, EMBEDDED), expected)
    assert not torch.allclose(light(rgb, shot, Look()), expected)


def test_the_files_curve_replaces_ours() -> None:
    profile = CameraProfile(((1.0,),) * 3, tone_curve=((0.0, 0.0, 0.0), (1.0, 1.0, 2.0)), black="none")
    seen = prophoto_from_rec2020(grade(FLAT, EMBEDDED, camera_profile=profile))
    given = prophoto_from_rec2020(FLAT)
    torch.testing.assert_close(seen.amax(dim=0), given.amax(dim=0) ** 2)
    torch.testing.assert_close(seen.amin(dim=0), given.amin(dim=0) ** 2)


def test_without_a_profile_the_picture_is_neutrals() -> None:
    shot, _ = shot_with({Tag.BaselineExposure: (Kind.SRATIONAL, 0.4)})
    rgb = CameraRGB(rec2020_from_prophoto(torch.rand(3, 6, 6, generator=torch.Generator().manual_seed(1))))
    ours = grade(light(rgb, shot, EMBEDDED), EMBEDDED, 1.0, shot.camera_profile)
    neutral = grade(light(rgb, shot, Look()), Look(), 1.0, shot.camera_profile)
    assert torch.equal(ours, neutral)


def test_a_file_with_a_curve_is_developed_by_neutral_as_ever() -> None:
    profile = CameraProfile(((1.0,),) * 3, tone_curve=((0.0, 0.0, 0.0), (1.0, 1.0, 2.0)))
    assert torch.equal(grade(FLAT, Look(), 1.0, profile), grade(FLAT, Look(), 1.0))
    points = Look(curve=Curve(method="file", points=((0.0, 0.0), (1.0, 0.5))), finish=Finish())
    assert float(grade(FLAT, points, 1.0, profile).max()) < float(grade(FLAT, EMBEDDED, 1.0, profile).max())
