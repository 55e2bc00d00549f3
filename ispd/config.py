"""ispd.toml: which folders are watched, where their pictures go, and how patient ispd is.

Read once at the edge; what is below takes the value it needs, never the whole config.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from ispd import toml
from ispd.errors import CannotCreate, ConfigError
from ispd.isp.params import Bounds
from ispd.naming import template_problem
from ispd.orders import MetadataPolicy
from ispd.profile.library import Library, config_home, home, open_library

MACHINE_CONFIG, MACHINE_STATE = Path("/etc/ispd"), Path("/var/lib/ispd")  # as systemd/ispd.service has them

Learn: TypeAlias = Literal["sidecar", "preview", "never"]


def _path_problem(path: Path) -> str:
    try:
        path.expanduser()
    except RuntimeError:
        return "begins with the home folder of a user that this machine does not have"
    return ""


Place: TypeAlias = Annotated[Path, toml.Check(_path_problem)]


@dataclass(frozen=True)
class Folder:
    """One watched folder and where its pictures go: a `[[folder]]` table."""

    watch: Place  # photos are looked for here and below
    deliver: Place  # pictures go here; made if missing; never watched itself
    profile: str = "auto"  # the most specific profile that matches a photo; or the name of one for all of them
    learn: Learn = "sidecar"  # what a look may be learned from: the JPEG beside a raw, the preview inside it, nothing
    name: Annotated[str, toml.Check(template_problem)] = "{folder}/{stem}"  # of a picture, below `deliver`
    metadata: MetadataPolicy = "all"  # which tags of the photo its pictures carry


def device_problem(device: str) -> str:
    """What is wrong with the name of a device, or "" """
    is_known = re.fullmatch(r"auto|cpu|cuda(:\d{1,3})?", device, re.ASCII)
    return "" if is_known else 'must be "auto", "cpu", "cuda" or "cuda:1"'


@dataclass(frozen=True)
class Engine:
    """Where photos are rendered."""

    device: Annotated[str, toml.Check(device_problem)] = "auto"  # "cpu", "cuda", "cuda:1"; auto: a GPU if there is one


@dataclass(frozen=True)
class Settle:
    """How long ispd waits for what may still change."""

    quiet_seconds: Annotated[float, Bounds(0.1, 3600, unit="s")] = 3.0  # a file unchanged for so long is complete
    scan_seconds: Annotated[float, Bounds(1, 86400, unit="s")] = 60.0  # every folder is looked through this often
    give_up_seconds: Annotated[float, Bounds(0, 604800, unit="s")] = 600.0  # then an incomplete photo is set aside
    learn_after_seconds: Annotated[float, Bounds(0, 3600, unit="s")] = 30.0  # of quiet before a look is learned


@dataclass(frozen=True)
class Config:
    """Everything ispd.toml says, all paths absolute."""

    folders: Annotated[tuple[Folder, ...], toml.Key("folder")]
    engine: Engine = field(default_factory=Engine)
    settle: Settle = field(default_factory=Settle)
    profiles: tuple[Place, ...] = ()  # more folders to look for profiles in, before the usual ones
    state: Place = Path()  # ledger and learned profiles; left out: $STATE_DIRECTORY or ~/.local/state/ispd
    source: Annotated[Path, toml.Unwritten()] = Path()  # the file this was read from


def find_config(argument: Path | None = None) -> Path:
    """Which file holds: `argument` (--config), else $ISPD_CONFIG, else the first that exists of `usual_places()`.

    Raises ConfigError where none is there.
    """
    named = argument or os.environ.get("ISPD_CONFIG")
    if named:
        return Path(named)
    for path in usual_places():
        if path.exists():
            return path
    looked = ", ".join(map(str, usual_places()))
    raise ConfigError(
        f"there is no config; looked for {looked}; `ispd config init --watch IN --deliver OUT` writes one"
    )


def usual_places() -> tuple[Path, ...]:
    """Where ispd.toml is looked for: systemd's folder for it, the user's, the machine's."""
    by_systemd = filter(None, os.environ.get("CONFIGURATION_DIRECTORY", "").split(":"))
    folders = (*map(Path, by_systemd), config_home(), MACHINE_CONFIG)
    return tuple(dict.fromkeys(folder / "ispd.toml" for folder in folders))


def usual_state(source: Path = Path()) -> Path:
    """Where the ledger lives unless the config in `source` says otherwise: systemd's folder for it, else the user's.

    The machine's config is its unit's, which keeps the ledger in /var/lib: whoever may write there means that one.
    """
    if by_systemd := os.environ.get("STATE_DIRECTORY", "").split(":")[0]:
        return Path(by_systemd)
    if source.parent == MACHINE_CONFIG and os.access(MACHINE_STATE, os.W_OK | os.X_OK):
        return MACHINE_STATE
    return Path(os.environ.get("XDG_STATE_HOME") or home() / ".local/state") / "ispd"


def read_config(path: Path) -> Config:
    """The config in `path`, checked together with its profiles.  Raises ConfigError with every problem found."""
    return _checked(toml.load(path), path)


def library_at(path: Path | None) -> Library:
    """The profiles that a config leads to, whatever else is wrong with it; None: those of a machine without one.

    Raises ConfigError where the file is missing or not TOML.
    """
    config = toml.Reading(toml.load(path)).table(Config) if path else None
    if path is None or config is None:
        return open_library((), usual_state(path or Path()))
    settled = _absolute(config, path)
    return open_library(settled.profiles, settled.state)


def state_of(argument: Path | None = None) -> Path:
    """The state folder by the config that holds, even one with mistakes; without a config the usual one.

    Raises ConfigError where `argument` names a config that cannot be used.
    """
    if argument is not None:
        return read_config(argument).state
    try:
        path = find_config()
    except ConfigError:
        return usual_state()
    return state_of_broken(path)


def _checked(page: toml.Page, path: Path) -> Config:
    reading = toml.Reading(page)
    written = reading.table(Config)
    if written is None:
        raise ConfigError(*reading.problems)
    config = _absolute(written, path)
    profiles = open_library(config.profiles, config.state)
    for index, folder in enumerate(config.folders):
        for key, sentence in _folder_problems(folder, config.folders[:index], profiles):
            reading.complain_of(written.folders[index], key, sentence)
    for folder_of_profiles in config.profiles:
        if not folder_of_profiles.is_dir():
            reading.complain(("profiles",), f"names {folder_of_profiles}, which is no folder")
    ties = profiles.ties if any(folder.profile == "auto" for folder in config.folders) else ()
    if problems := (*reading.problems, *ties):
        raise ConfigError(*problems)
    return config


def state_of_broken(source: Path) -> Path:
    """Where the ledger lies by a config with mistakes: `state` stands before the first table, so they may be below."""
    try:
        head = re.split(r"^\s*\[", source.read_text(encoding="utf-8"), maxsplit=1, flags=re.MULTILINE)[0]
        state = toml.parse(head, str(source)).table["state"]
        return _placed(Path(state), source)
    except (OSError, ValueError, ConfigError, KeyError, TypeError, RuntimeError):
        return usual_state(source.absolute())


def _placed(path: Path, source: Path) -> Path:
    """`~` is the home folder; anything relative lies beside the config."""
    return Path(os.path.normpath(source.absolute().parent / path.expanduser()))


def _absolute(config: Config, source: Path) -> Config:
    def place(path: Path) -> Path:
        return _placed(path, source)

    return replace(
        config,
        folders=tuple(replace(each, watch=place(each.watch), deliver=place(each.deliver)) for each in config.folders),
        profiles=tuple(map(place, config.profiles)),
        state=usual_state(source.absolute()) if config.state == Path() else place(config.state),
        source=source.absolute(),
    )


def _folder_problems(folder: Folder, earlier: tuple[Folder, ...], profiles: Library) -> Iterator[tuple[str, str]]:
    """What is wrong with a folder as such and beside the ones before it: the key, and what follows its name."""
    if folder.profile != "auto":
        yield from _profile_problems(folder.profile, profiles)
    watch, deliver = _real(folder.watch), _real(folder.deliver)
    if watch == deliver:
        yield "deliver", f"= {folder.deliver} is the watched folder itself; pictures need a folder of their own"
    for other in earlier:
        other_watch, other_deliver = _real(other.watch), _real(other.deliver)
        if watch == other_watch:
            yield "watch", f"= {folder.watch} is watched already by an earlier [[folder]]"
        elif watch in other_watch.parents or other_watch in watch.parents:
            yield "watch", f"= {folder.watch} and {other.watch} lie in one another; each photo may have one folder only"
        if deliver == other_watch:
            yield "deliver", f"= {folder.deliver} is watched by an earlier [[folder]]; finished pictures are no photos"
        if watch == other_deliver:
            yield "watch", f"= {folder.watch} is where an earlier [[folder]] delivers; finished pictures are no photos"


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # links followed: two names of one folder are one folder


def _profile_problems(name: str, profiles: Library) -> Iterator[tuple[str, str]]:
    if name not in profiles.names:
        yield "profile", f'= "{name}" is no profile{profiles.suggestion(name)}'
        return
    for problem in profiles.entry(name).problems:
        yield "profile", f'= "{name}" cannot be used: {problem}'


FIRST_CONFIG = """\
# What ispd watches, and where its pictures go.
# `ispd config check` finds mistakes, `ispd plan` shows what would be done.

[[folder]]                       # as many of these as you like
watch   = {watch}
deliver = {deliver}
# profile  = "auto"              # or the name of one of `ispd profile list`
# name     = "{{folder}}/{{stem}}"   # {{date:%Y/%m}}/{{stem}}, {{exif.Model|unknown}}/{{stem}} …
# metadata = "all"               # "no-location" leaves out where it was taken, "minimal" nearly everything
# learn    = "sidecar"           # learn a camera's look from the JPEG beside a raw; "preview", "never"

# [engine]
# device = "auto"                # "cpu", "cuda", "cuda:1"
"""


def first_config(watch: Path, deliver: Path) -> str:
    """The text of a commented config for one folder.  Raises ConfigError where TOML cannot hold a path."""
    for path in (watch, deliver):
        if not str(path).isprintable():
            raise ConfigError(f"{str(path)!r} cannot be written into a config: it is no plain UTF-8 text")
    quoted = {"watch": watch.expanduser().absolute(), "deliver": deliver.expanduser().absolute()}
    return FIRST_CONFIG.format(**{key: toml.literal(str(path)) for key, path in quoted.items()})


def write_config(path: Path, watch: Path, deliver: Path) -> Config:
    """Write a commented first config for one folder.  Never replaces a file.

    Raises ConfigError where the config would be wrong, CannotCreate where the file exists or cannot be written.
    """
    text = first_config(watch, deliver)
    config = _checked(toml.parse(text, str(path)), path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise CannotCreate(f"{path} is there already; it was left as it is") from error
    except OSError as error:
        raise CannotCreate(f"{path} cannot be written: {error.strerror}") from error
    return config
