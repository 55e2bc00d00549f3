"""`ispd model eval NAME --radiance DIR`: shots of any radiance map, developed by networks and by ispd itself."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ispd.nets.hdr_unet import HdrUNet, packed
from tests.cli.conftest import Ispd, Printed
from tests.nets import shelf
from tests.nets.train.scenes import world
from tests.nets.train.test_exr import ZIP, exr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One map, odd sides, with a hole and an infinite lamp."""
    place = tmp_path / "maps"
    place.mkdir()
    picture = world().light[:, :101, :133].permute(1, 2, 0).contiguous().numpy()
    picture[3, 4], picture[50, 60, 1] = np.nan, np.inf
    (place / "window.exr").write_bytes(exr(picture, ZIP, "<f4"))
    return place


@pytest.fixture
def measure(ispd: Ispd, folder: Path, tmp_path: Path) -> Ispd:
    """`ispd model eval` of that folder; hdr-unet has the weights that its training begins with."""
    (tmp_path / "hdr-unet.safetensors").write_bytes(packed(HdrUNet().state_dict()))

    def run(name: str, *words: object) -> Printed:
        return ispd("model", "eval", name, "--radiance", folder, "--weights", tmp_path / "hdr-unet.safetensors", *words)

    return run


def test_hdr_unet_is_measured_beside_the_pipeline_and_the_same_each_time(measure: Ispd) -> None:
    printed = measure("hdr-unet", "--json")
    assert printed.code == 0, printed.err
    found = json.loads(printed.out)
    assert set(found) == {"psnr", "views", "strata"}
    assert set(found["psnr"]) == {"hdr-unet", "rival"}
    assert found["views"] == sum(row["views"] for row in found["strata"].values()) == 10
    for name, mean in found["psnr"].items():
        parts = sum(row[name] * row["views"] for row in found["strata"].values()) / 10
        assert mean == pytest.approx(parts, abs=1e-3)
        assert 10 < mean < 60
    assert "window.exr: 4 samples are negative, infinite or no numbers" in printed.err
    assert "1 of 1: window.exr: hdr-unet" in printed.err
    again = measure("hdr-unet")
    assert f"{found['psnr']['rival']:.2f} dB" in again.out.splitlines()[-1]
    other = json.loads(measure("hdr-unet", "--json", "--seed", 1).out)
    assert other["psnr"] != found["psnr"]


def test_an_imported_network_stands_beside_both(measure: Ispd, home: Path) -> None:
    shelf.model(home / ".local/state/ispd/models")
    found = json.loads(measure("tonemapped", "--json", "--device", "cpu").out)
    assert list(found["psnr"]) == ["tonemapped", "hdr-unet", "rival"]
    assert 3 < found["psnr"]["tonemapped"] < found["psnr"]["rival"]  # its weights are random


def test_what_cannot_be_measured_is_one_sentence(measure: Ispd, ispd: Ispd, folder: Path, tmp_path: Path) -> None:
    nowhere = ispd("model", "eval", "hdr-unet", "--radiance", folder, "--weights", tmp_path / "none.safetensors")
    assert (nowhere.code, nowhere.out) == (66, "")
    assert "none.safetensors cannot be read" in nowhere.err
    unknown = measure("tonemapped")
    assert unknown.code == 65
    assert 'there is no imported model "tonemapped"' in unknown.err
    (folder / "a.hdr").write_bytes(b"#?RADIANCE\n\n-Y 64 +X 64\n")
    broken = measure("hdr-unet", "--json")
    assert (broken.code, broken.out) == (65, "")
    assert broken.err.splitlines()[-1].startswith("ispd: a.hdr ends before its last row")
    for path in folder.iterdir():
        path.unlink()
    empty = measure("hdr-unet")
    assert empty.code == 66
    assert "there is no radiance map (.hdr, .exr) in" in empty.err
    with pytest.raises(SystemExit, match="2"):
        measure("hdr-unet", "--data", tmp_path)
    pairs = ispd("model", "eval", "hdr-unet", "--data", tmp_path)
    assert pairs.code == 65
    assert "measure it with --radiance" in pairs.err
