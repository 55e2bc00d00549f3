from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from ispd.cli.main import main
from ispd.profile import read_profile
from ispd.simulate.camera import KESTREL, MERIDIAN
from ispd.simulate.photograph import photograph
from tests.fit import scenes


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    folder = tmp_path / "pairs"
    folder.mkdir()
    for number in range(3):
        picture = scenes.scene(number, 240, 360)
        (folder / f"IMG_{number}.dng").write_bytes(photograph(picture, KESTREL, seed=number))
        scenes.save(folder / f"IMG_{number}.jpg", scenes.graded(picture))
    return folder


def test_a_look_is_learned_and_says_how_well_it_holds(
    pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.html"
    assert main(["fit", str(pairs), "-o", str(tmp_path / "look.toml"), "--json", "--report", str(report)]) == 0
    assert report.read_text().count("<h3>IMG_1.dng") == 1
    said = json.loads(capsys.readouterr().out)
    profile = read_profile(tmp_path / "look.toml")
    assert profile.fit is not None
    assert profile.fit.pairs == len(said["pairs"]) == 3
    assert profile.fit.held_out_mean == said["held_out"]["mean"]
    assert profile.match.model == KESTREL.model
    assert profile.look.curve.method == "learned"
    assert (
        (profile.look.lattice.cube is not None) == bool(list(tmp_path.glob("*.cube"))) == ("lattice" in said["family"])
    )
    assert not list(tmp_path.glob(".*"))


def test_links_to_raws_and_pictures_are_followed(pairs: Path, tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    for file in pairs.iterdir():
        (links / file.name).symlink_to(file)
    assert main(["fit", str(links), "-o", str(tmp_path / "look.toml")]) == 0
    assert read_profile(tmp_path / "look.toml").match.model == KESTREL.model


def test_a_folder_without_pairs_is_no_input(tmp_path: Path) -> None:
    assert main(["fit", str(tmp_path), "-o", str(tmp_path / "look.toml")]) == 66
    assert not (tmp_path / "look.toml").exists()


def test_where_every_pair_is_refused_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "pairs"
    folder.mkdir()
    (folder / "IMG_1.dng").write_bytes(photograph(scenes.scene(1, 240, 360), KESTREL))
    scenes.save(folder / "IMG_1.jpg", scenes.scene(2, 240, 360))
    assert main(["fit", str(folder), "-o", str(tmp_path / "look.toml")]) == 65
    assert "IMG_1" in capsys.readouterr().err
    assert not (tmp_path / "look.toml").exists()


def test_a_file_that_was_not_learned_is_never_overwritten(pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "look.toml").write_text('name = "mine"')
    assert main(["fit", str(pairs), "-o", str(tmp_path / "look.toml")]) == 73
    assert (tmp_path / "look.toml").read_text() == 'name = "mine"'


def test_a_file_where_raws_should_be_is_no_folder(
    pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", str(pairs / "IMG_1.dng"), "-o", str(tmp_path / "look.toml")]) == 66
    assert "IMG_1.dng is no folder" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["/proc/look.toml", "/proc"], ids=["a folder where no file can be", "a folder"])
def test_what_cannot_be_written_is_said_before_anything_is_read(
    pairs: Path, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    assert main(["fit", str(pairs), "-o", where]) == 73
    assert "reading" not in capsys.readouterr().err


def test_a_name_that_no_command_would_take_for_a_profile_is_not_written(pairs: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["fit", str(pairs), "-o", str(tmp_path / "look")])
    assert stop.value.code == 2


def test_a_folder_or_pairs_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["fit", "-o", str(tmp_path / "look.toml")])
    assert stop.value.code == 2


def test_after_a_network_a_grade_is_learned(pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raws = [str(raw) for raw in sorted(pairs.glob("*.dng"))]
    assert main(["develop", *raws, "-o", str(tmp_path / "plain"), "--profile", "hdr"]) == 0
    tints = [[255 * (code / 255) ** power for code in range(256)] for power in (0.8, 1.0, 1.25)]
    for path in sorted((tmp_path / "plain").glob("*.jpg")):
        with Image.open(path) as picture:
            picture.point([round(code) for tint in tints for code in tint]).save(pairs / path.name, quality=95)
    capsys.readouterr()
    asked = ["fit", str(pairs), "-o", str(tmp_path / "look.toml"), "--backend", "hdr-unet", "--json"]
    assert main(asked) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["families"][0]["family"] == "nothing"
    assert said["held_out"]["mean"] < 0.4 * said["families"][0]["mean"]
    profile = read_profile(tmp_path / "look.toml")
    assert profile.backend == "hdr-unet"
    assert profile.look.lattice.cube is not None
    assert main(["develop", raws[0], "-o", str(tmp_path / "out"), "--profile", str(tmp_path / "look.toml")]) == 0


def test_a_backend_that_is_not_there_is_said_before_anything_is_read(pairs: Path, tmp_path: Path) -> None:
    assert main(["fit", str(pairs), "-o", str(tmp_path / "look.toml"), "--backend", "pynet"]) == 78


def test_what_the_network_cannot_render_is_refused_by_name(
    pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = scenes.scene(4, 240, 360)
    (pairs / "IMG_9.dng").write_bytes(photograph(picture, MERIDIAN, seed=9))
    scenes.save(pairs / "IMG_9.jpg", scenes.graded(picture))
    assert main(["fit", str(pairs), "-o", str(tmp_path / "look.toml"), "--backend", "hdr-unet", "--json"]) == 0
    (refused,) = json.loads(capsys.readouterr().out)["refused"]
    assert refused["raw"].endswith("IMG_9.dng")
    assert "Bayer" in refused["reason"]
