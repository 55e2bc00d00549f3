from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from ispd.decode.dng.codes import Tag
from ispd.decode.dng.shot import shot_from_dng
from ispd.decode.dng.tags import read_tiff
from ispd.errors import PhotoError
from ispd.isp.values import Area, Shot
from ispd.simulate.camera import KESTREL
from ispd.simulate.photograph import Moment
from ispd.simulate.tiff import Kind
from tests.conftest import Dng
from tests.decode.dng.build import HEIGHT, NOTHING, WIDTH, Tags, tiff

WHOLE = Area(0, 0, HEIGHT, WIDTH)


def shot(tags: Tags) -> Shot:
    found, warnings = shot_from_dng(tiff(tags))
    assert warnings == ()
    return found


def warned(tags: Tags) -> tuple[Shot, str]:
    found, warnings = shot_from_dng(tiff(tags))
    assert len(warnings) == 1
    return found, warnings[0]


def test_a_simulated_photo_has_what_its_camera_has(dng: Dng) -> None:
    path: Path = dng("k.dng", camera=KESTREL, moment=Moment(iso=800, orientation=6, temperature_k=3200))
    found, warnings = shot_from_dng(read_tiff(path.read_bytes()))
    edge, margin = KESTREL.border_px, KESTREL.margin_px
    assert warnings == ()
    assert found.cfa == KESTREL.cfa
    assert found.colors == "RGB"
    assert found.levels.white == (float(KESTREL.white),)
    assert (found.active.top, found.active.left) == (edge, edge)
    assert (found.crop.top, found.crop.left) == (margin, margin)
    assert found.neutral == pytest.approx(tuple(KESTREL.neutral(3200)), rel=1e-4)
    assert (found.orientation, found.iso) == (6, 800)
    assert found.scene_ev == pytest.approx(math.log2(4.0**2 * 125) - 3)  # f/4, 1/125 s, three stops above ISO 100
    assert len(found.noise_profile) == 3


def test_a_picture_of_linear_color_has_no_mosaic() -> None:
    linear: Tags = {
        Tag.PhotometricInterpretation: (Kind.SHORT, 34892),
        Tag.SamplesPerPixel: (Kind.SHORT, 3),
        Tag.ImageLength: (Kind.LONG, HEIGHT // 3),
        Tag.RowsPerStrip: (Kind.LONG, HEIGHT // 3),
    }
    found = shot(linear)
    assert (found.cfa, found.colors) == ("", "RGB")
    assert found.levels.black_shape == (1, 1, 3)
    assert len(found.levels.white) == 3


@pytest.mark.parametrize(
    ("pattern", "dim", "cfa"),
    [
        ((1, 0, 2, 1), (2, 2), "GRBG"),
        ((0, 1, 1, 2, 1, 0, 2, 1), (2, 4), "RGGBGRBG" * 2),
        ((0, 1, 2), (1, 3), "RGB" * 3),
    ],
)
def test_the_color_filter_is_read_in_letters_and_made_square(
    pattern: tuple[int, ...], dim: tuple[int, int], cfa: str
) -> None:
    read = shot({Tag.CFAPattern: (Kind.BYTE, pattern), Tag.CFARepeatPatternDim: (Kind.SHORT, dim)}).cfa
    side = int(len(cfa) ** 0.5)
    assert len(read) == side * side == len(cfa)
    for row in range(side):
        for column in range(side):
            assert read[row * side + column] == "RGBCMYW"[pattern[(row % dim[0]) * dim[1] + column % dim[1]]]


def test_the_planes_order_follows_the_files() -> None:
    four: Tags = {
        Tag.CFAPattern: (Kind.BYTE, (1, 4, 3, 5)),
        Tag.CFAPlaneColor: (Kind.BYTE, (1, 4, 3, 5)),
        Tag.ColorMatrix1: (Kind.SRATIONAL, (-0.2, 1.2, 0.1, 0.6, 0.2, 0.5, -0.1, 0.9, 0.6, 0.7, 0.9, -0.1)),
        Tag.AsShotNeutral: (Kind.RATIONAL, (0.9, 1.2, 1.3, 1.4)),
    }
    found = shot(four)
    assert (found.cfa, found.colors) == ("GMCY", "GMCY")
    assert found.neutral == pytest.approx((1.0, 1.2 / 0.9, 1.3 / 0.9, 1.4 / 0.9), rel=1e-4)
    assert [len(row) for row in found.rec2020_from_camera] == [4, 4, 4]
    assert [sum(row) for row in found.rec2020_from_camera] == pytest.approx([1, 1, 1])


@pytest.mark.parametrize(
    "tags",
    [
        {Tag.CFAPattern: (Kind.BYTE, (7, 9, 200, 255))},
        {Tag.CFAPattern: (Kind.BYTE, (0, 1, 1))},
        {Tag.CFAPattern: (Kind.BYTE, (0, 1, 1, 0))},
        {Tag.CFAPattern: (Kind.BYTE, (3, 4, 5, 1))},
        {Tag.CFARepeatPatternDim: (Kind.SHORT, (0, 0))},
        {Tag.CFARepeatPatternDim: (Kind.SHORT, (999, 2))},
        {Tag.CFAPlaneColor: (Kind.BYTE, (0, 1, 1))},
        {Tag.CFALayout: (Kind.SHORT, 5)},
        {Tag.SamplesPerPixel: (Kind.SHORT, 2)},
        {Tag.PhotometricInterpretation: (Kind.SHORT, 34892), Tag.SamplesPerPixel: (Kind.SHORT, 2)},
        {Tag.PhotometricInterpretation: (Kind.SHORT, 2)},
        {Tag.DNGVersion: None, Tag.PhotometricInterpretation: (Kind.SHORT, 2)},
    ],
)
def test_a_sensor_that_cannot_be_is_refused(tags: Tags) -> None:
    with pytest.raises(PhotoError):
        shot_from_dng(tiff(tags))


def test_a_filter_of_one_color_is_black_and_white() -> None:
    found, warning = warned({Tag.CFAPattern: (Kind.BYTE, (1, 1, 1, 1))})
    assert (found.cfa, found.colors, found.neutral) == ("", "W", (1.0,))
    assert "black and white" in warning


def test_the_active_area_is_taken_or_ignored_with_a_warning() -> None:
    assert shot({Tag.ActiveArea: (Kind.LONG, (5, 3, 40, 60))}).active == Area(5, 3, 40, 60)
    assert shot({}).active == WHOLE
    for edges in ((40, 50, 10, 5), (0, 0, HEIGHT + 1, WIDTH), (0, 0, 0, 0)):
        found, warning = warned({Tag.ActiveArea: (Kind.LONG, edges)})
        assert found.active == WHOLE
        assert "active area" in warning


def crop(origin: tuple[float, float], size: tuple[float, float]) -> Tags:
    return {Tag.DefaultCropOrigin: (Kind.RATIONAL, origin), Tag.DefaultCropSize: (Kind.RATIONAL, size)}


def test_the_crop_is_relative_to_the_active_area() -> None:
    active: Tags = {Tag.ActiveArea: (Kind.LONG, (5, 3, 45, 63))}
    assert shot({**active, **crop((8, 4), (40, 30))}).crop == Area(4, 8, 34, 48)
    assert shot(active).crop == Area(0, 0, 40, 60)


def test_a_crop_is_clipped_to_the_picture_and_one_outside_ignored() -> None:
    found, warning = warned(crop((60, 40), (5000, 5000)))
    assert found.crop == Area(40, 60, HEIGHT, WIDTH)
    assert "cut to it" in warning
    for origin, size in (((500.0, 500.0), (10.0, 10.0)), ((0.0, 0.0), (0.0, 0.0))):
        assert warned(crop(origin, size))[0].crop == WHOLE


def test_pixels_are_as_wide_as_the_file_says() -> None:
    assert shot({Tag.DefaultScale: (Kind.RATIONAL, (2.0, 1.0))}).pixel_aspect == 2.0
    assert shot({}).pixel_aspect == 1.0
    assert warned({Tag.DefaultScale: (Kind.RATIONAL, (0.0, 1.0))})[0].pixel_aspect == 1.0
    assert warned({Tag.DefaultScale: (Kind.RATIONAL, (1000.0, 1.0))})[0].pixel_aspect == 1.0


def test_baseline_exposure_is_taken_and_an_absurd_one_left_out() -> None:
    assert shot({Tag.BaselineExposure: (Kind.SRATIONAL, 2.65)}).baseline_exposure == pytest.approx(2.65)
    assert shot({Tag.BaselineExposure: (Kind.SRATIONAL, NOTHING)}).baseline_exposure == 0
    found, warning = warned({Tag.BaselineExposure: (Kind.SRATIONAL, 1000)})
    assert found.baseline_exposure == 0
    assert "+1000 stops" in warning


def test_orientation_is_one_of_eight() -> None:
    for orientation in range(1, 9):
        assert shot({Tag.Orientation: (Kind.SHORT, orientation)}).orientation == orientation
    assert shot({Tag.Orientation: (Kind.SHORT, 0)}).orientation == 1
    found, warning = warned({Tag.Orientation: (Kind.SHORT, 77)})
    assert found.orientation == 1
    assert "77" in warning


def test_a_noise_profile_serves_each_color() -> None:
    assert shot({Tag.NoiseProfile: (Kind.DOUBLE, (1e-4, 1e-7))}).noise_profile == ((1e-4, 1e-7),) * 3
    each = (1e-4, 1e-7, 2e-4, 2e-7, 3e-4, 3e-7)
    assert shot({Tag.NoiseProfile: (Kind.DOUBLE, each)}).noise_profile == ((1e-4, 1e-7), (2e-4, 2e-7), (3e-4, 3e-7))
    assert shot({Tag.NoiseProfile: (Kind.DOUBLE, (-1.0, 0.0))}).noise_profile == ()
    assert shot({Tag.NoiseProfile: (Kind.DOUBLE, (1e-4, 1e300))}).noise_profile == ()


def test_a_local_tone_map_that_is_not_applied_is_said() -> None:
    assert "ProfileGainTableMap" in warned({Tag.ProfileGainTableMap: (Kind.UNDEFINED, b"\0" * 8)})[1]


def test_warnings_are_each_said_once(dng: Dng) -> None:
    path = dng("t.dng", change=lambda n: replace(n, orientation=77))
    _, warnings = shot_from_dng(read_tiff(path.read_bytes()))
    assert len(warnings) == len(set(warnings)) == 1
