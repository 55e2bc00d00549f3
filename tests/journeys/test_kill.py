"""kill -9 at any moment, of anything: no photo is lost, doubled or torn, and nothing is left behind."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image

from tests.journeys.house import House, Process, all_gone, family, until

SEED = 20260329


def names(count: int) -> set[str]:
    return {f"{number}.jpg" for number in range(count)}


def drop(house: House, count: int) -> None:
    for number in range(count):
        house.drop(f"{number}.dng", number)


def pulled(house: House) -> list[Process]:
    """The daemon's whole family, by now."""
    assert house.daemon is not None
    return family(house.daemon.pid)


def kill(house: House, member: Process) -> None:
    if member.is_alive():
        os.kill(member.pid, signal.SIGKILL)


def kill_daemon_alone(house: House) -> None:
    """As the OOM killer does; its children must notice by themselves."""
    assert house.daemon is not None
    members = pulled(house)
    house.daemon.kill()
    house.daemon.wait()
    all_gone(members)


def kill_all_at_once(house: House) -> None:
    """As `systemctl kill -s KILL` does."""
    assert house.daemon is not None
    members = pulled(house)
    for member in members:
        kill(house, member)
    house.daemon.wait()
    all_gone(members)


def all_well(house: House, count: int) -> None:
    """Every photo once, whole, and nothing else anywhere."""
    house.wait_for(names(count), seconds=120)
    house.wait_until_idle()
    for path in house.outbox.glob("*.jpg"):
        with Image.open(BytesIO(path.read_bytes())) as picture:
            picture.load()  # raises where the file is torn
            assert picture.size == (48, 32)
    queue = house.status()["queue"]
    assert {name: number for name, number in queue.items() if number} == {"delivered": count}
    members = pulled(house)
    assert house.stop() == 0
    all_gone(members)
    assert not house.leftovers()
    assert not house.temporary()
    assert {path.name for path in house.outbox.iterdir()} == names(count) | {".ispd"}


def more_than(house: House, count: int) -> None:
    until(lambda: len(house.delivered()) >= count, f"{count} pictures")


@pytest.mark.parametrize("end", [kill_daemon_alone, kill_all_at_once])
def test_a_burst_with_kills_of_the_daemon(house: House, end: Callable[[House], None]) -> None:
    chance = random.Random(SEED)
    count, kills = 40, 5
    drop(house, count)
    for _ in range(kills):
        house.start()
        before = len(house.delivered())
        aim = before + chance.randint(0, count // kills)
        more_than(house, min(aim, count))
        end(house)
    house.start()
    all_well(house, count)


def test_a_kill_while_the_daemon_starts(house: House) -> None:
    drop(house, 5)
    for milliseconds in (50, 150, 300, 500):
        process = house.start()
        with pytest.raises(Exception, match="timed out"):
            process.wait(milliseconds / 1000)
        kill_daemon_alone(house)
    house.start()
    all_well(house, 5)


@pytest.mark.parametrize("victim", ["ispd.engine", "ispd.decode.zygote", "exiftool"])
def test_kills_of_a_helper_while_the_daemon_lives(house: House, victim: str) -> None:
    chance = random.Random(SEED)
    count, killed = 24, 0
    drop(house, count)
    house.start()
    until(lambda: house.delivered(), "the first picture")
    for _ in range(3):
        aim = min(count, len(house.delivered()) + chance.randint(1, 5))
        more_than(house, aim)
        victims = [member for member in pulled(house) if victim in member.command]
        for member in victims:
            kill(house, member)
        killed += len(victims)
    assert killed
    all_well(house, count)
