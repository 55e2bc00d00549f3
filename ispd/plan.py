"""Facts + profiles + one folder's wishes → which profile, which pictures, under which names, and why.  Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath

from ispd.config import Folder
from ispd.errors import ConfigError
from ispd.naming import NAME_BYTES, NUMBER_BYTES, Fields, fill, readable, shorten
from ispd.orders import Facts, Output, Plan, Recipe, Rule, Waiting
from ispd.profile.body import for_photo
from ispd.profile.certificate import how_far_off, outside
from ispd.profile.library import NEUTRAL, Entry, Library, Tier, tie_sentence
from ispd.profile.match import Specificity, Subject, more_specific_by, specificity, trail
from ispd.profile.profile import Profile, to_json
from ispd.sentences import counted, printable


class References(Enum):
    """What the caller sees beside photos of a camera that no profile knows."""

    NONE = "none"
    GATHERING = "gathering"  # finished pictures lie beside them, and the folder is not quiet yet
    LEARNING = "learning"  # a look is learned from them now, or is about to be
    QUIET = "quiet"  # they lie there, and nothing has come of them


def plan(
    facts: Facts,
    relative: bytes,
    folder: Folder,
    profiles: Library,
    references: References = References.NONE,
    lesson: str = "",
) -> Plan | Waiting:
    """What shall be done with the photo at `relative` below `folder.watch`.

    `lesson`: why nothing was learned from the references.
    Raises ConfigError where the profile it needs is unknown or broken, or two profiles fit equally well.
    """
    choice = choose(facts, relative, folder, profiles, references, lesson)
    if isinstance(choice, Waiting):
        return choice
    return plan_with(profiles.get(choice.name), choice, facts, relative, folder)


def plan_with(profile: Profile, choice: Choice, facts: Facts, relative: bytes, folder: Folder) -> Plan:
    """The plan for a profile that has been chosen; `choice` says how."""
    made, about_camera = for_photo(profile, facts)
    recipe = Recipe(made.name, to_json(made), made.outputs, folder.metadata)
    about_fit = tuple(_about_fit(made, facts, about_camera))
    note = "; ".join(filter(None, (choice.note, *(rule.sentence for rule in about_fit if not rule.holds))))
    return Plan(recipe, names(folder.name, facts, relative, made), (*choice.trail, *about_fit), note)


def _about_fit(profile: Profile, facts: Facts, about_camera: str) -> Iterator[Rule]:
    """Whether the photo lies within what a learned profile was learned on."""
    if profile.fit is None:
        return
    if about_camera:
        yield Rule(profile.name, False, about_camera)
    if beyond := outside(profile.fit, facts):
        yield Rule(profile.name, False, f'outside of what "{profile.name}" has learned: {beyond}')
    else:
        sentence = f"inside what it has learned, from {counted(profile.fit.pairs, 'pair')}"
        yield Rule(profile.name, True, f"{sentence}; {how_far_off(profile.fit)}")


@dataclass(frozen=True)
class Choice:
    """The profile a photo gets, with the rules that led there."""

    name: str
    trail: tuple[Rule, ...]
    note: str = ""


def choose(
    facts: Facts,
    relative: bytes,
    folder: Folder,
    profiles: Library,
    references: References = References.NONE,
    lesson: str = "",
) -> Choice | Waiting:
    """Which profile: the folder's own, else the most specific match by hand, learned, shipped, else neutral.

    Raises ConfigError as `plan` does.
    """
    if folder.profile != "auto":
        return Choice(folder.profile, _named(folder.profile, profiles))
    search = _Search(_subject(facts, relative, folder), profiles)
    if winner := search.winner(Tier.OWN) or search.winner(Tier.LEARNED):
        return search.choice(winner)
    if references is References.GATHERING and folder.learn != "never":
        return Waiting(f"finished pictures come with {_camera(facts)}; its look is learned once they are all there")
    if references is References.LEARNING and folder.learn != "never":
        return Waiting(f"the look of {_camera(facts)} is being learned")
    if winner := search.winner(Tier.SHIPPED):
        return search.choice(winner)
    note = f"no profile is meant for {_camera(facts)}: {NEUTRAL}"
    if references is References.QUIET and folder.learn != "never":
        note += "; nothing has been learned from its finished pictures" + (f": {lesson}" if lesson else " yet")
    return Choice(NEUTRAL, (*search.rules, Rule(NEUTRAL, True, note), *_hides(profiles.entry(NEUTRAL))), note)


def may_learn(facts: Facts, relative: bytes, folder: Folder, profiles: Library) -> bool:
    """Whether a look that is learned from this photo would be used on photos like it: nobody has decided otherwise.

    Raises ConfigError as `plan` does.
    """
    if folder.profile != "auto" or folder.learn == "never" or not (facts.model or facts.unique_model):
        return False
    return _Search(_subject(facts, relative, folder), profiles).winner(Tier.OWN) is None


def _named(name: str, profiles: Library) -> tuple[Rule, ...]:
    entry = profiles.entry(name)
    return Rule(name, True, f'the folder says profile = "{name}"'), *_hides(entry)


def _hides(entry: Entry) -> Iterator[Rule]:
    for path in entry.hides:
        yield Rule(entry.name, True, f"{entry.path} stands in front of {path}")


def _camera(facts: Facts) -> str:
    return printable(facts.camera) or "a camera that does not give its name"


def _subject(facts: Facts, relative: bytes, folder: Folder) -> Subject:
    parent = readable(relative).rpartition("/")[0]
    absolute = f"{folder.watch}/{parent}" if parent else str(folder.watch)
    return Subject(facts, parent, absolute)


@dataclass
class _Search:
    """One photo's way through the library; `rules` grows as profiles are asked."""

    photo: Subject
    profiles: Library
    rules: list[Rule] = field(default_factory=list)

    def winner(self, tier: Tier) -> Entry | None:
        """The most specific profile of a tier that fits.  Raises ConfigError where that is broken or one of two."""
        fitting = [entry for entry in self.profiles.entries if entry.tier is tier and self._fits(entry)]
        ranked = sorted(fitting, key=_rank, reverse=True)  # one whose match cannot be read comes first
        if not ranked:
            return None
        if ranked[0].profile is None:
            raise ConfigError(*ranked[0].problems)
        if len(ranked) > 1 and _rank(ranked[0]) == _rank(ranked[1]):
            raise ConfigError(tie_sentence(*ranked[:2]))
        self.rules += _why(ranked[0], ranked[1:])
        return ranked[0]

    def choice(self, winner: Entry) -> Choice:
        """The winner, with a word on everything that was not asked any more."""
        later = [entry for entry in self.profiles.entries if entry.tier > winner.tier]
        not_asked = [
            Rule(entry.name, False, f'not asked: "{winner.name}" is {winner.tier.words}')
            for entry in later
            if not entry.match.asks_nothing
        ]
        return Choice(winner.name, (*self.rules, *not_asked))

    def _fits(self, entry: Entry) -> bool:
        if entry.is_version:
            return False
        if entry.match.asks_nothing:
            if not entry.match_is_whole:
                return True  # nobody can tell: its problems must be mended first
            if entry.name != NEUTRAL:
                self.rules.append(Rule(entry.name, False, "has no [match]: used only where it is named"))
            return False
        rules = list(trail(entry.name, entry.match, self.photo))
        self.rules += rules
        return all(rule.holds for rule in rules)


def _why(winner: Entry, others: list[Entry]) -> Iterator[Rule]:
    for other in others:
        what = more_specific_by(winner.match, other.match)
        yield Rule(other.name, False, f'fits too, but "{winner.name}" is more specific: it asks for {what}')
    rank = "most specific" if others else "only"
    yield Rule(winner.name, True, f"the {rank} profile {winner.tier.words} that fits")
    yield from _hides(winner)


def _rank(entry: Entry) -> tuple[bool, Specificity]:
    return not entry.match_is_whole, specificity(entry.match)


def names(template: str, facts: Facts, relative: bytes, profile: Profile) -> tuple[str, ...]:
    """The relative path of each picture: safe, distinct, with room for a collision's number."""
    outputs = profile.outputs
    paths = [fill(template, fields(facts, relative, profile, output)) for output in outputs]
    suffixes = [""] * len(outputs)
    files = list(map(_file, paths, suffixes, outputs))
    for part in (_size_part, _space_part, _number_part):  # each only where names still clash
        folded = [file.casefold() for file in files]
        for number, output in enumerate(outputs):
            if folded.count(folded[number]) > 1:
                suffixes[number] += part(number, output)
        files = list(map(_file, paths, suffixes, outputs))
    return tuple(files)


def _file(path: str, suffix: str, output: Output) -> str:
    folder, _, stem = path.rpartition("/")
    end = f"{suffix}.{output.extension}"
    file = shorten(stem, NAME_BYTES - NUMBER_BYTES - len(end.encode())) + end
    return f"{folder}/{file}" if folder else file


def _size_part(_: int, output: Output) -> str:
    return f"-{output.size}" if output.size else ""


def _space_part(_: int, output: Output) -> str:
    return f"-{output.space}"


def _number_part(number: int, _: Output) -> str:
    return f"-o{number + 1}"  # not a bare number: those tell photos of the same name apart


def fields(facts: Facts, relative: bytes, profile: Profile, output: Output) -> Fields:
    """What a name's template may use."""
    folder, _, file = readable(relative).rpartition("/")
    texts = {
        "stem": PurePosixPath(file).stem,
        "ext": PurePosixPath(file).suffix.removeprefix("."),
        "camera": facts.camera,
        "profile": profile.name,
        "format": output.format,
        "size": str(output.size or "full"),
        "exif.Make": facts.make,
        "exif.Model": facts.model,
        "exif.LensModel": facts.lens,
        "exif.BodySerialNumber": facts.serial,
        "exif.ISO": str(facts.iso or ""),
        "exif.ExposureTime": _shutter(facts.exposure_seconds),
        "exif.FNumber": _number(facts.f_number),
        "exif.FocalLength": _number(facts.focal_length_mm),
    }
    return Fields(texts, folder, facts.captured)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _shutter(seconds: float | None) -> str:
    """ "1-250" or "2.5", without a slash"""
    if seconds is None or not seconds > 0:
        return ""
    return f"1-{1 / seconds:.0f}" if seconds < 0.4 else f"{seconds:g}"
