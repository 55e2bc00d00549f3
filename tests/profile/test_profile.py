"""A profile is the same profile through TOML and JSON, and its mistakes are told."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ispd import toml
from ispd.errors import ConfigError
from ispd.isp.look import Camera, Exposure, Look, WhiteBalance
from ispd.isp.params import Bounds, Counts, Cube, Rising
from ispd.orders import Output, Recipe
from ispd.profile import cube
from ispd.profile.library import shipped_profiles
from ispd.profile.match import Match
from ispd.profile.profile import Profile, from_json, read_page, read_profile, to_json, to_toml

SUMMER = """
schema = 1
name = "summer-pixel7"
intent = "Bright and warm"
backend = "isp"
[match]
make = "Google"
model = "Pixel 7*"
iso = [50, 800]
[camera.white_balance]
red = 0.1
[look.exposure]
ev = 0.5
[[output]]
format = "jpeg"
quality = 90
size = 2048
[[output]]
format = "tiff"
bits = 16
space = "display-p3"
"""


def read(text: str) -> Profile:
    return read_page(toml.parse(text, "film.toml"))


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return caught.value.problems


def test_a_profile_is_read() -> None:
    assert read(SUMMER) == Profile(
        name="summer-pixel7",
        intent="Bright and warm",
        match=Match(make="Google", model="Pixel 7*", iso=(50, 800)),
        look=Look(camera=Camera(white_balance=WhiteBalance(red=0.1)), exposure=Exposure(ev=0.5)),
        outputs=(Output(quality=90, size=2048), Output(format="tiff", bits=16, space="display-p3")),
    )


def test_a_name_is_enough_and_gives_one_jpeg() -> None:
    assert read('name = "plain"') == Profile("plain")
    assert read('name = "plain"').outputs == (Output(),)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[look.exposure]\nev = 12", "film.toml:3: look.exposure.ev = 12 must lie in -8 to 8 stops"),
        ("[camera.white_balance]\nred = 3", "film.toml:3: camera.white_balance.red = 3 must lie in -2 to 2 stops"),
        ("[look.camera.white_balance]\nred = 1", "film.toml:2: look.camera is unknown; did you mean camera?"),
        ("[exposure]\nev = 1", "film.toml:2: exposure is unknown; did you mean look.exposure?"),
        ('backend = "../x"', 'film.toml:2: backend = "../x" must be "isp", "hdr-unet" or an imported model\'s name'),
        ("schema = 2", "film.toml:2: schema = 2 must be 1"),
        ("[match]\niso = [800, 50]", "film.toml:3: match.iso = [800, 50] must be two ISO values, the lower one first"),
        ("[[output]]\nquality = 101", "film.toml:3: output.quality = 101 must lie in 1 to 100"),
        ("[[output]]\nsize = 8", "film.toml:3: output.size = 8 must lie in 16 to 65535 px"),
        ("[[output]]\nbits = 16", 'film.toml:3: output.bits = 16 needs format = "tiff" or "png"; a JPEG has 8'),
        ("[[output]]\n[[output]]\nbits = 12", "film.toml:4: output.bits = 12 must be 8 or 16"),
        ("output = []", "film.toml:2: output = [] needs at least one [[output]]"),
    ],
)
def test_a_mistake_is_told_with_line_key_and_bound(text: str, sentence: str) -> None:
    assert problems(f'name = "film"\n{text}') == (sentence,)


def test_stages_that_a_network_leaves_no_place_for_are_named() -> None:
    why = 'is set, but backend = "pynet" renders by a network: only lattice, finish, sharpen, gamut act then'
    text = """\
name = "film"
backend = "pynet"
[camera.white_balance]
red = 0.5
[look.exposure]
ev = 1
[look.demosaic]
method = "auto"
[look.finish]
saturation = 1.2
[look.curve]
contrast = 2
"""
    assert problems(text) == (
        f"film.toml:3: camera {why}",
        f"film.toml:5: look.exposure {why}",
        f"film.toml:11: look.curve {why}",
    )


def test_what_acts_after_a_network_may_be_set() -> None:
    read_film = read('name = "film"\nbackend = "pynet"\n[look.finish]\nsaturation = 0\n[look.sharpen]\namount = 0')
    assert read_film.backend == "pynet"
    assert from_json(to_json(read_film)) == read_film


@pytest.mark.parametrize("name", ["auto", "", "a/b", "..", ".hidden", "a b", "x@3", "-x", "n" * 101])
def test_a_name_that_could_not_be_a_file_or_an_argument_is_refused(name: str) -> None:
    (sentence,) = problems(f"name = {toml.literal(name)}")
    assert sentence.startswith("film.toml:1: name = ")


def test_a_profile_without_a_name_is_refused() -> None:
    assert problems("schema = 1") == ("film.toml: name is missing",)


def tables(kind: Any) -> st.SearchStrategy[Any]:
    """Any value that a table may have, made from the declarations themselves."""
    slots = {slot.field: leaves(slot) for slot in toml.slots(kind)}
    return st.builds(kind, **slots)


def leaves(slot: toml.Slot) -> st.SearchStrategy[Any]:
    kind, bounds = slot.kind, slot.bounds
    if slot.field == "points":
        return st.sampled_from([(), ((0.0, 0.1), (1.0, 0.9))])
    if slot.kind is Cube:
        return st.sampled_from([None, cube.identity(2), cube.identity(3)])
    if toml.repeated(kind) is float:
        assert bounds is not None, f"{slot.key} has no bounds"
        return lists(slot, bounds)
    if slot.field == "iso":
        return st.sampled_from([None, (50, 800)])
    if is_dataclass(kind):
        return tables(kind)
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if kind is int:
        assert bounds is not None
        numbers: st.SearchStrategy[Any] = st.integers(int(bounds.low), int(bounds.high))
        return st.none() | numbers if slot.default is None else numbers
    if kind is float:
        assert bounds is not None, f"{slot.key} has no bounds"
        return st.floats(bounds.low, bounds.high).map(lambda value: value + 0.0)
    assert kind is str, f"{slot.key} is a {kind}"
    return st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=9)


def lists(slot: toml.Slot, bounds: Bounds) -> st.SearchStrategy[Any]:
    """A list of any length that is allowed."""
    counts = slot.note(Counts)
    one = st.floats(bounds.low, bounds.high).map(lambda value: value + 0.0)
    some = st.sampled_from(counts.allowed if counts else (0, 3)).flatmap(
        lambda count: st.lists(one, min_size=count, max_size=count)
    )
    return some.map(lambda values: tuple(sorted(values) if slot.note(Rising) else values))


def complete(look: Look) -> Look:
    """The look, with what is needed beside a learned curve and a second light."""
    curve, matrix = look.curve, look.camera.matrix
    if curve.method == "learned":
        curve = replace(curve, heights=tuple(number / 32 for number in range(33)))
    if matrix.warm:
        matrix = replace(matrix, cool=matrix.warm, warmth=(-1.0, 1.0))
    return replace(look, curve=curve, camera=replace(look.camera, matrix=matrix))


profiles = st.builds(
    Profile,
    name=st.from_regex(r"[a-z][a-z0-9_.+-]{0,9}", fullmatch=True).filter(lambda name: name != "auto"),
    intent=st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    match=tables(Match),
    look=tables(Look).map(complete),
    outputs=st.lists(
        tables(Output).map(lambda output: replace(output, bits=8) if output.format == "jpeg" else output),
        min_size=1,
        max_size=3,
    ).map(tuple),
)


@given(profiles)
def test_a_profile_comes_back_from_json_and_toml(profile: Profile) -> None:
    assert from_json(to_json(profile)) == profile
    text, lattice = to_toml(profile)
    with TemporaryDirectory() as folder:
        if lattice is not None:
            Path(folder, f"{profile.name}.cube").write_text(cube.written(lattice))
        assert read_page(toml.parse(text, "film.toml"), Path(folder)) == profile


def test_the_json_spells_out_every_default() -> None:
    plain = to_json(Profile("plain"))
    for stage in fields(Look):
        assert f'"{stage.name}":' in plain


def test_equal_profiles_have_equal_digests_however_they_were_written() -> None:
    short, long = (
        read('name = "a"\n[look.exposure]\nev = 1'),
        read(to_toml(Profile("a", look=Look(exposure=Exposure(1.0))))[0]),
    )
    by_hand = Profile("a", look=Look(exposure=Exposure(1)))  # a whole number where a float is meant
    digests = {Recipe("a", to_json(each), each.outputs).profile_digest for each in (short, long, by_hand)}
    assert len(digests) == 1


def test_json_of_another_ispd_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r"look\.telepathy is unknown"):
        from_json('{"name":"a","look":{"telepathy":{}}}')


@pytest.mark.parametrize("path", sorted(shipped_profiles().glob("*.toml")), ids=lambda path: path.stem)
def test_each_shipped_profile_says_what_it_is_for(path: Path) -> None:
    profile = read_profile(path)
    assert profile.name == path.stem
    assert len(profile.intent) > 20
    assert path.read_text().startswith("# ")


def test_four_profiles_are_shipped_and_neutral_is_the_defaults() -> None:
    named = {"neutral", "linear", "warm-film", "mono", "dng-embedded"}
    assert {path.stem for path in shipped_profiles().glob("*.toml")} >= named
    assert read_profile(shipped_profiles() / "neutral.toml").look == Look()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            '[look.curve]\nmethod = "learned"',
            'film.toml:3: look.curve.method = "learned" needs the 33 heights of the curve; `ispd fit` writes them',
        ),
        (
            "[look.curve]\nheights = [0, 1]",
            "film.toml:3: look.curve.heights = [0, 1] must have 0 or 33 numbers; it has 2",
        ),
        (
            f"[look.curve]\nheights = [{'0, ' * 31} 0.5, 0.4]",
            "must never fall; number 33, 0.4, is below the one before it, 0.5",
        ),
        (
            "[camera.matrix]\nwarm = [0, 0, 0, 0, 0, 0]",
            "film.toml:3: camera.matrix.warm needs `cool` and `warmth` beside it",
        ),
        (
            '[[body]]\nmodel = "D90"\n[body.camera.matrix]\nwarm = [0, 0, 0, 0, 0, 0]',
            "film.toml:5: body.camera.matrix.warm needs `cool` and `warmth` beside it",
        ),
        ("[[body]]\nmake = 'Nikon'", "film.toml:2: body.model is missing"),
    ],
)
def test_a_learned_look_that_a_hand_has_spoiled_is_told(text: str, sentence: str) -> None:
    (problem,) = problems(f'name = "film"\n{text}')
    assert problem.endswith(sentence)
