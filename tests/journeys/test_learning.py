"""A folder gets raws of a camera that nobody knows, some with finished pictures: all come out in that look."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ispd.profile import read_profile
from ispd.simulate.camera import KESTREL
from ispd.simulate.photograph import photograph
from tests.fit.scenes import graded, save, scene
from tests.journeys.house import House

NAME = "learned-aldine-kestrel-ii"
SIZE = (240, 360)
FITS_SECONDS = 500


def details(house: House, job: str) -> dict[str, Any]:
    told = house.run("jobs", "show", job, "--json", "--config", str(house.config)).stdout
    shown: dict[str, Any] = json.loads(told)
    return shown


@pytest.mark.timeout(FITS_SECONDS)
def test_raws_and_jpegs_of_an_unknown_camera_become_its_look(house: House) -> None:
    house.config.write_text(house.config.read_text().replace('profile = "neutral"\n', ""))
    for number in range(3):
        picture = scene(number, *SIZE)
        (house.inbox / f"{number}.dng").write_bytes(photograph(picture, KESTREL, seed=number))
        if number < 2:
            save(house.inbox / f"{number}.jpg", graded(picture))
    ran = house.run("once", "--json", "--config", str(house.config))
    assert (ran.returncode, json.loads(ran.stdout)["delivered"]) == (0, 3), ran.stderr

    profile = read_profile(house.root / f"state/profiles/{NAME}.toml")
    assert profile.fit is not None
    assert (profile.match.make, profile.match.model) == ("Aldine", "Kestrel II")
    assert (profile.fit.version, profile.fit.pairs) == (1, 2)
    listed = json.loads(house.run("jobs", "list", "--json", "--config", str(house.config)).stdout)
    for job in listed:
        shown = details(house, str(job["id"]))
        assert (shown["profile"], shown["profile_version"]) == (NAME, 1)
    xmp = (house.outbox / "2.jpg").read_bytes()
    assert f"<ispd:Profile>{NAME}</ispd:Profile>".encode() in xmp
    assert b"<ispd:LearnedVersion>1</ispd:LearnedVersion>" in xmp

    # the photo that had no picture looks as its maker would have made it, more than neutral does
    told = house.run("develop", str(house.inbox / "2.dng"), "-o", str(house.root / "plain"), "--profile", "neutral")
    assert told.returncode == 0, told.stderr
    wished = graded(scene(2, *SIZE)).astype(float)
    learned, neutral = (distance(house.root / each, wished) for each in ("out/2.jpg", "plain/2.jpg"))
    assert learned < 0.6 * neutral


def distance(path: Path, wished: np.ndarray[Any, np.dtype[Any]]) -> float:
    """Mean difference of sRGB values over boxes of 8 × 8 pixels."""
    with Image.open(path) as image:
        made = np.asarray(image.convert("RGB"), float)
    height, width = (side - side % 8 for side in made.shape[:2])
    boxes = (made - wished)[:height, :width].reshape(height // 8, 8, width // 8, 8, 3).mean(axis=(1, 3))
    return float(abs(boxes).mean())
