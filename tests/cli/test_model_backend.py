"""A profile whose backend is an imported network, from the command line to the picture's tags."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from ispd.metadata.exiftool import ExifTool
from ispd.models import Model
from tests.cli.conftest import Ispd
from tests.nets import shelf
from tests.nets.train.test_published import write_pairs


@pytest.fixture
def model(home: Path) -> Model:
    return shelf.model(home / ".local/state/ispd/models")


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "toned.toml"
    path.write_text('name = "toned"\nbackend = "tonemapped"\n[look.finish]\nsaturation = 1.1\n')
    return path


def test_a_picture_says_which_network_made_it_and_what_its_license_is(
    ispd: Ispd, photo: Path, profile: Path, model: Model, tmp_path: Path
) -> None:
    printed = ispd("develop", photo, "-o", tmp_path / "out", "--profile", profile)
    assert printed.code == 0, printed.err
    with Image.open(tmp_path / "out/photo.jpg") as picture:
        assert picture.size == (144, 96)
    with ExifTool() as door:
        tags = door.read(os.fsencode(tmp_path / "out/photo.jpg"))
    assert tags["XMP-ispd:Backend"] == "tonemapped"
    assert tags["XMP-ispd:Model"] == f"raw-to-tonemapped-hdr, sha256 {model.manifest.sha256}"
    assert tags["XMP-ispd:License"] == "for tests alone"
    assert "XMP-ispd:ExposureShift" not in tags


def test_a_model_that_is_not_there_is_the_owners_to_mend(
    ispd: Ispd, photo: Path, profile: Path, tmp_path: Path
) -> None:
    printed = ispd("develop", photo, "-o", tmp_path / "out", "--profile", profile)
    assert printed.code == 78
    assert 'there is no imported model "tonemapped"' in printed.err


def test_explain_says_it_too(ispd: Ispd, photo: Path, profile: Path, model: Model, home: Path) -> None:
    (home / ".config/ispd/profiles").mkdir(parents=True)
    profile.rename(home / ".config/ispd/profiles/toned.toml")
    (report,) = json.loads(ispd("explain", photo, "--profile", "toned", "--json").out)
    assert (report["backend"], report["license"]) == ("tonemapped", "for tests alone")
    assert "license   for tests alone" in ispd("explain", photo, "--profile", "toned").out


def test_a_model_is_trained_by_a_file_and_measured(ispd: Ispd, tmp_path: Path, model: Model) -> None:
    for split in ("train", "test"):
        write_pairs(tmp_path / "set" / split, 2)
    text = 'architecture = "raw-to-tonemapped-hdr"\ndata = "set"\nout = "made"\nfeatures = 0\nthreads = 1\n'
    level = 'device = "cpu"\n[[level]]\nlevel = 4\nbatch = 2\nepochs = 1\n'
    (tmp_path / "recipe.toml").write_text(text + level)
    trained = ispd("model", "train", tmp_path / "recipe.toml")
    assert (trained.code, json.loads(trained.out)["step"]) == (0, 1)
    assert (tmp_path / "made/level_4.safetensors").is_file()
    measured = json.loads(ispd("model", "eval", "tonemapped", "--data", tmp_path / "set", "--json").out)
    assert set(measured["images"]) == {"0", "1"}
    assert set(measured["all"]) == {"psnr", "ssim", "ms_ssim", "delta_e", "hellinger"}
    psnrs = [measured["images"][name]["psnr"] for name in "01"]
    assert measured["all"]["psnr"] == pytest.approx(sum(psnrs) / 2)


def test_a_recipe_with_mistakes_is_told_with_lines(ispd: Ispd, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text('architecture = "unet"\ndata = "set"\nout = "made"\nrate = 7\n')
    printed = ispd("model", "train", tmp_path / "recipe.toml")
    assert printed.code == 78
    assert "recipe.toml:1: architecture" in printed.err
    assert "recipe.toml:4: rate = 7" in printed.err


def test_our_own_network_needs_no_import(ispd: Ispd, photo: Path, tmp_path: Path) -> None:
    printed = ispd("develop", photo, "-o", tmp_path / "out", "--profile", "hdr")
    assert printed.code == 0, printed.err
    with ExifTool() as door:
        tags = door.read(os.fsencode(tmp_path / "out/photo.jpg"))
    assert tags["XMP-ispd:Backend"] == "hdr-unet"
    assert "hdr-unet, sha256 " in tags["XMP-ispd:Model"]
    assert "MIT" in tags["XMP-ispd:License"]
    assert "hdr-unet" in ispd("model", "list").out
