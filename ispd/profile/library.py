"""Where profiles are looked up: the config's folders, the user's, the machine's, learned ones, shipped ones."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import combinations
from pathlib import Path

from ispd import toml
from ispd.errors import ConfigError
from ispd.profile.match import Match, can_meet, specificity
from ispd.profile.profile import Profile, read_page, read_profile

NEUTRAL = "neutral"  # what a photo gets that no profile is meant for


class Tier(IntEnum):
    """Who made a profile; a lower tier is asked first."""

    OWN = 0  # people, by hand
    LEARNED = 1  # ispd, from pairs
    SHIPPED = 2  # came with ispd

    @property
    def words(self) -> str:
        """For sentences: a profile "made by hand"."""
        return {Tier.OWN: "made by hand", Tier.LEARNED: "learned", Tier.SHIPPED: "shipped"}[self]


@dataclass(frozen=True)
class Shelf:
    """One folder of profiles."""

    path: Path
    tier: Tier


@dataclass(frozen=True)
class Entry:
    """One profile file.  A broken one has problems, no profile, and as much of its match as can be read."""

    name: str
    path: Path
    tier: Tier
    profile: Profile | None
    match: Match
    match_is_whole: bool = True  # False: it may ask for more than `match` says
    problems: tuple[str, ...] = ()
    hides: tuple[Path, ...] = ()  # files of the same name that are looked up later

    @property
    def is_version(self) -> bool:
        """An older version of a learned profile, kept under NAME@3: only used when it is named."""
        return "@" in self.name


@dataclass(frozen=True)
class Library:
    """Every profile there is, in the order they are looked up; of one name only the first."""

    entries: tuple[Entry, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(entry.name for entry in self.entries)

    @property
    def broken(self) -> tuple[str, ...]:
        """What is wrong with profiles that cannot be read, one sentence each."""
        return tuple(problem for entry in self.entries for problem in entry.problems)

    @property
    def ties(self) -> tuple[str, ...]:
        """Pairs of profiles that are equally specific and can both fit one photo, one sentence each."""
        candidates = [entry for entry in self.entries if entry.match_is_whole and not entry.is_version]
        return tuple(tie_sentence(a, b) for a, b in combinations(candidates, 2) if _tie(a, b))

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything the owner should mend."""
        return self.broken + self.ties

    def entry(self, name: str) -> Entry:
        """The file of that name.  Raises ConfigError where there is none."""
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise ConfigError(f'there is no profile "{name}"{self.suggestion(name)}')

    def get(self, name: str) -> Profile:
        """The profile of that name.  Raises ConfigError where there is none, with a did-you-mean, or it is broken."""
        entry = self.entry(name)
        if entry.profile is None:
            raise ConfigError(*entry.problems)
        return entry.profile

    def named(self, wish: str) -> Profile:
        """The profile of that name, or in that file where it ends in .toml.  Raises ConfigError."""
        return read_profile(Path(wish)) if wish.endswith(".toml") else self.get(wish)

    def with_file(self, path: Path) -> tuple[Library, str]:
        """The library with that profile before all others, and its name."""
        entry = _read(path, Tier.OWN)
        return Library((entry, *self.entries)), entry.name

    def suggestion(self, name: str) -> str:
        """What to say after an unknown name."""
        return toml.did_you_mean(name, self.names) or f"; there are {', '.join(sorted(self.names)) or 'none'}"


def _tie(one: Entry, other: Entry) -> bool:
    is_even = one.tier == other.tier and specificity(one.match) == specificity(other.match)
    return is_even and not one.match.asks_nothing and can_meet(one.match, other.match)


def tie_sentence(one: Entry, other: Entry) -> str:
    """Two profiles fit equally well: somebody must decide."""
    return (
        f'profiles "{one.name}" ({one.path}) and "{other.name}" ({other.path}) can fit the same photo equally well; '
        "make the [match] of one of them more specific"
    )


def shelves(extra: Sequence[Path] = (), state: Path | None = None) -> tuple[Shelf, ...]:
    """The folders in the order they are looked up: `extra` are the config's, `state` holds the learned ones."""
    own = (*extra, config_home() / "profiles", Path("/etc/ispd/profiles"))
    learned = () if state is None else (Shelf(learned_profiles(state), Tier.LEARNED),)
    return (*(Shelf(path, Tier.OWN) for path in own), *learned, Shelf(shipped_profiles(), Tier.SHIPPED))


def config_home() -> Path:
    """The user's own folder for ispd's config and profiles."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or home() / ".config") / "ispd"


def home() -> Path:
    """The user's home folder; one that is never there for a user without a name, as containers have them."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/nonexistent")


def learned_profiles(state: Path) -> Path:
    """Where `ispd fit` puts what it has learned."""
    return state / "profiles"


def shipped_profiles() -> Path:
    """Inside the installed package, or beside it in a working tree."""
    package = Path(__file__).parents[1]
    installed = package / "shipped/profiles"
    return installed if installed.is_dir() else package.parent / "profiles"


def open_library(extra: Sequence[Path] = (), state: Path | None = None) -> Library:
    """Read every profile on the usual shelves.  One that is broken stands in the library with its problems."""
    return read_shelves(shelves(extra, state))


def read_shelves(folders: Sequence[Shelf]) -> Library:
    """Read every profile in `folders`; a folder that is not there holds none."""
    first: dict[str, Entry] = {}
    seen: set[Path] = set()
    for shelf in folders:
        if (real := shelf.path.resolve()) in seen:
            continue  # the config may name the user's folder once more
        seen.add(real)
        for entry in _entries(shelf):
            before = first.get(entry.name)
            first[entry.name] = entry if before is None else replace(before, hides=(*before.hides, entry.path))
    return Library(tuple(first.values()))


def _entries(shelf: Shelf) -> Iterator[Entry]:
    names: dict[str, Path] = {}
    for path in sorted(shelf.path.glob("[!.]*.toml")):  # editors leave hidden files behind
        entry = _read(path, shelf.tier)
        if entry.name in names:
            problem = f'{path}: the name "{entry.name}" is taken by {names[entry.name].name} beside it'
            yield replace(entry, name=path.name, profile=None, problems=(problem,))
        else:
            names[entry.name] = path
            yield entry


def _read(path: Path, tier: Tier) -> Entry:
    try:
        page = toml.load(path)
    except ConfigError as error:
        return Entry(path.stem, path, tier, None, Match(), match_is_whole=False, problems=error.problems)
    try:
        profile = read_page(page, path.parent)
    except ConfigError as error:
        match, is_whole = _match_on(page)
        name = path.stem if "@" in path.stem else _name_on(page, path)
        return Entry(name, path, tier, None, match, is_whole, error.problems)
    is_version = "@" in path.stem and (tier is Tier.LEARNED or profile.fit is not None)
    return Entry(path.stem if is_version else profile.name, path, tier, profile, profile.match)


def _name_on(page: toml.Page, path: Path) -> str:
    name = page.table.get("name")
    return name if isinstance(name, str) and name else path.stem


def _match_on(page: toml.Page) -> tuple[Match, bool]:
    """The [match] of a page that is wrong somewhere: often it tells that the photo at hand does not need it."""
    given = page.table.get("match", {})
    if not isinstance(given, dict):
        return Match(), False
    reading = toml.Reading(toml.Page(page.file, given, {}))
    match = reading.table(Match)
    return match or Match(), not reading.problems
