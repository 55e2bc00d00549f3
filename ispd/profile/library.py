"""Where profiles are looked up: the config's folders, the user's, the machine's, learned ones, shipped ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ispd.profile.profile import Profile


@dataclass(frozen=True)
class Library:
    """All profiles that could be read, in the order they are looked up."""

    problems: tuple[str, ...] = ()  # one sentence each: broken profiles, ties

    def get(self, name: str) -> Profile:
        """The profile of that name.  Raises ConfigError where there is none, with a did-you-mean, or it is broken."""
        raise NotImplementedError


def open_library(extra: Sequence[Path] = (), state: Path | None = None) -> Library:
    """Read every profile there is: `extra` are the config's folders, `state` holds the learned ones."""
    raise NotImplementedError
