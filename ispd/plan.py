"""Facts + profiles + one folder's wishes → which profile, which pictures, under which names, and why.  Pure."""

from __future__ import annotations

from enum import Enum

from ispd.config import Folder
from ispd.orders import Facts, Plan, Waiting
from ispd.profile.library import Library


class References(Enum):
    """What the caller sees beside photos of a camera that no profile knows."""

    NONE = "none"
    GATHERING = "gathering"  # finished pictures lie beside them, and the folder is not quiet yet
    QUIET = "quiet"  # they lie there, and nothing more is coming


def plan(
    facts: Facts, relative: bytes, folder: Folder, profiles: Library, references: References = References.NONE
) -> Plan | Waiting:
    """What shall be done with the photo at `relative` below `folder.watch`.

    Raises ConfigError where the folder's profile is unknown or broken, or two profiles fit equally well.
    """
    raise NotImplementedError
