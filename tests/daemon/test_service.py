"""What systemd hears, what signals do, what the status socket answers, what people read."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ispd.daemon.service import Notify, Signals
from ispd.daemon.socket import Answer, Door, Question, request
from ispd.daemon.troubles import FIRST_LOOK_SECONDS, LONGEST_SECONDS, Troubles
from ispd.errors import CannotCreate, FolderGone, MachineError, MissingTool

# ── sd_notify ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Systemd:
    """The other end of $NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "60000000"}
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def heard(self) -> list[str]:
        lines = []
        try:
            while True:
                lines.append(self.socket.recv(4096).decode())
        except BlockingIOError:
            return lines


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Systemd]:
    systemd = Systemd(str(tmp_path / "notify") if request.param == "path" else f"@ispd-test-{os.getpid()}")
    yield systemd
    systemd.socket.close()


def test_systemd_hears_the_beginning_and_the_end(systemd: Systemd) -> None:
    notify = Notify(systemd.environment)
    notify.ready()
    notify.stopping()
    assert systemd.heard() == ["READY=1", "STOPPING=1"]


def test_a_reload_is_told_with_its_moment(systemd: Systemd) -> None:
    Notify(systemd.environment).reloading()
    (told,) = systemd.heard()
    assert told.startswith("RELOADING=1\nMONOTONIC_USEC=")


def test_the_status_is_one_line_and_told_when_it_changes(systemd: Systemd) -> None:
    notify = Notify(systemd.environment)
    for sentence in ("idle", "idle", "two\nlines"):
        notify.status(sentence)
    assert systemd.heard() == ["STATUS=idle", "STATUS=two lines"]


def test_a_sign_of_life_comes_twice_in_each_watchdog_time(systemd: Systemd) -> None:
    notify = Notify(systemd.environment)
    for now in (100, 101, 129, 130, 159, 160):
        notify.alive(now)
    assert systemd.heard() == ["WATCHDOG=1"] * 3


def test_without_systemd_nothing_is_said_and_nothing_breaks(tmp_path: Path) -> None:
    Notify({}).ready()
    Notify({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).ready()
    assert list(tmp_path.iterdir()) == []


# ── signals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def signals() -> Iterator[Signals]:
    signals = Signals()
    yield signals
    signals.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_end_wakes_the_loop_and_sets_a_flag(signals: Signals, number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    assert select.select([signals.fd], [], [], 5)[0]
    assert signals.stop
    assert not signals.reload


def test_sighup_asks_for_a_reload_and_not_for_the_end(signals: Signals) -> None:
    os.kill(os.getpid(), signal.SIGHUP)
    assert select.select([signals.fd], [], [], 5)[0]
    assert signals.reload
    assert not signals.stop


def test_other_threads_wake_the_loop_however_often(signals: Signals) -> None:
    def wake_often() -> None:
        for _ in range(200_000):
            signals.wake()

    thread = threading.Thread(target=wake_often)
    thread.start()
    thread.join()
    assert select.select([signals.fd], [], [], 5)[0]
    signals.drain()
    assert not select.select([signals.fd], [], [], 0)[0]


def test_afterwards_signals_are_as_they_were() -> None:
    before = signal.getsignal(signal.SIGTERM)
    Signals().close()
    assert signal.getsignal(signal.SIGTERM) is before


# ── the status socket ────────────────────────────────────────────────────────────────────────────────────────────────


def reply(question: Question) -> Answer:
    if question == {"ask": "status"}:
        return {"queue": 3}
    raise MachineError("no such question")


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    door = Door(tmp_path / "run" / "ispd.sock")
    thread = threading.Thread(target=serve, args=(door,), daemon=True)
    thread.start()
    yield door
    door.close()


def serve(door: Door) -> None:
    while door.path.exists():
        if select.select([door], [], [], 0.05)[0]:
            door.serve(reply)


def test_a_question_is_answered(door: Door) -> None:
    assert request(door.path, {"ask": "status"}) == {"queue": 3}


def test_a_refusal_comes_with_the_daemons_sentence(door: Door) -> None:
    with pytest.raises(MachineError, match="no such question"):
        request(door.path, {"ask": "the time"})


@pytest.mark.parametrize("line", [b"no json\n", b"[1, 2]\n", b"\xff\xfe\n", b"\n"])
def test_nonsense_is_refused_and_the_next_is_served(door: Door, line: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(door.path))
        client.sendall(line)
        assert json.loads(client.recv(4096))["ok"] is False
    assert request(door.path, {"ask": "status"}) == {"queue": 3}


def test_a_client_that_says_nothing_holds_nobody_up(door: Door) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(str(door.path))
        assert request(door.path, {"ask": "status"}) == {"queue": 3}


def test_the_socket_is_its_owners_alone_and_goes_with_the_daemon(tmp_path: Path) -> None:
    door = Door(tmp_path / "ispd.sock")
    assert stat.S_IMODE(door.path.stat().st_mode) == 0o600
    door.close()
    assert not door.path.exists()
    assert request(door.path, {"ask": "status"}) is None


def test_what_a_killed_daemon_left_is_no_daemon_and_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "ispd.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert request(path, {"ask": "status"}) is None
    Door(path).close()


def test_a_deep_folder_is_no_obstacle(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a folder with a long name"] * 6) / "ispd.sock"
    door = Door(deep)
    assert deep.exists()
    door.close()


# ── troubles ─────────────────────────────────────────────────────────────────────────────────────────────────────────

FULL = CannotCreate("/out: no room left")


def test_a_full_disk_holds_up_its_own_folder_only() -> None:
    troubles = Troubles()
    troubles.meet(FULL, b"/out", now=0)
    assert troubles.in_the_way(b"/out", now=1)
    assert not troubles.in_the_way(b"/other", now=1)


def test_a_missing_tool_holds_up_everything() -> None:
    troubles = Troubles()
    troubles.meet(MissingTool("exiftool is not installed"), b"/out", now=0)
    assert troubles.in_the_way(b"/other", now=1)


def test_a_fault_that_may_be_one_photos_own_holds_up_no_other() -> None:
    troubles = Troubles()
    troubles.meet(MachineError("a bad sector"), b"/out", now=0)
    assert not troubles.in_the_way(b"/out", now=1)


def test_a_fault_that_may_be_one_photos_own_is_told_of_no_other() -> None:
    troubles = Troubles()
    first = troubles.meet(MachineError("a.dng: the disk"), None, now=0)
    second = troubles.meet(MachineError("b.dng: the disk"), None, now=1)
    assert (first.sentence, second.sentence) == ("a.dng: the disk", "b.dng: the disk")
    assert troubles.sentences() == ["a.dng: the disk"]


def test_everybody_who_runs_into_it_waits_for_the_same_look() -> None:
    troubles = Troubles()
    first = troubles.meet(FULL, b"/out", now=0)
    assert troubles.meet(FULL, b"/out", now=1) == first
    assert troubles.to_look_at(now=FIRST_LOOK_SECONDS) == [first]


def test_pauses_double_and_have_an_end() -> None:
    troubles, now, pauses = Troubles(), 0.0, []
    for _ in range(8):
        trouble = troubles.meet(FULL, b"/out", now)
        pauses.append(trouble.pause)
        now = trouble.look_at
        troubles.try_again(trouble)
    assert pauses[:3] == [FIRST_LOOK_SECONDS, 2 * FIRST_LOOK_SECONDS, 4 * FIRST_LOOK_SECONDS]
    assert pauses[-1] == LONGEST_SECONDS


def test_while_it_is_tried_again_nobody_is_held_up() -> None:
    troubles = Troubles()
    troubles.try_again(troubles.meet(FolderGone("/out is not there"), b"/out", now=0))
    assert not troubles.in_the_way(b"/out", now=0)
    assert troubles.to_look_at(now=99) == []
    assert troubles.sentences() == ["/out is not there"]


def test_what_is_mended_is_forgotten() -> None:
    troubles = Troubles()
    troubles.meet(FULL, b"/out", now=0)
    assert troubles.exit_code() == 73
    troubles.mended("space", b"/out")
    assert troubles.exit_code() is None
    assert troubles.meet(FULL, b"/out", now=99).pause == FIRST_LOOK_SECONDS
