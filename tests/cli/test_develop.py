"""`ispd develop`: paths on stdout for scripts, sentences on stderr for people, and exit codes that are true."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Ispd
from tests.conftest import Dng


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A photo that is none."""
    path = tmp_path / "text.dng"
    path.write_text("this is no photo")
    return path


def test_the_same_picture_is_made_once_and_another_takes_the_next_name(ispd: Ispd, photo: Path, tmp_path: Path) -> None:
    before, out = photo.read_bytes(), tmp_path / "new/out"
    assert ispd("develop", photo, "-o", out).out == f"{out}/photo.jpg\n"
    first = (out / "photo.jpg").read_bytes()
    assert ispd("develop", photo, "-o", out).out == f"{out}/photo.jpg\n"
    assert ispd("develop", photo, "-o", out, "--profile", "mono").out == f"{out}/photo-2.jpg\n"
    assert (out / "photo.jpg").read_bytes() == first
    assert photo.read_bytes() == before
    assert {path.name for path in out.iterdir()} == {"photo.jpg", "photo-2.jpg"}


@pytest.mark.parametrize(("format", "suffix", "kind"), [("tiff", "tif", "TIFF"), ("png", "png", "PNG")])
def test_another_format(ispd: Ispd, photo: Path, tmp_path: Path, format: str, suffix: str, kind: str) -> None:
    assert ispd("develop", photo, "-o", tmp_path / "out", "--format", format).code == 0
    with Image.open(tmp_path / f"out/photo.{suffix}") as picture:
        assert (picture.format, picture.size) == (kind, (144, 96))


def test_one_line_of_json_a_photo_whatever_becomes_of_it(ispd: Ispd, dng: Dng, text: Path, tmp_path: Path) -> None:
    odd = os.fsdecode(b"caf\xe9.dng")
    photos = [dng(odd), text, tmp_path / "gone.dng"]
    printed = ispd("develop", *photos, "-o", tmp_path / "out", "--json")
    assert printed.code == 1
    records = [json.loads(line) for line in printed.out.splitlines()]
    assert [record["photo"] for record in records] == [str(photo) for photo in photos]
    assert [record["outcome"] for record in records] == ["Delivered", "SetAside", "Waiting"]
    (path,) = records[0]["paths"]
    assert Path(path).exists()
    assert "a text" in records[1]["reason"]
    assert "not there" in records[2]["reason"]


def test_nothing_but_bad_input_is_65_and_nothing_there_66(ispd: Ispd, text: Path, tmp_path: Path) -> None:
    assert ispd("develop", text, tmp_path, "-o", tmp_path / "out").code == 65
    printed = ispd("develop", tmp_path / "gone.dng", "-o", tmp_path / "out")
    assert (printed.code, printed.out) == (66, "")
    assert printed.err == f"ispd: {tmp_path}/gone.dng: the file is not there\n"


def test_without_exiftool_it_is_69(ispd: Ispd, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    printed = ispd("develop", photo, "-o", tmp_path / "out")
    assert printed.code == 69
    assert "exiftool is not installed" in printed.err
    assert not list((tmp_path / "out").rglob("*.jpg"))


def test_a_file_where_the_folder_should_be_is_73(ispd: Ispd, photo: Path, text: Path) -> None:
    assert ispd("develop", photo, "-o", text).code == 73


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_full_disk_is_73_and_nothing_is_left(ispd: Ispd, photo: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "out") as out:
        (out / "ballast").write_bytes(bytes(90 << 10))
        printed = ispd("develop", photo, "-o", out)
        assert printed.code == 73, printed.err
        assert [path.name for path in out.iterdir()] == ["ballast"]


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "ispd-test", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
