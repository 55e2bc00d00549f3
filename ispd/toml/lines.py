"""On which line each key of a TOML file stands: tomli does not say, and a sentence without a line makes people search.

Only for text that tomli has accepted, so the scan may trust the grammar and just tell keys from values.
"""

from __future__ import annotations

import re
from typing import TypeAlias

import tomli

Place: TypeAlias = tuple[str | int, ...]  # ("folder", 1, "watch"): the key `watch` of the second [[folder]]

_PART = r"""(?:"(?:\\.|[^"\\\n])*"|'[^'\n]*'|[A-Za-z0-9_-]+)"""
_KEY = re.compile(rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*")
_GAP = re.compile(r"(?:\s|#[^\n]*)*")
_VALUE_PART = re.compile(
    r'''"""(?:\\[\s\S]|[^\\])*?"{3,5}|\'\'\'[\s\S]*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#[^\n]*|[\[{]|[\]}]|\n|[^"'#\[\]{}\n]+'''
)


def lines_of_keys(text: str) -> dict[Place, int]:
    """Line (from 1) of each table header and key; keys inside an inline table are not listed."""
    lines: dict[Place, int] = {}
    counts: dict[Place, int] = {}  # how many [[tables]] of that name came so far
    table: Place = ()
    at = _skip_gap(text, 0)
    while at < len(text):
        line = text.count("\n", 0, at) + 1
        if text[at] == "[":
            table, at = _header(text, at, counts)
            place = table
        else:
            parts, at = _key(text, at)
            place = _resolve(parts, table, counts)
            at = _skip_value(text, at)
        for length in range(1, len(place) + 1):
            lines.setdefault(place[:length], line)  # [a.b] is also the first word of `a`
        at = _skip_gap(text, at)
    return lines


def _skip_gap(text: str, at: int) -> int:
    gap = _GAP.match(text, at)
    return gap.end() if gap else at


def _key(text: str, at: int) -> tuple[Place, int]:
    key = _KEY.match(text, at)
    assert key is not None, "tomli has accepted this text"
    place: Place = ()
    level = tomli.loads(f"{key.group()} = 0")  # its own reading of quotes and dots
    while isinstance(level, dict):
        ((part, level),) = level.items()
        place = (*place, part)
    return place, key.end()


def _header(text: str, at: int, counts: dict[Place, int]) -> tuple[Place, int]:
    is_array = text.startswith("[[", at)
    parts, end = _key(text, _skip_gap(text, at + 1 + is_array))
    place = (*_resolve(parts[:-1], (), counts), parts[-1])
    if is_array:
        counts[place] = counts.get(place, 0) + 1
        place = (*place, counts[place] - 1)
    return place, text.index("]", end) + 1 + is_array


def _resolve(parts: Place, start: Place, counts: dict[Place, int]) -> Place:
    """Put the number of the latest [[table]] after each name that has one."""
    place = start
    for part in parts:
        place = (*place, part)
        if place in counts:
            place = (*place, counts[place] - 1)
    return place


def _skip_value(text: str, at: int) -> int:
    """The end of the line on which the value ends: brackets and quotes may span lines."""
    depth = 0
    while at < len(text):
        part = _VALUE_PART.match(text, at)
        assert part is not None, "tomli has accepted this text"
        at = part.end()
        depth += (part.group() in "[{") - (part.group() in "]}")
        if part.group() == "\n" and depth == 0:
            break
    return at
