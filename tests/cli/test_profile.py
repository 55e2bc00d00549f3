"""`ispd profile`: what there is, what it says, and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

from ispd.profile import Profile, cube, read_profile
from ispd.profile.certificate import Certificate
from ispd.profile.learned import save
from tests.cli.conftest import Ispd


def put(home: Path, name: str, text: str) -> Path:
    path = home / f".config/ispd/profiles/{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_list_shows_where_each_comes_from(ispd: Ispd, home: Path) -> None:
    put(home, "mono", 'name = "mono"\nintent = "my own"')
    told = ispd("profile", "list")
    assert "mono          made by hand   my own" in told.out
    assert "neutral       shipped" in told.out
    entries = {entry["name"]: entry for entry in json.loads(ispd("profile", "list", "--json").out)}
    assert entries["mono"]["in_front_of"]


def test_a_profile_is_shown_as_a_file_that_can_be_read_again(ispd: Ispd, home: Path, tmp_path: Path) -> None:
    shown = tmp_path / "copy.toml"
    shown.write_text(ispd("profile", "show", "warm-film").out)
    original = Path(shown.read_text().splitlines()[0].removeprefix("# "))
    assert read_profile(shown) == read_profile(original)


def test_the_list_helps_where_the_config_names_what_is_not_there(ispd: Ispd, home: Path, tmp_path: Path) -> None:
    (home / ".config/ispd").mkdir(parents=True)
    text = f'[[folder]]\nwatch = "{tmp_path}/in"\ndeliver = "{tmp_path}/out"\nprofile = "nope"\n'
    (home / ".config/ispd/ispd.toml").write_text(text)
    assert "neutral" in ispd("profile", "list").out


def test_check_finds_broken_ones_and_ties(ispd: Ispd, home: Path) -> None:
    assert ispd("profile", "check").out == "no mistakes\n"
    broken = put(home, "film", 'name = "film"\n[look.curve]\ncontrast = 9')
    put(home, "one", 'name = "one"\n[match]\nmodel = "D90"')
    put(home, "two", 'name = "two"\n[match]\nmodel = "D90"')
    told = ispd("profile", "check")
    assert told.code == 78
    broken_one, tie = told.err.splitlines()
    assert broken_one == f"ispd: {broken}:3: look.curve.contrast = 9 must lie in 0.5 to 2.5"
    assert '"one"' in tie
    assert len(json.loads(ispd("profile", "check", "--json").out)["problems"]) == 2


def test_one_file_is_checked_wherever_it_lies(ispd: Ispd, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('name = "a"\nlook = 3')
    told = ispd("profile", "check", tmp_path / "a.toml")
    assert (told.code, told.err) == (78, f"ispd: {tmp_path}/a.toml:2: look = 3 must be a table, written [look]\n")


def test_a_learned_profile_is_listed_with_its_version_and_rolled_back(ispd: Ispd, home: Path) -> None:
    path = home / ".local/state/ispd/profiles/film.toml"
    for pairs in (3, 8):
        save(Profile("film", fit=Certificate(pairs=pairs, held_out_mean=1.25)), path)
    told = ispd("profile", "list").out
    assert "film          learned        version 2, 8 pairs, ΔE 1.25 on photos it had not seen\n" in told
    assert "film@1        learned        older version, 3 pairs" in told
    assert ispd("profile", "rollback", "film").out.startswith("film is version 1 again")
    assert "version 1, 3 pairs" in ispd("profile", "list").out
    assert json.loads(ispd("profile", "rollback", "film", 2, "--json").out)["version"] == 2
    missing = ispd("profile", "rollback", "film", 7)
    assert (missing.code, "others are 1" in missing.err) == (66, True)
    assert ispd("profile", "rollback", "mono").code == 73
    assert ispd("profile", "rollback", "nope").code == 78


def test_curve_and_lattice_are_exported_and_what_is_left_out_is_said(ispd: Ispd, tmp_path: Path) -> None:
    path = tmp_path / "warm.cube"
    told = ispd("profile", "export", "warm-film", "--cube", path, "--size", 5)
    assert told.code == 0
    assert "left out: camera.white_balance, exposure, finish, and whatever" in told.out
    assert cube.read(path).size == 5
    assert "# left out: " in path.read_text()
    shown = ispd("profile", "show", "warm-film")
    (tmp_path / "warm.toml").write_text(shown.out)
    from_a_file = ispd("profile", "export", tmp_path / "warm.toml", "--cube", tmp_path / "b.cube", "--size", 5)
    assert from_a_file.code == 0
    assert cube.read(tmp_path / "b.cube") == cube.read(path)
    again = ispd("profile", "export", "warm-film", "--cube", path)
    assert (again.code, "the name is taken" in again.err) == (73, True)
