"""Color lattices as .cube files (Cube LUT Specification 1.0, Adobe 2013): a profile's lattice lies beside its TOML.

    # comments anywhere before the numbers
    TITLE "summer"
    LUT_3D_SIZE 9
    DOMAIN_MIN 0 0 0        as ispd's always are; another domain is refused
    DOMAIN_MAX 1 1 1
    0 0 0                   size³ lines of red, green, blue; red is fastest
    0.125 0 0
    …

>>> parse(written(identity(2)), "plain.cube") == identity(2)
True
"""

from __future__ import annotations

import base64
import math
import os
import struct
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path

from ispd import toml
from ispd.errors import ConfigError
from ispd.isp.params import Cube
from ispd.sentences import printable

LARGEST = 65  # nodes along an edge: what colorists' programs write at most
LARGEST_FILE = 64 << 20


def identity(size: int) -> Cube:
    """The lattice that leaves every color as it is."""
    steps = [number / (size - 1) for number in range(size)]
    return made(size, (value for blue, green, red in product(steps, repeat=3) for value in (red, green, blue)))


def made(size: int, values: Iterable[float]) -> Cube:
    """A lattice of 3·size³ numbers in a file's order."""
    return Cube(size, _little_endian(array("f", values)).tobytes())


def values(cube: Cube) -> Sequence[float]:
    """Its 3·size³ numbers in a file's order."""
    return _little_endian(array("f", cube.nodes))


def _little_endian(numbers: array[float]) -> array[float]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def problem(cube: Cube) -> str:
    """What is wrong with a lattice, or "" """
    if not 2 <= cube.size <= LARGEST:
        return f"has {cube.size} nodes along an edge; 2 to {LARGEST} are possible"
    if len(cube.nodes) != 12 * cube.size**3:
        return f"has {len(cube.nodes) / 12:g} nodes instead of {cube.size}³ = {cube.size**3}"
    if not all(map(math.isfinite, values(cube))):
        return "has a node that is no finite number"
    return ""


def written(cube: Cube, title: str = "", comments: Sequence[str] = ()) -> str:
    """The text of a .cube file.  What is read back has the same bytes."""
    numbers = list(map(_shortest, values(cube)))
    head = [*(f"# {line}" for line in comments)]
    head += [f'TITLE "{printable(title).replace(chr(34), chr(39))}"'] if title else []
    head += [f"LUT_3D_SIZE {cube.size}", "DOMAIN_MIN 0 0 0", "DOMAIN_MAX 1 1 1"]
    nodes = (" ".join(numbers[at : at + 3]) for at in range(0, len(numbers), 3))
    return "\n".join([*head, *nodes]) + "\n"


def _shortest(value: float) -> str:
    """A float32 in six digits, or where these are not enough to mean the same number, in nine."""
    short = f"{value:.6g}"
    return short if struct.pack("<f", float(short)) == struct.pack("<f", value) else f"{value:.9g}"


def parse(text: str, file: str) -> Cube:
    """The lattice in the text of a .cube file.  Raises ConfigError with the line that is wrong."""
    size, numbers = 0, array("f")
    for line, words in _lines(text):
        if words[0][0].isalpha() and not _is_number(words[0]):
            size = _keyword(words, f"{file}:{line}") or size
        elif not size:
            raise ConfigError(f"{file}:{line}: numbers before LUT_3D_SIZE; the file must say first how many there are")
        else:
            numbers.extend(_node(words, f"{file}:{line}"))
    if not size:
        raise ConfigError(f"{file}: has no LUT_3D_SIZE; it is no three-dimensional .cube file")
    if len(numbers) != 3 * size**3:
        raise ConfigError(f"{file}: has {len(numbers) // 3} colors; LUT_3D_SIZE {size} needs {size**3}")
    return Cube(size, _little_endian(numbers).tobytes())


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    for line, content in enumerate(text.splitlines(), start=1):
        words = content.split()
        if words and not words[0].startswith("#"):
            yield line, words


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _keyword(words: list[str], where: str) -> int:
    """The size, if this line says it; else 0."""
    key, *given = words
    if key == "TITLE":
        return 0
    numbers = [float(word) for word in given if _is_number(word)]
    if key == "LUT_3D_SIZE":
        size = int(numbers[0]) if len(numbers) == len(given) == 1 and numbers[0].is_integer() else 0
        if not 2 <= size <= LARGEST:
            raise ConfigError(f"{where}: LUT_3D_SIZE must be one whole number, 2 to {LARGEST}")
        return size
    unit = {"DOMAIN_MIN": [0.0] * 3, "DOMAIN_MAX": [1.0] * 3, "LUT_3D_INPUT_RANGE": [0.0, 1.0]}
    if key not in unit:
        raise ConfigError(f"{where}: {printable(key)[:40]} is unknown; a three-dimensional .cube file is needed")
    if numbers != unit[key]:
        raise ConfigError(f"{where}: {key} must be {' '.join(f'{value:g}' for value in unit[key])}")
    return 0


def _node(words: list[str], where: str) -> list[float]:
    numbers = [float(word) for word in words if _is_number(word)]
    if len(words) != 3 or len(numbers) != 3 or not all(abs(value) < 1e30 for value in numbers):  # no NaN either
        raise ConfigError(f"{where}: must be three finite numbers: red, green, blue")
    return numbers


def read(path: Path) -> Cube:
    """The lattice in a .cube file.  Raises ConfigError where it is missing, unreadable or wrong."""
    try:
        if os.stat(path).st_size > LARGEST_FILE:
            raise ConfigError(f"{path}: is larger than any .cube file of {LARGEST} nodes along an edge")
        text = path.read_bytes().decode("utf-8-sig", "replace")  # a title may be in any encoding
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    return parse(text, str(path))


def to_json(cube: Cube) -> dict[str, object]:
    """As it stands in the JSON of an order."""
    return {"size": cube.size, "nodes": base64.b64encode(cube.nodes).decode()}


def from_json(given: object) -> Cube:
    """What `to_json` wrote.  Raises toml.Refused."""
    match given:
        case {"size": int(size), "nodes": str(nodes)}:
            try:
                cube = Cube(size, base64.b64decode(nodes, validate=True))
            except ValueError as error:
                raise toml.Refused("must have its nodes in base64") from error
            if fault := problem(cube):
                raise toml.Refused(fault)
            return cube
    raise toml.Refused("must be a size and its nodes")


def beside(folder: Path) -> Callable[[object], Cube]:
    """Reads the file that a profile in `folder` names.  Raises toml.Refused."""

    def named(name: object) -> Cube:
        if not isinstance(name, str) or Path(name).name != name or not name.endswith(".cube") or name.startswith("."):
            raise toml.Refused('must name a .cube file beside the profile: "film.cube", without a folder')
        try:
            return read(folder / name)
        except ConfigError as error:
            raise toml.Refused(f"cannot be used: {error}") from error

    return named
