"""Killed at every point, and killed again while it recovers: nothing lost, doubled, left behind, or overwritten."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ispd.daemon.ledger.reading import read_ledger
from ispd.orders import digest
from ispd.publish import Method, verify
from tests.journeys.publish_driver import Run, line_of, picture

ROOT = Path(__file__).parents[2]
KILLED = -9
FOREIGN = {"2026/DSC1.jpg": b"taken by somebody else", "holiday.jpg": b"nothing to do with us"}
PHOTOS = {"DSC1.dng": b"a photo", "DSC1.nef": b"another of the same name", "copy/DSC7.dng": b"a photo"}


class Driver:
    """A lean process that forks one life of the daemon at a time."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.journeys.publish_driver"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def live(self, run: Run) -> tuple[int, int]:
        """(exit code, points passed)"""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line_of(run))
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return answer["code"], answer["points"]

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(timeout=30) == 0


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    driver = Driver()
    yield driver
    driver.close()


def new_world(folder: Path, method: Method) -> Run:
    """Photos to develop, and files in the deliver folder that are not ours."""
    for name, content in FOREIGN.items():
        path = folder / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for name, content in PHOTOS.items():
        path = folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return Run(str(folder / "state"), str(folder / "in"), str(folder / "out"), method)


def check_world(run: Run) -> None:
    """The promise: every content delivered once, whole, under names of its own; all else as it was."""
    out = Path(run.deliver)
    found = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert {name: found.pop(name) for name in FOREIGN} == FOREIGN
    assert [name for name in found if name.startswith(".ispd/")] == [".ispd/id"]
    del found[".ispd/id"]
    contents = set(PHOTOS.values())
    wanted = sorted(picture(digest(content), number) for content in contents for number in (0, 1))
    assert sorted(data.decode().partition("attempt")[0] for data in found.values()) == wanted
    with read_ledger(Path(run.state)) as ledger:
        jobs = ledger.delivered()
        assert len(ledger.listing()) == len(jobs) == len(contents)
    names = [product.name for job in jobs for product in job.products]
    assert sorted(names) == sorted(found)
    for job in jobs:
        assert {verify(job.deliver, product.name, product.sha256) for product in job.products} == {"whole"}


METHODS: tuple[Method, ...] = ("link", "rename", "exclusive")


@pytest.mark.parametrize("method", METHODS)
def test_undisturbed_life(driver: Driver, tmp_path: Path, method: Method) -> None:
    run = new_world(tmp_path, method)
    code, points = driver.live(run)
    assert code == 0
    assert points > 60  # else the kills below would prove little
    check_world(run)
    assert driver.live(run)[0] == 0  # a second life finds nothing to do
    check_world(run)


@pytest.mark.parametrize("method", ["link", "rename"])
def test_a_kill_at_every_point(driver: Driver, tmp_path: Path, method: Method) -> None:
    _, points = driver.live(new_world(tmp_path / "whole", method))
    for at in range(1, points + 1):
        run = new_world(tmp_path / f"{at}", method)
        assert driver.live(replace(run, kill_at=at))[0] == KILLED
        assert driver.live(run)[0] == 0
        check_world(run)


@pytest.mark.parametrize("method", ["link", "rename"])
def test_kills_while_recovering(driver: Driver, tmp_path: Path, method: Method) -> None:
    chance = random.Random(f"seven lives, {method}")
    for number in range(25):
        run = new_world(tmp_path / f"{number}", method)
        for _ in range(7):
            driver.live(replace(run, kill_at=chance.randint(1, 120)))
        assert driver.live(run)[0] == 0
        check_world(run)


def test_a_kill_at_every_point_where_neither_links_nor_renameat2_work(driver: Driver, tmp_path: Path) -> None:
    """The one gap: killed between making an empty file and committing which one it is, that empty file stays."""
    _, points = driver.live(new_world(tmp_path / "whole", "exclusive"))
    left = 0
    for at in range(1, points + 1):
        run = new_world(tmp_path / f"{at}", "exclusive")
        assert driver.live(replace(run, kill_at=at))[0] == KILLED
        assert driver.live(run)[0] == 0
        empty = [path for path in Path(run.deliver).rglob("*") if path.is_file() and path.stat().st_size == 0]
        left += len(empty)
        for path in empty:
            path.unlink()
        check_world(run)
    assert left <= 2 * 2 * 2  # two points at each of two outputs of two photos
