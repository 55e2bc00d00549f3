"""What becomes a sample, where it lies, and what is refused with which reason."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ispd.decode.cell import Cell
from ispd.encode.icc import icc_profile
from ispd.fit.pairs import Candidate
from ispd.fit.register import located
from ispd.fit.sample import Sample
from ispd.fit.samples import gather
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.color.transfer import decode, encode
from ispd.isp.stages.orient import orient
from ispd.metadata.exiftool import ExifTool
from ispd.orders import Space
from ispd.simulate.camera import KESTREL, LANTERN, MERIDIAN, SimulatedCamera
from ispd.simulate.photograph import Moment
from tests.conftest import Dng
from tests.fit.conftest import Gathered
from tests.fit.scenes import Picture, graded, moved, save, scene

Gather = Callable[[Path], Gathered]
PLAIN = replace(KESTREL, margin_px=0, border_px=0)  # the picture is the whole sensor


def placed_at(sample: Sample, x: float, y: float, size: tuple[int, int]) -> tuple[float, float]:
    """Where a point of the active area (pixels) lies in the reference as the sensor lay (pixels; height, width)."""
    active = sample.shot.active
    half = math.hypot(active.height, active.width) / 2
    point = torch.tensor([(x - active.width / 2) / half, (y - active.height / 2) / half])
    found = located(sample.placement, point) * math.hypot(*size) / 2
    return float(found[0]) + size[1] / 2, float(found[1]) + size[0] / 2


def only(gathered: Gathered) -> Sample:
    samples, refused = gathered
    assert [each.reason for each in refused] == []
    assert len(samples) == 1
    return samples[0]


def corners(picture: Picture) -> list[tuple[float, float]]:
    height, width = picture.shape[:2]
    return [(0.1 * width, 0.1 * height), (0.9 * width, 0.2 * height), (0.5 * width, 0.9 * height)]


def check(sample: Sample, picture: Picture, right: float, down: float, scale: float, size: tuple[int, int]) -> None:
    """A reference pixel (u, v) shows the sensor's (right + u / scale, down + v / scale): found to 0.15 cells."""
    for x, y in corners(picture):
        u, v = placed_at(sample, x, y, size)
        off = math.hypot(right + u / scale - x, down + v / scale - y) / sample.cell
        assert off < 0.15, (x, y, off)
    assert sample.placement.residual < 0.3


# --- where it lies ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("right", "down"), [(0.0, 0.0), (2.4, -1.3), (-0.5, 3.0)])
def test_a_known_shift_is_found_to_a_fraction_of_a_pixel(
    dng: Dng, tmp_path: Path, gathered: Gather, right: float, down: float
) -> None:
    picture = scene(1)
    dng("a.dng", picture, PLAIN)
    save(tmp_path / "a.jpg", graded(moved(picture, right, down)))
    sample = only(gathered(tmp_path))
    check(sample, picture, right, down, 1.0, (480, 720))
    u, v = placed_at(sample, 360, 240, (480, 720))
    assert math.hypot(u + right - 360, v + down - 240) < 0.3  # pixels of the sensor, a quarter of a cell's side each


def test_a_reference_of_a_third_is_found(dng: Dng, tmp_path: Path, gathered: Gather) -> None:
    picture = scene(2, 600, 1200)
    dng("a.dng", picture, PLAIN)
    save(tmp_path / "a.jpg", graded(moved(picture, 0, 0, 1 / 3.55)))
    check(only(gathered(tmp_path)), picture, 0, 0, 1 / 3.55, (169, 338))


def test_a_crop_of_four_pixels_a_side_is_found(dng: Dng, tmp_path: Path, gathered: Gather) -> None:
    picture = scene(3)
    dng("a.dng", picture, PLAIN)
    save(tmp_path / "a.jpg", graded(picture[4:-4, 4:-4]))
    sample = only(gathered(tmp_path))
    check(sample, picture, 4, 4, 1.0, (472, 712))
    assert float(sample.trust[0].max()) == 0  # the first row of cells is not in the reference
    assert float(sample.trust[2:-2, 2:-2].min()) > 0


def test_sixteen_to_nine_of_three_to_two_is_found(dng: Dng, tmp_path: Path, gathered: Gather) -> None:
    picture = scene(4)
    dng("a.dng", picture, PLAIN)
    save(tmp_path / "a.jpg", graded(picture[37:442]))
    check(only(gathered(tmp_path)), picture, 0, 37, 1.0, (405, 720))


def test_a_free_crop_is_found(dng: Dng, tmp_path: Path, gathered: Gather) -> None:
    picture = scene(5)
    dng("a.dng", picture, PLAIN)
    save(tmp_path / "a.jpg", graded(picture[60:410, 150:560]))
    check(only(gathered(tmp_path)), picture, 150, 60, 1.0, (350, 410))


@pytest.mark.parametrize("degrees", [-5.0, 1.5, 3.0])
def test_a_horizon_that_was_put_straight_is_found(dng: Dng, tmp_path: Path, gathered: Gather, degrees: float) -> None:
    picture = scene(8)
    dng("a.dng", picture, PLAIN)
    turned = Image.fromarray(graded(picture)).rotate(degrees, Image.Resampling.BICUBIC)
    turned.crop((60, 40, 660, 440)).save(tmp_path / "a.jpg", quality=95)
    sample = only(gathered(tmp_path))
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    for x, y in corners(picture):  # Image.rotate turns counterclockwise around the center
        u, v = placed_at(sample, x, y, (400, 600))
        right, down = x - 360, y - 240
        off = math.hypot(300 + cosine * right + sine * down - u, 200 - sine * right + cosine * down - v)
        assert off < 0.2 * sample.cell, (x, y, off)


@pytest.mark.parametrize("camera", [LANTERN, KESTREL, MERIDIAN], ids=lambda camera: camera.model)
def test_margins_borders_and_filter_arrays_do_not_move_it(
    dng: Dng, tmp_path: Path, gathered: Gather, camera: SimulatedCamera
) -> None:
    picture = scene(6)
    dng("a.dng", picture, camera)
    save(tmp_path / "a.jpg", graded(picture))
    sample = only(gathered(tmp_path))
    assert (sample.bare is not None) == (camera.correction != "none")
    margin = camera.margin_px
    for x, y in corners(picture):
        u, v = placed_at(sample, x + margin, y + margin, (480, 720))
        assert math.hypot(u - x, v - y) < 0.3


@pytest.mark.parametrize("orientation", [2, 3, 5, 6, 8])
def test_portrait_and_mirrored_raws_lie_on_upright_references(
    dng: Dng, tmp_path: Path, gathered: Gather, orientation: int
) -> None:
    picture = scene(7, 360, 540)
    dng("a.dng", picture, PLAIN, Moment(orientation=orientation))
    save(tmp_path / "a.jpg", graded(picture))
    sample = only(gathered(tmp_path))
    assert sample.placement.orientation == orientation
    assert sample.placement.residual < 0.15


@pytest.mark.parametrize("tag", [3, 6, 8])
def test_a_references_own_tag_is_kept(dng: Dng, tmp_path: Path, gathered: Gather, tag: int) -> None:
    picture = scene(8, 360, 540)
    dng("a.dng", picture, PLAIN)
    stored = np.ascontiguousarray(orient(graded(picture), {3: 3, 6: 8, 8: 6}[tag]))
    exif = Image.Exif()
    exif[274] = tag
    save(tmp_path / "a.jpg", stored, exif=exif)
    sample = only(gathered(tmp_path))
    assert sample.placement.orientation == 1
    assert sample.placement.residual < 0.15


def test_where_the_tags_are_wrong_all_eight_ways_are_tried(dng: Dng, tmp_path: Path, gathered: Gather) -> None:
    picture = scene(9, 360, 540)
    dng("a.dng", picture, PLAIN, Moment(orientation=6))
    save(tmp_path / "a.jpg", np.ascontiguousarray(graded(picture)[:, ::-1]))  # and mirrored on top of it
    sample = only(gathered(tmp_path))
    assert sample.placement.orientation not in (1, 6)
    assert sample.placement.residual < 0.15


# --- what is refused --------------------------------------------------------------------------------------------------


def test_another_photo_of_the_same_name_is_refused(dng: Dng, tmp_path: Path, gathered: Gather) -> None:
    for seed, other in ((10, 11), (11, 10)):
        dng(f"{seed}.dng", scene(seed, 360, 540), PLAIN)
        save(tmp_path / f"{other}.jpg", graded(scene(seed, 360, 540)))
    samples, refused = gathered(tmp_path)
    assert samples == []
    assert all("not the same photo" in each.reason for each in refused)
    assert [each.path for each in refused] == [os.fsencode(tmp_path / "10.dng"), os.fsencode(tmp_path / "11.dng")]
    assert all(each.thumbnail is not None and max(each.thumbnail.shape) >= 270 for each in refused)


def test_a_thumbnail_is_no_reference(dng: Dng, tmp_path: Path, gathered: Gather) -> None:
    picture = scene(12, 480, 720)
    dng("a.dng", picture, PLAIN)
    save(tmp_path / "a.jpg", moved(picture, 0, 0, 160 / 720))
    _, (refused,) = gathered(tmp_path)
    assert "160 × 107 pixels" in refused.reason


def test_white_references_and_black_references_and_raws_are_refused(dng: Dng, tmp_path: Path, gathered: Gather) -> None:
    picture = scene(13, 360, 540)
    dng("a.dng", picture, PLAIN)
    save(tmp_path / "a.jpg", np.zeros_like(picture))
    dng("b.dng", np.zeros_like(picture), PLAIN)
    save(tmp_path / "b.jpg", picture)
    dng("c.dng", picture, PLAIN)
    save(tmp_path / "c.jpg", np.full_like(picture, 255))
    samples, refused = gathered(tmp_path)
    assert samples == []
    assert [each.reason for each in refused] == [
        "the reference is all black",
        "the raw is black",
        "the reference is all white",
    ]


def test_a_raw_that_cannot_be_read_is_refused_with_the_decoders_reason(tmp_path: Path, gathered: Gather) -> None:
    (tmp_path / "a.dng").write_bytes(b"not a raw at all" * 100)
    save(tmp_path / "a.jpg", scene(14, 360, 540))
    _, (refused,) = gathered(tmp_path)
    assert "not a raw" in refused.reason


def test_a_file_that_is_not_there_costs_its_pair_alone(dng: Dng, tmp_path: Path, cell: Cell, door: ExifTool) -> None:
    picture = scene(23, 360, 540)
    raw = os.fsencode(dng("a.dng", picture, PLAIN))
    link = os.fsencode(tmp_path / "link.dng")
    os.symlink(raw, link)
    reference = os.fsencode(save(tmp_path / "a.jpg", graded(picture)))
    pairs = [Candidate(link, reference), Candidate(raw, b"/nowhere/a.jpg"), Candidate(b"/nowhere/a.dng", reference)]
    samples, refused = gather(pairs, cell, door)
    assert [sample.name for sample in samples] == ["link.dng"]
    assert [each.reason for each in refused] == ["the file is not there", "a.jpg: the file is not there"]


def test_black_and_white_among_color_is_refused_and_alone_is_fine(dng: Dng, tmp_path: Path, gathered: Gather) -> None:
    for seed in (15, 16, 17):
        picture = scene(seed, 360, 540)
        dng(f"{seed}.dng", picture, PLAIN)
        save(tmp_path / f"{seed}.jpg", graded(picture))
    grey = np.asarray(Image.fromarray(graded(scene(17, 360, 540))).convert("L"))
    save(tmp_path / "17.jpg", grey)
    samples, (refused,) = gathered(tmp_path)
    assert [sample.name for sample in samples] == ["15.dng", "16.dng"]
    assert "black and white among color" in refused.reason
    for name in ("15", "16"):
        (tmp_path / f"{name}.dng").unlink()
    alone = only(gathered(tmp_path))
    assert alone.grey
    assert torch.equal(alone.wanted[0], alone.wanted[1])


@pytest.mark.parametrize("change", [lambda region: region[..., [1, 2, 0]], lambda region: region // 3])
def test_a_region_that_was_changed_by_itself_is_refused(
    dng: Dng, tmp_path: Path, gathered: Gather, change: Callable[[Picture], Picture]
) -> None:
    picture = scene(22)
    dng("a.dng", picture, PLAIN)
    reference = graded(picture)
    reference[150:260, 300:440] = change(reference[150:260, 300:440])
    save(tmp_path / "a.jpg", reference)
    samples, (refused,) = gathered(tmp_path)
    assert samples == []
    assert "was changed by itself" in refused.reason


def test_the_same_raw_twice_counts_once(dng: Dng, tmp_path: Path, gathered: Gather) -> None:
    picture = scene(18, 360, 540)
    raw = dng("a.dng", picture, PLAIN)
    (tmp_path / "b.dng").write_bytes(raw.read_bytes())
    for name in "ab":
        save(tmp_path / f"{name}.jpg", graded(picture))
    samples, (refused,) = gathered(tmp_path)
    assert [sample.name for sample in samples] == ["a.dng"]
    assert "the same raw as a.dng" in refused.reason


# --- what the grid holds ----------------------------------------------------------------------------------------------


def test_both_halves_show_the_same_light(dng: Dng, tmp_path: Path, gathered: Gather) -> None:
    """A reference that is the photographed picture itself: the cells agree but for the camera's color, cell by cell."""
    picture = scene(19)
    dng("a.dng", picture, PLAIN)
    save(tmp_path / "a.png", picture)
    sample = only(gathered(tmp_path))
    neutral = torch.tensor(sample.shot.neutral)
    matrix = torch.tensor(sample.shot.rec2020_from_camera)
    scene_light = torch.einsum("kc,chw->khw", matrix, sample.light / neutral[:, None, None])
    calm = sample.trust > 0.5
    # the shading of that lens is 8 % in the corners, uncorrected
    gain = 1 + 0.08 * sample.place.square().sum(0)
    off = (scene_light * gain - sample.wanted)[:, calm].abs()
    assert float(off.median()) < 0.003
    assert float(off.quantile(0.95)) < 0.02


@pytest.mark.parametrize("space", ["adobe-rgb", "display-p3"])
def test_a_reference_means_the_same_light_in_every_space(
    dng: Dng, tmp_path: Path, gathered: Gather, space: Space
) -> None:
    picture = scene(24, 360, 540)
    dng("a.dng", picture, PLAIN)
    srgb = decode(torch.from_numpy(picture / 255.0), "srgb").permute(2, 0, 1)
    rec2020 = torch.einsum("kc,chw->khw", torch.linalg.inv(torch.tensor(rgb_from_rec2020("srgb"))), srgb)
    codes = encode(torch.einsum("kc,chw->khw", torch.tensor(rgb_from_rec2020(space)), rec2020).clamp(0, 1), space)
    stored = (codes * 255).round().byte().permute(1, 2, 0).numpy()
    save(tmp_path / "a.png", picture)
    plain = only(gathered(tmp_path)).wanted
    (tmp_path / "a.png").unlink()
    save(tmp_path / "a.png", stored, icc_profile=icc_profile(space))
    wide = only(gathered(tmp_path)).wanted
    assert float((plain - wide).abs().quantile(0.99)) < 0.004
    (tmp_path / "a.png").unlink()
    save(tmp_path / "a.png", stored)  # the same codes without the profile are other colors
    assert float((plain - only(gathered(tmp_path)).wanted).abs().quantile(0.99)) > 0.02


def test_an_action_cameras_mirrored_raw_lies_on_its_jpeg(shared: Path, cell: Cell, door: ExifTool) -> None:
    raw, reference = (
        shared / "samples/raw" / name for name in ("gopro_hero7_GOPR8513.GPR", "gopro_hero7_GOPR8513.camera.jpg")
    )
    (sample,), _ = gather([Candidate(os.fsencode(raw), os.fsencode(reference))], cell, door)
    assert sample.placement.orientation == 2
    assert sample.placement.residual < 0.1
    assert sample.shape == (375, 500)
    assert sample.bare is not None


def test_clipped_cells_lie_at_their_ceiling(dng: Dng, tmp_path: Path, gathered: Gather) -> None:
    picture = scene(20, 360, 540)
    picture[100:200, 200:330] = 255
    dng("a.dng", picture, replace(PLAIN, shading=(0.0, 0.0, 0.0)), Moment(ev=0.5))
    save(tmp_path / "a.png", picture)
    sample = only(gathered(tmp_path))
    size = sample.cell
    patch = (slice(104 // size, 192 // size), slice(208 // size, 320 // size))
    ratio = (sample.light / sample.ceiling)[1]  # green clips first
    assert float(ratio[patch].min()) > 0.98
    assert bool(sample.high[:, patch[0], patch[1]].all())
    assert float((sample.light / sample.ceiling)[:, 0, 0].max()) < 0.75


def test_many_candidates_are_thinned_by_the_seed(dng: Dng, tmp_path: Path, cell: Cell, door: ExifTool) -> None:
    raw = os.fsencode(dng("a.dng", scene(21, 360, 540), PLAIN))
    (tmp_path / "a.jpg").write_bytes(b"no JPEG")
    candidates = [Candidate(raw + b"%03d" % number, raw) for number in range(500)]
    first, second = (gather(candidates, cell, door, seed)[1] for seed in (1, 1))
    assert [each.path for each in first] == [each.path for each in second]
    assert len(first) <= 80
    numbers = [int(each.path[-3:]) for each in first]
    assert min(numbers) < 25
    assert max(numbers) > 475


def test_a_cell_whose_noise_reaches_below_black_is_trusted_less(dng: Dng, tmp_path: Path, gathered: Gather) -> None:
    """A picture has cut that noise, and is brighter than its light: it would teach a look to lift its blacks."""
    picture = np.full((480, 720, 3), 160, np.uint8)
    picture[:240] = scene(40)[:240]
    picture[240:, :360] = 14  # as dark as the noise is strong
    dng("a.dng", picture, replace(PLAIN, read_noise=4e-5))
    save(tmp_path / "a.jpg", graded(picture))
    sample = only(gathered(tmp_path))
    rows, columns = (slice(side * 5 // 8, side * 7 // 8) for side in sample.shape)
    dark, bright = sample.trust[rows, : columns.start // 2], sample.trust[rows, columns]
    assert 0 < float(dark.median()) < 0.01  # for being busy alone it would be 0.02
    assert float(bright.min()) > 0.5
