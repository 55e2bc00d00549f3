"""The machine's unit allows what developing a photo takes: behind its filter of system calls, pictures come out."""

from __future__ import annotations

import ctypes
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.house import House, open_house

UNIT = Path(__file__).parents[2] / "systemd/ispd.service"
CAGE = Path(__file__).with_name("cage.py")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    try:
        ctypes.CDLL("libseccomp.so.2")
    except OSError:
        pytest.skip("libseccomp is not installed here")
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed here")
    with open_house(tmp_path) as house:
        yield house.furnish()


def test_a_photo_is_delivered(house: House) -> None:
    house.drop("a.dng", 1)
    done = house.run("once", "--config", str(house.config), before=(sys.executable, str(CAGE), str(UNIT)))
    assert (done.returncode, house.delivered()) == (0, {"a.jpg"}), done.stderr
    assert "warning" not in done.stderr


def test_what_no_photo_takes_is_out_of_reach(house: House) -> None:
    command = [sys.executable, str(CAGE), str(UNIT), sys.executable, "-c", "import os; os.chroot('/')"]
    assert subprocess.run(command, check=False).returncode == -signal.SIGSYS
