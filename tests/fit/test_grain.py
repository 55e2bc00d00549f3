"""Noise that the finished pictures keep stays; noise that they have lost is taken away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ispd.decode.cell import Cell
from ispd.fit.families import Family
from ispd.fit.grain import as_wanted, grainy
from ispd.fit.judge import by_the_isp
from ispd.fit.learn import Held, Learned
from ispd.fit.workers import side_by_side
from ispd.isp.look import Exposure, Look
from ispd.metadata.exiftool import ExifTool
from ispd.simulate.camera import KESTREL
from ispd.simulate.photograph import Moment
from tests.conftest import Dng
from tests.fit.scenes import scene
from tests.fit.test_judge import developed, sample_of

LOOK = Look(exposure=Exposure(auto="none", ev=2.0))
NIGHT = replace(KESTREL, shot_noise=2e-4, read_noise=2e-5)


def learned_from(dng: Dng, tmp_path: Path, cell: Cell, door: ExifTool, iso: int, wanted: Look) -> Learned:
    raw = dng("a.dng", scene(34, 336, 504) // 4, NIGHT, Moment(iso=iso))
    developed(raw, tmp_path / "a.tif", wanted, cell)
    sample = sample_of(raw, tmp_path / "a.tif", cell, door)
    held = Held(sample, LOOK, 1.0, 1.0, 1.0, 30.0)
    return Learned(LOOK, (), Family(), (), "photos", (held,), (sample,), seed=0)


@pytest.mark.parametrize("wanted", [LOOK, grainy(LOOK)], ids=["denoised", "grainy"])
def test_a_look_is_as_grainy_as_its_references(
    dng: Dng, tmp_path: Path, cell: Cell, door: ExifTool, wanted: Look
) -> None:
    with side_by_side(2) as judges:
        found = as_wanted(learned_from(dng, tmp_path, cell, door, 3200, wanted), cell, door, by_the_isp, judges)
    assert found.look == wanted
    assert found.held[0].look == wanted


def test_where_there_is_little_noise_nothing_is_asked(dng: Dng, tmp_path: Path, cell: Cell, door: ExifTool) -> None:
    learned = learned_from(dng, tmp_path, cell, door, 100, grainy(LOOK))
    with side_by_side(2) as judges:
        assert as_wanted(learned, cell, door, by_the_isp, judges) is learned
