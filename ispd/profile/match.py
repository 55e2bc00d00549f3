"""Which photos a profile is meant for: its `[match]` table, and which of two that fit is the more specific."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from ispd.orders import Facts, Rule
from ispd.profile.glob import fits, literal_characters, overlap
from ispd.sentences import printable
from ispd.toml import Check


def _range_problem(iso: tuple[int, int]) -> str:
    return "" if 1 <= iso[0] <= iso[1] else "must be two ISO values, the lower one first"


@dataclass(frozen=True)
class Match:
    """Patterns that must all hold; what is left out asks nothing.

    `*` is any text, `?` one character, everything else itself; case is ignored.
    """

    make: str = ""  # "Google", "Nikon*"
    model: str = ""  # the camera's model or, in a DNG, its UniqueCameraModel
    lens: str = ""
    serial: str = ""  # of the body
    iso: Annotated[tuple[int, int] | None, Check(_range_problem)] = None  # from, to; both included
    folder: str = ""  # the photo's folder below the watched one; beginning with "/": its absolute path

    @property
    def asks_nothing(self) -> bool:
        """Such a profile is never chosen by itself: a folder or a person names it."""
        return self == Match()


@dataclass(frozen=True)
class Subject:
    """The photo that patterns are held against."""

    facts: Facts
    folder: str  # below the watched one, "" for that folder itself
    absolute: str  # the same from the root


Specificity: TypeAlias = tuple[bool, bool, bool, bool, bool, bool, int]


def specificity(match: Match) -> Specificity:
    """Greater is more specific: serial, model, lens, ISO range, folder, make, then literal characters."""
    patterns = (match.make, match.model, match.lens, match.serial, match.folder)
    return (
        bool(match.serial),
        bool(match.model),
        bool(match.lens),
        match.iso is not None,
        bool(match.folder),
        bool(match.make),
        sum(map(literal_characters, patterns)),
    )


ASKS = ("a serial number", "a model", "a lens", "an ISO range", "a folder", "a make", "more letters of a name")


def camera_of(facts: Facts) -> tuple[str, str]:
    """Make and model, as the patterns that fit this camera alone.

    >>> camera_of(Facts(make="PENTAX ", model="PENTAX *ist D"))
    ('PENTAX', 'PENTAX ?ist D')
    """
    make, model = facts.make, facts.model or facts.unique_model
    return make.strip().replace("*", "?"), model.strip().replace("*", "?")


def more_specific_by(winner: Match, other: Match) -> str:
    """What decided: the first thing that only the winner asks for."""
    pairs = zip(ASKS, specificity(winner), specificity(other), strict=True)
    return next((what for what, ours, theirs in pairs if ours != theirs), "")


def trail(name: str, match: Match, photo: Subject) -> Iterator[Rule]:
    """One rule a pattern of the profile `name`: whether it held, and why."""
    facts = photo.facts
    texts = (
        ("serial", match.serial, (facts.serial,)),
        ("model", match.model, (facts.model, facts.unique_model)),
        ("lens", match.lens, (facts.lens,)),
        ("folder", match.folder, (_seen_from(match.folder, photo),)),
        ("make", match.make, (facts.make,)),
    )
    for what, pattern, values in texts:
        if pattern:
            yield _text_rule(name, what, pattern, values)
    if match.iso is not None:
        yield _iso_rule(name, match.iso, facts.iso)


def _seen_from(pattern: str, photo: Subject) -> str:
    return photo.absolute if pattern.startswith("/") else photo.folder or "."


def _text_rule(name: str, what: str, pattern: str, values: tuple[str, ...]) -> Rule:
    said = [value.strip() for value in values if value.strip()]
    if not said:
        return Rule(name, False, f'{what} = "{pattern}" does not hold: the photo does not say its {what}')
    for value in said:
        if fits(pattern, value):
            return Rule(name, True, f'{what} = "{pattern}" holds: "{printable(value)}"')
    return Rule(name, False, f'{what} = "{pattern}" does not hold: it is "{printable(said[0])}"')


def _iso_rule(name: str, iso: tuple[int, int], value: int | None) -> Rule:
    asked = f"iso = [{iso[0]}, {iso[1]}]"
    if value is None:
        return Rule(name, False, f"{asked} does not hold: the photo does not say its ISO")
    if iso[0] <= value <= iso[1]:
        return Rule(name, True, f"{asked} holds: {value}")
    return Rule(name, False, f"{asked} does not hold: it is {value}")


def can_meet(one: Match, other: Match) -> bool:
    """Whether one photo could fit both, as far as the patterns alone tell."""
    texts = ((one.make, other.make), (one.model, other.model), (one.lens, other.lens), (one.serial, other.serial))
    if not all(overlap(a, b) for a, b in texts if a and b):
        return False
    if one.iso and other.iso and (one.iso[1] < other.iso[0] or other.iso[1] < one.iso[0]):
        return False
    if one.folder and other.folder and one.folder.startswith("/") == other.folder.startswith("/"):
        return overlap(one.folder, other.folder)
    return True
