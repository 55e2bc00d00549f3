"""Which photos a profile is meant for, and which of two profiles is the more specific."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ispd.orders import Facts
from ispd.profile.glob import fits
from ispd.profile.match import Match, Subject, camera_of, can_meet, more_specific_by, specificity, trail

PIXEL = Facts(make="Google", model="Pixel 7", unique_model="Google Pixel 7", lens="6.81mm", serial="77", iso=200)
PHOTO = Subject(PIXEL, "2026/wedding", "/home/ann/inbox/2026/wedding")

words = st.text("ab*?", max_size=3)
ranges = st.none() | st.tuples(st.integers(1, 400), st.integers(400, 800))
matches = st.builds(Match, make=words, model=words, lens=words, serial=words, iso=ranges, folder=words)


def holds(match: Match, photo: Subject = PHOTO) -> bool:
    return all(rule.holds for rule in trail("p", match, photo))


@pytest.mark.parametrize(
    "match",
    [
        Match(),
        Match(make="google", model="pixel 7*", lens="6.8*", serial="77", iso=(50, 200), folder="*wedding"),
        Match(model="Google Pixel*"),  # a DNG's UniqueCameraModel
        Match(iso=(200, 200)),
        Match(folder="2026/*"),
        Match(folder="/home/ann/inbox/2026/wedding"),
    ],
)
def test_all_patterns_hold(match: Match) -> None:
    assert holds(match)


@pytest.mark.parametrize(
    ("match", "sentence"),
    [
        (Match(model="Pixel 6*"), 'model = "Pixel 6*" does not hold: it is "Pixel 7"'),
        (Match(make="Google", iso=(800, 1600)), "iso = [800, 1600] does not hold: it is 200"),
        (Match(folder="wedding"), 'folder = "wedding" does not hold: it is "2026/wedding"'),
        (Match(folder="/home/bob/*"), 'folder = "/home/bob/*" does not hold: it is "/home/ann/inbox/2026/wedding"'),
    ],
)
def test_one_pattern_that_does_not_hold_says_why(match: Match, sentence: str) -> None:
    assert [rule.sentence for rule in trail("p", match, PHOTO) if not rule.holds] == [sentence]


@pytest.mark.parametrize(
    "match", [Match(make="*"), Match(model="*"), Match(lens="*"), Match(serial="*"), Match(iso=(1, 102400))]
)
def test_a_photo_that_does_not_say_fits_no_pattern(match: Match) -> None:
    (rule,) = trail("p", match, Subject(Facts(), "", "/inbox"))
    assert not rule.holds
    assert "does not say" in rule.sentence


def test_the_watched_folder_itself_is_a_dot() -> None:
    assert holds(Match(folder="."), Subject(PIXEL, "", "/inbox"))


def test_what_is_asked_weighs_in_the_order_that_is_documented() -> None:
    ascending = [
        Match(make="a very long maker's name"),
        Match(folder="f"),
        Match(iso=(1, 2)),
        Match(lens="l"),
        Match(model="m"),
        Match(serial="s"),
    ]
    assert all(specificity(less) < specificity(more) for less, more in pairwise(ascending))
    assert specificity(Match(model="m", make="m")) > specificity(Match(model="mmmmmmmm"))
    assert specificity(Match(model="Pixel 7")) > specificity(Match(model="Pixel*"))


@given(matches, matches, matches)
def test_specificity_is_a_strict_weak_order(a: Match, b: Match, c: Match) -> None:
    def before(one: Match, other: Match) -> bool:
        return specificity(one) < specificity(other)

    def equal(one: Match, other: Match) -> bool:
        return not before(one, other) and not before(other, one)

    assert not before(a, a)
    assert not (before(a, b) and before(b, a))
    assert before(a, c) or not (before(a, b) and before(b, c))
    assert equal(a, c) or not (equal(a, b) and equal(b, c))


@given(matches, matches)
def test_what_decided_is_named_unless_nothing_did(a: Match, b: Match) -> None:
    assert (more_specific_by(a, b) == "") == (specificity(a) == specificity(b))


@given(matches, matches, st.text("ab", max_size=3), st.integers(1, 800))
def test_two_profiles_that_fit_one_photo_can_meet(a: Match, b: Match, word: str, iso: int) -> None:
    photo = Subject(Facts(make=word, model=word, lens=word, serial=word, iso=iso), word, f"/{word}")
    if holds(a, photo) and holds(b, photo):
        assert can_meet(a, b)


@pytest.mark.parametrize(
    "other",
    [Match(model="Pixel 6"), Match(iso=(801, 1600)), Match(serial="78"), Match(folder="b"), Match(make="Nikon")],
)
def test_profiles_for_other_photos_do_not_meet(other: Match) -> None:
    one = Match(make="Google", model="Pixel 7*", serial="77", iso=(50, 800), folder="a")
    assert not can_meet(one, other)
    assert can_meet(one, replace(one, lens="x"))


def test_a_camera_with_a_star_in_its_name_is_matched_by_itself_alone() -> None:
    make, model = camera_of(Facts(make="PENTAX", model="*ist D"))
    assert fits(model, "*ist D")
    assert not fits(model, "K-ist D")
    assert make == "PENTAX"
