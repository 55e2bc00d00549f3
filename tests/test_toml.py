"""The reader of TOML: what is right becomes a value, what is wrong a sentence that shows where and what is allowed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ispd import toml
from ispd.errors import ConfigError
from ispd.isp.params import Bounds, Counts, Numbers, Points, Rising, Scalar
from ispd.toml.lines import lines_of_keys


@dataclass(frozen=True)
class Lens:
    name: str
    hood: bool = False


@dataclass(frozen=True)
class Body:
    shift: Annotated[Scalar, Bounds(-1, 1, unit="stops")] = 0.0


@dataclass(frozen=True)
class Dial:
    body: Body = field(default_factory=Body)
    ev: Annotated[Scalar, Bounds(-8, 8, unit="stops")] = 0.0
    method: Literal["filmic", "none"] = "filmic"
    points: Annotated[Points, Bounds(0, 1)] = ()


@dataclass(frozen=True)
class Bag:
    schema: Literal[1] = 1
    iso: tuple[int, int] | None = None
    quality: Annotated[int, msgspec.Meta(ge=1, le=100)] = 92
    place: Path = Path("here")
    dial: Annotated[Dial, toml.Lifted("body")] = field(default_factory=Dial)
    lenses: Annotated[tuple[Lens, ...], toml.Key("lens")] = ()


def read(text: str) -> Bag:
    return bag_on(toml.parse(text, "bag.toml"))


def bag_on(page: toml.Page) -> Bag:
    reading = toml.Reading(page)
    bag = reading.table(Bag)
    reading.finish()
    assert bag is not None
    return bag


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return caught.value.problems


def test_an_empty_file_is_all_defaults() -> None:
    assert read("") == Bag()


def test_every_kind_of_key_is_read() -> None:
    bag = read(
        """
        iso = [100, 800]
        place = "there"
        [body]
        shift = 0.5
        [dial]
        ev = 1
        method = "none"
        points = [[0, 0.1], [1, 0.9]]
        [[lens]]
        name = "50 mm"
        [[lens]]
        name = "85 mm"
        hood = true
        """
    )
    assert bag == Bag(
        iso=(100, 800),
        place=Path("there"),
        dial=Dial(Body(0.5), 1.0, "none", ((0.0, 0.1), (1.0, 0.9))),
        lenses=(Lens("50 mm"), Lens("85 mm", True)),
    )
    assert isinstance(bag.dial.ev, float)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[dial]\nev = 12", "bag.toml:2: dial.ev = 12 must lie in -8 to 8 stops"),
        ("[dial]\nev = -8.001", "bag.toml:2: dial.ev = -8.001 must lie in -8 to 8 stops"),
        ("[dial]\nev = nan", "bag.toml:2: dial.ev = nan must be a finite number"),
        ("[dial]\nev = -inf", "bag.toml:2: dial.ev = -inf must be a finite number"),
        ('[dial]\nev = "1"', 'bag.toml:2: dial.ev = "1" must be a number'),
        ("[dial]\nev = true", "bag.toml:2: dial.ev = true must be a number"),
        ("quality = 0", "bag.toml:1: quality = 0 must lie in 1 to 100"),
        ("quality = 92.5", "bag.toml:1: quality = 92.5 must be a whole number"),
        ("schema = 2", "bag.toml:1: schema = 2 must be 1"),
        ("schema = true", "bag.toml:1: schema = true must be 1"),
        (
            '[dial]\nmethod = "filmik"',
            'bag.toml:2: dial.method = "filmik" must be "filmic" or "none"; did you mean filmic?',
        ),
        ("[dial]\nevv = 1", "bag.toml:2: dial.evv is unknown; did you mean ev?"),
        ("ev = 1", "bag.toml:1: ev is unknown; did you mean dial.ev?"),
        ("[dial.body]\nshift = 1", "bag.toml:1: dial.body is unknown; did you mean body?"),
        ("iso = [100]", "bag.toml:1: iso = [100] must have 2 values"),
        ("iso = 100", "bag.toml:1: iso = 100 must be a list in [ ]"),
        (
            "[dial]\npoints = [[0, 0], [0, 1]]",
            "bag.toml:2: dial.points = [[0, 0], [0, 1]] must have its x rising from point to point",
        ),
        ("[dial]\npoints = [[0, 2]]", "bag.toml:2: dial.points = [[0, 2]] must lie in 0 to 1"),
        ("[[lens]]\nname = 'x'\nf = 2", "bag.toml:3: lens.f is unknown; known are name, hood"),
        ("dial = 3", "bag.toml:1: dial = 3 must be a table, written [dial]"),
        ('[lens]\nname = "x"', 'bag.toml:1: lens = {"name": "x"} must be written [[lens]], once for each'),
        ("[[lens]]\nhood = true", "bag.toml:1: lens.name is missing"),
        ('place = ""', 'bag.toml:1: place = "" must name a folder'),
        ('place = "a\\nb"', 'bag.toml:1: place = "a\\nb" must not contain control characters or line ends'),
        ("place = 2026-01-01", "bag.toml:1: place = 2026-01-01 must be text in quotes"),
        ("a =", "bag.toml:1: this is not TOML: Invalid value"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(text: str, sentence: str) -> None:
    assert problems(text) == (sentence,)


def test_all_mistakes_are_told_from_the_top_down() -> None:
    found = problems("quality = 0\n[dial]\nev = 99\nmethd = 1\n[[lens]]\n[[lens]]\nname = 1\n")
    assert [sentence.split(":")[1] for sentence in found] == ["1", "3", "4", "5", "7"]


def test_a_huge_number_is_refused_rather_than_overflowing() -> None:
    assert "finite" in problems("[dial]\nev = 1" + "0" * 400)[0]


@pytest.mark.parametrize("text", ["a = " + "[" * 99_999, "a." * 3000 + "b = 1"])
def test_endless_nesting_is_told(text: str) -> None:
    assert problems(text) == ("bag.toml: nested too deeply",)


@pytest.mark.parametrize("bad", [b"\xff\xfe", b"a = '\xe9'"])
def test_a_file_that_is_no_utf8_is_told(tmp_path: Path, bad: bytes) -> None:
    (tmp_path / "bag.toml").write_bytes(bad)
    with pytest.raises(ConfigError, match="UTF-8"):
        toml.load(tmp_path / "bag.toml")


def test_a_file_from_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "bag.toml").write_bytes(b"\xef\xbb\xbfquality = 7\r\n[dial]\r\nev = 1\r\n")
    assert bag_on(toml.load(tmp_path / "bag.toml")) == Bag(quality=7, dial=Dial(ev=1.0))


def test_a_missing_file_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: cannot be read: No such file"):
        toml.load(tmp_path / "gone.toml")


def test_lines_survive_whatever_toml_allows() -> None:
    text = '''# a comment with = and [brackets]
a = """
[not.a.table]
b = 1
"""  # still the value of a
"quoted.key" = ['x', # ]
  "]", [1, 2],
]
c.d = { e = 1, f = "}" }
[[table]]
x = \'\'\'
y = 2\'\'\'\'
[table.sub]
z = 1
[[table]]
  x=1 # two
[[table.inner]]
w = 0
'''
    assert lines_of_keys(text) == {
        ("a",): 2,
        ("quoted.key",): 6,
        ("c",): 9,
        ("c", "d"): 9,
        ("table",): 10,
        ("table", 0): 10,
        ("table", 0, "x"): 11,
        ("table", 0, "sub"): 13,
        ("table", 0, "sub", "z"): 14,
        ("table", 1): 15,
        ("table", 1, "x"): 16,
        ("table", 1, "inner"): 17,
        ("table", 1, "inner", 0): 17,
        ("table", 1, "inner", 0, "w"): 18,
    }


leaves = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.lists(st.integers(0, 9)),
)


@given(st.dictionaries(st.from_regex(r"[A-Za-z0-9_-]{1,5}", fullmatch=True), leaves))
def test_what_is_written_is_read_back_with_a_line_for_each_key(table: dict[str, object]) -> None:
    text = toml.write(table)
    page = toml.parse(text, "x")
    assert page.table == table
    for key, line in page.lines.items():
        assert text.split("\n")[line - 1].startswith(f"{key[0]} =")


def test_a_value_is_written_as_the_table_it_came_from() -> None:
    bag = Bag(iso=(1, 2), dial=Dial(Body(1.0), 2.0), lenses=(Lens("a"), Lens("\x7f \\ ü")))
    assert toml.to_table(bag)["body"] == {"shift": 1.0}
    assert "body" not in toml.to_table(bag)["dial"]
    assert toml.parse(toml.write(toml.to_table(bag)), "x").table == toml.to_table(bag)


@dataclass(frozen=True)
class Tones:
    knots: Annotated[Numbers, Bounds(-1, 1, unit="stops"), Counts((0, 3))] = ()
    heights: Annotated[Numbers, Bounds(0, 1), Rising()] = ()
    range: Annotated[tuple[float, ...] | None, Bounds(0, 9)] = None


def tones(text: str) -> Tones:
    reading = toml.Reading(toml.parse(text, "tones.toml"))
    made = reading.table(Tones)
    reading.finish()
    assert made is not None
    return made


def test_lists_of_numbers_are_read_and_written() -> None:
    read_back = tones("knots = [0, 0.5, -1]\nheights = [0, 0, 1]")
    assert read_back == Tones((0.0, 0.5, -1.0), (0.0, 0.0, 1.0))
    assert toml.to_table(Tones((0, 0.5, -1))) == {"knots": [0.0, 0.5, -1.0], "heights": []}
    assert all(isinstance(number, float) for number in toml.to_table(Tones((0, 1, 1)))["knots"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("knots = [0, 1]", "tones.toml:1: knots = [0, 1] must have 0 or 3 numbers; it has 2"),
        ("knots = [0, 2, 0]", "tones.toml:1: knots = [0, 2, 0] must lie in -1 to 1 stops; number 2 is 2"),
        ('knots = [0, "1", 0]', 'tones.toml:1: knots = [0, "1", 0] must be a number; number 2 is "1"'),
        ("knots = 0.5", "tones.toml:1: knots = 0.5 must be a list of numbers in [ ]"),
        (
            "heights = [0, 0.5, 0.4]",
            "tones.toml:1: heights = [0, 0.5, 0.4] must never fall; number 3, 0.4, is below the one before it, 0.5",
        ),
    ],
)
def test_a_mistake_in_a_list_is_told_with_its_number(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        tones(text)
    assert caught.value.problems == (sentence,)


@dataclass(frozen=True)
class Paint:
    color: complex | None = None


def test_what_only_the_caller_can_read_is_left_to_it() -> None:
    """Here a complex number, in a profile a lattice."""

    def number(given: object) -> complex:
        if given != "i":
            raise toml.Refused("must be i")
        return 1j

    assert toml.Reading(toml.parse('color = "i"', "x"), {complex: number}).table(Paint) == Paint(1j)
    reading = toml.Reading(toml.parse('color = "j"', "x"), {complex: number})
    reading.table(Paint)
    assert reading.problems == ('x:1: color = "j" must be i',)
    assert toml.to_table(Paint(1j), {complex: lambda _: "i"}) == {"color": "i"}
