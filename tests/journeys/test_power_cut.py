"""The power goes at some point: what the ledger calls delivered is on disk, byte for byte.

An ext4 of its own on a loop device; at the chosen point the process ends and the device's backing file is copied, so
that whatever the kernel had not written yet is lost.  Writes are not reordered, which a real disk might.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.journeys.publish_driver import Run
from tests.journeys.publish_world import KILLED, Driver, check_world, new_world

STEP = 11  # every so many points; all of them take minutes


class Machine:
    """A disk that can lose its power."""

    def __init__(self, folder: Path) -> None:
        self.mount = folder / "mount"
        self.mount.mkdir()
        self._image = folder / "image"

    def new(self) -> Run:
        """A new disk with photos on it."""
        self.off()
        self._image.unlink(missing_ok=True)
        with self._image.open("wb") as file:
            file.truncate(16 << 20)
        subprocess.run(["mkfs.ext4", "-q", str(self._image)], check=True)
        self._on()
        run = new_world(self.mount, "link")
        subprocess.run(["sync", "-f", str(self.mount)], check=True)
        return run

    def cut(self) -> None:
        """Lose what is not on the disk yet, and start again."""
        after = self._image.with_name("after")
        subprocess.run(["cp", "--sparse=always", str(self._image), str(after)], check=True)
        self.off()
        after.replace(self._image)
        self._on()

    def off(self) -> None:
        if self.mount.is_mount():
            subprocess.run(["umount", str(self.mount)], check=True)

    def _on(self) -> None:
        subprocess.run(["mount", "-o", "loop", str(self._image), str(self.mount)], check=True)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        pytest.skip("only root can mount a disk of its own, and mkfs.ext4 must be there")
    machine = Machine(tmp_path)
    try:
        machine.new()
    except subprocess.CalledProcessError:
        pytest.skip("this machine has no loop devices")
    yield machine
    machine.off()


def test_what_is_delivered_survives(machine: Machine, driver: Driver) -> None:
    _, points = driver.live(machine.new())
    for at in range(STEP, points, STEP):
        run = machine.new()
        assert driver.live(replace(run, kill_at=at))[0] == KILLED
        machine.cut()
        assert driver.live(run)[0] == 0
        check_world(run)


def test_right_after_the_end(machine: Machine, driver: Driver) -> None:
    run = machine.new()
    driver.live(run)
    machine.cut()
    check_world(run)


def test_without_fsync_the_promise_breaks(machine: Machine, driver: Driver) -> None:
    """The proof that the tests above would notice."""
    run = replace(machine.new(), fsync="left out")
    driver.live(run)
    machine.cut()
    with pytest.raises(AssertionError):
        check_world(run)
