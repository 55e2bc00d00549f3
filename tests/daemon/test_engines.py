"""The supervisor with real engines.  The clock is passed in; only processes are waited for."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from ispd.daemon.engines import DEPTH, SHORTEST_BACK_OFF, SILENCE_SECONDS, Died, Engines, Event, Reported
from ispd.daemon.settle import look
from ispd.orders import Identity, Order, Output, Recipe
from ispd.profile import Profile, to_json
from ispd.wire import LARGEST, LENGTH, BrokenWire, Inbox, Work, pack
from tests.journeys.house import all_gone, descendants, family, process, tiny_photo

NEUTRAL = Recipe("neutral", to_json(Profile(name="neutral")), (Output(),))


@pytest.fixture
def engines() -> Iterator[Engines]:
    engines = Engines("cpu")
    yield engines
    engines.stop()


@pytest.fixture
def order(tmp_path: Path) -> Callable[[int], Order]:
    """An order for a tiny photo of its own."""

    def make(job: int) -> Order:
        source, staging = tmp_path / f"{job}.dng", tmp_path / f"{job}.0.jpg"
        source.write_bytes(tiny_photo(job))
        identity = look(bytes(source))
        assert identity is not None
        digest = sha256(source.read_bytes()).hexdigest()
        return Order(job, bytes(source), digest, identity, NEUTRAL, (bytes(staging),))

    return make


def step_until(engines: Engines, condition: Callable[[list[Event]], object], seconds: float = 60.0) -> list[Event]:
    """Go round until what must happen has happened; what was told meanwhile."""
    told: list[Event] = []
    deadline = time.monotonic() + seconds
    while not condition(told):
        assert time.monotonic() < deadline, f"it did not happen; told: {told}"
        select.select(engines.sockets(), engines.blocked(), [], 0.1)
        told += engines.step(now=0.0)
    return told


def start(engines: Engines, now: float = 0.0) -> int:
    """An engine that is ready; its process id."""
    engines.warm_up(now)
    step_until(engines, lambda _: engines.wants())
    return engines.pids[0]


def test_an_order_is_answered_with_files_that_are_there(engines: Engines, order: Callable[[int], Order]) -> None:
    start(engines)
    engines.give(order(1))
    (told,) = step_until(engines, lambda told: told)
    assert isinstance(told, Reported)
    assert told.report.fault is None
    (file,) = told.report.files
    content = Path(os.fsdecode(file.path)).read_bytes()
    assert (sha256(content).hexdigest(), len(content)) == (file.sha256, file.size)
    assert told.report.device == "cpu"


def test_one_bad_photo_among_good_ones_harms_none(
    engines: Engines, order: Callable[[int], Order], tmp_path: Path
) -> None:
    start(engines)
    bad = order(2)
    Path(os.fsdecode(bad.source)).write_bytes(b"no photo at all")
    identity = look(bad.source)
    assert identity is not None
    for one in (order(1), Order(2, bad.source, bad.source_digest, identity, NEUTRAL, bad.staging), order(3)):
        engines.give(one)
    told = step_until(engines, lambda told: len(told) == 3)
    faults = {event.report.job: event.report.fault for event in told if isinstance(event, Reported)}
    assert faults[1] is None
    assert faults[3] is None
    assert faults[2] is not None
    assert faults[2].kind in ("photo", "incomplete")
    assert not (tmp_path / "2.0.jpg").exists()


def test_a_file_that_is_another_by_now_is_told_as_changed(engines: Engines, order: Callable[[int], Order]) -> None:
    start(engines)
    one = order(1)
    stale = Identity(one.identity.ino, one.identity.size, 0, 0)
    engines.give(Order(1, one.source, one.source_digest, stale, NEUTRAL, one.staging))
    (told,) = step_until(engines, lambda told: told)
    assert isinstance(told, Reported)
    assert told.report.fault is not None
    assert told.report.fault.kind == "changed"


def test_a_dead_engine_gives_its_orders_back(engines: Engines, order: Callable[[int], Order]) -> None:
    pid = start(engines)
    members = family(pid)
    os.kill(pid, signal.SIGSTOP)  # so that it answers none of them
    for job in (1, 2, 3):
        engines.give(order(job))
    os.kill(pid, signal.SIGKILL)
    (told,) = step_until(engines, lambda told: told)
    assert isinstance(told, Died)
    assert "SIGKILL" in told.sentence
    assert {back.job for back in told.back} == {1, 2, 3}
    assert told.blamed is None
    all_gone(members)


def test_a_silent_engine_is_ended(engines: Engines, order: Callable[[int], Order]) -> None:
    pid = start(engines)
    os.kill(pid, signal.SIGSTOP)
    engines.give(order(1))
    assert engines.step(now=SILENCE_SECONDS - 1) == []
    (told,) = engines.step(now=SILENCE_SECONDS + 1)
    assert isinstance(told, Died)
    assert "no sign of life" in told.sentence
    assert process(pid) is None


def test_the_pause_before_the_next_start_doubles(engines: Engines) -> None:
    now = 0.0
    for pause in (SHORTEST_BACK_OFF, 2 * SHORTEST_BACK_OFF, 4 * SHORTEST_BACK_OFF):
        engines.warm_up(now)
        os.kill(engines.pids[0], signal.SIGKILL)
        while engines.pids:
            select.select(engines.sockets(), [], [], 1.0)
            engines.step(now)
        engines.warm_up(now + 0.9 * pause)
        assert not engines.pids
        now += pause


def test_no_more_orders_than_it_has_room_for(engines: Engines, order: Callable[[int], Order]) -> None:
    pid = start(engines)
    os.kill(pid, signal.SIGSTOP)
    for job in range(DEPTH):
        assert engines.takes(job)
        engines.give(order(job))
    assert not engines.takes(DEPTH)


def test_an_engine_that_must_go_says_why() -> None:
    engines = Engines("cuda:7")
    engines.warm_up(now=0.0)
    (told,) = step_until(engines, lambda told: told)
    assert isinstance(told, Died)
    assert "cuda" in told.sentence
    engines.stop()


def test_stop_leaves_no_process(engines: Engines, order: Callable[[int], Order]) -> None:
    pid = start(engines)
    engines.give(order(1))
    step_until(engines, lambda told: told)  # its cell and its exiftool run by now
    assert len(descendants(pid)) >= 2
    members = family(pid)
    engines.stop()
    all_gone(members)


# ── the wire ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_survives_the_wire_whatever_its_names_are(order: Callable[[int], Order]) -> None:
    one = order(1)
    odd = Order(1, b"/in/\xff\n\x01.dng", one.source_digest, one.identity, NEUTRAL, one.staging, b"/in/\xfe.xmp")
    assert Inbox().feed(pack(Work(odd))) == [Work(odd)]


@pytest.mark.parametrize("data", [LENGTH.pack(LARGEST + 1), LENGTH.pack(2) + b"{}", LENGTH.pack(3) + b"\xff\xff\xff"])
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(BrokenWire):
        Inbox().feed(data)
