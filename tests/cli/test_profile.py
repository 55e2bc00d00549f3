"""`ispd profile`: what there is, what it says, and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

from ispd.profile import read_profile
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
