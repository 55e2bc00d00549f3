"""The assembly line of an engine: three steps that overlap, with one photo waiting between two of them.

socket ─▶ decode ahead (the cell) ─▶ render (main thread) ─▶ encode and tag (exiftool) ─▶ socket
"""

from __future__ import annotations

import dataclasses
import queue
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Generic, NoReturn, TypeVar

from ispd import develop
from ispd.decode.cell import Cell, Decoded
from ispd.errors import CardFailed, IspdError
from ispd.metadata.exiftool import ExifTool
from ispd.orders import Fault, Order, Report
from ispd.pulse import RENDER, Pulse, Voice, end_with_children
from ispd.wire import BrokenWire, Done, Farewell, Inbox, Work

T = TypeVar("T")

EXIT_DEVICE_LOST = 86


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
        self._rendered: queue.Queue[Passed[develop.Developed]] = queue.Queue(maxsize=1)

    def run(self) -> NoReturn:
        """Work until the socket closes."""
        for step in (self._listen, self._decode_ahead, self._finish_behind):
            threading.Thread(target=_or_die, args=(step,), name=step.__name__, daemon=True).start()
        while True:
            self._render(self._wait_for(self._decoded.get))

    def _listen(self) -> None:
        with suppress(ConnectionResetError):  # the daemon was killed before it had read all we said
            self._take_orders()
        with suppress(Exception):
            self._door.__exit__(None, None, None)  # its folder in /tmp; what was in hand is made again anyway
        end_with_children()

    def _take_orders(self) -> None:
        inbox = Inbox()
        while data := self._voice.peer.recv(65536):
            for message in inbox.feed(data):
                if not isinstance(message, Work):
                    raise BrokenWire("a daemon gives orders and says nothing else")
                self._orders.put(message.order)

    def _decode_ahead(self) -> None:
        while True:
            self._decode(self._orders.get())

    def _decode(self, order: Order) -> None:  # of its own, as the others: a loop's variables would keep the last photo
        started = time.monotonic()
        decoded = self._attempt("decode", order, partial(develop.decode, order, self._cell, self._door))
        if decoded is not None:
            self._decoded.put(Passed(order, decoded, time.monotonic() - started))

    def _render(self, photo: Passed[Decoded]) -> None:
        started = time.monotonic()
        work = partial(develop.render, photo.order, photo.made, self._device, self._pulse.beat)
        developed = self._attempt(RENDER, photo.order, work)
        if developed is not None:
            seconds = photo.seconds + time.monotonic() - started
            self._wait_for(partial(self._rendered.put, Passed(photo.order, developed, seconds)))

    def _finish_behind(self) -> None:
        while True:
            self._finish(self._rendered.get())

    def _finish(self, photo: Passed[develop.Developed]) -> None:
        started = time.monotonic()
        report = self._attempt("finish", photo.order, partial(develop.finish, photo.order, photo.made, self._door))
        if report is not None:
            seconds = photo.seconds + time.monotonic() - started
            self._voice.say(Done(dataclasses.replace(report, seconds=seconds)))

    def _attempt(self, step: str, order: Order, work: Callable[[], T]) -> T | None:
        """Do one step of one order; what goes wrong is answered, and the next photo has its turn."""
        self._pulse.begin(step, order.job)
        try:
            return work()
        except CardFailed as error:
            self._lose_device(error)
        except IspdError as error:
            fault = develop.fault(error)
        except Exception as error:
            traceback.print_exc()
            fault = Fault("bug", f"a bug in ispd ({step}): {type(error).__name__}: {error}")
        finally:
            self._pulse.end(step)
        develop.discard(order)
        self._voice.say(Done(Report(job=order.job, fault=fault, device=self._device)))
        return None

    def _lose_device(self, error: CardFailed) -> NoReturn:
        self._voice.say(Farewell(str(error)))
        end_with_children(EXIT_DEVICE_LOST)

    def _wait_for(self, action: Callable[..., T]) -> T:
        """Wait on a queue, with a sign of life every second."""
        while True:
            try:
                return action(timeout=1.0)
            except (queue.Empty, queue.Full):
                self._pulse.beat()


def _or_die(step: Callable[[], None]) -> None:
    """A thread that ends leaves a line that hangs: better a new engine."""
    try:
        step()
    except BaseException:
        traceback.print_exc()
        end_with_children(1)
