from __future__ import annotations

import os
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ispd.decode.dng.codes import Tag
from ispd.decode.facts import check_whole, read_facts
from ispd.errors import NoInput, PhotoError
from ispd.simulate.camera import KESTREL
from ispd.simulate.photograph import Moment
from ispd.simulate.tiff import Kind
from tests.conftest import Dng
from tests.decode.dng.build import NOTHING, encode


def facts_of(tmp_path: Path, data: bytes, name: str = "a.dng") -> object:
    path = tmp_path / name
    path.write_bytes(data)
    return read_facts(os.fsencode(path))


def test_a_photos_facts_are_what_its_camera_wrote(dng: Dng) -> None:
    moment = Moment(iso=1600, orientation=8, when=datetime(2026, 3, 29, 2, 30, tzinfo=UTC))
    facts = read_facts(os.fsencode(dng("a.dng", camera=KESTREL, moment=moment)))
    assert facts is not None
    assert (facts.make, facts.model, facts.lens, facts.serial) == (
        KESTREL.make,
        KESTREL.model,
        KESTREL.lens,
        KESTREL.serial,
    )
    assert (facts.iso, facts.orientation, facts.captured) == (1600, 8, "2026-03-29T02:30:00")
    assert facts.exposure_seconds is not None
    assert facts.warnings == ()


def test_nonsense_is_left_empty(tmp_path: Path) -> None:
    facts = facts_of(
        tmp_path,
        encode(
            {
                Tag.DateTime: (Kind.ASCII, "0000:00:00 99:99:99"),
                Tag.ExposureTime: (Kind.RATIONAL, NOTHING),
                Tag.FNumber: (Kind.RATIONAL, 0),
                Tag.Make: (Kind.ASCII, "-execute\n-all=\x00hidden"),
                Tag.Orientation: (Kind.SHORT, 77),
            }
        ),
    )
    assert facts is not None
    assert facts.captured == ""  # type: ignore[attr-defined]
    assert facts.exposure_seconds is None  # type: ignore[attr-defined]
    assert facts.f_number is None  # type: ignore[attr-defined]
    assert facts.make == "-execute -all="  # type: ignore[attr-defined]
    assert facts.orientation == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"II\x1a\0\0\0HEAPCCDR", b"FUJIFILMCCD-RAW", b"II*"])
def test_what_is_no_dng_is_left_to_exiftool(tmp_path: Path, data: bytes) -> None:
    assert facts_of(tmp_path, data) is None
    assert facts_of(tmp_path, encode({Tag.DNGVersion: None})) is None


@pytest.mark.parametrize("ask", [read_facts, check_whole])
def test_only_regular_files_are_opened_and_nothing_blocks(tmp_path: Path, photo: Path, ask: object) -> None:
    assert callable(ask)
    os.mkfifo(tmp_path / "fifo.dng")
    (tmp_path / "folder.dng").mkdir()
    (tmp_path / "link.dng").symlink_to(photo)
    (tmp_path / "self.dng").symlink_to("self.dng")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket.dng"))
    for name, what in (
        ("fifo", "a pipe"),
        ("folder", "a folder"),
        ("link", "a link"),
        ("self", "a link"),
        ("socket", "socket"),
    ):
        with pytest.raises(PhotoError, match=what):
            ask(os.fsencode(tmp_path / f"{name}.dng"))
    server.close()


def test_a_file_that_is_gone_is_named_so(tmp_path: Path) -> None:
    with pytest.raises(NoInput):
        check_whole(os.fsencode(tmp_path / "gone.dng"))
    with pytest.raises(NoInput):
        read_facts(os.fsencode(tmp_path / "gone" / "a.dng"))


def test_no_descriptor_stays_open(tmp_path: Path, photo: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    (tmp_path / "text.dng").write_text("no photo")
    for _ in range(5):
        read_facts(os.fsencode(photo))
        with pytest.raises(PhotoError):
            check_whole(os.fsencode(tmp_path / "text.dng"))
    assert len(os.listdir("/proc/self/fd")) == before
