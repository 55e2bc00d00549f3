"""Twenty-two ways in which a file can come into a folder: each is delivered exactly once, or never touched."""

from __future__ import annotations

import mmap
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.house import House, tiny_photo, until

PAUSE = 0.15  # half the settling time: a writer that rests


class Arrival:
    """One file on its way in."""

    def __init__(self, house: House, name: str, number: int) -> None:
        self.path = house.inbox / name
        self.aside = house.root / "aside" / f"{number}"
        self.aside.mkdir(parents=True)
        self.content = tiny_photo(number)

    def finished(self, name: str = "photo.dng") -> Path:
        """The photo, whole, outside the watched folder."""
        path = self.aside / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.content)
        return path


Way = Callable[[Arrival], None]


def written(a: Arrival) -> None:
    a.path.write_bytes(a.content)


def written_in_a_new_folder(a: Arrival) -> None:
    a.path.parent.mkdir()
    a.path.write_bytes(a.content)


def written_in_new_folders_in_new_folders(a: Arrival) -> None:
    a.path.parent.mkdir(parents=True)
    a.path.write_bytes(a.content)


def renamed_in(a: Arrival) -> None:
    a.finished().rename(a.path)


def renamed_from_a_temporary_name(a: Arrival) -> None:
    temporary = a.path.with_name(f".{a.path.name}.part")
    temporary.write_bytes(a.content)
    temporary.rename(a.path)


def hard_linked_in(a: Arrival) -> None:
    os.link(a.finished(), a.path)


def moved_in_with_its_folder(a: Arrival) -> None:
    a.finished("shoot/" + a.path.name)
    (a.aside / "shoot").rename(a.path.parent)


def moved_in_with_a_tree(a: Arrival) -> None:
    a.finished("shoot/day/" + a.path.name)
    (a.aside / "shoot").rename(a.path.parents[1])


def mapped(a: Arrival) -> None:
    with a.path.open("w+b") as file:
        file.truncate(len(a.content))
        with mmap.mmap(file.fileno(), 0) as memory:
            for start in range(0, len(a.content), 4096):
                memory[start : start + 4096] = a.content[start : start + 4096]
                time.sleep(PAUSE / 2)


def appended(a: Arrival) -> None:
    for start in range(0, len(a.content), 4096):
        with a.path.open("ab") as file:
            file.write(a.content[start : start + 4096])
        time.sleep(PAUSE)


def written_slowly(a: Arrival) -> None:
    with a.path.open("wb", buffering=0) as file:
        for start in range(0, len(a.content), 2048):
            file.write(a.content[start : start + 2048])
            time.sleep(PAUSE)


def stalled_half_way(a: Arrival) -> None:
    with a.path.open("wb", buffering=0) as file:
        file.write(a.content[:3000])
    time.sleep(6 * PAUSE)  # longer than the settling time: it looks finished, and is not
    with a.path.open("ab") as file:
        file.write(a.content[3000:])


def preallocated(a: Arrival) -> None:
    with a.path.open("wb", buffering=0) as file:
        os.posix_fallocate(file.fileno(), 0, len(a.content))
        time.sleep(6 * PAUSE)
        file.write(a.content)


def truncated_to_its_size_first(a: Arrival) -> None:
    with a.path.open("wb", buffering=0) as file:
        file.truncate(len(a.content))
    time.sleep(6 * PAUSE)
    with a.path.open("r+b") as file:
        file.write(a.content)


def copied_with_its_old_times(a: Arrival) -> None:
    source = a.finished()
    os.utime(source, (1_000_000_000, 1_000_000_000))
    subprocess.run(["cp", "-p", source, a.path], check=True)


def copied_by_tar(a: Arrival) -> None:
    a.finished(a.path.name)
    pack = subprocess.run(["tar", "-C", a.aside, "-cf", "-", a.path.name], capture_output=True, check=True)
    subprocess.run(["tar", "-C", a.path.parent, "-xf", "-"], input=pack.stdout, check=True)


def copied_as_a_tree(a: Arrival) -> None:
    a.finished("card/" + a.path.name)
    shutil.copytree(a.aside / "card", a.path.parent)


def named_with_a_space_and_a_dash(a: Arrival) -> None:
    written(a)


def touched_again_and_again(a: Arrival) -> None:
    a.path.write_bytes(a.content)
    for _ in range(6):
        time.sleep(PAUSE)
        os.utime(a.path)


def replaced_before_it_settled(a: Arrival) -> None:
    a.path.write_bytes(b"the wrong file, corrected at once")
    time.sleep(PAUSE)
    a.finished().replace(a.path)


WAYS: dict[str, Way] = {
    "01.dng": written,
    "02/photo.dng": written_in_a_new_folder,
    "03/deep/er/photo.dng": written_in_new_folders_in_new_folders,
    "04.dng": renamed_in,
    "05.dng": renamed_from_a_temporary_name,
    "06.dng": hard_linked_in,
    "07/photo.dng": moved_in_with_its_folder,
    "08/day/photo.dng": moved_in_with_a_tree,
    "09.dng": mapped,
    "10.dng": appended,
    "11.dng": written_slowly,
    "12.dng": stalled_half_way,
    "13.dng": preallocated,
    "14.dng": truncated_to_its_size_first,
    "15.dng": copied_with_its_old_times,
    "16.dng": copied_by_tar,
    "17/photo.dng": copied_as_a_tree,
    "- 18.dng": named_with_a_space_and_a_dash,
    "19.dng": touched_again_and_again,
    "20.dng": replaced_before_it_settled,
}


@pytest.fixture(autouse=True)
def watching(house: House) -> None:
    house.start()
    until(lambda: house.watches(), "a daemon that watches")


def test_each_way_in_is_delivered_exactly_once(house: House) -> None:
    for number, (name, way) in enumerate(WAYS.items()):
        way(Arrival(house, name, number))
    hostile = house.inbox
    os.mkfifo(hostile / "pipe.dng")
    (hostile / "loop").symlink_to(hostile)
    (house.root / "outside").mkdir()
    (house.root / "outside" / "secret.dng").write_bytes(tiny_photo(900))
    (hostile / "outward").symlink_to(house.root / "outside")
    (hostile / "outward.dng").symlink_to(house.root / "outside" / "secret.dng")
    house.wait_for({name.removesuffix("dng") + "jpg" for name in WAYS})
    house.drop("last.dng", 901)  # when this one is through, so would be whatever should not have been taken
    house.wait_for({name.removesuffix("dng") + "jpg" for name in WAYS} | {"last.jpg"})
    queue = house.status()["queue"]
    assert {name: count for name, count in queue.items() if count} == {"delivered": len(WAYS) + 1}


def arrived(house: House, name: str, number: int) -> set[str]:
    """A photo that is delivered; all names by then."""
    house.drop(name, number)
    names = house.delivered() | {name.removesuffix("dng") + "jpg"}
    house.wait_for(names)
    return names


def test_the_same_photo_again_is_not_another(house: House) -> None:
    before = arrived(house, "same/one.dng", 910)
    (house.inbox / "same" / "again.dng").write_bytes(tiny_photo(910))
    house.drop("same/after.dng", 911)
    house.wait_for(before | {"same/after.jpg"})


def test_a_photo_replaced_by_another_under_its_name_is_developed_too(house: House) -> None:
    before = arrived(house, "replaced/one.dng", 920)
    house.drop("replaced/one.dng", 921)
    house.wait_for(before | {"replaced/one-2.jpg"})


def test_what_is_delivered_stays_although_its_raw_goes(house: House) -> None:
    before = arrived(house, "gone/one.dng", 930)
    (house.inbox / "gone" / "one.dng").unlink()
    house.drop("gone/later.dng", 931)
    house.wait_for(before | {"gone/later.jpg"})
