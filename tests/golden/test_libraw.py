"""Our pictures beside LibRaw's, on every sample that LibRaw develops rightly, each difference with its reason.

What is compared is levels, geometry, balance and color: both demosaic bilinearly, both under our white balance (what
LibRaw makes of unusable ones is its own affair), lens corrections off, in linear Rec.2020.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rawpy
import torch
from torch import Tensor

from ispd.decode.cell import Cell
from ispd.decode.dng.codes import Tag
from ispd.decode.dng.tags import read_tiff
from ispd.isp.color.lab import chroma_delta_e, delta_e, lab_from_rec2020
from ispd.isp.color.mix import luminance, mix
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.look import Demosaic, Look
from ispd.isp.values import Area, Mosaic, Shot
from ispd.simulate.camera import CAMERAS, SimulatedCamera
from ispd.simulate.dng import write_dng
from ispd.simulate.photograph import Moment, expose, scene
from ispd.simulate.pictures import color_chart
from tests.conftest import SHARED
from tests.golden.developed import LINEAR, Difference, averaged, difference, librawed, middle, ours, photo_of

RAW = SHARED / "samples" / "raw"
SAMPLES = sorted(
    str(path.relative_to(RAW))
    for path in [*RAW.glob("*"), *RAW.glob("variants/*")]
    if path.suffix.lower() in (".dng", ".gpr", ".crw", ".kdc")
)

NOT_RIGHTLY = {  # what LibRaw 0.22.2 makes no picture of, or a wrong one, and by what that is known
    "gopro_hero7_GOPR8513.GPR": "LibRaw does not know VC-5",
    "variants/bayer_jxl_lossless_52546.dng": "LibRaw does not know JPEG XL (DNG 1.7.1 chapter 3, compression 52546)",
    "variants/linear_jxl_lossy_52546.dng": "LibRaw does not know JPEG XL",
    "variants/bayer_deflate16.dng": "LibRaw knows deflate of floats only; chapter 3 allows integers",
    "variants/opcode_unknown_required.dng": "chapter 7: a reader that does not know a required opcode refuses the file",
    "nikon_d500_lossy_black_frame.dng": "LibRaw drops BlackLevel before MapPolynomial; chapter 5: black first",
    "synthetic_lossy_34892.dng": "LibRaw applies an sRGB curve; chapter 5 has no curve but LinearizationTable's",
}

APART: dict[str, tuple[tuple[Tag, ...], str]] = {  # without these tags the two agree
    "variants/black_delta_hv.dng": (
        (Tag.BlackLevelDeltaH, Tag.BlackLevelDeltaV),
        "chapter 5: every row and column has a black of its own; LibRaw takes their mean for all",
    ),
    "variants/wb_asshotwhitexy.dng": (
        (Tag.AsShotWhiteXY,),
        "LibRaw scales its XYZ from D65 to this white; chapter 6 asks for Bradford, or a ForwardMatrix, which we take",
    ),
    "variants/dual_illuminant_forward.dng": (
        (Tag.ForwardMatrix1, Tag.ForwardMatrix2, Tag.ColorMatrix2),
        "chapter 6: with ForwardMatrix it alone leads to XYZ, and two calibrations are mixed; LibRaw knows one matrix",
    ),
}

COMPARED = [name for name in SAMPLES if name not in NOT_RIGHTLY and name not in APART]
PHOTOS = [name for name in COMPARED if "/" not in name and "lossy" not in name]
STRETCHED = "kodak_dc120_compressed.KDC"  # its pixels are not square: each stretches by a filter of its own

pytestmark = pytest.mark.skipif(not SAMPLES, reason=f"the shared samples are not here: {SHARED}")


def compared(path: Path, cell: Cell) -> Difference:
    """Ours against LibRaw's, both demosaiced bilinearly."""
    photo, area = middle(photo_of(path, cell))
    mine = ours(photo, replace(LINEAR, demosaic=Demosaic("bilinear")))
    theirs = cut(librawed(path, photo.shot, rawpy.DemosaicAlgorithm.LINEAR), area, photo.shot)
    if path.name == "no_matrix.dng":  # whatever space is asked for, LibRaw leaves the colors of such a file alone
        theirs = mix(np.linalg.inv(rgb_from_rec2020("srgb")), theirs)
    if path.name == "activearea_odd.dng":  # LibRaw moves an odd active area to the next even row and column
        mine = mine[:, 1:, 1:]
    if path.name == STRETCHED:
        mine, theirs = averaged(mine, 4), averaged(theirs, 4)
    return difference(mine, theirs)


def cut(picture: Tensor, area: Area, shot: Shot) -> Tensor:
    """That part of LibRaw's picture; all of it where it is small, and perhaps turned."""
    if shot.orientation != 1 or shot.pixel_aspect != 1:
        return picture
    return picture[:, area.top : area.bottom, area.left : area.right]


@pytest.mark.parametrize("name", COMPARED)
def test_linear_is_the_picture_that_libraw_makes(name: str, cell: Cell) -> None:
    found = compared(RAW / name, cell)
    # that camera's light lies between two matrices; see the simulated ones below
    assert found.mean < (1.0 if name in ("blackmagic_pocket4k_ljpeg.dng", STRETCHED) else 0.5)
    assert found.part > (0.2 if "hdr" in name else 0.9)  # most of that file is brighter than LibRaw's white
    if "hdr" in name or name == "variants/black_per_cfa.dng":
        return  # LibRaw divides by the file's maximum, and by white minus the own black rather than the greatest
    assert found.factor == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("name", PHOTOS)
def test_so_is_linear_as_it_is_shipped(name: str, cell: Cell) -> None:
    """With our demosaicing against LibRaw's best known: no farther apart than LibRaw's own methods, or 1."""
    photo, area = middle(photo_of(RAW / name, cell))
    methods = (None, rawpy.DemosaicAlgorithm.LINEAR)
    best, plain = (cut(librawed(RAW / name, photo.shot, method), area, photo.shot) for method in methods)
    assert difference(ours(photo), best).mean < max(1.0, difference(plain, best).mean)


@pytest.mark.parametrize("name", APART)
def test_what_sets_us_apart_is_the_tag_that_libraw_reads_otherwise(name: str, cell: Cell, tmp_path: Path) -> None:
    tags, _ = APART[name]
    assert compared(RAW / name, cell).mean > 1.0
    assert compared(without(RAW / name, tags, tmp_path), cell).mean < 0.1


def without(path: Path, tags: tuple[Tag, ...], folder: Path) -> Path:
    """A copy in which these tags of the first directory have numbers that nobody knows."""
    data = path.read_bytes()
    for tag in tags:
        entry = read_tiff(data).first.entries[tag]
        head = struct.pack("<HHI", tag, entry.kind, entry.count)
        assert data.count(head) == 1
        data = data.replace(head, struct.pack("<HHI", 60000, entry.kind, entry.count))
    copy = folder / path.name
    copy.write_bytes(data)
    return copy


def test_a_forward_matrix_is_applied_as_chapter_6_says(cell: Cell) -> None:
    """XYZ (D50) = ForwardMatrix · balanced camera color; AnalogBalance cancels out, since the neutral has it too."""
    path = RAW / "variants/dual_illuminant_forward.dng"
    forward = read_tiff(path.read_bytes()).first.array(Tag.ForwardMatrix1).reshape(3, 3)
    plain, with_forward = (photo_of(RAW / name, cell) for name in ("variants/bayer_rggb.dng", f"variants/{path.name}"))
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    d50, d65 = np.array([0.9642, 1.0, 0.8249]), np.array([0.3127 / 0.329, 1.0, 0.3583 / 0.329])
    adapted = np.linalg.inv(bradford) @ np.diag((bradford @ d65) / (bradford @ d50)) @ bradford
    xyz_from_rec2020 = np.array(  # ITU-R BT.2020, to four places
        [[0.6370, 0.1446, 0.1689], [0.2627, 0.6780, 0.0593], [0.0000, 0.0281, 1.0610]]
    )
    expected = np.linalg.inv(xyz_from_rec2020) @ adapted @ forward
    expected /= expected.sum(axis=1, keepdims=True)
    assert np.allclose(with_forward.shot.rec2020_from_camera, expected, atol=2e-3)
    assert torch.equal(with_forward.samples, plain.samples)
    assert with_forward.shot.neutral == pytest.approx(plain.shot.neutral)


@pytest.mark.parametrize("name", ["canon_s40_CRW_0117.CRW", "variants/bayer_rggb.dng"])
def test_neutral_changes_brightness_and_little_else(name: str, cell: Cell) -> None:
    photo, area = middle(photo_of(RAW / name, cell))
    mine, theirs = ours(photo, Look()), cut(librawed(RAW / name, photo.shot, None), area, photo.shot)
    matched = mine * (luminance(theirs) / luminance(mine).clamp(min=1e-6))
    apart = chroma_delta_e(lab_from_rec2020(matched), lab_from_rec2020(theirs))
    assert float(apart.mean()) < 2.0


# --- a camera of which the truth is known ----------------------------------------------------------------------------

PATCH = 24


@pytest.mark.parametrize("camera", [camera for camera in CAMERAS if len(camera.cfa) == 4], ids=lambda c: c.model)
@pytest.mark.parametrize(("temperature_k", "libraw_off"), [(2856, True), (3600, True), (6504, False)])
def test_under_any_light_ours_is_the_truth_and_libraws_by_daylight(
    camera: SimulatedCamera, temperature_k: float, libraw_off: bool, cell: Cell, tmp_path: Path
) -> None:
    """Chapter 6: the matrices of two lights are mixed for the one of the photo.  LibRaw takes the daylight one."""
    still = replace(camera, shot_noise=1e-9, read_noise=0.0, shading=(0.0, 0.0, 0.0), correction="none")
    still = replace(still, margin_px=0, border_px=0)
    picture, moment = color_chart(PATCH), Moment(temperature_k=temperature_k, ev=-1.2)
    path = write_dng(tmp_path / "chart.dng", expose(picture, still, moment))
    truth = torch.from_numpy(scene(picture, moment)).permute(2, 0, 1).float()
    photo: Mosaic = photo_of(path, cell)
    assert apart(ours(photo), truth) < 0.3
    theirs = apart(librawed(path, photo.shot, None), truth)
    assert theirs > 1.5 if libraw_off else theirs < 0.3


def apart(picture: Tensor, truth: Tensor) -> float:
    """In the middle of each patch, after one exposure factor."""
    middle = slice(PATCH // 2, None, PATCH)
    seen, true = picture[:, middle, middle], truth[:, middle, middle]
    return float(delta_e(lab_from_rec2020(seen * (true.sum() / seen.sum())), lab_from_rec2020(true)).mean())
