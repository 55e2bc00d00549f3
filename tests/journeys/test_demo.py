"""The demo as a newcomer runs it: real processes, a real folder, and pictures that look like what was photographed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ispd.simulate.demo import SHOTS, Shot
from ispd.simulate.pictures import photograph_named
from ispd.simulate.sheet import framed

SIZE = 320


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The folder of one small demo, and what it printed."""
    pytest.importorskip("skimage")
    home = tmp_path_factory.mktemp("demo") / "demo"
    command = [sys.executable, "-m", "ispd", "demo", "--into", str(home), "--size", str(SIZE)]
    return home, subprocess.run(command, capture_output=True, text=True)


def test_every_photo_comes_out(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    home, ended = demo
    assert ended.returncode == 0, ended.stderr + (home / "ispd.log").read_text()
    assert {path.name for path in (home / "graded").glob("*.*")} - {".ispd"} == {shot.output_name for shot in SHOTS}


def test_the_table_names_photo_camera_profile_and_output(
    demo: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    home, ended = demo
    lines = ended.stdout.splitlines()
    assert lines[0].split() == ["photo", "camera", "profile", "seconds", "output"]
    for shot, line in zip(SHOTS, lines[1:], strict=True):
        assert line.startswith(shot.name)
        assert f" {shot.camera.name} " in line
        assert line.endswith(str(home / "graded" / shot.output_name))


@pytest.mark.parametrize(
    ("photo", "profile"),
    [("astronaut", "lantern-warm"), ("chelsea", "kestrel-night"), ("motorcycle", "neutral"), ("rocket", "neutral")],
)
def test_each_photo_gets_the_profile_meant_for_it(
    demo: tuple[Path, subprocess.CompletedProcess[str]], photo: str, profile: str
) -> None:
    lines = {line.split()[0]: line for line in demo[1].stdout.splitlines()}
    assert f" {profile} " in lines[f"{photo}.dng"]


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.picture)
def test_the_picture_is_what_was_photographed(demo: tuple[Path, subprocess.CompletedProcess[str]], shot: Shot) -> None:
    meant = framed(photograph_named(shot.picture, SIZE), shot.aspect)
    with Image.open(demo[0] / "graded" / shot.output_name) as image:
        graded = np.asarray(image.convert("RGB"), dtype=float)
    assert graded.shape == meant.shape  # upright and uncropped
    alike = np.corrcoef(graded.mean(axis=-1).ravel(), meant.mean(axis=-1).ravel())[0, 1]
    assert alike > 0.9


def test_the_contact_sheet_is_a_picture(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    with Image.open(demo[0] / "contact-sheet.jpg") as sheet:
        assert sheet.width > 1000
        assert np.asarray(sheet).std() > 10


def test_nothing_of_the_daemon_stays_behind(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    running = subprocess.run(["pgrep", "-f", str(demo[0])], capture_output=True, text=True)
    assert running.stdout == ""
    staging = demo[0] / "graded/.ispd"
    assert [path for path in staging.rglob("*") if path.is_file() and path.name != "id"] == []
