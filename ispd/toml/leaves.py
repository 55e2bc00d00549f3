"""Values that are no tables: numbers, texts, choices, lists.  What is not allowed is said in words."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from ispd.isp.params import Bounds, Counts, Rising
from ispd.toml.lines import Place
from ispd.toml.slots import Check, bare, repeated

T = TypeVar("T")


class Refused(Exception):
    """A value that is not allowed; its text follows the key and the value."""


def leaf(kind: Any, given: object, bounds: Bounds | None) -> Any:
    """One value that is no table.  Raises Refused."""
    if get_origin(kind) is Annotated:
        inner, notes = bare(kind)
        return checked(notes, leaf(inner, given, bounds))
    if get_origin(kind) is Literal:
        return _choice(get_args(kind), given)
    if repeated(kind) is float:
        return _numbers(given, bounds)
    if get_origin(kind) is tuple:
        return _array(kind, given, bounds)
    if kind is bool:
        return _typed(given, bool, "must be true or false")
    if kind is str:
        return _text(given)
    if kind is Path:
        return Path(_text(given) or _refuse("must name a folder"))
    if kind is int:
        return _bounded(_whole(given), bounds)
    if kind is float:
        return _bounded(_number(given), bounds)
    raise TypeError(f"ispd.toml cannot read a {kind}")


def checked(notes: tuple[object, ...], value: T) -> T:
    """The value, if the rules of its own hold.  Raises Refused."""
    for note in notes:
        if problem := _problem(note, value):
            raise Refused(problem)
    return value


def _problem(note: object, value: Any) -> str:
    if isinstance(note, Check):
        return note.problem(value)
    if isinstance(note, Counts) and len(value) not in note.allowed:
        return f"must have {_either(map(str, note.allowed))} numbers; it has {len(value)}"
    if isinstance(note, Rising):
        for number, (before, after) in enumerate(pairwise(value), start=2):
            if after < before:
                return f"must never fall; number {number}, {shown(after)}, is below the one before it, {shown(before)}"
    return ""


def _either(words: Iterable[str]) -> str:
    """ "0, 1 or 2" """
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def _refuse(sentence: str) -> str:
    raise Refused(sentence)


def _typed(given: object, kind: type[T], sentence: str) -> T:
    if not isinstance(given, kind):
        raise Refused(sentence)
    return given


def _text(given: object) -> str:
    text = _typed(given, str, "must be text in quotes")
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise Refused("must not contain control characters or line ends")
    return text


def _whole(given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, int):
        raise Refused("must be a whole number")
    return given


def _number(given: object) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise Refused("must be a number")
    try:
        number = float(given)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Refused("must be a finite number")
    return number + 0.0  # -0.0 becomes 0.0: equal values, equal digests


def _bounded(number: T, bounds: Bounds | None) -> T:
    if bounds is not None and number not in bounds:  # type: ignore[operator]
        raise Refused(f"must lie in {allowed(bounds)}")
    return number


def allowed(bounds: Bounds) -> str:
    """ "-8 to 8 stops" """
    return f"{bounds.low:g} to {bounds.high:g} {bounds.unit}".rstrip()


def _choice(choices: tuple[Any, ...], given: object) -> object:
    for choice in choices:
        if type(given) is type(choice) and given == choice:
            return choice
    words = " or ".join(shown(choice) for choice in choices)
    raise Refused(f"must be {words}{did_you_mean(str(given), map(str, choices))}")


def _numbers(given: object, bounds: Bounds | None) -> tuple[float, ...]:
    values = []
    for number, item in enumerate(_typed(given, list, "must be a list of numbers in [ ]"), start=1):
        try:
            values.append(_bounded(_number(item), bounds))
        except Refused as refused:
            raise Refused(f"{refused}; number {number} is {shown(item)}") from refused
    return tuple(values)


def _array(kind: Any, given: object, bounds: Bounds | None) -> tuple[Any, ...]:
    items = _typed(given, list, "must be a list in [ ]")
    element = repeated(kind)
    if element is None:
        kinds = get_args(kind)
        if len(items) != len(kinds):
            raise Refused(f"must have {len(kinds)} values")
        return tuple(leaf(part, item, bounds) for part, item in zip(kinds, items, strict=True))
    values = tuple(leaf(element, item, bounds) for item in items)
    if get_origin(element) is tuple and any(b[0] <= a[0] for a, b in pairwise(values)):
        raise Refused("must have its x rising from point to point")  # knots of a curve
    return values


def shown(value: object) -> str:
    """A value as a person would write it, shortened."""
    if isinstance(value, bool):
        return str(value).lower()
    is_plain = isinstance(value, str | list | dict)
    text = json.dumps(value, ensure_ascii=False, default=str) if is_plain else str(value).removesuffix(".0")
    return text if len(text) <= 60 else text[:57] + "…" + text[-1]


def dotted(place: Place) -> str:
    """The key as it is written; which of several [[tables]] it is in, the line says."""
    return ".".join(part for part in place if isinstance(part, str))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ "; did you mean …?" where something like it exists, else "" """
    by_folded = {each.casefold(): each for each in known}
    close = difflib.get_close_matches(word.casefold(), by_folded, n=1)
    return f"; did you mean {by_folded[close[0]]}?" if close else ""
