"""The plan: which profile a photo gets, why, and under which names its pictures go."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ispd.config import Folder
from ispd.errors import ConfigError
from ispd.orders import Facts, Output, Plan, Waiting
from ispd.plan import References, choose, names, plan
from ispd.profile.library import Entry, Library, Tier
from ispd.profile.match import Match
from ispd.profile.profile import Profile, from_json

PIXEL = Facts(make="Google", model="Pixel 7", lens="wide", serial="77", iso=200, captured="2026-03-29T12:00:00")
INBOX = Folder(Path("/inbox"), Path("/graded"))


def entry(name: str, match: Match | None = None, tier: Tier = Tier.OWN, *problems: str) -> Entry:
    """A profile as the library holds it; with problems it is a broken one."""
    profile = None if problems else Profile(name, match=match or Match())
    return Entry(name, Path(f"/{tier.name.lower()}/{name}.toml"), tier, profile, match or Match(), problems=problems)


NEUTRAL = entry("neutral", tier=Tier.SHIPPED)


def library(*entries: Entry) -> Library:
    return Library((*entries, NEUTRAL))


def chosen(profiles: Library, facts: Facts = PIXEL, folder: Folder = INBOX) -> str:
    planned = plan(facts, b"a.dng", folder, profiles)
    assert isinstance(planned, Plan)
    return planned.recipe.profile


def test_a_photo_that_nothing_matches_gets_neutral_and_a_note() -> None:
    planned = plan(PIXEL, b"2026/a.dng", INBOX, library(entry("film"), entry("nikon", Match(make="Nikon*"))))
    assert isinstance(planned, Plan)
    assert planned.recipe.profile == "neutral"
    assert planned.note == "no profile is meant for Google Pixel 7: neutral"
    assert [(rule.profile, rule.holds) for rule in planned.trail] == [
        ("film", False),
        ("nikon", False),
        ("neutral", True),
    ]


def test_the_recipe_carries_the_whole_profile() -> None:
    profile = Profile("film", outputs=(Output(format="png"),))
    one = replace(entry("film"), profile=profile)
    planned = plan(PIXEL, b"a.dng", replace(INBOX, profile="film", metadata="minimal"), library(one))
    assert isinstance(planned, Plan)
    assert from_json(planned.recipe.profile_json) == profile
    assert (planned.recipe.outputs, planned.recipe.metadata) == (profile.outputs, "minimal")
    assert planned.names == ("a.png",)


def test_what_a_file_says_cannot_take_over_the_terminal() -> None:
    hostile = replace(PIXEL, model="Pixel\x1b[2J\x9b2J\u202e\n7" + "!" * 9999)
    profiles = library(entry("one", Match(model="Pixel*")), entry("two", Match(model="D90")))
    for each in (profiles, library()):
        choice = choose(hostile, b"a.dng", INBOX, each)
        assert not isinstance(choice, Waiting)
        assert all(rule.sentence.isprintable() and len(rule.sentence) < 500 for rule in choice.trail)


def test_a_recipe_does_not_know_the_photos_name() -> None:
    one, other = plan(PIXEL, b"a.dng", INBOX, library()), plan(PIXEL, b"b/c.dng", INBOX, library())
    assert isinstance(one, Plan)
    assert isinstance(other, Plan)
    assert one.recipe.digest == other.recipe.digest
    assert one.names != other.names


def test_a_folder_that_names_a_profile_gets_it_whatever_the_others_match() -> None:
    profiles = library(entry("pixel", Match(model="Pixel 7")), entry("mono", tier=Tier.SHIPPED))
    assert chosen(profiles, folder=replace(INBOX, profile="mono")) == "mono"


def test_the_most_specific_wins_and_the_trail_says_why() -> None:
    profiles = library(
        entry("google", Match(make="Google")),
        entry("pixel", Match(model="Pixel*")),
        entry("night", Match(model="Pixel 7", iso=(800, 6400))),
    )
    planned = plan(PIXEL, b"a.dng", INBOX, profiles)
    assert isinstance(planned, Plan)
    assert planned.recipe.profile == "pixel"
    told = [f"{rule.profile}: {rule.sentence}" for rule in planned.trail]
    assert "night: iso = [800, 6400] does not hold: it is 200" in told
    assert 'google: fits too, but "pixel" is more specific: it asks for a model' in told
    assert "pixel: the most specific profile made by hand that fits" in told


def test_people_come_before_what_was_learned_before_what_was_shipped() -> None:
    own = entry("own", Match(make="Google"))
    learned = entry("learned", Match(serial="77"), Tier.LEARNED)
    shipped = entry("shipped", Match(serial="77"), Tier.SHIPPED)
    assert chosen(library(shipped, learned, own)) == "own"
    assert chosen(library(shipped, learned)) == "learned"
    assert chosen(library(shipped)) == "shipped"
    (rule,) = (rule for rule in choose_trail(library(shipped, own)) if rule[0] == "shipped")
    assert rule == ("shipped", 'not asked: "own" is made by hand')


def choose_trail(profiles: Library) -> list[tuple[str, str]]:
    choice = choose(PIXEL, b"a.dng", INBOX, profiles)
    assert not isinstance(choice, Waiting)
    return [(rule.profile, rule.sentence) for rule in choice.trail]


def test_a_profile_in_front_of_another_is_said() -> None:
    own = replace(entry("neutral"), hides=(Path("/shipped/neutral.toml"),))
    told = choose_trail(Library((own,)))
    assert ("neutral", "/own/neutral.toml stands in front of /shipped/neutral.toml") in told


def test_a_tie_for_the_photo_at_hand_names_both() -> None:
    profiles = library(entry("one", Match(model="Pixel 7")), entry("two", Match(model="*Pixel 7")))
    with pytest.raises(ConfigError, match=r'"one" .*"two" .*more specific'):
        plan(PIXEL, b"a.dng", INBOX, profiles)
    assert chosen(profiles, replace(PIXEL, model="D90")) == "neutral"


def test_a_tie_below_the_winner_does_not_matter() -> None:
    tied = (entry("one", Match(make="Google")), entry("two", Match(make="Goog*e")))
    assert chosen(library(*tied, entry("pixel", Match(model="Pixel 7")))) == "pixel"


def test_a_broken_profile_stops_only_photos_that_need_it() -> None:
    broken = entry("broken", Match(model="Pixel 7"), Tier.OWN, "broken.toml:3: no good")
    with pytest.raises(ConfigError, match="no good"):
        chosen(library(broken))
    assert chosen(library(broken), replace(PIXEL, model="D90")) == "neutral"
    assert chosen(library(broken, entry("mine", Match(serial="77")))) == "mine"


def test_a_broken_profile_whose_match_cannot_be_read_stops_every_photo_that_is_auto() -> None:
    broken = replace(entry("broken", None, Tier.OWN, "broken.toml:1: not TOML"), match_is_whole=False)
    with pytest.raises(ConfigError, match="not TOML"):
        chosen(library(broken, entry("mine", Match(serial="77"))))
    assert chosen(library(broken), folder=replace(INBOX, profile="neutral")) == "neutral"


def test_half_a_match_may_tell_that_a_broken_profile_is_not_needed() -> None:
    half = replace(entry("broken", Match(model="Pixel*"), Tier.OWN, "broken.toml:4: bad iso"), match_is_whole=False)
    assert chosen(library(half), replace(PIXEL, model="D90")) == "neutral"
    with pytest.raises(ConfigError, match="bad iso"):  # who knows how specific it would be
        chosen(library(half, entry("mine", Match(serial="77"))))


def test_photos_wait_while_their_references_arrive() -> None:
    waiting = plan(PIXEL, b"a.dng", INBOX, library(), References.GATHERING)
    assert isinstance(waiting, Waiting)
    assert "Google Pixel 7" in waiting.reason
    assert isinstance(plan(PIXEL, b"a.dng", replace(INBOX, learn="never"), library(), References.GATHERING), Plan)


def test_a_camera_that_a_profile_knows_does_not_wait() -> None:
    known = library(entry("pixel", Match(model="Pixel 7")))
    assert isinstance(plan(PIXEL, b"a.dng", INBOX, known, References.GATHERING), Plan)


def test_references_of_which_nothing_was_learned_are_noted() -> None:
    planned = plan(PIXEL, b"a.dng", INBOX, library(), References.QUIET)
    assert isinstance(planned, Plan)
    assert planned.recipe.profile == "neutral"
    assert "nothing has been learned" in planned.note


def test_a_camera_that_does_not_give_its_name_is_spoken_of() -> None:
    planned = plan(Facts(), b"a.dng", INBOX, library())
    assert isinstance(planned, Plan)
    assert planned.note == "no profile is meant for a camera that does not give its name: neutral"


@pytest.mark.parametrize(
    ("relative", "template", "name"),
    [
        (b"DSC1.NEF", "{folder}/{stem}", "DSC1.jpg"),
        (b"card/100/DSC1.NEF", "{folder}/{stem}", "card/100/DSC1.jpg"),
        (b"card/DSC1.NEF", "{stem}-{ext}", "DSC1-NEF.jpg"),
        (b"card/DSC1.NEF", "{date:%Y/%m}/{exif.Model|unknown}/{stem}", "2026/03/Pixel 7/DSC1.jpg"),
        (b"caf\xe9/\xff.dng", "{folder}/{stem}", "caf%E9/%FF.jpg"),
        (b"a.tar.dng", "{folder}/{stem}", "a.tar.jpg"),
        (b"a\nb.dng", "{folder}/{stem}", "a_b.jpg"),
    ],
)
def test_names_follow_the_template(relative: bytes, template: str, name: str) -> None:
    assert names(template, PIXEL, relative, Profile("p")) == (name,)


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ((Output(), Output(format="tiff")), ("a.jpg", "a.tif")),
        ((Output(), Output(size=2048)), ("a.jpg", "a-2048.jpg")),
        ((Output(size=1024), Output(size=2048)), ("a-1024.jpg", "a-2048.jpg")),
        ((Output(size=2048),), ("a.jpg",)),
        ((Output(), Output(space="display-p3")), ("a-srgb.jpg", "a-display-p3.jpg")),
        ((Output(quality=80), Output(quality=95)), ("a-srgb-o1.jpg", "a-srgb-o2.jpg")),
    ],
)
def test_outputs_of_one_photo_never_share_a_name(outputs: tuple[Output, ...], expected: tuple[str, ...]) -> None:
    assert names("{folder}/{stem}", PIXEL, b"a.dng", Profile("p", outputs=outputs)) == expected


def test_a_template_may_tell_the_outputs_apart_itself() -> None:
    profile = Profile("p", outputs=(Output(), Output(size=640)))
    assert names("{size}/{stem}", PIXEL, b"a.dng", profile) == ("full/a.jpg", "640/a.jpg")


hostile = st.text(max_size=300)
some_outputs = st.builds(
    Output,
    format=st.sampled_from(["jpeg", "tiff", "png"]),
    size=st.sampled_from([None, 640, 2048]),
    space=st.sampled_from(["srgb", "rec2020"]),
)


some_facts = st.builds(
    Facts,
    make=hostile,
    model=hostile,
    lens=hostile,
    serial=hostile,
    captured=hostile,
    iso=st.none() | st.integers(),
    exposure_seconds=st.none() | st.floats(),
    f_number=st.none() | st.floats(),
)
some_templates = st.sampled_from(
    [
        "{folder}/{stem}",
        "{exif.Model}",
        "{date:%Y/%m}/{camera}/{stem}",
        "{exif.LensModel}/{exif.ExposureTime}{exif.ISO}{exif.FNumber}",
    ]
)


@given(
    st.binary(max_size=300).filter(lambda name: b"\0" not in name),
    some_facts,
    some_templates,
    st.lists(some_outputs, min_size=1, max_size=4),
)
def test_names_are_always_safe_distinct_and_leave_room(
    relative: bytes, facts: Facts, template: str, outputs: list[Output]
) -> None:
    found = names(template, facts, relative, Profile("p", outputs=tuple(outputs)))
    assert len({name.casefold() for name in found}) == len(outputs)
    for name, output in zip(found, outputs, strict=True):
        assert name.endswith(f".{output.extension}")
        for component in name.split("/"):
            assert component not in ("", ".", "..")
            assert not component.startswith(".")
            assert not any(ord(character) < 32 or character in '\\:*?"<>|' for character in component)
            assert len(component.encode()) <= 255
        assert len(name.split("/")[-1].encode()) + len("-999") <= 255
