from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ispd.isp.factors import ceiling
from ispd.isp.look import (
    Camera,
    Corrections,
    Curve,
    Demosaic,
    Gamut,
    Highlights,
    LocalTone,
    Look,
    MatrixDelta,
    Shading,
    Sharpen,
)
from ispd.isp.render import codes, grade, mended, scene, surveyed
from ispd.isp.size import picture
from ispd.isp.stages.orient import orient
from ispd.isp.stages.quantize import quantize
from ispd.isp.stages.resize import resize
from ispd.isp.values import (
    Area,
    DisplayRGB,
    FixBadPixelsList,
    FixVignetteRadial,
    GainMap,
    Levels,
    Mosaic,
    Region,
    WarpRectilinear,
)
from ispd.orders import Output
from ispd.runner.frame import CPU_ROWS, Pixels, render
from tests.isp.shots import DAYLIGHT, XTRANS, mosaic

SIXTEEN = Output(format="tiff", bits=16)


def silent() -> None:
    """A heartbeat nobody listens to."""


def whole_frame(photo: Mosaic, look: Look, output: Output) -> Pixels:
    """The picture by its definition, without strips."""
    photo = surveyed(mended(photo), look)
    shot, area = photo.shot, picture(photo.shot)
    display = grade(scene(photo, look), look, ceiling(shot, look))
    display = DisplayRGB(display[:, area.top : area.bottom, area.left : area.right])
    sized = resize(display, output.size, shot.pixel_aspect)
    bits = 8 if output.format == "jpeg" else output.bits
    return orient(quantize(codes(sized, look, output.space), bits), shot.orientation)


def lit(height: int, width: int) -> Tensor:
    """Codes of a scene with everything in it: soft light, noise, clipped lamps, black."""
    generator = torch.Generator().manual_seed(height * 1000 + width)
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    light = 0.5 + 0.6 * torch.sin(rows / 17) * torch.cos(columns / 11)
    return (light + 0.05 * torch.randn(height, width, generator=generator)).clamp(-0.01, 1)


NOISY = ((2e-3, 1e-4), (1e-3, 1e-4), (2e-3, 2e-4))
TALL = 3 * CPU_ROWS + 37
INNER = Area(5, 3, TALL - 4, 70)
GAIN = GainMap(
    Region(Area(0, 0, 9999, 9999), row_pitch=2, col_pitch=2),
    spacing=(0.5, 1.0),
    origin=(0.0, 0.0),
    gains=(((2.0,), (1.5,)), ((1.0,), (1.1,)), ((1.8,), (1.2,))),
)
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "xtrans": {"cfa": XTRANS},
    "four colors": {
        "cfa": "GMYC",
        "colors": "GMCY",
        "neutral": (1.0, 0.8, 0.9, 0.95),
        "rec2020_from_camera": ((0.25,) * 4,) * 3,
    },
    "borders and crop": {"cfa": "GBRG", "active": INNER, "crop": Area(7, 9, 200, 60)},
    "blacks of their own": {
        "levels": Levels(
            (0.0, 0.01, 0.02, 0.03, 0.0, 0.01), (3, 2, 1), (1.0,), delta_v=tuple(i / 1e5 for i in range(TALL))
        )
    },
    "gain map": {"opcodes2": (GAIN,)},
    "bad pixels": {"opcodes1": (FixBadPixelsList(((CPU_ROWS, 5), (CPU_ROWS - 1, 6)), (Area(90, 10, 110, 14),)),)},
    "vignetting": {"opcodes3": (FixVignetteRadial((0.4, 0.1, 0.0, 0.0, 0.0), (0.5, 0.5)),)},
    "warp": {
        "opcodes3": (
            WarpRectilinear(
                ((1.01, -0.05, 0, 0, 0, 0), (1.0, -0.05, 0, 0, 0, 0), (0.99, -0.05, 0, 0, 0, 0)), (0.5, 0.5)
            ),
            FixVignetteRadial((0.4, 0.0, 0.0, 0.0, 0.0), (0.5, 0.5)),
        )
    },
    "noisy": {"noise_profile": NOISY, "crop": INNER},
    "noisy gain map": {"noise_profile": NOISY, "opcodes2": (GAIN,)},
    "noisy xtrans": {"noise_profile": NOISY, "cfa": XTRANS},
    "wide pixels": {"pixel_aspect": 1.5},
}


@pytest.mark.parametrize("case", CASES)
def test_strips_make_the_same_picture_as_the_whole_frame(case: str) -> None:
    compare_strips_with_the_whole_frame(mosaic(lit(TALL, 74), **{"neutral": DAYLIGHT, **CASES[case]}), Look())


def test_a_learned_look_makes_the_same_picture_in_strips() -> None:
    photo = mosaic(lit(TALL, 74), neutral=DAYLIGHT, active=Area(3, 2, TALL - 1, 72), crop=Area(7, 9, TALL - 9, 60))
    look = Look(
        camera=Camera(shading=Shading((0.5, 0.2), (0.3,), (0.2, 0.1)), matrix=MatrixDelta((0.05,) * 6)),
        local_tone=LocalTone((2.0, 1.5, 1.0, 0.5, 0.0, -0.5, -1.0), 0.5, 0.3),
        curve=Curve(method="learned", heights=tuple((n / 32) ** 0.8 for n in range(33)), red=(0.0, 0.05, 0.0)),
    )
    compare_strips_with_the_whole_frame(photo, look)


@pytest.mark.parametrize("cfa", ["RGGB", "GBRG"])
def test_the_demosaic_that_looks_farthest_makes_the_same_picture_in_strips(cfa: str) -> None:
    compare_strips_with_the_whole_frame(
        mosaic(lit(TALL, 74), neutral=DAYLIGHT, cfa=cfa), Look(demosaic=Demosaic("best"))
    )


def compare_strips_with_the_whole_frame(photo: Mosaic, look: Look) -> None:
    strips = render(photo, look, (SIXTEEN,), "cpu", silent)[0]
    expected = whole_frame(photo, look, SIXTEEN)
    assert strips.shape == expected.shape
    worst = int(np.abs(strips.astype(int) - expected.astype(int)).max())
    assert worst <= 64  # a quarter of an 8-bit step: another order of the same sums, steepest in the darkest tones


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_reaches_the_pixels_once(orientation: int) -> None:
    light = lit(20, 30)
    look = Look(sharpen=Sharpen(amount=0.0))
    upright = render(mosaic(light), look, (SIXTEEN,), "cpu", silent)[0]
    turned = render(mosaic(light, orientation=orientation), look, (SIXTEEN,), "cpu", silent)[0]
    np.testing.assert_array_equal(turned, orient(upright, orientation))


def test_each_output_has_its_size_bits_and_space() -> None:
    photo = mosaic(lit(60, 80), neutral=DAYLIGHT, orientation=6)
    outputs = (
        Output(size=40),
        Output(format="png", bits=16, space="rec2020"),
        Output(format="tiff", bits=8, size=9999, space="adobe-rgb"),
        Output(format="jpeg", bits=16),
    )
    pictures = render(photo, Look(), outputs, "cpu", silent)
    shapes = [pixels.shape for pixels in pictures]
    assert shapes == [(40, 30, 3), (80, 60, 3), (80, 60, 3), (80, 60, 3)]
    assert [str(pixels.dtype) for pixels in pictures] == ["uint8", "uint16", "uint8", "uint8"]
    assert all(pixels.flags.c_contiguous for pixels in pictures)


def test_the_same_photo_gives_the_same_bytes() -> None:
    photo = mosaic(lit(TALL, 40), neutral=DAYLIGHT)
    first, second = (render(photo, Look(), (Output(),), "cpu", silent)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_the_heart_beats_with_every_strip() -> None:
    beats = []
    render(mosaic(lit(TALL, 20)), Look(), (Output(),), "cpu", lambda: beats.append(1))
    assert len(beats) >= 2 * (TALL // CPU_ROWS)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 5), (7, 1), (1, 7)])
@pytest.mark.parametrize("opcodes", [(), CASES["warp"]["opcodes3"]])
def test_the_smallest_photos_develop(size: tuple[int, int], opcodes: Any) -> None:
    pixels = render(mosaic(torch.full(size, 0.2), opcodes3=opcodes), Look(), (Output(),), "cpu", silent)[0]
    assert pixels.shape == (*size, 3)
    assert pixels.min() > 50


@pytest.mark.parametrize(
    "crop", [Area(60, 40, 5060, 5040), Area(-5, -5, 900, 900), Area(4, 4, 4, 4), Area(30, 30, 10, 10)]
)
def test_a_crop_outside_the_picture_is_brought_inside(crop: Area) -> None:
    pixels = render(mosaic(lit(48, 64), crop=crop), Look(), (Output(),), "cpu", silent)[0]
    assert 0 < pixels.shape[0] <= 48
    assert 0 < pixels.shape[1] <= 64


def test_integers_of_any_kind_are_codes() -> None:
    codes16 = (lit(24, 24).clamp(min=0) * 4095).round()
    levels = Levels((0.0,), (1, 1, 1), (4095.0,))
    pictures = [
        render(mosaic(codes16.to(kind), levels=levels), Look(), (Output(),), "cpu", silent)[0]
        for kind in (torch.float32, torch.uint16, torch.int32)
    ]
    np.testing.assert_array_equal(pictures[0], pictures[1])
    np.testing.assert_array_equal(pictures[0], pictures[2])


def test_a_linear_file_and_a_monochrome_one() -> None:
    color = mosaic(torch.full((3, 20, 20), 0.2), cfa="")
    mono = mosaic(torch.full((1, 20, 20), 0.2), cfa="", colors="W", neutral=(1.0,), rec2020_from_camera=((1.0,),) * 3)
    np.testing.assert_array_equal(
        render(color, Look(), (Output(),), "cpu", silent)[0], render(mono, Look(), (Output(),), "cpu", silent)[0]
    )


def test_a_plain_look_is_plain() -> None:
    """`linear`: no curve, no sharpening, plain clipping: light in, sRGB of that light out."""
    look = Look(
        camera=Camera(corrections=Corrections(shading="none")),
        highlights=Highlights("clip"),
        curve=Curve(method="none"),
        sharpen=Sharpen(amount=0.0),
        gamut=Gamut("clip"),
    )
    pixels = render(mosaic(torch.full((16, 16), 0.5)), look, (SIXTEEN,), "cpu", silent)[0]
    assert np.unique(pixels).tolist() == [round((1.055 * 0.5 ** (1 / 2.4) - 0.055) * 65535)]


def test_torch_keeps_the_threads_it_had() -> None:
    before = torch.get_num_threads()
    render(mosaic(lit(8, 8)), Look(), (Output(),), "cpu", silent)
    assert torch.get_num_threads() == before
