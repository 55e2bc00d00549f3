"""Which photos a profile is meant for: its `[match]` table, and which of two that fit is the more specific."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Match:
    """Patterns that must all hold; "" and None ask nothing.  `*` is any text, `?` one character, case is ignored."""

    make: str = ""
    model: str = ""
    lens: str = ""
    serial: str = ""
    iso: tuple[int, int] | None = None  # from, to, both included
    folder: str = ""  # the photo's folder below the watched one; beginning with "/": its absolute path
