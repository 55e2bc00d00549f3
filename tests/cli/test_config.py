"""`ispd config`: a first config, every mistake in it, and what holds."""

from __future__ import annotations

import json
from pathlib import Path

from ispd.config import read_config
from tests.cli.conftest import Ispd

FIVE_MISTAKES = """\
[[folder]]
watch = "in"
deliver = "in"
profil = "mono"
metadata = "none"
[engin]
device = "cpu"
[settle]
quiet_seconds = -1
"""


def test_a_first_config_is_written_checked_and_shown(ispd: Ispd, home: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    made = ispd("config", "init", "--watch", tmp_path / "in", "--deliver", tmp_path / "out")
    path = home / ".config/ispd/ispd.toml"
    assert (made.code, made.out) == (0, f"{path}\n")
    checked = ispd("config", "check")
    assert (checked.code, checked.err) == (0, "")
    assert checked.out == f"{path}: no mistakes; {tmp_path}/in → {tmp_path}/out\n"
    shown = tmp_path / "shown.toml"
    shown.write_text(ispd("config", "show").out)
    assert read_config(shown).folders == read_config(path).folders
    assert json.loads(ispd("config", "show", "--json").out)["settle"]["quiet_seconds"] == 3.0


def test_init_never_replaces_a_config(ispd: Ispd, home: Path, tmp_path: Path) -> None:
    words = (
        "config",
        "init",
        "--watch",
        tmp_path / "in",
        "--deliver",
        tmp_path / "out",
        "--config",
        tmp_path / "x.toml",
    )
    assert ispd(*words).code == 0
    assert ispd(*words).code == 73


def test_a_dry_run_writes_nothing(ispd: Ispd, tmp_path: Path) -> None:
    made = ispd("config", "init", "--dry-run", "--watch", "in", "--deliver", "out", "--config", tmp_path / "x.toml")
    assert made.out.startswith("# What ispd watches")
    assert not (tmp_path / "x.toml").exists()


def test_five_mistakes_are_five_sentences_and_exit_code_78(ispd: Ispd, tmp_path: Path) -> None:
    path = tmp_path / "ispd.toml"
    path.write_text(FIVE_MISTAKES)
    told = ispd("config", "check", "--config", path)
    assert told.code == 78
    assert told.err.removeprefix("ispd: ").splitlines() == [
        f"{path}:3: folder.deliver = {tmp_path}/in is the watched folder itself; pictures need a folder of their own",
        f"{path}:4: folder.profil is unknown; did you mean profile?",
        f'{path}:5: folder.metadata = "none" must be "all" or "no-location" or "minimal"',
        f"{path}:6: engin is unknown; did you mean engine?",
        f"{path}:9: settle.quiet_seconds = -1 must lie in 0.1 to 3600 s",
    ]
    as_json = ispd("config", "check", "--config", path, "--json")
    assert as_json.code == 78
    assert len(json.loads(as_json.out)["problems"]) == 5


def test_what_is_no_mistake_but_stands_in_the_way_is_said(ispd: Ispd, home: Path, tmp_path: Path) -> None:
    ispd("config", "init", "--watch", tmp_path / "gone", "--deliver", tmp_path / "out")
    told = ispd("config", "check")
    assert told.code == 0
    assert f"{tmp_path}/gone is not there" in told.err


def test_without_a_config_it_says_how_to_get_one(ispd: Ispd) -> None:
    told = ispd("config", "check")
    assert told.code == 78
    assert "ispd config init --watch IN --deliver OUT" in told.err
