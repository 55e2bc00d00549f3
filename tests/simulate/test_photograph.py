"""The simulated sensor obeys the physics that its DNG claims."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import flashraw
import numpy as np
import pytest
import rawpy
from PIL import Image, ImageOps

from ispd.isp.color.spaces import Array
from ispd.simulate.camera import CAMERAS, KESTREL, LANTERN, SimulatedCamera
from ispd.simulate.dng import PLANE_NUMBER, Negative, write_dng
from ispd.simulate.photograph import Moment, expose, mosaic, noise, scene, shading_gain, turn_to_sensor

EVERY_CAMERA = pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.model)
NO_SHADING = (0.0, 0.0, 0.0)


def plain(camera: SimulatedCamera) -> SimulatedCamera:
    """The same colors without noise, shading, or underexposure."""
    return replace(
        camera, shot_noise=1e-9, read_noise=0.0, shading=NO_SHADING, correction="none", baseline_exposure=0.0
    )


def linear(negative: Negative, camera: SimulatedCamera) -> Array:
    """The picture's sites in [0, 1], by the levels; the picture alone."""
    assert negative.active is not None
    assert negative.crop is not None
    side = round(len(camera.black) ** 0.5)
    active, crop = negative.active, negative.crop
    inside = negative.samples[active.top : active.bottom, active.left : active.right].astype(float)
    black = np.tile(np.reshape(camera.black, (side, side)), (-(-inside.shape[0] // side), -(-inside.shape[1] // side)))
    sites = (inside - black[: inside.shape[0], : inside.shape[1]]) / (camera.white - max(camera.black))
    picture: Array = sites[crop.top : crop.bottom, crop.left : crop.right]
    return picture


@EVERY_CAMERA
@pytest.mark.parametrize("temperature_k", [3200, 5000, 6504, 7500])
def test_a_white_object_is_the_neutral(camera: SimulatedCamera, temperature_k: float) -> None:
    white = np.full((48, 48, 3), 0.9)
    camera = replace(plain(camera), margin_px=0)
    negative = expose(white, camera, Moment(temperature_k=temperature_k))
    sites, letters = linear(negative, camera), np.array(list(camera.cfa))
    side = round(len(camera.cfa) ** 0.5)
    means = sites.reshape(48 // side, side, 48 // side, side).mean(axis=(0, 2)).ravel()
    red, green, blue = (means[letters == letter].mean() for letter in "RGB")
    assert negative.neutral is not None
    assert (red / green, blue / green) == pytest.approx((negative.neutral[0], negative.neutral[2]), rel=2e-3)
    assert green == pytest.approx(((0.9 + 0.055) / 1.055) ** 2.4, rel=2e-3)


@pytest.mark.parametrize("camera", [LANTERN, KESTREL], ids=lambda camera: camera.model)
def test_libraw_brings_the_colors_back(camera: SimulatedCamera, tmp_path: Path) -> None:
    colors = np.array(
        [[200, 80, 70], [90, 160, 90], [70, 90, 180], [200, 180, 90], [128, 128, 128], [220, 220, 220]], np.uint8
    )
    picture = colors[None].repeat(40, axis=0).repeat(40, axis=1)
    camera = replace(plain(camera), margin_px=0, border_px=0)
    path = write_dng(tmp_path / "a.dng", expose(picture, camera))
    with rawpy.imread(str(path)) as raw:
        render = raw.postprocess(use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0, gamma=(2.4, 12.92))
    patches = render[15:25].reshape(10, len(colors), 40, 3)[:, :, 15:25].mean(axis=(0, 2))
    assert np.abs(patches - colors).max() < 4  # LibRaw rounds its matrices and levels


def test_noise_is_what_the_noise_profile_says() -> None:
    camera = replace(LANTERN, shading=NO_SHADING, correction="none", black=(512.0,))
    grey = np.full((256, 256, 3), 0.5)
    sites = linear(expose(grey, camera, Moment(iso=800), seed=7), camera)
    shot, read = noise(camera, 800)
    green = sites[0::2, 1::2]
    assert green.var() == pytest.approx(shot * green.mean() + read, rel=0.05)


def test_more_than_the_well_holds_is_white_and_no_more() -> None:
    negative = expose(np.ones((16, 16, 3)), KESTREL, Moment(ev=2))
    active = negative.active
    assert active is not None
    assert negative.samples.max() == KESTREL.white
    inside = negative.samples[active.top : active.bottom, active.left : active.right]
    assert (inside == KESTREL.white).all()


def test_the_gain_maps_undo_the_shading(tmp_path: Path) -> None:
    camera = replace(LANTERN, shot_noise=1e-9, read_noise=0.0)
    path = write_dng(tmp_path / "a.dng", expose(np.full((96, 128, 3), 0.5), camera))
    with flashraw.open(path) as photo:
        shaded = photo.decode("normalized", apply_opcodes=False).array
        flat = photo.decode("normalized").array
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        assert np.ptp(shaded[row::2, column::2]) > 0.25 * shaded[row::2, column::2].max()
        center = flat[48 + row, 64 + column]
        assert flat[row::2, column::2] == pytest.approx(center, rel=0.02)  # the map is coarse, its grid bilinear


def test_light_falls_off_towards_the_corners_alone() -> None:
    gain = shading_gain((100, 200, 3), LANTERN)
    assert gain[50, 100] == pytest.approx([1, 1, 1], abs=1e-3)
    assert gain[0, 0] == pytest.approx([1.75, 1.55, 1.45], abs=0.02)
    assert gain[50, 20, 0] == pytest.approx(1 + 0.75 * (79.5 / np.hypot(100, 50)) ** 2, rel=1e-3)


def test_each_site_keeps_the_color_of_its_filter() -> None:
    rgb = np.arange(12 * 12 * 3, dtype=float).reshape(12, 12, 3)
    for camera in CAMERAS:
        sites, side = mosaic(rgb, camera.cfa), round(len(camera.cfa) ** 0.5)
        for row in range(12):
            for column in range(12):
                letter = camera.cfa[row % side * side + column % side]
                assert sites[row, column] == rgb[row, column, PLANE_NUMBER[letter]]


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])  # LibRaw does not mirror
def test_libraw_turns_the_photo_upright(orientation: int, tmp_path: Path) -> None:
    picture = np.full((40, 60, 3), 60, np.uint8)
    picture[:20, :30] = (220, 60, 60)  # red at the top left, green at the top right
    picture[:20, 30:] = (60, 220, 60)
    camera = replace(plain(KESTREL), margin_px=0, border_px=0)
    path = write_dng(tmp_path / "a.dng", expose(picture, camera, Moment(orientation=orientation)))
    with rawpy.imread(str(path)) as raw:
        render = raw.postprocess(use_camera_wb=True, no_auto_bright=True)
    assert render.shape == picture.shape
    assert render[10, 15].argmax() == 0
    assert render[10, 45].argmax() == 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_sensor_sees_the_inverse_of_what_a_viewer_does(orientation: int) -> None:
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    image = Image.fromarray(np.ascontiguousarray(turn_to_sensor(picture, orientation)))
    image.getexif()[0x0112] = orientation
    assert np.array_equal(np.asarray(ImageOps.exif_transpose(image)), picture)


def test_the_scene_is_linear_light_with_white_at_one() -> None:
    assert scene(np.ones((1, 1, 3))) == pytest.approx(np.ones((1, 1, 3)), abs=1e-6)
    grey = np.full((1, 1, 3), 0.5)
    assert scene(grey, Moment(ev=1)) == pytest.approx(2 * scene(grey))
    assert scene(np.ones((1, 1, 3)), Moment(headroom_ev=2)) == pytest.approx(np.full((1, 1, 3), 4.0))
    assert scene(grey, Moment(headroom_ev=2)).max() < 1.05 * scene(grey).max()
