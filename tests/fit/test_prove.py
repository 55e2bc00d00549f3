"""What a certificate says is what full renders show of what no fit has seen, every photo by the same measure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import tifffile
import torch

from ispd.decode.cell import Cell
from ispd.fit.families import Family
from ispd.fit.judge import Judged, by_the_isp
from ispd.fit.learn import Held, Learned
from ispd.fit.prove import Figures, figures_of, prove
from ispd.fit.sample import Sample
from ispd.fit.workers import side_by_side
from ispd.isp.look import Exposure, Look
from ispd.metadata.exiftool import ExifTool
from ispd.simulate.camera import KESTREL
from tests.conftest import Dng
from tests.fit.scenes import scene
from tests.fit.test_judge import developed, sample_of

LOOK = Look(exposure=Exposure(auto="none"))
PHOTOS = ((b"a", 2.0), (b"b", 1.0), (b"c", 3.0))  # and their errors on cells


@pytest.fixture
def sample(dng: Dng, tmp_path: Path, cell: Cell, door: ExifTool) -> Sample:
    raw = dng("a.dng", scene(35, 336, 504), KESTREL)
    developed(raw, tmp_path / "a.tif", LOOK, cell)
    return sample_of(raw, tmp_path / "a.tif", cell, door)


def test_a_part_that_was_held_out_is_judged_alone(sample: Sample, tmp_path: Path, cell: Cell, door: ExifTool) -> None:
    pixels = tifffile.imread(tmp_path / "a.tif")
    left = pixels.copy()
    left[:, : pixels.shape[1] // 2] //= 2  # the fits are right about the right half, and wrong about the left one
    tifffile.imwrite(tmp_path / "a.tif", left, photometric="rgb")
    columns = torch.arange(sample.shape[1])[None] < sample.shape[1] // 2
    parts = [replace(sample, trust=sample.trust * half) for half in (columns, ~columns)]

    def proven(part: Sample) -> float:
        held = (Held(sample, LOOK, 1.0, 1.0, 1.0, 30.0, part),)
        learned = Learned(LOOK, (), Family(), (), "blocks", held, (sample,), seed=0)
        with side_by_side(2) as judges:
            proof = prove(learned, cell, door, by_the_isp, judges, lambda: None)
        assert proof.photos[sample.raw_path].mean == pytest.approx(proof.mean)
        return proof.mean

    wrong, right = map(proven, parts)
    assert right < 0.5
    assert wrong > 10


def test_photos_that_were_not_rendered_are_told_by_those_that_were(sample: Sample) -> None:
    """So that one photo's figure and another's can be compared, and none is above the worst."""
    held = [Held(replace(sample, raw_path=name), LOOK, error, error, 2 * error, 30.0) for name, error in PHOTOS]
    nothing = torch.zeros(1, 1)
    rendered = [
        (one, Judged("", one.mean / 2, one.median, one.p95 / 4, 30.0, nothing, nothing, nothing, 0.0))
        for one in held[:2]
    ]
    figures = figures_of(held, rendered)
    assert figures == {b"a": Figures(1.0, 1.0), b"b": Figures(0.5, 0.5), b"c": Figures(1.5, 1.5)}


def test_a_photo_held_out_in_parts_has_the_mean_of_its_parts(sample: Sample) -> None:
    parts = [Held(sample, LOOK, error, error, error, 30.0) for error in (1.0, 3.0)]
    nothing = torch.zeros(1, 1)
    judged = [(part, Judged("", part.mean, 1.0, part.p95, 30.0, nothing, nothing, nothing, 0.0)) for part in parts]
    assert figures_of(parts, judged) == {sample.raw_path: Figures(2.0, 2.0)}
