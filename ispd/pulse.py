"""Signs of life: what an engine says while it works, and its end, which takes along what it started.  Torch-free."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import NoReturn

from ispd.wire import Beat, Message, pack

RENDER = "render"
BEAT_SECONDS = 0.5
STEP_PATIENCE = 240.0  # the cell and exiftool have deadlines of their own; past this a step hangs in the kernel


class Voice:
    """Says messages, from any thread, one at a time."""

    def __init__(self, peer: socket.socket) -> None:
        self.peer = peer
        self._lock = threading.Lock()

    def say(self, message: Message) -> None:
        """Send it; without a listener there is nothing to live for."""
        data = pack(message)
        with self._lock:
            try:
                self.peer.sendall(data)
            except OSError:
                end_with_children()


class Pulse:
    """Beats while all steps get on.  `clock` is monotonic seconds."""

    def __init__(self, say: Callable[[Message], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._lock = threading.Lock()
        self._began: dict[str, tuple[int, float]] = {}  # step → job, since when
        self._last = float("-inf")

    def begin(self, step: str, job: int) -> None:
        """A step takes up a job."""
        with self._lock:
            self._began[step] = (job, self._clock())
        self._beat_now()

    def end(self, step: str) -> None:
        """… and has done with it."""
        with self._lock:
            self._began.pop(step, None)
        self._beat_now()

    def beat(self) -> None:
        """Something moved: called for every strip, and while the main thread waits for work."""
        if self._clock() - self._last >= BEAT_SECONDS:
            self._beat_now()

    def _beat_now(self) -> None:
        with self._lock:
            now = self._clock()
            jobs = tuple(dict.fromkeys(job for job, _ in self._began.values()))
            # the main thread's step beats by itself; of the others only their beginning is known
            hangs = any(now - since > STEP_PATIENCE for step, (_, since) in self._began.items() if step != RENDER)
            self._last = now
        if not hangs:  # else the daemon hears nothing, and ends us
            self._say(Beat(jobs))


def end_with_children(code: int = 0) -> NoReturn:
    """End this process and its group, at once: what was in hand is made again from the raw."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(code)
