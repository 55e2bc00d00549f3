"""Service: how the daemon is seen by what started it: signals in, sd_notify out.  Without systemd all of it is silent.

The protocol is one datagram of lines; written by hand, since the client libraries are dead or need a compiler.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Mapping
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Notify:
    """Tells systemd how it goes (Type=notify).  `environment` carries $NOTIFY_SOCKET and $WATCHDOG_USEC."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._watchdog_every = _microseconds(environment.get("WATCHDOG_USEC", "")) / 2
        self._last_sign = 0.0
        self._status = ""

    def ready(self) -> None:
        """Photos are taken from now on; also ends `reloading`."""
        self._send("READY=1")

    def reloading(self) -> None:
        """The config is being read again."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The end has begun."""
        self._send("STOPPING=1")

    def status(self, sentence: str) -> None:
        """The line that `systemctl status` shows; sent only when it changes."""
        if sentence != self._status:
            self._status = sentence
            self._send("STATUS=" + sentence.replace("\n", " "))

    def alive(self, now: float) -> None:
        """A sign of life, from the main loop alone: a thread would go on giving it while the loop hangs."""
        if self._watchdog_every and now - self._last_sign >= self._watchdog_every:
            self._last_sign = now
            self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as door:
                door.sendto(text.encode(), self._address)
        except OSError:  # whoever listened has gone; the photos have not
            return


class Signals:
    """SIGTERM, SIGINT and SIGHUP as flags that the loop looks at, never as code that runs in the middle of it.

    `fd` becomes readable when one comes, so that a sleeping loop wakes; other threads wake it by `wake`.
    """

    def __init__(self) -> None:
        self.fd, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.stop = False
        self.reload = False
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        self._wakeup_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)

    def wake(self) -> None:
        """Wake the loop, from any thread."""
        try:
            os.write(self._write, b"\0")
        except BlockingIOError:  # full: it is awake already
            return

    def drain(self) -> None:
        """Forget what woke us."""
        try:
            while os.read(self.fd, 4096):
                pass
        except BlockingIOError:
            return

    def close(self) -> None:
        """Put everything back as it was."""
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self.fd)
        os.close(self._write)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self.reload = True
        else:
            self.stop = True


def _address(name: str) -> str:
    # "@name" is how an abstract socket is written; the kernel wants a NUL there
    return "\0" + name[1:] if name.startswith("@") else name


def _microseconds(text: str) -> float:
    return int(text) / 1e6 if text.isdigit() else 0.0
