"""A judgment is what somebody would measure who develops the photo and lays the reference beside it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ispd.decode.cell import Cell
from ispd.encode.picture import encode
from ispd.fit.judge import judge, noise_floor
from ispd.fit.pairs import Candidate
from ispd.fit.sample import Sample
from ispd.fit.samples import gather
from ispd.isp.color.lab import delta_e, lab_from_rec2020
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.color.transfer import decode
from ispd.isp.look import Exposure, Finish, Gamut, Look
from ispd.metadata.exiftool import ExifTool
from ispd.orders import Output, Space
from ispd.runner import picture
from ispd.runner.frame import Pixels
from ispd.simulate.camera import KESTREL, LANTERN, MERIDIAN, SimulatedCamera
from ispd.simulate.photograph import Moment
from tests.conftest import Dng
from tests.fit.scenes import graded, save, scene

LOOK = Look(exposure=Exposure(auto="none"))
BRIGHTER = replace(LOOK, exposure=Exposure(ev=0.3, auto="none"))


def sample_of(raw: Path, reference: Path, cell: Cell, door: ExifTool) -> Sample:
    (sample,), _ = gather([Candidate(os.fsencode(raw), os.fsencode(reference))], cell, door)
    return sample


def developed(raw: Path, path: Path, look: Look, cell: Cell, space: Space = "srgb") -> Pixels:
    """The look's own picture, as a 16-bit TIFF."""
    decoded = cell.decode(os.fsencode(raw))
    output = Output(format="tiff", bits=16, space=space)
    pixels = picture.render(decoded.samples, decoded.shot, look, (output,), "cpu", lambda: None).pictures[0]
    encode(pixels, output, os.fsencode(path))
    return pixels


@pytest.mark.parametrize(
    ("camera", "orientation", "space"),
    [(KESTREL, 6, "srgb"), (LANTERN, 1, "adobe-rgb"), (MERIDIAN, 2, "display-p3")],
)
def test_a_look_is_nothing_from_its_own_picture(
    dng: Dng, tmp_path: Path, cell: Cell, door: ExifTool, camera: SimulatedCamera, orientation: int, space: Space
) -> None:
    raw = dng("a.dng", scene(30, 336, 504), camera, Moment(orientation=orientation))
    developed(raw, tmp_path / "a.tif", LOOK, cell, space)
    sample = sample_of(raw, tmp_path / "a.tif", cell, door)
    judged = judge(sample, LOOK, cell, door)
    assert judged.mean < (0.4 if camera is MERIDIAN else 0.2)  # a filter array of six registers less finely
    assert judged.p95 < 1.5
    assert judged.psnr > 45
    assert float(judged.map.isnan().float().mean()) < 0.06


def test_the_measure_is_that_of_boxes_of_eight_pixels_in_linear_light(
    dng: Dng, tmp_path: Path, cell: Cell, door: ExifTool
) -> None:
    """Worked out here once more, the plain way, for a picture that is laid on the other pixel by pixel."""
    raw = dng("a.dng", scene(31, 336, 504), replace(KESTREL, margin_px=0))
    wanted = developed(raw, tmp_path / "a.tif", BRIGHTER, cell)
    ours = developed(raw, tmp_path / "ours.tif", LOOK, cell)
    boxes = [
        torch.einsum(
            "kc,chw->khw",
            torch.linalg.inv(torch.tensor(rgb_from_rec2020("srgb"))),
            decode(torch.from_numpy(pixels / 65535.0), "srgb").reshape(42, 8, 63, 8, 3).mean((1, 3)).permute(2, 0, 1),
        )
        for pixels in (ours, wanted)
    ]
    off = delta_e(lab_from_rec2020(boxes[0]), lab_from_rec2020(boxes[1]))
    judged = judge(sample_of(raw, tmp_path / "a.tif", cell, door), LOOK, cell, door)
    assert abs(judged.mean - float(off.mean())) < 0.05
    assert abs(judged.median - float(off.median())) < 0.05
    assert abs(judged.p95 - float(off.quantile(0.95))) < 0.1


def test_the_fits_path_is_near_the_full_render(dng: Dng, tmp_path: Path, cell: Cell, door: ExifTool) -> None:
    smooth = np.repeat(np.repeat(scene(32, 7, 10), 48, 0), 48, 1)
    raw = dng("a.dng", smooth, KESTREL)
    reference = save(tmp_path / "a.jpg", graded(smooth))
    judged = judge(sample_of(raw, reference, cell, door), LOOK, cell, door)
    assert judged.gap < 1.0
    assert judged.mean > 1.0  # the reference has another look


def test_what_a_screen_cuts_is_no_gap(dng: Dng, tmp_path: Path, cell: Cell, door: ExifTool) -> None:
    """Colors twice as saturated as they were leave sRGB; the fit's own judgment cuts them as the render does."""
    paints = np.random.default_rng(34).choice([60, 90, 160, 200], (7, 10, 3)).astype(np.uint8)
    smooth = np.repeat(np.repeat(paints, 48, 0), 48, 1)
    raw = dng("a.dng", smooth, replace(KESTREL, shot_noise=1e-7, read_noise=1e-10))
    sample = sample_of(raw, save(tmp_path / "a.jpg", graded(smooth)), cell, door)
    garish = replace(LOOK, finish=Finish(saturation=2.0), gamut=Gamut("clip"))
    assert judge(sample, garish, cell, door).gap < 1.0


def test_a_gap_weighs_cells_as_the_fit_does(dng: Dng, tmp_path: Path, cell: Cell, door: ExifTool) -> None:
    """A curve of the mean is not the mean of the curve: where a cell is busy, the fit listens to it less."""
    picture = scene(35, 336, 504)
    sample = sample_of(dng("a.dng", picture, KESTREL), save(tmp_path / "a.jpg", graded(picture)), cell, door)
    flat = replace(sample, trust=(sample.trust > 0).float())
    assert judge(sample, LOOK, cell, door).gap < 0.8 * judge(flat, LOOK, cell, door).gap


def test_the_floor_is_what_another_demosaicer_costs(dng: Dng, tmp_path: Path, cell: Cell, door: ExifTool) -> None:
    picture = scene(33, 336, 504)
    raw = dng("a.dng", picture, KESTREL)
    sample = sample_of(raw, save(tmp_path / "a.jpg", graded(picture)), cell, door)
    assert 0.01 < noise_floor(sample, LOOK, cell, door) < 1.5
