"""Where profiles are looked up, which stands in front of which, and what is said of broken ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from ispd.errors import ConfigError
from ispd.profile.library import Library, Shelf, Tier, open_library, read_shelves


def put(folder: Path, file: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(text)
    return folder / file


def library(tmp_path: Path) -> Library:
    """Shelves `own`, `learned` and `shipped` below tmp_path."""
    return read_shelves([Shelf(tmp_path / tier.name.lower(), tier) for tier in Tier])


def test_the_first_shelf_that_has_a_name_wins(tmp_path: Path) -> None:
    own = put(tmp_path / "own", "n.toml", 'name = "neutral"\nintent = "mine"')
    shipped = put(tmp_path / "shipped", "neutral.toml", 'name = "neutral"')
    found = library(tmp_path)
    assert found.get("neutral").intent == "mine"
    assert found.entry("neutral").path == own
    assert found.entry("neutral").hides == (shipped,)


def test_an_unknown_name_is_told_with_what_there_is(tmp_path: Path) -> None:
    put(tmp_path / "shipped", "neutral.toml", 'name = "neutral"')
    with pytest.raises(ConfigError, match=r'there is no profile "neutrall"; did you mean neutral\?'):
        library(tmp_path).get("neutrall")
    with pytest.raises(ConfigError, match=r'there is no profile "x"; there are neutral'):
        library(tmp_path).get("x")


def test_a_broken_profile_harms_nobody_until_it_is_needed(tmp_path: Path) -> None:
    path = put(tmp_path / "own", "film.toml", 'name = "film"\n[look.exposure]\nev = 12')
    put(tmp_path / "own", "good.toml", 'name = "good"')
    found = library(tmp_path)
    assert found.get("good").name == "good"
    assert found.broken == (f"{path}:3: look.exposure.ev = 12 must lie in -8 to 8 stops",)
    with pytest.raises(ConfigError, match="must lie in -8 to 8 stops"):
        found.get("film")


def test_a_broken_profile_still_stands_in_front_of_the_shipped_one(tmp_path: Path) -> None:
    put(tmp_path / "own", "neutral.toml", "name = 'neutral'\nschema = 7")
    put(tmp_path / "shipped", "neutral.toml", 'name = "neutral"')
    with pytest.raises(ConfigError, match="schema = 7 must be 1"):
        library(tmp_path).get("neutral")


def test_a_file_that_is_no_toml_goes_by_its_file_name(tmp_path: Path) -> None:
    put(tmp_path / "own", "film.toml", "name =")
    with pytest.raises(ConfigError, match=r"film\.toml:1: this is not TOML"):
        library(tmp_path).get("film")


def test_two_files_of_one_folder_may_not_share_a_name(tmp_path: Path) -> None:
    put(tmp_path / "own", "a.toml", 'name = "film"')
    put(tmp_path / "own", "b.toml", 'name = "film"')
    found = library(tmp_path)
    assert found.get("film").name == "film"
    assert found.broken == (f'{tmp_path}/own/b.toml: the name "film" is taken by a.toml beside it',)


def test_older_versions_of_a_learned_profile_are_found_by_name_only(tmp_path: Path) -> None:
    put(tmp_path / "learned", "d90.toml", 'name = "d90"\n[match]\nmodel = "D90"')
    put(tmp_path / "learned", "d90@3.toml", 'name = "d90"\nintent = "the third"\n[match]\nmodel = "D90"')
    found = library(tmp_path)
    assert found.get("d90@3").intent == "the third"
    assert found.entry("d90@3").is_version
    assert found.ties == ()


def test_a_tie_names_both_files(tmp_path: Path) -> None:
    one = put(tmp_path / "own", "one.toml", 'name = "one"\n[match]\nmodel = "Pixel 7*"')
    two = put(tmp_path / "own", "two.toml", 'name = "two"\n[match]\nmodel = "*Pixel 7"')
    put(tmp_path / "own", "three.toml", 'name = "three"\n[match]\nmodel = "Pixel 6?"')
    (tie,) = library(tmp_path).ties
    for word in ('"one"', '"two"', str(one), str(two), "more specific"):
        assert word in tie


def test_profiles_of_different_makers_do_not_tie(tmp_path: Path) -> None:
    put(tmp_path / "own", "one.toml", 'name = "one"\n[match]\nmodel = "D90"')
    put(tmp_path / "learned", "two.toml", 'name = "two"\n[match]\nmodel = "D90"')
    assert library(tmp_path).ties == ()


def test_profiles_that_ask_nothing_do_not_tie(tmp_path: Path) -> None:
    put(tmp_path / "own", "one.toml", 'name = "one"')
    put(tmp_path / "own", "two.toml", 'name = "two"')
    assert library(tmp_path).problems == ()


def test_the_usual_shelves_are_read_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    put(tmp_path / "extra", "mono.toml", 'name = "mono"\nintent = "the config\'s"')
    put(tmp_path / "home/ispd/profiles", "mono.toml", 'name = "mono"\nintent = "the user\'s"')
    put(tmp_path / "home/ispd/profiles", "linear.toml", 'name = "linear"\nintent = "the user\'s"')
    put(tmp_path / "state/profiles", "linear.toml", 'name = "linear"\nintent = "learned"')
    put(tmp_path / "state/profiles", "d90.toml", 'name = "d90"\nintent = "learned"')
    found = open_library([tmp_path / "extra"], tmp_path / "state")
    intents = {name: found.get(name).intent for name in ("mono", "linear", "d90")}
    assert intents == {"mono": "the config's", "linear": "the user's", "d90": "learned"}
    assert found.entry("warm-film").tier is Tier.SHIPPED


def test_a_folder_named_twice_is_read_once(tmp_path: Path) -> None:
    put(tmp_path / "own", "a.toml", 'name = "a"')
    found = read_shelves([Shelf(tmp_path / "own", Tier.OWN), Shelf(tmp_path / "own" / ".." / "own", Tier.OWN)])
    assert found.entry("a").hides == ()
