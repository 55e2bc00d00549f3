"""Troubles: what is wrong outside (no room, no exiftool, a folder away), and when to look whether it is mended.

One trouble makes all photos it concerns wait, with its sentence; one look decides for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ispd.daemon.ledger.rows import Cause
from ispd.errors import CannotCreate, FolderGone, MachineError, MissingTool, NotPermitted

FIRST_LOOK_SECONDS = 2.0
LONGEST_SECONDS = 30.0  # after somebody has made room, this is how long the photos wait at most


@dataclass(frozen=True)
class Trouble:
    """One thing that is wrong.  `deliver` is the folder it concerns, None all of them."""

    error: MachineError
    deliver: bytes | None
    look_at: float  # by the steady clock
    pause: float
    tried: bool = False  # its photos are at work again; the next of them tells

    @property
    def cause(self) -> Cause:
        """What rows in the ledger wait for."""
        return cause_of(self.error)

    @property
    def sentence(self) -> str:
        """For people."""
        return str(self.error)


class Troubles:
    """Those that are not known to be mended.  `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._all: dict[tuple[Cause, bytes | None], Trouble] = {}

    def meet(self, error: MachineError, deliver: bytes | None, now: float) -> Trouble:
        """Somebody ran into it: the trouble, new or known."""
        cause = cause_of(error)
        key = (cause, deliver if cause in ("folder", "space") else None)
        known = self._all.get(key)
        if known is not None and now < known.look_at and not known.tried:
            return replace(known, error=error) if cause == "machine" else known  # which may be each photo's own
        pause = min(2 * known.pause, LONGEST_SECONDS) if known else FIRST_LOOK_SECONDS
        self._all[key] = Trouble(error, key[1], now + pause, pause)
        return self._all[key]

    def in_the_way(self, deliver: bytes, now: float) -> Trouble | None:
        """What keeps this folder's photos from being begun before the next look.

        "machine" may be one photo's own (a bad sector under it): that one waits, the others go on.
        """
        for trouble in self._all.values():
            waits = now < trouble.look_at and not trouble.tried and trouble.cause != "machine"
            if waits and trouble.deliver in (None, deliver):
                return trouble
        return None

    def to_look_at(self, now: float) -> list[Trouble]:
        """Those whose time has come."""
        return [trouble for trouble in self._all.values() if trouble.look_at <= now and not trouble.tried]

    def try_again(self, trouble: Trouble) -> None:
        """Its photos are put back to work; if it is not over, one of them meets it again, and the pause doubles."""
        self._all[trouble.cause, trouble.deliver] = replace(trouble, tried=True)

    def mended(self, cause: Cause, deliver: bytes | None) -> None:
        """It is over."""
        self._all.pop((cause, deliver), None)

    def exit_code(self) -> int | None:
        """Of the first of them, for a command that ends with it; None: all is well."""
        return next((trouble.error.exit_code for trouble in self._all.values()), None)

    def sentences(self) -> list[str]:
        """All that is wrong, for people."""
        return [trouble.sentence for trouble in self._all.values()]


def cause_of(error: MachineError) -> Cause:
    """What a row waits for after this error."""
    match error:
        case FolderGone():
            return "folder"
        case CannotCreate() | NotPermitted():
            return "space"
        case MissingTool():
            return "tool"
        case _:
            return "machine"
