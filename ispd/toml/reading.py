"""One pass over a file that goes on after a problem, so that the owner sees them all at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import tomli

from ispd.errors import ConfigError
from ispd.toml.leaves import Refused, checked, did_you_mean, dotted, leaf, shown
from ispd.toml.lines import Place, lines_of_keys
from ispd.toml.slots import Lifted, Slot, lifted_slot, repeated, slots

T = TypeVar("T")


@dataclass(frozen=True)
class Page:
    """A parsed file: what it says, and on which line."""

    file: str
    table: dict[str, Any]
    lines: Mapping[Place, int]


def parse(text: str, file: str) -> Page:
    """Parse TOML.  Raises ConfigError with the line where it breaks a rule of the language."""
    try:
        return Page(file, tomli.loads(text), lines_of_keys(text))
    except tomli.TOMLDecodeError as error:
        raise ConfigError(f"{file}:{error.lineno}: this is not TOML: {error.msg}") from error
    except RecursionError as error:
        raise ConfigError(f"{file}: nested too deeply") from error


def load(path: Path) -> Page:
    """Parse a file.  Raises ConfigError where it is missing, unreadable, not UTF-8 or not TOML."""
    try:
        text = path.read_bytes().decode("utf-8-sig")  # Windows' editors begin with a byte order mark
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8 text") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    return parse(text.replace("\r\n", "\n"), str(path))


class Reading:
    """One pass over a page.  It goes on after a problem, so that the owner sees them all at once.

    `others` read what this package does not know, by its kind; they may raise Refused.
    """

    def __init__(self, page: Page, others: Mapping[type, Callable[[object], Any]] | None = None) -> None:
        self.page = page
        self._others = others or {}
        self._problems: list[tuple[int, str]] = []
        self._places: list[tuple[object, Place]] = []  # which table each value came from, for checks across tables

    def table(self, kind: type[T]) -> T | None:
        """The whole page.  Where a key is wrong its default serves; None where it has none."""
        self._paths = tuple(_paths(kind, (), skip=""))
        made: T | None = self._table(kind, self.page.table, (), skip="")
        return made

    def complain(self, place: Place, sentence: str) -> None:
        """Note a problem with the key at `place`; `sentence` follows its name."""
        line = _line(self.page.lines, place)
        where = f"{self.page.file}:{line}" if line else self.page.file
        self._problems.append((line, f"{where}: {dotted(place)} {sentence}"))

    def complain_of(self, value: object, key: str, sentence: str) -> None:
        """Note a problem with `key` of the table that `value` was read from."""
        place = next(place for made, place in self._places if made is value)
        self.complain((*place, key), sentence)

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence each, from the top of the file down."""
        return tuple(sentence for _, sentence in sorted(self._problems, key=lambda problem: problem[0]))

    def finish(self) -> None:
        """Raises ConfigError where there was any problem."""
        if self._problems:
            raise ConfigError(*self.problems)

    def _table(self, kind: Any, table: Mapping[str, Any], place: Place, skip: str) -> Any:
        own = [slot for slot in slots(kind) if slot.field != skip]
        lifted = {slot.field: lifted_slot(slot) for slot in own if slot.note(Lifted)}
        self._unknown(table, place, [slot.key for slot in (*own, *lifted.values())])
        values = {slot.field: self._field(slot, table, place) for slot in own}
        for name, slot in lifted.items():
            values[name] = replace(values[name], **{slot.field: self._field(slot, table, place)})
        return self._make(kind, values, place)

    def _make(self, kind: Any, values: dict[str, Any], place: Place) -> Any:
        if any(value is MISSING for value in values.values()):
            return None
        made = kind(**values)
        self._places.append((made, place))
        return made

    def _unknown(self, table: Mapping[str, Any], place: Place, known: list[str]) -> None:
        for key in table:
            if key not in known:
                self.complain((*place, key), f"is unknown; {self._suggestion(key, known)}")

    def _suggestion(self, key: str, known: list[str]) -> str:
        if close := did_you_mean(key, known):
            return close.removeprefix("; ")
        for path in self._paths:  # right word, wrong table
            if path[-1] == key:
                return f"did you mean {dotted(path)}?"
        return f"known are {', '.join(known)}"

    def _field(self, slot: Slot, table: Mapping[str, Any], place: Place) -> Any:
        here = (*place, slot.key)
        if slot.key not in table:
            if slot.default is MISSING:
                self.complain(here, "is missing")
            return slot.default
        try:
            value = self._value(slot, table[slot.key], here)
            return value if value is MISSING else checked(slot.notes, value)
        except Refused as refused:
            self.complain(here, f"= {shown(table[slot.key])} {refused}")
            return slot.default

    def _value(self, slot: Slot, given: object, place: Place) -> Any:
        if other := self._others.get(slot.kind):
            return other(given)
        if is_dataclass(slot.kind):
            if not isinstance(given, dict):
                raise Refused(f"must be a table, written [{dotted(place)}]")
            lifted = slot.note(Lifted)
            made: Any = self._table(slot.kind, given, place, skip=lifted.field if lifted else "")
            return slot.default if made is None else made
        if is_dataclass(repeated(slot.kind)):
            return self._tables(repeated(slot.kind), given, place)
        return leaf(slot.kind, given, slot.bounds)

    def _tables(self, kind: Any, given: object, place: Place) -> Any:
        if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
            raise Refused(f"must be written [[{dotted(place)}]], once for each")
        if not given:
            raise Refused(f"needs at least one [[{dotted(place)}]]")
        made = [self._table(kind, item, (*place, number), skip="") for number, item in enumerate(given)]
        return tuple(item for item in made if item is not None)


def _paths(kind: Any, place: Place, skip: str) -> Iterator[Place]:
    """Every key that a page may have."""
    for slot in slots(kind):
        if slot.field != skip:
            lifted = slot.note(Lifted)
            if lifted is not None:
                yield from _below(lifted_slot(slot), place, skip="")
            yield from _below(slot, place, skip=lifted.field if lifted else "")


def _below(slot: Slot, place: Place, skip: str) -> Iterator[Place]:
    yield (*place, slot.key)
    inner = repeated(slot.kind) or slot.kind
    if is_dataclass(inner):
        yield from _paths(inner, (*place, slot.key), skip)


def _line(lines: Mapping[Place, int], place: Place) -> int:
    """The line of the key, or of the table it is missing from; 0 for the file as a whole."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 0)
