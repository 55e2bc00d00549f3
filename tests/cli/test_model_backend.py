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
