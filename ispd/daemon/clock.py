"""The daemon's two clocks, read in one place: steps are told the moment, so that tests can tell them another."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Now:
    """One moment on both clocks.  Waiting is measured on the steady one; rows in the ledger carry the wall's."""

    steady: float  # monotonic seconds
    wall: float  # seconds since 1970, may jump

    @classmethod
    def read(cls) -> Now:
        """This moment."""
        return cls(time.monotonic(), time.time())
