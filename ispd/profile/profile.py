"""A profile: a named look with the photos it is meant for and the pictures it asks for.  TOML ↔ Profile ↔ JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ispd.isp.look import Look
from ispd.orders import Output
from ispd.profile.match import Match


@dataclass(frozen=True)
class Profile:
    """One TOML file, or the canonical JSON that an order carries."""

    name: str
    schema: Literal[1] = 1
    intent: str = ""  # one line: what it is for
    backend: Literal["isp"] = "isp"
    match: Match = field(default_factory=Match)
    look: Look = field(default_factory=Look)  # [camera] and [look]
    outputs: tuple[Output, ...] = (Output(),)  # [[output]]


def read_profile(path: Path) -> Profile:
    """The profile in a TOML file.  Raises ConfigError with every problem found."""
    raise NotImplementedError


def to_json(profile: Profile) -> str:
    """Canonical: every default spelled out, so that equal profiles have equal digests."""
    raise NotImplementedError


def from_json(text: str) -> Profile:
    """The profile that `to_json` wrote.  Raises ConfigError where another ispd wrote what this one cannot read."""
    raise NotImplementedError
