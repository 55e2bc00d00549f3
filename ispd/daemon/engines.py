"""Engines: start the process that renders, hand it orders, see that it lives, take back what it held when it dies.

The engine is spawned, never forked: a child forked after torch has computed hangs at its first convolution.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TypeAlias

from ispd.orders import Order, Report
from ispd.wire import Beat, BrokenWire, Done, Farewell, Hello, Inbox, Message, Work, pack

DEPTH = 4  # orders an engine holds: one in each of its three steps, one ready for the first
SILENCE_SECONDS = 60.0  # then it hangs
RECYCLE_AFTER = 500  # photos
RECYCLE_GROWTH = 1.5  # of the memory it had after its tenth photo …
RECYCLE_FLOOR = 1 << 30  # … counted from at least 1 GiB: photos differ in size, and that is no leak
SHORTEST_BACK_OFF = 1.0
LONGEST_BACK_OFF = 300.0
# whole pictures go back to the system at once, a strip's temporaries are used again: mapping each of them anew took
# four times the CPU seconds of the render itself
TIDY_MALLOC = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": str(64 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(128 << 20),
}
IDLE = "idle"


@dataclass(frozen=True)
class Reported:
    """An order was answered."""

    report: Report


@dataclass(frozen=True)
class Died:
    """An engine ended; `back` are the orders it had.  `blamed` was the only one: it surely did it."""

    sentence: str
    back: tuple[Order, ...]
    blamed: Order | None = None


Event: TypeAlias = Reported | Died


@dataclass
class _Process:
    """One running engine as the daemon sees it."""

    popen: subprocess.Popen[bytes]
    socket: socket.socket
    last_sign: float
    inbox: Inbox = field(default_factory=Inbox)
    outbox: bytearray = field(default_factory=bytearray)
    orders: dict[int, Order] = field(default_factory=dict)
    in_hand: tuple[int, ...] = ()
    device: str = ""  # "" until it said hello
    done: int = 0
    memory_at_ten: int = 0
    farewell: str = ""


class Engines:
    """The engine of one device, started when there is something to do.  `now` is monotonic seconds."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._process: _Process | None = None
        self._suspects: set[int] = set()  # jobs that were in hand, among others, when an engine died
        self._next_start = 0.0
        self._back_off = SHORTEST_BACK_OFF
        self.last_death = ""
        self.deaths_in_row = 0
        self.unconfined: tuple[str, ...] = ()  # what is missing around the decoders, as the last engine found it

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids, each also the id of its group."""
        return (self._process.popen.pid,) if self._process else ()

    @property
    def state(self) -> str:
        """One word for people: idle, starting, or the device it renders on."""
        if self._process is None:
            return IDLE
        return self._process.device or "starting"

    @property
    def orders(self) -> int:
        """How many orders are out."""
        return len(self._process.orders) if self._process else 0

    def sockets(self) -> list[socket.socket]:
        """What to wait on for reading."""
        return [self._process.socket] if self._process else []

    def blocked(self) -> list[socket.socket]:
        """What to wait on for writing."""
        return [self._process.socket] if self._process and self._process.outbox else []

    def warm_up(self, now: float) -> None:
        """Have an engine running, unless the last one died a moment ago."""
        if self._process is None and now >= self._next_start:
            self._process = _spawn(self._device, now)

    def use(self, device: str) -> None:
        """Render on another device, once the orders that are out are back."""
        if device != self._device:
            self._device = device
            if self._process is not None:
                self._process.done = RECYCLE_AFTER

    def wants(self) -> int:
        """How many more orders the engine can take now."""
        process = self._process
        if process is None or not process.device or self._worn_out(process):
            return 0
        if not self._suspects.isdisjoint(process.orders):
            return 0  # a suspect works alone, so that another death is surely its own
        return DEPTH - len(process.orders)

    def takes(self, job: int) -> bool:
        """Whether the engine takes this one now: one that an engine died with is given to an idle engine only."""
        return self.wants() > 0 and (job not in self._suspects or self.orders == 0)

    def give(self, order: Order) -> None:
        """Hand over an order; ask `takes` first."""
        assert self._process is not None
        self._process.orders[order.job] = order
        self._process.outbox += pack(Work(order))
        _flush(self._process)

    def step(self, now: float) -> list[Event]:
        """Read what engines say, see to the silent ones.  Never waits."""
        process = self._process
        if process is None:
            return []
        _flush(process)
        events, alive = self._read(process, now)
        if alive and now - process.last_sign > SILENCE_SECONDS:
            process.farewell = f"it gave no sign of life for {SILENCE_SECONDS:.0f} s"
            alive = False
        if not alive:
            events += self._bury(process, now)
        elif self._worn_out(process) and not process.orders:
            self._retire(process)
        return events

    def stop(self) -> None:
        """End the engine and all that it started, at once: what it had in hand is made again from the raw."""
        if self._process is not None:
            self._retire(self._process)

    def _read(self, process: _Process, now: float) -> tuple[list[Event], bool]:
        """What the engine has said, and whether its socket is still open."""
        events: list[Event] = []
        while True:
            try:
                data = process.socket.recv(65536)
            except BlockingIOError:
                return events, True
            except OSError:
                return events, False
            if not data:
                return events, False
            process.last_sign = now
            try:
                for message in process.inbox.feed(data):
                    events += self._hear(process, message)
            except BrokenWire as error:
                process.farewell = str(error)
                return events, False

    def _hear(self, process: _Process, message: Message) -> list[Event]:
        match message:
            case Hello(device=device, unconfined=unconfined):
                process.device, self.unconfined = device, unconfined
            case Beat(jobs=jobs):
                process.in_hand = jobs
            case Farewell(sentence=sentence):
                process.farewell = sentence
            case Done(report=report):
                return self._answered(process, report)
            case Work():
                raise BrokenWire("an engine gives no orders")
        return []

    def _answered(self, process: _Process, report: Report) -> list[Event]:
        if process.orders.pop(report.job, None) is None:
            raise BrokenWire(f"a report on job {report.job}, which was not ordered")
        self._suspects.discard(report.job)
        self._back_off, self.last_death, self.deaths_in_row = SHORTEST_BACK_OFF, "", 0
        process.done += 1
        if process.done == 10:
            process.memory_at_ten = _memory(process.popen.pid)
        return [Reported(report)]

    def _worn_out(self, process: _Process) -> bool:
        if process.done >= RECYCLE_AFTER:
            return True
        if process.done <= 10 or process.done % 10:
            return False
        return _memory(process.popen.pid) > RECYCLE_GROWTH * max(process.memory_at_ten, RECYCLE_FLOOR)

    def _bury(self, process: _Process, now: float) -> list[Event]:
        """The engine is dead or to be killed: take back its orders, and find out which of them did it."""
        code = _end(process)
        self._process = None
        self.deaths_in_row += 1
        self._next_start = now + self._back_off
        self._back_off = min(2 * self._back_off, LONGEST_BACK_OFF)
        self.last_death = f"the engine ended: {process.farewell or _cause(code)}"
        blamed = self._blame(process)
        return [Died(self.last_death, tuple(o for o in process.orders.values() if o != blamed), blamed)]

    def _blame(self, process: _Process) -> Order | None:
        """Whose doing it was: the only order's, or else those in hand are suspects from now on."""
        held = set(process.in_hand) & process.orders.keys()
        if len(process.orders) == 1 and held:
            return process.orders[held.pop()]
        self._suspects |= held
        return None

    def _retire(self, process: _Process) -> None:
        _end(process)
        self._process = None
        self._next_start = 0.0


def _spawn(device: str, now: float) -> _Process:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    command = [sys.executable, "-P", "-m", "ispd.engine"]
    command += ["--fd", str(theirs.fileno()), "--device", device, "--parent", str(os.getpid())]
    with theirs:
        popen = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),  # stdout is for data, and an engine prints none
            env=os.environ | TIDY_MALLOC,
            pass_fds=(theirs.fileno(),),
            process_group=0,  # so that its exiftool and its cells end with it
        )
    return _Process(popen, ours, last_sign=now)


def _end(process: _Process) -> int:
    """Kill the engine and its whole group; gives its exit code.  Its id is ours until the wait, so no other is hit."""
    process.socket.close()
    _let_end(process.popen.pid)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.popen.pid, signal.SIGKILL)
    return process.popen.wait()


def _let_end(pid: int) -> None:
    """One that closed its socket is ending by itself: its own exit code says more than our SIGKILL."""
    for _ in range(100):
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(0.005)


def _flush(process: _Process) -> None:
    while process.outbox:
        try:
            sent = process.socket.send(process.outbox)
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            return  # full: later; broken: `_read` sees the end
        del process.outbox[:sent]


def _memory(pid: int) -> int:
    """Resident bytes of a process; 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    except (OSError, IndexError):
        return 0


def _cause(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
