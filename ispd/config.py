"""ispd.toml: which folders are watched, where their pictures go, and how patient ispd is.

Read once at the edge; what is below takes the value it needs, never the whole config.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from ispd.isp.params import Bounds
from ispd.orders import MetadataPolicy

Learn: TypeAlias = Literal["sidecar", "preview", "never"]


@dataclass(frozen=True)
class Folder:
    """One watched folder and where its pictures go: a `[[folder]]` table."""

    watch: Path  # photos are looked for here and below
    deliver: Path  # pictures go here; made if it is missing; never watched itself
    profile: str = "auto"  # or a profile's name
    learn: Learn = "sidecar"  # what a camera's look is learned from: the JPEG beside a raw, the preview in it, nothing
    name: str = "{folder}/{stem}"  # of a picture, below `deliver`; see docs/config.md
    metadata: MetadataPolicy = "all"


@dataclass(frozen=True)
class Engine:
    """Where photos are rendered."""

    device: str = "auto"  # "cpu", "cuda", "cuda:1"


@dataclass(frozen=True)
class Settle:
    """How long ispd waits for what may still change."""

    quiet_seconds: Annotated[float, Bounds(0.1, 3600, unit="s")] = (
        3.0  # a file that has not changed for so long is whole
    )
    scan_seconds: Annotated[float, Bounds(1, 86400, unit="s")] = 60.0  # every folder is looked through this often
    give_up_seconds: Annotated[float, Bounds(0, 604800, unit="s")] = 600.0  # then an incomplete photo is set aside
    learn_after_seconds: Annotated[float, Bounds(0, 3600, unit="s")] = (
        30.0  # quiet in the folder before a look is learned
    )


@dataclass(frozen=True)
class Config:
    """Everything ispd.toml says, all paths absolute."""

    source: Path  # the file itself
    state: Path  # ledger, learned profiles
    folders: tuple[Folder, ...]
    engine: Engine = field(default_factory=Engine)
    settle: Settle = field(default_factory=Settle)
    profiles: tuple[Path, ...] = ()  # more folders to look for profiles in, before the usual ones


def find_config(argument: Path | None = None) -> Path:
    """Which file holds: `argument` (--config), $ISPD_CONFIG, $XDG_CONFIG_HOME/ispd/ispd.toml, /etc/ispd/ispd.toml.

    Raises ConfigError where none is there.
    """
    raise NotImplementedError


def read_config(path: Path) -> Config:
    """The config in `path`, checked together with its profiles.  Raises ConfigError with every problem found."""
    raise NotImplementedError


def write_config(path: Path, watch: Path, deliver: Path) -> Config:
    """Write a commented first config for one folder and read it back.  Never replaces a file: raises ConfigError."""
    raise NotImplementedError
