"""What a table may say, read from the dataclass that it becomes: its keys, types, bounds and defaults."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from ispd.isp.params import Bounds

T = TypeVar("T")


class _Tensor:
    """What a parameter is while it learns: never in a file."""


@dataclass(frozen=True)
class Key:
    """The field is written under another name."""

    name: str


@dataclass(frozen=True)
class Check:
    """A rule of one field: gives "" or what is wrong, to follow the key and its value."""

    problem: Callable[[Any], str]


@dataclass(frozen=True)
class Lifted:
    """One field of this table is written beside the table rather than in it: `[camera]`, not `[look.camera]`."""

    field: str


@dataclass(frozen=True)
class Unwritten:
    """The field does not come from the file."""


@dataclass(frozen=True)
class Slot:
    """One key of a table."""

    key: str
    field: str
    kind: Any  # the type without its notes and without None
    notes: tuple[object, ...]
    default: object  # MISSING: the key must be there

    def note(self, kind: type[T]) -> T | None:
        return next((note for note in self.notes if isinstance(note, kind)), None)

    @property
    def bounds(self) -> Bounds | None:
        """Declared as Bounds, or as msgspec.Meta where the value also crosses processes."""
        meta = self.note(msgspec.Meta)
        if meta is None:
            return self.note(Bounds)
        low, high = meta.ge, meta.le
        unit = str((meta.extra or {}).get("unit", ""))
        return Bounds(-math.inf if low is None else low, math.inf if high is None else high, unit=unit)


@cache
def slots(kind: Any) -> tuple[Slot, ...]:
    """The keys of a table, in the order of its fields."""
    # "Tensor" is a name for type checkers only; in a file a learnable parameter is its number, or a list of them
    hints = get_type_hints(kind, localns={"Tensor": _Tensor}, include_extras=True)
    all_slots = (_slot(part.name, hints[part.name], _default(part)) for part in fields(kind))
    return tuple(slot for slot in all_slots if slot.note(Unwritten) is None)


def _default(part: Field[Any]) -> object:
    return part.default if part.default_factory is MISSING else part.default_factory()


def _slot(name: str, hint: Any, default: object) -> Slot:
    kind, notes = bare(hint)
    key = next((note.name for note in notes if isinstance(note, Key)), name)
    return Slot(key, name, kind, notes, default)


def bare(hint: Any) -> tuple[Any, tuple[object, ...]]:
    """The type and its notes: Annotated, `| None` and `| Tensor` unwrapped, in any order."""
    if get_origin(hint) is Annotated:
        kind, notes = bare(get_args(hint)[0])
        return kind, (*get_args(hint)[1:], *notes)
    if get_origin(hint) in (Union, UnionType):
        (inner,) = (part for part in get_args(hint) if part not in (NoneType, _Tensor))
        return bare(inner)
    return hint, ()


def lifted_slot(slot: Slot) -> Slot:
    """The key that is written beside this table rather than in it."""
    lifted = slot.note(Lifted)
    assert lifted is not None
    return next(inner for inner in slots(slot.kind) if inner.field == lifted.field)


def repeated(kind: Any) -> Any:
    """T of tuple[T, ...], else None."""
    arguments = get_args(kind)
    return arguments[0] if get_origin(kind) is tuple and arguments[-1] is Ellipsis else None
