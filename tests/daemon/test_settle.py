"""Settling with a clock that is passed in, and the kernel's word on who writes."""

from __future__ import annotations

import mmap
import os
from dataclasses import replace
from pathlib import Path

import pytest

from ispd.daemon.settle import Settling, look, someone_writes
from ispd.orders import Identity
from ispd.photo import identity_of

RAW = b"/in/a.dng"
PHOTO = Identity(ino=1, size=10, mtime_ns=5, ctime_ns=5)


@pytest.fixture
def folder() -> Settling:
    return Settling(quiet_seconds=2)


def test_a_growing_file_is_left_alone(folder: Settling) -> None:
    assert not folder.observe(RAW, PHOTO, now=0)
    assert not folder.observe(RAW, replace(PHOTO, size=20), now=5)
    assert folder.observe(RAW, replace(PHOTO, size=20), now=7)


@pytest.mark.parametrize("change", [{"ino": 2}, {"size": 11}, {"mtime_ns": 6}, {"ctime_ns": 6}])
def test_any_part_of_the_identity_is_a_change(folder: Settling, change: dict[str, int]) -> None:
    folder.observe(RAW, PHOTO, now=0)
    assert not folder.observe(RAW, replace(PHOTO, **change), now=9)


def test_quiet_is_counted_from_the_last_change_not_from_the_last_look(folder: Settling) -> None:
    folder.observe(RAW, PHOTO, now=0)
    assert not folder.observe(RAW, PHOTO, now=1.9)
    assert folder.observe(RAW, PHOTO, now=2.0)


def test_a_file_is_due_when_its_quiet_time_is_over(folder: Settling) -> None:
    folder.observe(RAW, PHOTO, now=0)
    assert folder.due(now=1.9) == []
    assert folder.next_due() == 2.0
    assert folder.due(now=2.0) == [RAW]


def test_the_longest_quiet_is_due_first(folder: Settling) -> None:
    for path, now in ((b"late", 2.0), (b"early", 0.0), (b"middle", 1.0)):
        folder.observe(path, PHOTO, now)
    assert folder.due(now=10) == [b"early", b"middle", b"late"]


def test_asking_again_later_keeps_the_quiet_time(folder: Settling) -> None:
    folder.observe(RAW, PHOTO, now=0)
    folder.look_again(RAW, now=2, seconds=10)
    assert folder.due(now=11) == []
    assert folder.due(now=12) == [RAW]
    assert folder.quiet_for(RAW, now=12) == 12


def test_a_change_makes_a_postponed_file_due_as_any_other(folder: Settling) -> None:
    folder.observe(RAW, PHOTO, now=0)
    folder.look_again(RAW, now=2, seconds=600)
    folder.observe(RAW, replace(PHOTO, size=11), now=3)
    assert folder.due(now=5) == [RAW]


def test_a_forgotten_file_is_never_due(folder: Settling) -> None:
    folder.observe(RAW, PHOTO, now=0)
    folder.forget(RAW)
    assert folder.due(now=99) == []
    assert folder.next_due() is None
    assert RAW not in folder


def test_only_regular_files_have_an_identity(tmp_path: Path) -> None:
    (tmp_path / "file.dng").write_bytes(b"1234")
    os.mkfifo(tmp_path / "pipe.dng")
    (tmp_path / "folder.dng").mkdir()
    (tmp_path / "link.dng").symlink_to(tmp_path / "file.dng")
    there = look(bytes(tmp_path / "file.dng"))
    assert there is not None
    assert there.size == 4
    assert there == identity_of((tmp_path / "file.dng").stat())
    for name in ("pipe.dng", "folder.dng", "link.dng", "nothing.dng"):
        assert look(bytes(tmp_path / name)) is None


def test_a_file_open_for_writing_is_being_written(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    with path.open("wb") as writer:
        writer.write(b"some bytes")
        writer.flush()
        assert someone_writes(bytes(path))
    assert not someone_writes(bytes(path))


def test_a_file_mapped_for_writing_is_being_written(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    path.write_bytes(bytes(4096))
    file = path.open("r+b")
    with mmap.mmap(file.fileno(), 0) as mapped:
        file.close()  # the map holds the file open, without a descriptor
        mapped[0] = 1
        assert someone_writes(bytes(path))
    assert not someone_writes(bytes(path))


def test_a_reader_is_no_writer(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    path.write_bytes(b"some bytes")
    with path.open("rb"):
        assert not someone_writes(bytes(path))


def test_asking_does_not_open_pipes_or_missing_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.dng")
    assert not someone_writes(bytes(tmp_path / "nothing.dng"))
    assert not someone_writes(bytes(tmp_path / "pipe.dng"))
