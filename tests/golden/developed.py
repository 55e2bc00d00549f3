"""Pictures to compare: ours and LibRaw's, in linear Rec.2020, and how far two are apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import rawpy
import torch
from torch import Tensor

from ispd.decode.cell import Cell
from ispd.isp.color.lab import delta_e, lab_from_rec2020
from ispd.isp.color.transfer import decode
from ispd.isp.look import Look
from ispd.isp.values import Area, Mosaic, Shot
from ispd.orders import Output
from ispd.profile.library import shipped_profiles
from ispd.profile.profile import read_profile
from ispd.runner.frame import render

PROFILE = read_profile(shipped_profiles() / "linear.toml").look
LINEAR = replace(  # what a picture is before anyone corrects the lens or asks for stops
    PROFILE,
    camera=replace(PROFILE.camera, corrections=replace(PROFILE.camera.corrections, shading="none", geometry="none")),
    exposure=replace(PROFILE.exposure, baseline="none"),
)


@dataclass(frozen=True)
class Difference:
    """Of two pictures, after one exposure factor, where neither is clipped."""

    factor: float  # the other's brightness over the one's
    mean: float  # ΔE2000
    part: float  # of the pixels that are compared


def photo_of(path: Path, cell: Cell) -> Mosaic:
    """With daylight where its balance is unusable: no survey guesses another, so that both sides take the same."""
    decoded = cell.decode(bytes(path))
    return Mosaic(torch.from_numpy(np.array(decoded.samples)), replace(decoded.shot, lights=()))


def ours(photo: Mosaic, look: Look = LINEAR) -> Tensor:
    """The cropped picture."""
    output = Output(format="tiff", bits=16, space="rec2020")  # wide, so that little is cut
    pixels = render(photo, look, (output,), "cpu", lambda: None)[0]
    return decode(torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1) / 65535, "rec2020")


def middle(photo: Mosaic, side: int = 512) -> tuple[Mosaic, Area]:
    """Cropped to the middle of the visible area, to be quick, and where that is; all of a small one."""
    height, width = photo.shot.active.height, photo.shot.active.width
    if max(height, width) <= 2 * side:
        area = Area(0, 0, height, width)
    else:
        top, left = max(0, height - side) // 2, max(0, width - side) // 2
        area = Area(top, left, min(height, top + side), min(width, left + side))
    return replace(photo, shot=replace(photo.shot, crop=area)), area


def librawed(path: Path, shot: Shot, algorithm: rawpy.DemosaicAlgorithm | None) -> Tensor:
    """LibRaw's picture under the balance of our shot: what it makes of odd white balances is another matter."""
    gains = [1 / value for value in shot.neutral]
    with rawpy.imread(str(path)) as raw:
        pixels = raw.postprocess(
            user_wb=None if shot.colors == "W" else gains + [gains[1]] * (4 - len(gains)),
            no_auto_bright=True,
            adjust_maximum_thr=0,
            output_bps=16,
            output_color=rawpy.ColorSpace.Rec2020,
            gamma=(2.4, 12.92),
            highlight_mode=rawpy.HighlightMode.Clip,
            demosaic_algorithm=algorithm,
        )
    code = torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1).expand(3, -1, -1) / 65535
    return decode(code, "srgb")  # the curve of that gamma


def averaged(picture: Tensor, side: int) -> Tensor:
    """Means of squares of that many pixels."""
    return torch.nn.functional.avg_pool2d(picture[None], side)[0]


def difference(one: Tensor, other: Tensor) -> Difference:
    """Both in linear Rec.2020, of the same size."""
    assert one.shape == other.shape
    fair = (one.amax(dim=0) < 0.9) & (other.amax(dim=0) < 0.9)
    factor = other[:, fair].sum() / one[:, fair].sum()
    apart = delta_e(lab_from_rec2020(one * factor), lab_from_rec2020(other))[fair]
    return Difference(float(factor), float(apart.mean()), float(fair.double().mean()))
