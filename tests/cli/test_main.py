"""The command line beneath every command: streams that are closed, narrow or in another alphabet; what is loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.cli.conftest import Ispd

ISPD = [sys.executable, "-m", "ispd"]


# at once, or as the command ends
each_buffer = pytest.mark.parametrize("buffer", [{}, {"PYTHONUNBUFFERED": "1"}], ids=["buffered", "unbuffered"])


@each_buffer
def test_nobody_reads(tmp_path: Path, buffer: dict[str, str]) -> None:
    """`ispd … | head` ends without a traceback."""
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as pipe:
        done = printing_to(pipe, bare(tmp_path) | buffer)
    assert (done.returncode, done.stderr) == (141, b"")


@each_buffer
def test_no_room_for_what_is_printed(tmp_path: Path, buffer: dict[str, str]) -> None:
    with open("/dev/full", "wb") as full:
        done = printing_to(full, bare(tmp_path) | buffer)
    assert done.returncode == 73
    assert done.stderr == b"ispd: what it prints cannot be written: No space left on device\n"


def printing_to(stdout: BinaryIO, environment: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    command = [*ISPD, "profile", "show", "neutral"]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, env=environment, check=False)


def test_a_shell_may_close_what_we_print_to(tmp_path: Path) -> None:
    command = ["sh", "-c", f"{sys.executable} -m ispd profile list >&-"]
    done = subprocess.run(command, capture_output=True, env=bare(tmp_path), check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_locale_without_arrows_is_no_error(tmp_path: Path) -> None:
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [*ISPD, "config", "init", "--watch", "a", "--deliver", "b", "--dry-run"]
    done = subprocess.run(command, capture_output=True, env=bare(tmp_path) | locale, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()


def bare(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home)}


@pytest.mark.parametrize("device", ["foo", "cuda:x", "cpu:0", ""])
def test_a_device_that_cannot_be_is_told_before_anything_is_done(
    ispd: Ispd, capsys: pytest.CaptureFixture[str], device: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        ispd("develop", "a.dng", "-o", "out", "--device", device)
    assert stopped.value.code == 2
    assert 'must be "auto", "cpu"' in capsys.readouterr().err


LIGHT = [
    "status",
    "plan",
    "explain photo.dng",
    "jobs list",
    "verify",
    "config check",
    "profile list",
    "model list",
    "once --help",
]


@pytest.mark.parametrize("words", LIGHT)
def test_commands_that_only_tell_load_nothing_heavy(tmp_path: Path, photo: Path, words: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "ispd.toml").write_text('state = "state"\n[[folder]]\nwatch = "in"\ndeliver = "out"\n')
    command = [sys.executable, "-X", "importtime", "-m", "ispd", *words.split()]
    environment = bare(tmp_path) | {"ISPD_CONFIG": str(tmp_path / "ispd.toml")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line}
    assert "ispd.cli.main" in loaded
    assert not loaded & {"torch", "rawpy", "PIL", "numba", "flashraw", "tifffile"}
