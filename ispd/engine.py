"""The engine: a process that develops orders on one device.  Started by the daemon as `python -m ispd.engine`.

Three steps overlap, each in its own thread, with one photo waiting between two of them:

    socket ─▶ decode ahead (the cell) ─▶ render (main thread) ─▶ encode and tag (exiftool) ─▶ socket

It ends when its socket closes, and takes its cell and its exiftool with it.
"""

from __future__ import annotations

import argparse
import ctypes
import dataclasses
import faulthandler
import gc
import os
import queue
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, NoReturn, TypeVar

import torch

from ispd import develop
from ispd.decode.cell import Cell, Decoded
from ispd.errors import IspdError, MissingTool
from ispd.metadata.exiftool import ExifTool
from ispd.orders import Fault, Order, Report
from ispd.wire import Beat, BrokenWire, Done, Farewell, Hello, Inbox, Message, Work, pack

T = TypeVar("T")

PR_SET_PDEATHSIG = 1
BEAT_SECONDS = 0.5
STEP_PATIENCE = 240.0  # the cell and exiftool have deadlines of their own; past this a step hangs in the kernel
RENDER = "render"
EXIT_DEVICE_LOST = 86
EXIT_CANNOT_START = 69


def main(argv: list[str] | None = None) -> int:
    """Serve until the socket closes."""
    args = _parser().parse_args(argv)
    _die_with(args.parent)
    faulthandler.enable()
    os.set_inheritable(args.fd, False)  # a child that held it would keep us alive for the daemon
    voice = Voice(socket.socket(fileno=args.fd))
    try:
        device = choose_device(args.device)
        with Cell() as cell, ExifTool() as door:
            voice.say(Hello(device, torch.get_num_threads()))
            Line(voice, device, cell, door).run()
    except IspdError as error:
        voice.say(Farewell(str(error)))
        return error.exit_code
    return 0


def choose_device(wish: str) -> str:
    """The torch device for "auto", "cpu", "cuda", "cuda:1".  Raises MissingTool where it is not there."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))  # torch guesses 1 under some seccomp filters, silently
    if wish == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wish.startswith("cuda") and not torch.cuda.is_available():
        raise MissingTool(f'engine.device is "{wish}", but torch finds no graphics card; "auto" takes what is there')
    return wish


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


@dataclass(frozen=True)
class Passed(Generic[T]):
    """An order on its way between two steps, with what the last one made of it."""

    order: Order
    made: T
    seconds: float  # of work so far, waiting left out


class Line:
    """The assembly line: three steps, two queues of one between them, so that memory is bounded."""

    def __init__(self, voice: Voice, device: str, cell: Cell, door: ExifTool) -> None:
        self._voice = voice
        self._device = device
        self._cell = cell
        self._door = door
        self._pulse = Pulse(voice.say)
        self._orders: queue.SimpleQueue[Order] = queue.SimpleQueue()  # as long as the daemon's DEPTH
        self._decoded: queue.Queue[Passed[Decoded]] = queue.Queue(maxsize=1)
        self._rendered: queue.Queue[Passed[tuple[Decoded, develop.Pictures, str]]] = queue.Queue(maxsize=1)

    def run(self) -> NoReturn:
        """Work until the socket closes."""
        for step in (self._listen, self._decode_ahead, self._finish_behind):
            threading.Thread(target=_or_die, args=(step,), name=step.__name__, daemon=True).start()
        while True:
            self._render(self._wait_for(self._decoded.get))

    def _listen(self) -> None:
        inbox = Inbox()
        while data := self._voice.peer.recv(65536):
            for message in inbox.feed(data):
                if not isinstance(message, Work):
                    raise BrokenWire("a daemon gives orders and says nothing else")
                self._orders.put(message.order)
        end_with_children()

    def _decode_ahead(self) -> None:
        while True:
            order = self._orders.get()
            started = time.monotonic()
            decoded = self._attempt("decode", order, partial(develop.decode, order, self._cell))
            if decoded is not None:
                self._decoded.put(Passed(order, decoded, time.monotonic() - started))

    def _render(self, photo: Passed[Decoded]) -> None:
        started = time.monotonic()
        made = self._attempt(RENDER, photo.order, partial(self._pictures, photo))
        if made is not None:
            seconds = photo.seconds + time.monotonic() - started
            self._wait_for(partial(self._rendered.put, Passed(photo.order, (photo.made, *made), seconds)))

    def _finish_behind(self) -> None:
        while True:
            photo = self._rendered.get()
            started = time.monotonic()
            report = self._attempt("finish", photo.order, partial(self._finish, photo))
            if report is not None:
                seconds = photo.seconds + time.monotonic() - started
                self._voice.say(Done(dataclasses.replace(report, seconds=seconds)))

    def _finish(self, photo: Passed[tuple[Decoded, develop.Pictures, str]]) -> Report:
        decoded, pictures, device = photo.made
        return develop.finish(photo.order, decoded, pictures, device, self._door)

    def _pictures(self, photo: Passed[Decoded]) -> tuple[develop.Pictures, str]:
        """The pictures, and the device that made them: a card without room hands over to the CPU."""
        try:
            return develop.render(photo.order, photo.made, self._device, self._pulse.beat), self._device
        except torch.OutOfMemoryError:
            pass  # leave the except first: the traceback's frames hold the tensors
        gc.collect()
        torch.cuda.empty_cache()
        print("the graphics card has no room for this photo: the CPU renders it", file=sys.stderr)
        return develop.render(photo.order, photo.made, "cpu", self._pulse.beat), "cpu"

    def _attempt(self, step: str, order: Order, work: Callable[[], T]) -> T | None:
        """Do one step of one order; what goes wrong is answered, and the next photo has its turn."""
        self._pulse.begin(step, order.job)
        try:
            return work()
        except IspdError as error:
            fault = develop.fault(error)
        except torch.AcceleratorError as error:
            self._lose_device(error)
        except Exception as error:
            traceback.print_exc()
            fault = Fault("bug", f"a bug in ispd ({step}): {type(error).__name__}: {error}")
        finally:
            self._pulse.end(step)
        develop.discard(order)
        self._voice.say(Done(Report(job=order.job, fault=fault, device=self._device)))
        return None

    def _lose_device(self, error: Exception) -> NoReturn:
        """After such an error the card answers this process nothing more; a new one may fare better."""
        self._voice.say(Farewell(f"the graphics card failed: {str(error).splitlines()[0]}"))
        end_with_children(EXIT_DEVICE_LOST)

    def _wait_for(self, action: Callable[..., T]) -> T:
        """Wait on a queue, with a sign of life every second."""
        while True:
            try:
                return action(timeout=1.0)
            except (queue.Empty, queue.Full):
                self._pulse.beat()


def end_with_children(code: int = 0) -> NoReturn:
    """End this process and its group, at once: what was in hand is made again from the raw."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(code)


def _die_with(parent: int) -> None:
    """Have the kernel kill us when the daemon dies, however it dies; and see that it has not done so already."""
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(EXIT_CANNOT_START)


def _or_die(step: Callable[[], None]) -> None:
    """A thread that ends leaves a line that hangs: better a new engine."""
    try:
        step()
    except BaseException:
        traceback.print_exc()
        end_with_children(1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ispd.engine", description="The daemon starts it; nobody else should.")
    parser.add_argument("--fd", type=int, required=True, help="the socket to the daemon")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--parent", type=int, required=True, help="the daemon's process id")
    return parser


if __name__ == "__main__":
    sys.exit(main())
