"""The config: where it is found, what it says, and that every mistake in it is told at once."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

from ispd.config import (
    Config,
    Engine,
    Folder,
    Settle,
    find_config,
    read_config,
    state_of_broken,
    usual_places,
    usual_state,
    write_config,
)
from ispd.errors import CannotCreate, ConfigError

pytestmark = pytest.mark.usefixtures("home")


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def problems(path: Path, text: str) -> list[str]:
    """What is wrong with `text`, without the file's name."""
    with pytest.raises(ConfigError) as caught:
        read_config(put(path, text))
    return [problem.replace(str(path), "ispd.toml") for problem in caught.value.problems]


def test_a_config_is_read_with_absolute_paths(tmp_path: Path, home: Path) -> None:
    path = put(tmp_path / "etc/ispd.toml", '[[folder]]\nwatch = "~/in"\ndeliver = "../out"\nprofile = "mono"\n')
    assert read_config(path) == Config(
        folders=(Folder(home / "in", tmp_path / "out", profile="mono"),),
        state=home / ".local/state/ispd",
        source=path,
    )


def test_every_key_of_the_design_is_known(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    config = read_config(
        put(
            tmp_path / "ispd.toml",
            """
            profiles = ["profiles"]
            state = "state"
            [[folder]]
            watch = "in"
            deliver = "in/graded"
            profile = "auto"
            learn = "never"
            name = "{date:%Y/%m}/{exif.Model|unknown}-{stem}"
            metadata = "no-location"
            [engine]
            device = "cuda:1"
            [settle]
            quiet_seconds = 5
            """,
        )
    )
    folder = Folder(
        tmp_path / "in",
        tmp_path / "in/graded",
        learn="never",
        name="{date:%Y/%m}/{exif.Model|unknown}-{stem}",
        metadata="no-location",
    )
    assert config.folders == (folder,)
    assert (config.engine, config.settle) == (Engine("cuda:1"), Settle(quiet_seconds=5.0))
    assert (config.profiles, config.state) == ((tmp_path / "profiles",), tmp_path / "state")


def test_five_mistakes_are_five_sentences(tmp_path: Path) -> None:
    text = """\
[[folder]]
wacth = "in"
watch = "in"
deliver = "in"
profile = "nuetral"
name = "{folder}/{stme}"
[[folder]]
watch = "in/sub"
[engine]
device = "gpu"
"""
    assert problems(tmp_path / "ispd.toml", text) == [
        "ispd.toml:2: folder.wacth is unknown; did you mean watch?",
        f"ispd.toml:4: folder.deliver = {tmp_path}/in"
        " is the watched folder itself; pictures need a folder of their own",
        'ispd.toml:5: folder.profile = "nuetral" is no profile; did you mean neutral?',
        'ispd.toml:6: folder.name = "{folder}/{stme}" has the unknown field {stme}; did you mean stem?',
        "ispd.toml:7: folder.deliver is missing",
        'ispd.toml:10: engine.device = "gpu" must be "auto", "cpu", "cuda" or "cuda:1"',
    ]


@pytest.mark.parametrize(
    ("first", "second", "line", "sentence"),
    [
        (("in", "out"), ("./in", "out2"), 5, "watch = {0}/in is watched already by an earlier [[folder]]"),
        (("in", "out"), ("in/a", "out2"), 5, "watch = {0}/in/a and {0}/in lie in one another"),
        (("in/a", "out"), ("in", "out2"), 5, "watch = {0}/in and {0}/in/a lie in one another"),
        (("in", "out"), ("out", "out2"), 5, "watch = {0}/out is where an earlier [[folder]] delivers"),
        (("in", "out"), ("b", "in"), 6, "deliver = {0}/in is watched by an earlier [[folder]]"),
    ],
)
def test_folders_may_not_disturb_each_other(
    tmp_path: Path, first: tuple[str, str], second: tuple[str, str], line: int, sentence: str
) -> None:
    (told,) = problems(tmp_path / "ispd.toml", folders(first, second))
    assert told.startswith(f"ispd.toml:{line}: folder.{sentence.format(tmp_path)}")


def folders(*pairs: tuple[str, str]) -> str:
    return "".join(f'[[folder]]\nwatch = "{watch}"\ndeliver = "{deliver}"\n' for watch, deliver in pairs)


@pytest.mark.parametrize("second", [("b", "out"), ("out/b", "out2"), ("b", "in/b")])
def test_folders_may_share_a_place_for_pictures_or_have_it_below(tmp_path: Path, second: tuple[str, str]) -> None:
    assert len(read_config(put(tmp_path / "ispd.toml", folders(("in", "out"), second))).folders) == 2


def test_a_link_does_not_hide_that_two_folders_are_one(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "in")
    (sentence,) = problems(tmp_path / "ispd.toml", '[[folder]]\nwatch = "in"\ndeliver = "link"\n')
    assert "is the watched folder itself" in sentence


def test_a_broken_profile_matters_where_a_folder_names_it(tmp_path: Path, home: Path) -> None:
    broken = put(home / ".config/ispd/profiles/film.toml", 'name = "film"\n[look.exposure]\nev = 12\n')
    text = '[[folder]]\nwatch = "in"\ndeliver = "out"\nprofile = "{}"\n'
    assert read_config(put(tmp_path / "ispd.toml", text.format("mono"))).folders[0].profile == "mono"
    (sentence,) = problems(tmp_path / "ispd.toml", text.format("film"))
    assert f"{broken}:3: look.exposure.ev = 12 must lie in -8 to 8 stops" in sentence


def test_two_profiles_that_tie_matter_where_a_folder_is_auto(tmp_path: Path, home: Path) -> None:
    for name in ("one", "two"):
        put(home / f".config/ispd/profiles/{name}.toml", f'name = "{name}"\n[match]\nmodel = "D90"\n')
    text = '[[folder]]\nwatch = "in"\ndeliver = "out"\nprofile = "{}"\n'
    assert read_config(put(tmp_path / "ispd.toml", text.format("one"))).folders
    (sentence,) = problems(tmp_path / "ispd.toml", text.format("auto"))
    assert '"one"' in sentence
    assert '"two"' in sentence


def test_a_folder_of_profiles_that_is_not_there_is_told(tmp_path: Path) -> None:
    text = 'profiles = ["~nobody-here/x"]\n[[folder]]\nwatch = "in"\ndeliver = "out"\n'
    (sentence,) = problems(tmp_path / "ispd.toml", text)
    assert "a user that this machine does not have" in sentence
    text = 'profiles = ["p"]\n[[folder]]\nwatch = "in"\ndeliver = "out"\n'
    assert problems(tmp_path / "ispd.toml", text) == [f"ispd.toml:1: profiles names {tmp_path}/p, which is no folder"]


def test_a_config_without_folders_is_told(tmp_path: Path) -> None:
    assert problems(tmp_path / "ispd.toml", "") == ["ispd.toml: folder is missing"]


def test_the_named_config_comes_before_the_environments_and_the_usual_ones(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="ispd config init"):
        find_config()
    users = put(home / ".config/ispd/ispd.toml", "")
    assert find_config() == users
    by_systemd = put(tmp_path / "unit/ispd.toml", "")
    monkeypatch.setenv("CONFIGURATION_DIRECTORY", f"{tmp_path}/none:{tmp_path}/unit")
    assert find_config() == by_systemd
    monkeypatch.setenv("ISPD_CONFIG", "elsewhere.toml")
    assert find_config() == Path("elsewhere.toml")
    assert find_config(Path("mine.toml")) == Path("mine.toml")


def test_the_state_lies_where_systemd_says_else_in_the_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert usual_state() == home / ".local/state/ispd"
    monkeypatch.setenv("XDG_STATE_HOME", "/x")
    assert usual_state() == Path("/x/ispd")
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/ispd:/other")
    assert usual_state() == Path("/var/lib/ispd")


def test_the_machines_config_goes_with_the_state_of_its_unit(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ispd.config.MACHINE_CONFIG", tmp_path / "etc")
    monkeypatch.setattr("ispd.config.MACHINE_STATE", tmp_path / "var")
    path = put(tmp_path / "etc/ispd.toml", '[[folder]]\nwatch = "in"\ndeliver = "out"\n')
    assert read_config(path).state == home / ".local/state/ispd"  # the unit has never run
    (tmp_path / "var").mkdir()
    assert read_config(path).state == tmp_path / "var"
    assert read_config(put(home / "ispd.toml", path.read_text())).state == home / ".local/state/ispd"


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ('state = "here"\n[[folder]]\nwatch = "in"\n[folder]\n', "here"),
        ('state = "~/there"\nprofiles = [\n"a"]\n [engine\n', "home/there"),
        ("state = 5\n[[folder]]\n", "home/.local/state/ispd"),
        ("nonsense\n", "home/.local/state/ispd"),
    ],
)
def test_a_broken_config_still_leads_to_its_daemon(tmp_path: Path, text: str, state: str) -> None:
    assert state_of_broken(put(tmp_path / "ispd.toml", text)) == tmp_path / state


def test_a_user_without_a_name_has_no_home_and_may_still_have_a_state(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)

    def nobody(number: int) -> NoReturn:
        raise KeyError(number)

    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert not usual_state().parent.exists()
    assert all(path.is_absolute() for path in usual_places())
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/ispd")
    assert usual_state() == Path("/var/lib/ispd")


@pytest.mark.parametrize("folder", ['in "quotes"', "back\\slash", "ünïcode ☃", "{braces}"])
def test_a_first_config_is_written_and_reads_back(tmp_path: Path, folder: str) -> None:
    path = tmp_path / "new/ispd.toml"
    config = write_config(path, tmp_path / folder, tmp_path / "out")
    assert config.folders == (Folder(tmp_path / folder, tmp_path / "out"),)
    assert read_config(path) == config
    assert path.read_text().count("#") > 5


def test_a_config_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    path = put(tmp_path / "ispd.toml", "mine")
    with pytest.raises(CannotCreate, match="is there already"):
        write_config(path, tmp_path / "in", tmp_path / "out")
    assert path.read_text() == "mine"


@pytest.mark.parametrize("watch", ["out", "a\nb", "caf\udce9"])
def test_a_first_config_that_would_be_wrong_is_not_written(tmp_path: Path, watch: str) -> None:
    with pytest.raises(ConfigError):
        write_config(tmp_path / "ispd.toml", tmp_path / watch, tmp_path / "out")
    assert not (tmp_path / "ispd.toml").exists()
