"""`ispd inspect`: what a file states beside what rendering gets of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ispd.decode.dng.codes import Tag
from ispd.simulate.camera import KESTREL, LANTERN
from ispd.simulate.photograph import Moment
from ispd.simulate.tiff import Entry, Kind
from tests.cli.conftest import Ispd
from tests.conftest import Dng


def test_the_page_shows_facts_and_the_two_columns(ispd: Ispd, dng: Dng) -> None:
    path = dng("k.dng", camera=KESTREL, moment=Moment(iso=800, orientation=6))
    printed = ispd("inspect", "--tags-only", path)
    assert printed.code == 0
    assert f"{KESTREL.make} {KESTREL.model}" in printed.out
    assert "complete" in printed.out
    assert "IN THE FILE" in printed.out
    assert "6: lies on its left side" in printed.out
    assert "samples" not in printed.out


def test_a_neutral_that_was_not_normalized_is_shown_before_and_after(ispd: Ispd, dng: Dng) -> None:
    neutral = Entry(Tag.AsShotNeutral, Kind.RATIONAL, (1.0, 2.0, 1.5))
    path = dng("n.dng", change=lambda negative: replace(negative, more=(neutral,)))
    line = next(line for line in ispd("inspect", "--tags-only", path).out.splitlines() if "neutral" in line)
    assert "1 2 1.5" in line
    assert "0.5 1 0.75" in line


def test_json_carries_the_shot_the_tags_and_the_samples(ispd: Ispd, dng: Dng) -> None:
    flat = np.full((64, 96, 3), 128, np.uint8)
    path = dng("l.dng", flat, LANTERN)
    (found,) = json.loads(ispd("inspect", "--json", path).out)
    assert found["verdict"] == "whole"
    assert found["facts"]["model"] == LANTERN.model
    assert found["shot"]["cfa"] == LANTERN.cfa
    assert found["stated"]["WhiteLevel"]["values"] == [LANTERN.white]
    assert found["reader"]
    colors = {color["color"]: color for color in found["samples"]}
    assert set(colors) == {"R", "G", "B"}
    for color in colors.values():
        assert color["codes"] == sorted(color["codes"])
        assert color["light"] == sorted(color["light"])
    balanced = [colors[c]["light"][4] / n for c, n in zip("RGB", found["shot"]["neutral"], strict=True)]
    assert balanced == pytest.approx([balanced[1]] * 3, rel=0.25)  # gray, apart from the lens's colored shading


def test_a_file_that_is_cut_is_told_and_gives_65(ispd: Ispd, photo: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.dng"
    cut.write_bytes(photo.read_bytes()[:5000])
    printed = ispd("inspect", cut)
    assert printed.code == 65
    assert "NOT COMPLETE" in printed.out
    assert ispd("inspect", "--tags-only", cut, photo).code == 1


def test_what_is_no_raw_is_named(ispd: Ispd, tmp_path: Path) -> None:
    text = tmp_path / "a.dng"
    text.write_text("This is no picture. " * 20)
    printed = ispd("inspect", "--tags-only", text)
    assert printed.code == 65
    assert "a text, not a raw file" in printed.out


def test_a_missing_file_is_a_sentence(ispd: Ispd, tmp_path: Path) -> None:
    printed = ispd("inspect", tmp_path / "gone.dng")
    assert printed.code == 66
    assert "gone.dng" in printed.err
    assert printed.out == ""


@pytest.mark.parametrize("name", ["canon_g1_gmcy.CRW", "kodak_dc50.KDC", "lg_g4_lossy_linear.dng"])
def test_real_files_of_every_kind_have_a_page(ispd: Ispd, shared: Path, name: str) -> None:
    printed = ispd("inspect", shared / "samples" / "raw" / name)
    assert printed.code == 0
    assert "samples" in printed.out
    assert "to Rec.2020" in printed.out


def test_what_the_reader_has_done_already_is_told_apart(ispd: Ispd, dng: Dng) -> None:
    table = Entry(Tag.LinearizationTable, Kind.SHORT, tuple(range(1 << 14)))
    path = dng("t.dng", change=lambda negative: replace(negative, more=(table,), compression="none"))
    assert "to be applied" in ispd("inspect", "--tags-only", path).out
    assert "LinearizationTable, applied by LibRaw" in ispd("inspect", path).out
