"""Patterns: `*`, `?`, and nothing else is special."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ispd.profile.glob import fits, literal_characters, overlap

texts = st.text("ab7", max_size=6)
patterns = st.text("ab7*?", max_size=6)


@pytest.mark.parametrize(
    ("pattern", "text", "holds"),
    [
        ("Pixel 7*", "pixel 7 pro", True),
        ("Pixel 7*", "Pixel 7", True),
        ("Pixel 7*", "Pixel 6a", False),
        ("nikon*", "NIKON CORPORATION", True),
        ("D?0", "D90", True),
        ("D?0", "D810", False),
        ("EF[24]mm", "EF[24]mm", True),  # brackets are themselves
        ("STRASSE", "Straße", True),  # case as Unicode folds it
        ("*", "", True),
        ("", "a", False),
        ("a\nb", "a\nb", True),
    ],
)
def test_a_pattern_fits_the_whole_text(pattern: str, text: str, holds: bool) -> None:
    assert fits(pattern, text) is holds


@given(patterns, texts)
def test_it_agrees_with_the_shell(pattern: str, text: str) -> None:
    assert fits(pattern, text) == fnmatchcase(text, pattern)


@given(patterns, patterns, texts)
def test_two_patterns_that_one_text_fits_overlap(one: str, other: str, text: str) -> None:
    if fits(one, text) and fits(other, text):
        assert overlap(one, other)


@given(patterns, patterns)
def test_overlap_does_not_depend_on_the_order(one: str, other: str) -> None:
    assert overlap(one, other) == overlap(other, one)


@pytest.mark.parametrize(("one", "other"), [("Pixel 6", "Pixel 7*"), ("a*b", "a*c"), ("??", "???"), ("", "?")])
def test_patterns_that_exclude_each_other_do_not_overlap(one: str, other: str) -> None:
    assert not overlap(one, other)


def test_hostile_tags_are_read_in_no_time() -> None:
    assert not fits("*a" * 50 + "b", "a" * 1_000_000)  # exponential in a naive matcher


def test_wildcards_are_not_counted() -> None:
    assert literal_characters("Pixel 7*?") == 7
