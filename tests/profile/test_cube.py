"""A lattice is the same lattice through its file, and what is wrong with a file is told with its line."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ispd import toml
from ispd.errors import ConfigError
from ispd.isp.params import Cube
from ispd.profile import cube

HEAD = "LUT_3D_SIZE 2\n"
NODES = "0 0 0\n1 0 0\n0 1 0\n1 1 0\n0 0 1\n1 0 1\n0 1 1\n1 1 1\n"

floats = st.floats(-2, 2, width=32)
cubes = st.lists(floats, min_size=24, max_size=24).map(lambda numbers: cube.made(2, numbers))


@given(cubes)
def test_every_number_comes_back_as_it_was(lattice: Cube) -> None:
    assert cube.parse(cube.written(lattice, 'the "title"', ["a comment"]), "x.cube") == lattice


def test_red_is_fastest_and_nodes_are_little_endian() -> None:
    lattice = cube.parse(HEAD + NODES, "x.cube")
    assert lattice == cube.identity(2)
    assert struct.unpack_from("<3f", lattice.nodes, 12) == (1.0, 0.0, 0.0)  # the second node is red


def test_what_other_programs_write_is_read() -> None:
    """Title, comments between, Windows line ends, the domain, and Resolve's range."""
    text = (
        f'# made by hand\r\nTITLE "Ä"\r\n{HEAD}DOMAIN_MIN 0.0 0.0 0.0\r\nDOMAIN_MAX 1 1 1\r\nLUT_3D_INPUT_RANGE 0 1\r\n'
    )
    assert cube.parse(text + "# nodes\r\n" + NODES, "x.cube") == cube.identity(2)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "x.cube: has no LUT_3D_SIZE; it is no three-dimensional .cube file"),
        (NODES, "x.cube:1: numbers before LUT_3D_SIZE; the file must say first how many there are"),
        (HEAD + NODES[:-6], "x.cube: has 7 colors; LUT_3D_SIZE 2 needs 8"),
        (HEAD + NODES + "0 0 0\n", "x.cube: has 9 colors; LUT_3D_SIZE 2 needs 8"),
        ("LUT_3D_SIZE 66\n", "x.cube:1: LUT_3D_SIZE must be one whole number, 2 to 65"),
        ("LUT_3D_SIZE 2.5\n", "x.cube:1: LUT_3D_SIZE must be one whole number, 2 to 65"),
        ("LUT_3D_SIZE\n", "x.cube:1: LUT_3D_SIZE must be one whole number, 2 to 65"),
        ("LUT_1D_SIZE 2\n", "x.cube:1: LUT_1D_SIZE is unknown; a three-dimensional .cube file is needed"),
        (HEAD + "DOMAIN_MAX 2 2 2\n", "x.cube:2: DOMAIN_MAX must be 1 1 1"),
        (HEAD + "0 0\n", "x.cube:2: must be three finite numbers: red, green, blue"),
        (HEAD + "0 0 nan\n", "x.cube:2: must be three finite numbers: red, green, blue"),
        (HEAD + "0 1e39 0\n", "x.cube:2: must be three finite numbers: red, green, blue"),
        (HEAD + "nan 0 0\n", "x.cube:2: must be three finite numbers: red, green, blue"),
        (HEAD + "0 0 x\n", "x.cube:2: must be three finite numbers: red, green, blue"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        cube.parse(text, "x.cube")
    assert str(caught.value) == sentence


def test_a_file_that_is_missing_or_elsewhere_is_refused(tmp_path: Path) -> None:
    named = cube.beside(tmp_path)
    with pytest.raises(toml.Refused, match=r"gone\.cube: cannot be read: No such file"):
        named("gone.cube")
    for elsewhere in ("../x.cube", "/etc/x.cube", "x.txt", ".x.cube", "", 3):
        with pytest.raises(toml.Refused, match=r"must name a \.cube file beside the profile"):
            named(elsewhere)


def test_a_lattice_in_json_is_checked() -> None:
    assert cube.from_json(cube.to_json(cube.identity(3))) == cube.identity(3)
    with pytest.raises(toml.Refused, match="has 8 nodes instead of 3³ = 27"):
        cube.from_json(cube.to_json(Cube(3, cube.identity(2).nodes)))
    with pytest.raises(toml.Refused, match="no finite number"):
        cube.from_json(cube.to_json(cube.made(2, [float("nan")] * 24)))
    for broken in ({"size": 2, "nodes": "%"}, {"size": 2}, "x.cube"):
        with pytest.raises(toml.Refused):
            cube.from_json(broken)
