from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ispd.isp.look import Camera, Corrections, Look
from ispd.isp.stages.levels import levels
from ispd.isp.stages.opcodes import flatten
from ispd.isp.survey import survey
from ispd.isp.survey.overview import overview
from ispd.isp.values import Area, GainMap, Levels, MapPolynomial, MapTable, Region, Window
from tests.isp.shots import XTRANS, mosaic, seen_through, shot

QUAD = "RRGGRRGGGGBBGGBB"
EVERYWHERE = Area(0, 0, 9999, 9999)
SHADING = (((2.0,), (1.5,)), ((1.0,), (1.1,)), ((1.8,), (1.2,)))


def blocks(rgb: Tensor, block: int) -> Tensor:
    """(planes, H, W) to the means of its whole blocks."""
    planes, height, width = rgb.shape
    whole = rgb[:, : height // block * block, : width // block * block]
    return whole.reshape(planes, height // block, block, width // block, block).mean(dim=(2, 4))


def flat_blocks(block: int) -> tuple[Tensor, Tensor]:
    """Blocks of one color each, and the same as pixels; a few rows and columns more than whole blocks."""
    colors = torch.rand(3, 5, 7, generator=torch.Generator().manual_seed(1))
    pixels = colors.repeat_interleave(block, 1).repeat_interleave(block, 2)
    return colors, torch.nn.functional.pad(pixels, (0, 5, 0, 3), value=9.0)


@pytest.mark.parametrize(("cfa", "block"), [("RGGB", 8), ("GBRG", 8), (QUAD, 8), (XTRANS, 6)])
def test_each_block_has_the_color_of_its_light(cfa: str, block: int) -> None:
    colors, pixels = flat_blocks(block)
    photo = mosaic(seen_through(pixels, cfa), cfa=cfa)
    small = overview(photo.samples.numpy(), photo.shot)
    assert small.block == block
    np.testing.assert_allclose(small.light, colors, rtol=1e-5)


def test_a_linear_file_is_binned_too() -> None:
    colors, pixels = flat_blocks(8)
    photo = mosaic(pixels, cfa="")
    np.testing.assert_allclose(overview(photo.samples.numpy(), photo.shot).light, colors, rtol=1e-5)


BLACKS = Levels(
    (100.0, 110.0, 120.0, 130.0, 104.0, 116.0),
    (3, 2, 1),
    (4000.0,),
    delta_h=tuple(i / 9 for i in range(80)),
    delta_v=tuple(i / 5 for i in range(50)),
)
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "one black": {"levels": Levels((200.0,), (1, 1, 1), (3800.0,))},
    "a black a site": {"levels": Levels((100.0, 110.0, 120.0, 130.0), (2, 2, 1), (4000.0,))},
    "a table": {"levels": Levels((100.0,), (1, 1, 1), (65025.0,), table=tuple(4 * i for i in range(16000)))},
    "a polynomial": {"opcodes2": (MapPolynomial(Region(EVERYWHERE), (0.01, 0.7, 0.3)),)},
    "a map": {"opcodes2": (GainMap(Region(EVERYWHERE), (0.5, 1.0), (0.0, 0.0), SHADING),)},
    "a map a color": {
        "opcodes2": (
            GainMap(Region(Area(0, 0, 999, 999), row_pitch=2, col_pitch=2), (0.5, 1.0), (0.0, 0.0), SHADING),
            GainMap(Region(Area(1, 1, 999, 999), row_pitch=2, col_pitch=2), (1.0, 1.0), (0.0, 0.0), (((1.3,),),)),
        )
    },
    "a patch": {"opcodes2": (MapTable(Region(Area(10, 10, 20, 20)), (0, 0)),)},
}


@pytest.mark.parametrize("case", CASES)
def test_light_is_what_the_stages_make_of_it(case: str) -> None:
    """To 2 %: a map bends within a block.  A patch of the photo alone is left out."""
    facts = CASES[case]
    smooth = 0.4 + 0.3 * torch.sin(torch.arange(50)[:, None] / 30) * torch.cos(torch.arange(80)[None, :] / 40)
    p = facts.get("levels", Levels((0.0,), (1, 1, 1), (1.0,)))
    photo = mosaic(smooth if p.white == (1.0,) else (smooth * 3000 + 200).round(), **facts)
    window = Window(0, 50, 80)
    opcodes = () if case == "a patch" else photo.shot.opcodes2
    raw = flatten(levels(photo.samples, photo.shot.levels, window), opcodes, window, Corrections()).samples[0]
    sites = {"R": raw[0::2, 0::2], "B": raw[1::2, 1::2]}
    small = overview(photo.samples.numpy(), photo.shot)
    for color, plane in (("R", 0), ("B", 2)):
        expected = blocks(sites[color][None], 4)[0]
        np.testing.assert_allclose(small.light[plane], expected, rtol=0.02)


def test_what_has_clipped_is_counted() -> None:
    samples = torch.full((1, 16, 24), 0.5)
    samples[0, :4, :8] = 0.9  # half of the first block
    samples[0, 8:, 8:16] = 1.0
    photo = mosaic(samples, levels=Levels((0.0,), (1, 1, 1), (1.0,), full=(0.9,)))
    np.testing.assert_allclose(overview(samples.numpy(), photo.shot).clipped, np.array([[0.5, 0, 0], [0, 1, 0]]))


@pytest.mark.parametrize("size", [(1, 1), (3, 9), (9, 3), (7, 7)])
def test_a_photo_smaller_than_a_block_has_none(size: tuple[int, int]) -> None:
    photo = mosaic(torch.ones(size))
    assert overview(photo.samples.numpy(), photo.shot).light.size == 0


def test_numbers_that_are_none_stay_inside() -> None:
    samples = torch.ones(1, 16, 16)
    samples[0, 3, 3], samples[0, 12, 12] = torch.nan, torch.inf
    photo = mosaic(samples, levels=Levels((0.5,), (1, 1, 1), (0.5,)))
    assert np.isfinite(overview(samples.numpy(), photo.shot).light).all()


def test_gain_maps_that_the_look_does_without_are_not_seen() -> None:
    region = Region(Area(0, 0, 9999, 9999))
    gain = GainMap(region, (1.0, 1.0), (0.0, 0.0), (((3.0,), (1.0,)), ((1.0,), (2.0,))))
    samples = np.random.default_rng(1).uniform(0, 0.2, (1, 200, 300)).astype(np.float32)
    look = Look(camera=Camera(Corrections(shading="none")))
    with_map, without = (survey(samples, shot(200, 300, opcodes2=opcodes), look) for opcodes in ((gain,), ()))
    assert with_map.exposure_shift == without.exposure_shift
    assert survey(samples, shot(200, 300, opcodes2=(gain,)), Look()).exposure_shift != without.exposure_shift
