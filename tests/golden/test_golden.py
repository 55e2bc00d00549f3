"""Whole looks on tiny synthetic mosaics.  What is expected is reasoned, not rendered; ΔE2000 says how far we are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from ispd.isp.color.lab import delta_e, lab_from_rec2020
from ispd.isp.color.mix import mix
from ispd.isp.color.spaces import rgb_from_rec2020, xyz_from_rgb
from ispd.isp.color.transfer import decode
from ispd.isp.look import Curve, Gamut, Highlights, Look, Sharpen
from ispd.isp.values import Levels
from ispd.orders import Output, Space
from ispd.runner.frame import render
from tests.isp.shots import mosaic, seen_through

LINEAR = Look(
    highlights=Highlights("clip"), curve=Curve(method="none"), sharpen=Sharpen(amount=0.0), gamut=Gamut("clip")
)

# the classic chart's naturals and its six greys: sRGB codes as its maker gives them
PATCHES = {
    "dark skin": (115, 82, 68),
    "light skin": (194, 150, 130),
    "blue sky": (98, 122, 157),
    "foliage": (87, 108, 67),
    "orange": (214, 126, 44),
    "blue": (56, 61, 150),
    "green": (70, 148, 73),
    "red": (175, 54, 60),
    "yellow": (231, 199, 31),
    "white": (243, 243, 242),
    "neutral 5": (122, 122, 121),
    "black": (52, 52, 52),
}
# a plausible camera, in the manner of a DNG's ColorMatrix under D65
CAMERA_FROM_XYZ = np.array([[0.9, -0.25, -0.1], [-0.45, 1.25, 0.2], [-0.1, 0.2, 0.6]])


def photographed(code: tuple[int, int, int], cfa: str, exposure: float) -> Tensor:
    """(24, 24) sensor counts of an evenly lit patch: 14 bits over a black of 512."""
    light = decode(torch.tensor(code, dtype=torch.float64) / 255, "srgb").numpy()
    camera = (
        CAMERA_FROM_XYZ @ xyz_from_rgb("srgb") @ light / (CAMERA_FROM_XYZ @ xyz_from_rgb("srgb") @ np.ones(3)).max()
    )
    flat = torch.tensor(camera * exposure)[:, None, None].expand(-1, 24, 24)
    return (seen_through(flat, cfa) * (15000 - 512) + 512).round()


def developed(
    code: tuple[int, int, int], look: Look, space: Space = "srgb", cfa: str = "RGGB", exposure: float = 0.8
) -> Tensor:
    """Lab of what comes out, as a viewer who believes the file's space sees it."""
    white = CAMERA_FROM_XYZ @ xyz_from_rgb("srgb") @ np.ones(3)
    neutral = white / white[1]
    camera_from_rec2020 = CAMERA_FROM_XYZ @ xyz_from_rgb("rec2020") / white[:, None]
    photo = mosaic(
        photographed(code, cfa, exposure),
        cfa=cfa,
        neutral=tuple(neutral),
        levels=Levels((512.0,), (1, 1, 1), (15000.0,)),
        rec2020_from_camera=tuple(map(tuple, np.linalg.inv(camera_from_rec2020))),
    )
    pixels = render(photo, look, (Output(format="png", bits=16, space=space),), "cpu", lambda: None)[0]
    linear = decode(torch.from_numpy(pixels.astype(np.float64)).permute(2, 0, 1) / 65535, space)
    return lab_from_rec2020(mix(np.linalg.inv(rgb_from_rec2020(space)), linear)).mean(dim=(1, 2))


def lab_of(code: tuple[int, int, int], factor: float = 1.0) -> Tensor:
    linear = decode(torch.tensor(code, dtype=torch.float64) / 255, "srgb")[:, None] * factor
    return lab_from_rec2020(mix(np.linalg.inv(rgb_from_rec2020("srgb")), linear))[:, 0]


@pytest.mark.parametrize("space", ["srgb", "display-p3", "adobe-rgb", "rec2020"])
@pytest.mark.parametrize("patch", PATCHES)
def test_linear_gives_back_the_colors_it_was_shown(patch: str, space: Space) -> None:
    """1.0 is where the first channel clips, and the patch was exposed to `exposure` of that."""
    seen = developed(PATCHES[patch], LINEAR, space)
    assert float(delta_e(seen, lab_of(PATCHES[patch], 0.8))) < 0.1


@pytest.mark.parametrize("cfa", ["GRBG", "GBRG", "BGGR", "GGRGGBGGBGGRBRGRBGGGBGGRGGRGGBRBGBRG"])
def test_the_filter_array_makes_no_difference(cfa: str) -> None:
    assert float(delta_e(developed(PATCHES["red"], LINEAR, cfa=cfa), lab_of(PATCHES["red"], 0.8))) < 0.1


@pytest.mark.parametrize("patch", PATCHES)
def test_neutral_keeps_the_hue_and_most_of_the_chroma(patch: str) -> None:
    """Metered as a camera meters: a grey card at 10/78 of what saturates comes out as L* 50."""
    metered = 10 / 78 / 0.18
    seen = developed(PATCHES[patch], Look(), exposure=metered)
    true = lab_of(PATCHES[patch])
    hue = torch.atan2(seen[2], seen[1]) - torch.atan2(true[2], true[1])
    hue = torch.atan2(hue.sin(), hue.cos())
    chroma, true_chroma = seen[1:].norm(), true[1:].norm()
    if true_chroma > 5:
        assert abs(float(hue)) < 0.14  # 8 degrees
        assert 0.75 < float(chroma / true_chroma) < 1.35
    assert float((seen[0] - true[0]).abs()) < 8


def test_a_grey_card_as_metered_is_mid_grey() -> None:
    seen = developed((118, 118, 118), Look(), exposure=10 / 78 / 0.18)  # 118 is 18.1 % light
    assert float(delta_e(seen, torch.tensor([49.6, 0.0, 0.0], dtype=torch.float64))) < 1.0


def test_a_lamp_is_white_in_its_core() -> None:
    seen = developed((255, 240, 200), Look(), exposure=20.0)
    assert float(delta_e(seen, torch.tensor([100.0, 0.0, 0.0], dtype=torch.float64))) < 0.5
