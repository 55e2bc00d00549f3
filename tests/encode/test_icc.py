"""Our profiles against littleCMS, and against the color maths that they are made from."""

from __future__ import annotations

import hashlib
import io
from typing import get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageCms

from ispd.encode.icc import icc_profile, linear_from_encoded
from ispd.isp.color import transfer
from ispd.isp.color.spaces import D50_XYZ, D65, adapt, xyz_from_rgb, xyz_from_xy
from ispd.orders import Space

SPACES: tuple[Space, ...] = get_args(Space)
each_space = pytest.mark.parametrize("space", SPACES)


def opened(space: Space) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(icc_profile(space)))


def converted(
    colors: NDArray[np.uint8], source: ImageCms.ImageCmsProfile, target: ImageCms.ImageCmsProfile, mode: str
) -> NDArray[np.uint8]:
    transform = ImageCms.buildTransform(source, target, "RGB", mode, ImageCms.Intent.RELATIVE_COLORIMETRIC)
    image = ImageCms.applyTransform(Image.fromarray(colors), transform)
    assert image is not None
    return np.asarray(image)


def palette() -> NDArray[np.uint8]:
    """Every ninth level of each channel with every other."""
    steps = np.append(np.arange(0, 255, 17), 255).astype(np.uint8)
    return np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(64, -1, 3)


@each_space
def test_littlecms_reads_the_primaries_we_meant(space: Space) -> None:
    profile = opened(space).profile
    meant = adapt(xyz_from_xy(D65), D50_XYZ) @ xyz_from_rgb(space)
    read = [profile.red_colorant, profile.green_colorant, profile.blue_colorant]
    assert np.abs(np.array([color[0] for color in read if color]).T - meant).max() < 2 / 65536


@each_space
def test_white_is_exactly_the_connection_space_white(space: Space) -> None:
    profile = opened(space).profile
    colorants = [profile.red_colorant, profile.green_colorant, profile.blue_colorant]
    total = np.sum([color[0] for color in colorants if color], axis=0)
    assert profile.media_white_point is not None
    assert tuple(total) == profile.media_white_point[0]


@each_space
def test_littlecms_makes_the_lab_that_the_formulas_say(space: Space) -> None:
    colors = palette()
    lab8 = converted(colors, opened(space), ImageCms.createProfile("LAB"), "LAB")  # type: ignore[arg-type]
    xyz = linear_from_encoded(space, colors / 255) @ (adapt(xyz_from_xy(D65), D50_XYZ) @ xyz_from_rgb(space)).T
    ratio = xyz / D50_XYZ
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29)  # CIE 15, L*a*b*
    lightness = 116 * f[..., 1] - 16
    a, b = 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])
    assert np.abs(lab8[..., 0] / 255 * 100 - lightness).max() < 0.3  # an 8-bit step of L* is 0.39
    inside = (np.abs(a) < 127) & (np.abs(b) < 127)
    signed = lab8[..., 1:].astype(np.int8)
    assert np.abs(signed[..., 0] - a)[inside].max() < 1
    assert np.abs(signed[..., 1] - b)[inside].max() < 1


@pytest.mark.parametrize("wide", [space for space in SPACES if space != "srgb"])
def test_srgb_colors_survive_the_way_through_a_wider_space(wide: Space) -> None:
    colors = palette()
    there = converted(colors, opened("srgb"), opened(wide), "RGB")
    back = converted(there, opened(wide), opened("srgb"), "RGB")
    assert np.abs(back.astype(int) - colors).mean() < 0.6  # 8 bits in between
    greys = colors[(colors == colors[..., :1]).all(axis=-1)]
    through = converted(greys[None], opened("srgb"), opened(wide), "RGB")
    assert (through == through[..., :1]).all()  # grey stays grey in every space


@each_space
def test_the_curve_undoes_what_the_pipeline_encodes(space: Space) -> None:
    light = torch.linspace(0, 1, 4097, dtype=torch.float64)
    back = linear_from_encoded(space, transfer.encode(light, space).numpy())
    assert np.abs(back - light.numpy()).max() < 1e-6


def test_our_srgb_is_littlecms_own() -> None:
    ours = converted(palette(), opened("srgb"), ImageCms.createProfile("sRGB"), "RGB")  # type: ignore[arg-type]
    assert np.abs(ours.astype(int) - palette()).max() <= 1


@each_space
def test_the_profile_id_is_its_md5_with_the_id_blanked(space: Space) -> None:
    data = icc_profile(space)
    blanked = data[:84] + bytes(16) + data[100:]
    assert data[84:100] == hashlib.md5(blanked, usedforsecurity=False).digest()
    assert int.from_bytes(data[:4], "big") == len(data)


def test_names_say_what_they_are() -> None:
    names = {space: opened(space).profile.profile_description for space in SPACES}
    assert names == {
        "srgb": "sRGB",
        "display-p3": "Display P3",
        "adobe-rgb": "Compatible with Adobe RGB (1998)",
        "rec2020": "ITU-R BT.2020",
    }
