"""Our pictures beside LibRaw's, on real photos: `linear` to the last hue, `neutral` in everything but brightness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rawpy
import torch
from numpy.typing import NDArray
from torch import Tensor

from ispd.decode.cell import Cell
from ispd.isp.color.lab import chroma_delta_e, delta_e, lab_from_rec2020
from ispd.isp.color.mix import luminance, mix
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.color.transfer import decode
from ispd.isp.look import Camera, Corrections, Curve, Exposure, Gamut, Highlights, Look, Sharpen
from ispd.isp.values import Area, Mosaic
from ispd.orders import Output
from ispd.runner.frame import render

LINEAR = Look(
    camera=Camera(corrections=Corrections(shading="none")),
    highlights=Highlights("clip"),
    exposure=Exposure(baseline="none", auto="none"),
    curve=Curve(method="none"),
    sharpen=Sharpen(amount=0.0),
    gamut=Gamut("clip"),
)
PHOTOS = [
    "canon_s40_CRW_0117.CRW",
    "variants/bayer_rggb.dng",
    "variants/bayer_orientation6.dng",
    "variants/opcode2_gainmap.dng",
]


@pytest.fixture(scope="module")
def cell() -> Iterator[Cell]:
    with Cell() as cell:
        yield cell


def ours(path: Path, look: Look, cell: Cell) -> Tensor:
    """Linear Rec.2020 of our picture, the whole visible area as LibRaw shows it."""
    decoded = cell.decode(bytes(path))
    shot = decoded.shot
    whole = Area(0, 0, shot.active.height, shot.active.width)
    photo = Mosaic(torch.from_numpy(np.array(decoded.samples)), replace(shot, crop=whole))
    return light(render(photo, look, (Output(format="tiff", bits=16),), "cpu", lambda: None)[0])


def librawed(path: Path) -> Tensor:
    with rawpy.imread(str(path)) as raw:
        pixels = raw.postprocess(
            use_camera_wb=True,
            no_auto_bright=True,
            adjust_maximum_thr=0,
            output_bps=16,
            output_color=rawpy.ColorSpace.sRGB,
            gamma=(2.4, 12.92),
            highlight_mode=rawpy.HighlightMode.Clip,
        )
    return light(pixels)


def light(pixels: NDArray[np.uint8 | np.uint16]) -> Tensor:
    linear = decode(torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1) / 65535, "srgb")
    return mix(np.linalg.inv(rgb_from_rec2020("srgb")), linear)


@pytest.mark.parametrize("name", PHOTOS)
def test_linear_is_the_picture_that_libraw_makes(name: str, shared: Path, cell: Cell) -> None:
    path = shared / "samples/raw" / name
    mine, theirs = ours(path, LINEAR, cell), librawed(path)
    assert mine.shape == theirs.shape
    whole = (mine.amax(dim=0) < 0.9) & (theirs.amax(dim=0) < 0.9)
    factor = theirs[:, whole].sum() / mine[:, whole].sum()
    assert float(factor) == pytest.approx(1.0, abs=0.02)
    difference = delta_e(lab_from_rec2020(mine * factor), lab_from_rec2020(theirs))[whole]
    assert float(difference.mean()) < 1.2


@pytest.mark.parametrize("name", PHOTOS[:3])
def test_neutral_changes_brightness_and_little_else(name: str, shared: Path, cell: Cell) -> None:
    path = shared / "samples/raw" / name
    mine, theirs = ours(path, Look(), cell), librawed(path)
    matched = mine * (luminance(theirs) / luminance(mine).clamp(min=1e-6))
    difference = chroma_delta_e(lab_from_rec2020(matched), lab_from_rec2020(theirs))
    assert float(difference.mean()) < 2.0
