"""Killed at every point, and killed again while it recovers: nothing lost, doubled, left behind, or overwritten."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ispd.publish import Method
from tests.journeys.publish_world import KILLED, Driver, check_world, new_world

MEMORY = Path("/dev/shm")


@pytest.fixture
def place() -> Iterator[Path]:
    """In memory where the machine allows: a kill takes nothing back that was written, so fsync is only slow here."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


METHODS: tuple[Method, ...] = ("link", "rename", "exclusive")


@pytest.mark.parametrize("method", METHODS)
def test_undisturbed_life(driver: Driver, place: Path, method: Method) -> None:
    run = new_world(place, method)
    code, points = driver.live(run)
    assert code == 0
    assert points > 60  # else the kills below would prove little
    check_world(run)
    assert driver.live(run)[0] == 0  # a second life finds nothing to do
    check_world(run)


@pytest.mark.parametrize("method", ["link", "rename"])
def test_a_kill_at_every_point(driver: Driver, place: Path, method: Method) -> None:
    _, points = driver.live(new_world(place / "whole", method))
    for at in range(1, points + 1):
        run = new_world(place / f"{at}", method)
        assert driver.live(replace(run, kill_at=at))[0] == KILLED
        assert driver.live(run)[0] == 0
        check_world(run)


@pytest.mark.parametrize("method", ["link", "rename"])
def test_kills_while_recovering(driver: Driver, place: Path, method: Method) -> None:
    chance = random.Random(f"seven lives, {method}")
    for number in range(25):
        run = new_world(place / f"{number}", method)
        for _ in range(7):
            driver.live(replace(run, kill_at=chance.randint(1, 120)))
        assert driver.live(run)[0] == 0
        check_world(run)


def test_a_kill_at_every_point_where_neither_links_nor_renameat2_work(driver: Driver, place: Path) -> None:
    """The one gap: killed between making an empty file and committing which one it is, that empty file stays."""
    _, points = driver.live(new_world(place / "whole", "exclusive"))
    left = 0
    for at in range(1, points + 1):
        run = new_world(place / f"{at}", "exclusive")
        assert driver.live(replace(run, kill_at=at))[0] == KILLED
        assert driver.live(run)[0] == 0
        empty = [path for path in Path(run.deliver).rglob("*") if path.is_file() and path.stat().st_size == 0]
        left += len(empty)
        for path in empty:
            path.unlink()
        check_world(run)
    assert left <= 2 * 2 * 2  # two points at each of two outputs of two photos
