"""The engine's signs of life, its device, its end.  Orders are given to it in tests/daemon/test_engines.py."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ispd.errors import MissingTool
from ispd.pulse import BEAT_SECONDS, STEP_PATIENCE, Pulse
from ispd.runner.device import choose_device
from ispd.wire import Beat, Message


class Clock:
    """Stands still unless moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Heard(list[Message]):
    """What the daemon hears."""

    @property
    def jobs(self) -> list[tuple[int, ...]]:
        return [message.jobs for message in self if isinstance(message, Beat)]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def pulse(heard: Heard, clock: Clock) -> Pulse:
    return Pulse(heard.append, clock)


def test_a_beat_names_the_jobs_in_hand(pulse: Pulse, heard: Heard) -> None:
    pulse.begin("decode", 1)
    pulse.end("decode")
    pulse.begin("render", 1)
    pulse.begin("decode", 2)
    assert heard.jobs == [(1,), (), (1,), (1, 2)]


def test_strips_beat_no_more_often_than_agreed(pulse: Pulse, heard: Heard, clock: Clock) -> None:
    pulse.begin("render", 1)
    for _ in range(80):
        clock.now += BEAT_SECONDS / 8  # exact in binary
        pulse.beat()
    assert len(heard) == 1 + 10


def test_a_step_that_hangs_silences_the_engine_though_others_get_on(pulse: Pulse, heard: Heard, clock: Clock) -> None:
    pulse.begin("finish", 1)
    clock.now = STEP_PATIENCE + 1
    before = len(heard)
    pulse.begin("render", 2)
    pulse.beat()
    assert len(heard) == before
    pulse.end("finish")
    assert heard.jobs[-1] == (2,)


def test_a_long_render_is_alive_as_long_as_its_strips_come(pulse: Pulse, heard: Heard, clock: Clock) -> None:
    pulse.begin("render", 1)
    for _ in range(10):
        clock.now += STEP_PATIENCE / 2
        pulse.beat()
    assert len(heard) == 1 + 10


def test_auto_takes_what_is_there() -> None:
    assert choose_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    assert choose_device("cpu") == "cpu"


def test_a_card_that_is_not_there_is_named() -> None:
    with pytest.raises(MissingTool, match="cuda:99"):
        choose_device("cuda:99")


def test_an_engine_whose_daemon_is_gone_does_not_start() -> None:
    code = "from ispd.engine import _die_with; _die_with(1 if __import__('os').getppid() != 1 else 2)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 75


def test_an_engine_can_die_with_its_daemon_before_torch_is_loaded() -> None:
    code = "import sys, ispd.engine; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_compiler_ends_with_its_engine(tmp_path: Path) -> None:
    """Kernels that are not there yet are compiled aside, which takes longer than the engine may live."""
    engine = "from ispd.engine import _make_ready; _make_ready('cpu'); import time; print(flush=True); time.sleep(600)"
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", engine], stdout=subprocess.PIPE, env=env) as process:
        assert process.stdout is not None
        process.stdout.readline()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        compilers = [os.pidfd_open(int(child)) for child in children]
        process.kill()
        assert compilers
        for compiler in compilers:
            assert select.select([compiler], [], [], 10)[0], "it outlived its engine"
            os.close(compiler)


def test_the_kernel_ends_an_engine_whose_daemon_dies() -> None:
    engine = "import os; from ispd.engine import _die_with; _die_with(os.getppid()); print(os.getpid(), flush=True); "
    engine += "import time; time.sleep(600)"
    daemon = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {engine!r}]).wait()"
    with subprocess.Popen([sys.executable, "-c", daemon], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        pidfd = os.pidfd_open(int(process.stdout.readline()))
        process.kill()
        assert select.select([pidfd], [], [], 10)[0], "it outlived its daemon"
        os.close(pidfd)
        assert process.wait() == -signal.SIGKILL
