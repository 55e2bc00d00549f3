"""Names of pictures: what a template may say, and that nothing a photo says makes a name that is not safe."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ispd.naming import FIELDS, Fields, fill, readable, safe, template_problem

NOON = Fields({"stem": "DSC1", "exif.Model": "D90", "exif.Make": "NIKON"}, "card/100", "2026-03-29T12:05:09")
WINDOWS_REFUSES = '<>:"\\|?*'


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{folder}/{stem}", "card/100/DSC1"),
        ("{date:%Y/%m}/{stem}", "2026/03/DSC1"),
        ("{date:%y%m%d-%H%M%S-%j}", "260329-120509-088"),
        ("{exif.Model|unknown}/{stem}", "D90/DSC1"),
        ("{exif.LensModel|no lens}/{stem}", "no lens/DSC1"),
        ("{exif.LensModel}/{stem}", "unknown/DSC1"),
        ("{exif.LensModel|}{stem}", "DSC1"),
        ("pictures/{stem} ({exif.Make})", "pictures/DSC1 (NIKON)"),
    ],
)
def test_a_template_is_filled(template: str, name: str) -> None:
    assert template_problem(template) == ""
    assert fill(template, NOON) == name


@pytest.mark.parametrize("captured", ["", "0000:00:00 00:00:00", "not a date", "1066-10-14T00:00:00", "2026-13-45"])
def test_a_date_that_is_none_leaves_the_fallback(captured: str) -> None:
    assert fill("{date:%Y/%m|undated}/{stem}", Fields({"stem": "a"}, "", captured)) == "undated/a"
    assert fill("{date:%Y}/{stem}", Fields({"stem": "a"}, "", captured)) == "unknown/a"


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{stm}", "has the unknown field {stm}; did you mean stem?"),
        ("{exif.Modle}/{stem}", "has the unknown field {exif.Modle}; did you mean exif.Model?"),
        ("{date}/{stem}", "needs a format for its {date}, such as {date:%Y-%m-%d}"),
        ("{date:%Q}", "has %Q in its date; known are %Y, %y, %m, %d, %H, %M, %S, %j, %%"),
        ("{date:%Y%}", "has % in its date; known are %Y, %y, %m, %d, %H, %M, %S, %j, %%"),
        ("{stem:%Y}", "has a format after {stem}; only {date:…} takes one"),
        ("{stem", "has a { or } without its other half"),
        ("stem}", "has a { or } without its other half"),
        ("/{stem}", "must be relative: it names a place below the deliver folder"),
        ("~/{stem}", "must be relative: it names a place below the deliver folder"),
        ("../{stem}", 'must not climb out of the deliver folder with ".."'),
        ("{folder}/", "must end in the name of a picture, such as {stem}"),
        ("", "must end in the name of a picture, such as {stem}"),
        ("{folder}\\{stem}", "separates folders with \\; write /"),
    ],
)
def test_a_wrong_template_is_told(template: str, problem: str) -> None:
    assert template_problem(template) == problem


def test_an_unknown_field_that_resembles_none_lists_them_all() -> None:
    assert template_problem("{zzzzzzzz}").endswith(", ".join(FIELDS))


hostile = st.text(st.characters(), max_size=300) | st.sampled_from(
    [
        "..",
        ".",
        "",
        "/",
        "../../etc/passwd",
        "~",
        ".ispd",
        "CON",
        "nul.txt",
        "a\x00b",
        "a\nb",
        "x" * 400,
        "é" * 200,
        " ",
    ]
)


@given(hostile, hostile, hostile)
def test_names_are_always_safe(stem: str, model: str, folder: str) -> None:
    name = fill("{folder}/{exif.Model}/{date:%Y|%m}/{stem}", Fields({"stem": stem, "exif.Model": model}, folder))
    assert not name.startswith("/")
    for component in name.split("/"):
        assert_safe(component)


def assert_safe(component: str) -> None:
    assert component == component.strip(" ").rstrip(".")
    assert not component.startswith(".")
    assert 0 < len(component.encode()) <= 255
    assert not any(
        character in WINDOWS_REFUSES or ord(character) < 32 or ord(character) == 127 for character in component
    )


@given(hostile)
def test_what_is_safe_stays_as_it_is(name: str) -> None:
    assert safe(safe(name)) == safe(name)


@pytest.mark.parametrize("device", ["CON", "con.jpg", "Aux .txt", "COM1", "lpt9.tar.gz", "com¹"])
def test_no_name_is_a_device_of_windows(device: str) -> None:
    assert safe(device).partition("_")[1] == "_"


def test_names_that_only_begin_like_a_device_stay() -> None:
    assert [safe(name) for name in ("CONTAX", "auxiliary.jpg", "com10", "my.con")] == [
        "CONTAX",
        "auxiliary.jpg",
        "com10",
        "my.con",
    ]


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_bytes_that_are_no_utf8_stay_readable_and_apart(one: bytes, other: bytes) -> None:
    readable(one).encode()  # no half characters
    if b"%" not in one + other:  # a file may really be called %E9
        assert (readable(one) == readable(other)) == (one == other)


def test_a_reading_direction_is_not_turned() -> None:
    assert safe("photo\u202egpj.exe") == "photo_gpj.exe"
