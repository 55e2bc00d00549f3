"""One scene in forty DNG encodings: all develop to the same picture, but for what their names say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from ispd.decode.cell import Cell
from ispd.errors import PhotoError
from ispd.isp.color.mix import luminance
from ispd.isp.look import Demosaic, Look
from ispd.isp.values import Area, Mosaic
from tests.conftest import SHARED
from tests.golden.developed import PROFILE, averaged, difference, ours, photo_of

VARIANTS = SHARED / "samples" / "raw" / "variants"
LOOK = replace(PROFILE, demosaic=Demosaic("bilinear"))  # the file's own corrections and exposure are on

pytestmark = pytest.mark.skipif(not VARIANTS.is_dir(), reason=f"the shared samples are not here: {SHARED}")


@dataclass(frozen=True)
class Same:
    """As another variant, within so much ΔE2000 on average; `why` there is any."""

    apart: float = 0.01
    why: str = ""
    like: str = "bayer_rggb"
    change: Callable[[Mosaic], Mosaic] = lambda photo: photo  # takes away what the name says …
    other: Callable[[Mosaic], Mosaic] = lambda photo: photo  # … and what it says from the other
    look: Look = LOOK
    part: Callable[[Tensor], Tensor] = lambda picture: picture  # of ours
    of: Callable[[Tensor], Tensor] = lambda picture: picture  # of the other


def balanced(neutral: tuple[float, ...]) -> Callable[[Mosaic], Mosaic]:
    return lambda photo: replace(photo, shot=replace(photo.shot, neutral=neutral, lights=()))


def plain_matrix(photo: Mosaic) -> Mosaic:
    """With a matrix that leaves camera colors as they are."""
    n = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    return replace(photo, shot=replace(photo.shot, rec2020_from_camera=n))


def dimmed(photo: Mosaic) -> Mosaic:
    """White where that variant has eight times its white."""
    return replace(photo, shot=replace(photo.shot, levels=replace(photo.shot.levels, white=(8.0,) * 3)))


def unbalanced(photo: Mosaic) -> Mosaic:
    return plain_matrix(balanced((1.0, 1.0, 1.0))(photo))


def small(picture: Tensor) -> Tensor:
    return averaged(picture, 4)


def moved(down: int, right: int) -> Same:
    """The same scene from another pixel on, so that the filter array begins otherwise."""
    return Same(
        part=lambda p: p[:, 2 : 180 - down, 2 : 240 - right],
        of=lambda p: p[:, 2 + down : 180, 2 + right : 240],
    )


def upright(orientation: str) -> Same:
    return Same(of=lambda p: p[:, 2:94, 2:126], part=lambda p: TURNED_BACK[orientation](p)[:, 2:94, 2:126])


TURNED_BACK: dict[str, Callable[[Tensor], Tensor]] = {  # EXIF: what the picture's rows and columns mean
    "2": lambda p: p.flip(2),
    "3": lambda p: p.flip(1, 2),
    "6": lambda p: p.rot90(1, (1, 2)),
    "8": lambda p: p.rot90(-1, (1, 2)),
}

S40 = (1015 / 1964, 1.0, 1015 / 1544)  # the camera's balance, which the wb_ variants replace
WIDE = "linear_rgb16"

KNOWN: dict[str, Same] = {
    "activearea_odd": Same(of=lambda p: p[:, 8 : 8 + 176, 8 : 8 + 240]),  # its crop
    "baseline_exposure_plus2": Same(0.6, "its codes are a quarter, rounded"),
    "bayer_bggr": moved(1, 1),
    "bayer_gbrg": moved(1, 0),
    "bayer_grbg": moved(0, 1),
    "bayer_deflate16": Same(),
    "bayer_float16_deflate": Same(0.1, "half floats have eleven bits"),
    "bayer_float32_deflate": Same(),
    "bayer_jxl_lossless_52546": Same(),
    "bayer_ljpeg_tiled": Same(),
    "bayer_orientation2": upright("2"),
    "bayer_orientation3": upright("3"),
    "bayer_orientation6": upright("6"),
    "bayer_orientation8": upright("8"),
    "bayer_rggb_bigendian": Same(),
    "black_delta_hv": Same(),
    "black_per_cfa": Same(),
    "dead_and_hot_pixels": Same(
        0.6, "one site in five hundred says nothing of the scene, and its neighbors believe it"
    ),
    "dual_illuminant_forward": Same(
        0.01, "its matrices differ by intent: compared without", change=plain_matrix, other=plain_matrix
    ),
    "linear_float16_hdr_deflate": Same(0.1, "half floats", like=WIDE, change=dimmed),  # eight times brighter
    "linear_jxl_lossy_52546": Same(0.5, "lossy", like=WIDE, part=small, of=small),
    "linear_lossy_34892_mappolynomial": Same(1.0, "lossy, eight bits", like=WIDE, part=small, of=small),
    "linearization_table_8bit": Same(0.6, "eight bits"),
    "meta_gps_xmp_iptc": upright("6"),
    "mono_linear16": Same(  # the mean of the sensor's channels, by its maker
        0.1, like=WIDE, other=unbalanced, of=lambda p: p.mean(dim=0, keepdim=True).expand(3, -1, -1)
    ),
    "no_matrix": Same(0.01, "compared without", change=plain_matrix, other=plain_matrix),
    "opcode1_badpixelsconstant": Same(0.3, "one site in a thousand is a guess from its neighbors"),
    "opcode2_gainmap": Same(0.1, "divided by the gains, and rounded"),
    "opcode3_fixvignette": Same(0.1, "divided by the fall-off, and rounded"),
    "opcode3_warprectilinear": Same(
        look=replace(LOOK, camera=replace(LOOK.camera, corrections=replace(LOOK.camera.corrections, geometry="none")))
    ),
    "opcode_unknown_optional": Same(),
    "packed_10bit": Same(),
    "packed_12bit": Same(),
    "wb_asshotwhitexy": Same(change=balanced(S40)),
    "wb_none": Same(change=balanced(S40)),
    "wb_tungsten_wrong": Same(change=balanced(S40)),
    "xtrans_6x6": Same(1.0, "a third of its samples, interpolated", like=WIDE, part=small, of=small),
}


def test_every_variant_is_known() -> None:
    found = {path.stem for path in VARIANTS.glob("*.dng")}
    assert found == {*KNOWN, "bayer_rggb", WIDE, "opcode_unknown_required"}


@pytest.mark.parametrize("name", KNOWN)
def test_a_variant_is_the_same_picture_but_for_its_name(name: str, cell: Cell) -> None:
    known = KNOWN[name]
    photo, other = (photo_of(VARIANTS / f"{stem}.dng", cell) for stem in (name, known.like))
    exposed = replace(known.look, exposure=replace(known.look.exposure, ev=-2.0))  # room above, for the brighter one
    mine, theirs = known.part(ours(known.change(photo), exposed)), known.of(ours(known.other(other), exposed))
    found = difference(mine, theirs)
    assert found.mean <= known.apart
    assert found.factor == pytest.approx(1, rel=0.02)
    assert found.part > 0.99


def test_the_warp_of_its_variant_moves_the_picture_as_it_says(cell: Cell) -> None:
    """Green's center and half-way points: 1.0 - 0.05·r² of the distance from the center, r = 1 in the corner."""
    photo, plain = (photo_of(VARIANTS / f"{stem}.dng", cell) for stem in ("opcode3_warprectilinear", "bayer_rggb"))
    warped, flat = luminance(ours(photo, LOOK)), luminance(ours(plain, LOOK))
    rows, columns = torch.meshgrid(torch.arange(192.0), torch.arange(256.0), indexing="ij")
    down, across = rows - 95.5, columns - 127.5
    scale = 1 - 0.05 * (down**2 + across**2) / (96.0**2 + 128.0**2)
    grid = torch.stack([across * scale / 128, down * scale / 96], dim=-1)
    expected = torch.nn.functional.grid_sample(flat[None, None], grid[None], align_corners=False)[0, 0]
    inner = (slice(8, -8), slice(8, -8))
    error = (warped[inner] - expected[inner]).abs().mean()
    assert error < 0.35 * (flat[inner] - warped[inner]).abs().mean()


def test_an_unknown_required_correction_refuses_the_file(cell: Cell) -> None:
    with pytest.raises(PhotoError, match="requires a correction"):
        photo_of(VARIANTS / "opcode_unknown_required.dng", cell)


def test_the_active_area_of_the_odd_variant_is_where_its_maker_put_it(cell: Cell) -> None:
    assert photo_of(VARIANTS / "activearea_odd.dng", cell).shot.active == Area(5, 3, 5 + 192, 3 + 256)
