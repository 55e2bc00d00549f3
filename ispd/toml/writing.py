"""A dataclass as a table, and a table as TOML text: what `reading` reads back as the same value."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, TypeAlias

from ispd.toml.slots import Lifted, lifted_slot, repeated, slots

LONGEST_LINE = 120

Others: TypeAlias = Mapping[type, Callable[[Any], object]]


def to_table(value: Any, others: Others | None = None) -> dict[str, Any]:
    """A dataclass as the table that `Reading` makes it from, every default spelled out, None left out.

    `others` write what this package does not know, by its kind.
    """
    return dict(_entries(value, "", others or {}))


def _entries(value: Any, skip: str, others: Others) -> Iterator[tuple[str, Any]]:
    for slot in slots(value.__class__):
        if slot.field == skip:
            continue
        lifted = slot.note(Lifted)
        part = getattr(value, slot.field)
        if lifted is not None:
            inner = lifted_slot(slot)
            yield inner.key, _plain(getattr(part, inner.field), others)
            yield slot.key, dict(_entries(part, lifted.field, others))
        elif part is not None and not (part == () and is_dataclass(repeated(slot.kind))):  # TOML has no empty [[table]]
            yield slot.key, _plain(_as(slot.kind, part), others)


def _as(kind: Any, value: Any) -> Any:
    """1 and 1.0 are one value, one digest."""
    if kind is float:
        return float(value)
    return tuple(map(float, value)) if repeated(kind) is float else value


def _plain(value: Any, others: Others) -> Any:
    if other := others.get(type(value)):
        return other(value)
    if is_dataclass(value):
        return to_table(value, others)
    if isinstance(value, tuple):
        return [_plain(item, others) for item in value]
    return str(value) if isinstance(value, Path) else value


def changed(table: Mapping[str, Any], plain: Mapping[str, Any]) -> dict[str, Any]:
    """What a table says that `plain` does not; tables in it likewise.

    >>> changed({"a": 1, "b": {"c": 2, "d": 3}}, {"a": 1, "b": {"c": 2, "d": 4}})
    {'b': {'d': 3}}
    """
    found: dict[str, Any] = {}
    for key, value in table.items():
        other = plain.get(key)
        if isinstance(value, Mapping) and isinstance(other, Mapping):
            if part := changed(value, other):
                found[key] = part
        elif value != other:
            found[key] = value
    return found


def write(table: Mapping[str, Any]) -> str:
    """A table as TOML text, plain keys before sub-tables."""
    return "\n".join(_lines(table, "")).strip() + "\n"


def _lines(table: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for key, value in table.items():
        if not _is_table(value):
            yield from _line(key, value)
    for key, value in table.items():
        if isinstance(value, Mapping):
            header = ("", f"[{prefix}{key}]") if not value or not all(map(_is_table, value.values())) else ()
            yield from (*header, *_lines(value, f"{prefix}{key}."))
        elif _is_table(value):
            for item in value:
                yield from ("", f"[[{prefix}{key}]]", *_lines(item, f"{prefix}{key}."))


def _line(key: str, value: object) -> Iterator[str]:
    """A key with its value; a long list goes over several lines."""
    line = f"{key} = {literal(value)}"
    if len(line) <= LONGEST_LINE or not isinstance(value, list):
        yield line
        return
    yield f"{key} = ["
    packed = "   "
    for item in map(literal, value):
        if packed.strip() and len(packed) + len(item) + 2 > LONGEST_LINE:
            yield packed
            packed = "   "
        packed += f" {item},"
    yield packed
    yield "]"


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and bool(value) and isinstance(value[0], Mapping))


def literal(value: object) -> str:
    """A plain value or a list of them as TOML."""
    if isinstance(value, list):
        return f"[{', '.join(literal(item) for item in value)}]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
