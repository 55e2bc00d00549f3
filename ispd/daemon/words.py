"""What the daemon says to people: plain sentences on stderr, one line each, which journald keeps."""

from __future__ import annotations

import sys

from ispd.orders import Delivered, Failed, Outcome, SetAside, Waiting
from ispd.sentences import counted


def say(sentence: str) -> None:
    """One line on stderr."""
    print(sentence, file=sys.stderr, flush=True)


class Every:
    """Lets something through once in a while: a few lines instead of a flood, and how many were held back.

    >>> lines = Every(seconds=60, burst=2)
    >>> [lines.passes(now) for now in (0, 1, 2, 3, 61)]
    [True, True, False, False, True]
    >>> lines.held_back
    2
    """

    def __init__(self, seconds: float, burst: int) -> None:
        self._seconds = seconds
        self._burst = burst
        self._since = float("-inf")
        self._passed = 0
        self._held = 0
        self.held_back = 0  # by the window before this one

    def passes(self, now: float) -> bool:
        """Whether this one may pass."""
        if now - self._since >= self._seconds:
            self._since, self._passed, self.held_back, self._held = now, 0, self._held, 0
        self._passed += 1
        if self._passed > self._burst:
            self._held += 1
        return self._passed <= self._burst


class Batch:
    """What happened since ispd was last idle; one line sums it up when it is idle again."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._delivered = 0
        self._others: dict[bytes, Outcome] = {}  # the last word on each photo that was not delivered, by path
        self._told_waiting = 0

    def work(self, now: float) -> None:
        """There is something to do."""
        if self._began is None:
            self._began = now

    def count(self, photo: bytes, outcome: Outcome) -> None:
        """How one photo came out; a later word replaces an earlier one."""
        self._others.pop(photo, None)
        if isinstance(outcome, Delivered):
            self._delivered += 1
        else:
            self._others[photo] = outcome

    def numbers(self) -> tuple[int, int, int, int]:
        """Delivered, set aside, waiting, failed."""
        kinds = [type(outcome) for outcome in self._others.values()]
        return self._delivered, kinds.count(SetAside), kinds.count(Waiting), kinds.count(Failed)

    def sum_up(self, now: float) -> str | None:
        """The line, and a new beginning; None where nothing has happened, or the same photos still wait.

        >>> batch = Batch()
        >>> batch.work(0.0)
        >>> for number in range(9):
        ...     batch.count(b"%d.dng" % number, Delivered(()))
        >>> batch.count(b"9.dng", SetAside("no raw"))
        >>> batch.sum_up(30.0), batch.sum_up(31.0)
        ('9 photos delivered, 1 set aside; 18.0 photos a minute', None)
        """
        began, self._began = self._began, None
        delivered, *others = self.numbers()
        set_aside, waiting, failed = others
        news = delivered or set_aside or failed or waiting != self._told_waiting
        self._told_waiting = waiting
        self._delivered, self._others = 0, {}
        if began is None or not news:
            return None
        said = [counted(delivered, "photo") + " delivered"]
        words = ("set aside", "waiting", "failed")
        said += [f"{number} {word}" for number, word in zip(others, words, strict=True) if number]
        return ", ".join(said) + f"; {60 * delivered / max(now - began, 1e-3):.1f} photos a minute"
