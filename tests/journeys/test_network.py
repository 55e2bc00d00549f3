"""A folder whose profile renders by an imported network, beside one that does without: what goes wrong stays there."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ispd.metadata.exiftool import ExifTool
from ispd.simulate.camera import MERIDIAN
from ispd.simulate.photograph import photograph
from ispd.simulate.pictures import gradient
from tests.journeys.house import House
from tests.nets import shelf

FOLDER = """
[[folder]]
watch = "{root}/toned"
deliver = "{root}/toned-out"
profile = "toned"
"""


@pytest.fixture
def home(house: House) -> House:
    """With a second folder, whose profile names the model "tonemapped"."""
    for name in ("profiles", "toned"):
        (house.root / name).mkdir()
    (house.root / "profiles/toned.toml").write_text('name = "toned"\nbackend = "tonemapped"\n')
    lines = f'profiles = ["{house.root}/profiles"]\n' + house.config.read_text() + FOLDER.format(root=house.root)
    house.config.write_text(lines)
    return house


def once(home: House) -> dict[str, Any]:
    done = home.run("once", "--json", "--config", str(home.config))
    found: dict[str, Any] = json.loads(done.stdout)
    return found | {"code": done.returncode, "said": done.stderr}


def toned(home: House) -> set[str]:
    return {path.name for path in (home.root / "toned-out").glob("*.jpg")}


def tags(picture: Path) -> dict[str, Any]:
    with ExifTool() as door:
        return dict(door.read(os.fsencode(picture)))


def test_a_network_renders_in_the_daemon_and_its_troubles_are_its_own(home: House) -> None:
    models = home.root / "state/models"
    home.drop("plain.dng", 1)
    home.drop("../toned/a.dng", 2)
    found = once(home)  # nothing is imported yet
    assert home.delivered() == {"plain.jpg"}, found["said"]
    assert toned(home) == set()
    assert 'there is no imported model "tonemapped"' in found["said"]

    first = shelf.model(models)
    assert once(home)["code"] == 0
    assert toned(home) == {"a.jpg"}
    told = tags(home.root / "toned-out/a.jpg")
    assert told["XMP-ispd:Model"] == f"raw-to-tonemapped-hdr, sha256 {first.manifest.sha256}"
    assert told["XMP-ispd:License"] == "for tests alone"

    first.weights.write_bytes(first.weights.read_bytes()[:-4] + bytes(4))
    home.drop("another.dng", 3)
    home.drop("../toned/b.dng", 4)
    xtrans = photograph(np.ascontiguousarray(gradient()[:36, :48]), MERIDIAN, seed=5)
    (home.root / "toned/c.dng").write_bytes(xtrans)
    found = once(home)
    assert home.delivered() == {"plain.jpg", "another.jpg"}, found["said"]
    assert toned(home) == {"a.jpg"}
    assert "is not the file that its manifest was written for; import the model again" in found["said"]
    assert "network for Bayer sensors" in found["said"]

    shutil.rmtree(first.folder)
    shelf.model(models, black=64.0)
    found = once(home)
    assert toned(home) == {"a.jpg", "b.jpg"}, found["said"]
    recipes = {tags(home.root / f"toned-out/{name}.jpg")["XMP-ispd:RecipeDigest"] for name in "ab"}
    assert len(recipes) == 2  # one profile, but another network under the same name
