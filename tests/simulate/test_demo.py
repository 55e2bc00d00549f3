"""The demo's folder: a config and profiles that hold, and nobody else's files are touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ispd.config import read_config
from ispd.errors import CannotCreate
from ispd.profile.profile import read_profile
from ispd.simulate.camera import LANTERN
from ispd.simulate.demo import MADE, PROFILES, SHOTS, Shot, note, prepare, take
from ispd.simulate.photograph import expose
from ispd.simulate.sheet import Pair, contact_sheet, framed, sensor_view


def test_the_stage_has_a_config_and_profiles_that_hold(tmp_path: Path) -> None:
    stage = prepare(tmp_path / "demo")
    config = read_config(stage.config)
    assert [(folder.watch, folder.deliver) for folder in config.folders] == [(stage.inbox, stage.graded)]
    assert config.state == stage.state
    for name in PROFILES:
        assert read_profile(stage.home / f"profiles/{name}.toml").name == name


def test_the_next_demo_removes_what_the_last_one_made_and_nothing_else(tmp_path: Path) -> None:
    stage = prepare(tmp_path / "demo")
    note(stage, ["inbox/ours.dng", "graded/ours.jpg"])
    for path in (stage.inbox / "ours.dng", stage.graded / "ours.jpg", stage.inbox / "theirs.dng", stage.state / "x"):
        path.write_bytes(b"a photo")
    profile = stage.home / "profiles/lantern-warm.toml"
    profile.write_text(profile.read_text() + "# changed\n")
    prepare(tmp_path / "demo")
    assert [path.name for path in stage.inbox.iterdir()] == ["theirs.dng"]
    assert not any(stage.graded.iterdir())
    assert not any(stage.state.iterdir())
    assert profile.read_text().endswith("# changed\n")


def test_a_folder_that_no_demo_has_made_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"dear")
    with pytest.raises(CannotCreate, match="--into"):
        prepare(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_a_name_in_the_list_that_climbs_out_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "dear.jpg").write_bytes(b"dear")
    prepare(tmp_path / "demo")
    with open(tmp_path / "demo" / MADE, "a") as made:
        made.write(f"../dear.jpg\n{tmp_path}/dear.jpg\n")
    prepare(tmp_path / "demo")
    assert (tmp_path / "dear.jpg").exists()


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.picture)
def test_every_shot_is_upright_on_the_sheet(shot: Shot) -> None:
    pytest.importorskip("skimage")
    view = sensor_view(take(shot, 300))
    assert view.width / view.height == pytest.approx(shot.aspect, rel=0.06)  # whole repeats of the pattern only


def test_the_sheet_shows_all_pairs(chart: NDArray[np.uint8]) -> None:
    view, red = sensor_view(expose(chart, LANTERN)), Image.new("RGB", (300, 400), (255, 0, 0))
    sheet = contact_sheet([Pair(view, red, f"{number}", "") for number in range(3)], "title")
    colors = sheet.getcolors(1 << 24)
    assert colors is not None
    reds = sum(count for count, color in colors if color == (255, 0, 0))
    assert reds == pytest.approx(3 * 219 * 292, rel=0.02)  # three boxes of 3:4


def test_a_frame_keeps_the_middle(ramp: NDArray[np.uint8]) -> None:
    assert np.array_equal(framed(ramp, 2.0), ramp[16:80])
    assert np.array_equal(framed(ramp, 1.0), ramp[:, 16:112])
