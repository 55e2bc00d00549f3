"""T4: whatever a name or a value holds is data, and whatever happens to the process, no answer is a wrong one."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ispd.encode.picture import encode
from ispd.errors import CannotCreate, MachineError, MissingTool, PhotoError
from ispd.metadata.exiftool import Copy, ExifTool
from ispd.orders import Output
from tests.metadata.photo import ASCII, BYTE, directory, dng

HOSTILE = [
    "\n",
    "\r\n",
    "-execute",
    "-execute\n",
    "#",
    "@",
    "${",
    ";system('touch owned')}",
    "-o\n",
    "x.jpg",
    "-if\n",
    "'",
]
HOSTILE += [
    "-stay_open\nFalse\n",
    '"',
    "|",
    "&",
    "<",
    "`id`",
    "é",
    "名",
    "\u2028",
    "\x01",
    "\x1b[31m",
    "base64:",
    "QQ==",
    " ",
]
texts = st.lists(
    st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\0")),
    min_size=1,
).map("".join)
names = st.lists(
    st.sampled_from([text.encode().replace(b"/", b"") for text in HOSTILE]) | st.binary(min_size=1),
    min_size=1,
    max_size=5,
)
file_names = (
    names.map(b"".join)
    .map(lambda name: name.replace(b"/", b"").replace(b"\0", b"")[:200])
    .filter(lambda name: name.strip(b".") != b"")
)
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def grey(path: Path) -> bytes:
    name = os.fsencode(path)
    encode(np.full((8, 8, 3), 99, np.uint8), Output("jpeg"), name)
    return name


def everything_below(folder: Path) -> set[str]:
    return {os.fsdecode(os.path.join(root, name)) for root, _, names in os.walk(folder) for name in names}


@given(text=texts)
@few
def test_values_come_back_as_they_went(door: ExifTool, tmp_path: Path, text: str) -> None:
    target = tmp_path / "1.jpg"
    target.unlink(missing_ok=True)
    door.write(grey(target), values={"IFD0:ImageDescription": text, "XMP-dc:Subject": [text, "second"]})
    found = door.read(os.fsencode(target))
    # EXIF pads with blanks and cannot say that it did not
    assert str(found["IFD0:ImageDescription"]).rstrip(" ") == text.rstrip(" ")
    assert list(filter(str.isalnum, "".join(found["XMP-dc:Subject"]))) == [*filter(str.isalnum, text), *"second"]
    assert everything_below(tmp_path) == {str(target)}


@given(folder=file_names, name=file_names)
@few
def test_files_are_found_under_any_name(door: ExifTool, folder: bytes, name: bytes) -> None:
    with tempfile.TemporaryDirectory() as root:
        place = Path(root, os.fsdecode(folder))
        place.mkdir()
        source, target = place / os.fsdecode(name), place / "1.0.jpg"
        source.unlink(missing_ok=True)
        source.write_bytes(dng(1))
        if source == target:
            return
        grey(target)
        door.write(
            os.fsencode(target),
            [Copy(os.fsencode(source), ("IFD0:Make", "IFD0:UniqueCameraModel"))],
            {"IFD0:Artist": "me"},
        )
        assert door.read(os.fsencode(source))["IFD0:Make"] == "Canon"
        found = door.read(os.fsencode(target))
        assert (found["IFD0:Make"], found["IFD0:Artist"]) == ("Canon", "me")
        assert everything_below(Path(root)) == {str(source), str(target)}
        assert source.read_bytes() == dng(1)


@pytest.mark.parametrize(
    "tag", ["if", "execute", "IFD0:Make\n-o", "IFD0:Make=x", "IFD0:Make<${Make;die}", "-p", "XMP:*<Make;x", ""]
)
def test_only_tags_go_through_the_door(door: ExifTool, tmp_path: Path, tag: str) -> None:
    target = grey(tmp_path / "1.jpg")
    with pytest.raises(ValueError, match="not a tag"):
        door.write(target, [Copy(target, (tag,))])
    with pytest.raises(ValueError, match="not a tag"):
        door.write(target, values={tag: "x"})
    with pytest.raises(ValueError, match="not a tag"):
        door.write(target, delete=[tag])


def test_paths_must_be_absolute_and_targets_ours(door: ExifTool, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not an absolute path"):
        door.read(b"-ver")
    with pytest.raises(ValueError, match="not a staging name"):
        door.write(os.fsencode(tmp_path / "-o\n.jpg"))


def test_configurations_that_lie_about_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".ExifTool_config").write_text(f"open(F, '>', '{tmp_path}/owned'); 1;")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PERL5OPT", "-Mnonsense")
    monkeypatch.chdir(tmp_path)
    target = grey(tmp_path / "1.jpg")
    with ExifTool() as door:
        assert door.read(target)["File:MIMEType"] == "image/jpeg"
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP], ids=lambda blow: blow.name)
def test_a_process_that_dies_or_hangs_is_replaced(tmp_path: Path, blow: signal.Signals) -> None:
    target = grey(tmp_path / "1.jpg")
    with ExifTool(deadline_seconds=4) as door:
        door.write(target, values={"IFD0:Artist": "first"})
        struck = door.pid
        assert struck
        os.kill(struck, blow)
        (tmp_path / "1.jpg_exiftool_tmp").write_text("what a killed try leaves")
        door.write(target, values={"IFD0:Copyright": "second"})
        found = door.read(target)
        assert (found["IFD0:Artist"], found["IFD0:Copyright"]) == ("first", "second")
        assert door.pid != struck
        assert everything_below(tmp_path) == {str(tmp_path / "1.jpg")}


def test_a_late_answer_is_never_the_next_ones(tmp_path: Path) -> None:
    first, second = grey(tmp_path / "1.jpg"), grey(tmp_path / "2.jpg")
    with ExifTool() as door:
        door.write(first, values={"IFD0:Artist": "first"})
        door.write(second, values={"IFD0:Artist": "second"})
        # a question that somebody's interrupt cut off: asked, and its answer not fetched
        process = door._process
        assert process is not None
        assert process.stdin is not None
        process.stdin.write(b"-json\n-G1\n" + first + b"\n-execute7\n")
        assert door.read(second)["IFD0:Artist"] == "second"


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A program that is no exiftool, to be filled in."""
    program = tmp_path / "stand-in"
    program.touch(mode=0o755)
    return program


@pytest.mark.parametrize(
    ("script", "reason"),
    [("exit 0", "it ended|no answer"), ("exec cat", "no answer"), ("exec yes", "its answer had no end|no answer")],
)
def test_a_program_that_makes_no_sense_is_given_up(stand_in: Path, script: str, reason: str) -> None:
    stand_in.write_text(f"#!/bin/sh\n{script}\n")
    with ExifTool(deadline_seconds=1, executable=str(stand_in)) as door, pytest.raises(MachineError, match=reason):
        door.read(b"/dev/null")


OLD = r"""
import re, sys
for line in sys.stdin:
    if mark := re.match(r"-execute(\d+)", line):
        print("{begin%s}\n12.23\n{ready%s}" % (mark[1], mark[1]), flush=True)
        print("{%s 0}" % mark[1], file=sys.stderr, flush=True)
"""


def test_an_exiftool_that_runs_code_in_photos_is_refused(stand_in: Path) -> None:
    stand_in.write_text(f"#!{sys.executable}\n{OLD}")
    with ExifTool(executable=str(stand_in)) as door, pytest.raises(MissingTool, match=r"12\.23 is too old"):
        door.read(b"/dev/null")


def test_a_missing_exiftool_is_told_with_its_package() -> None:
    with (
        ExifTool(executable="no-such-exiftool") as door,
        pytest.raises(MissingTool, match="apt install libimage-exiftool-perl"),
    ):
        door.read(b"/dev/null")


def test_it_lives_on_when_the_thread_that_asked_first_ends(tmp_path: Path) -> None:
    target = grey(tmp_path / "1.jpg")
    with ExifTool() as door:
        thread = threading.Thread(target=door.read, args=(target,))
        thread.start()
        thread.join()
        pid = door.pid
        door.read(target)
        assert door.pid == pid


PARENT = """
import sys
from ispd.metadata.exiftool import ExifTool
with ExifTool() as door:
    door.read(sys.argv[1].encode())
    print(door.pid, door._folder, flush=True)
    sys.stdin.read()
"""


def test_it_dies_with_us_and_the_next_door_sweeps_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = grey(tmp_path / "1.jpg")
    (tmp_path / "tmp").mkdir()
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, target],
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    pid, folder = parent.stdout.readline().split()
    watch = os.pidfd_open(int(pid))
    parent.kill()
    parent.communicate()
    assert select.select([watch], [], [], 10)[0], "exiftool has outlived us"
    os.close(watch)
    assert Path(folder).is_dir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    with ExifTool() as door:
        assert not Path(folder).exists()
        with ExifTool() as beside:  # one that lives is left alone
            assert beside.read(target) == door.read(target) | {
                "System:FileName": "1.jpg",
                "System:Directory": str(beside._folder),
            }
    assert list((tmp_path / "tmp").iterdir()) == []


def test_it_is_confined(tmp_path: Path) -> None:
    with ExifTool() as door:
        door.read(grey(tmp_path / "1.jpg"))
        limits = Path(f"/proc/{door.pid}/limits").read_text()
        status = Path(f"/proc/{door.pid}/status").read_text()
        environment = Path(f"/proc/{door.pid}/environ").read_bytes()
    assert "Max processes             0" in limits
    assert "Max address space         1073741824" in limits
    assert "NoNewPrivs:\t1" in status
    assert b"HOME=/nonexistent" in environment


def test_lower_limits_than_its_own_are_kept(tmp_path: Path) -> None:
    program = """
import resource, sys
from ispd.metadata.exiftool import ExifTool
resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60))
with ExifTool() as door:
    print(door.read(sys.argv[1].encode())["File:MIMEType"])
"""
    command = [sys.executable, "-c", program, os.fsdecode(grey(tmp_path / "1.jpg"))]
    assert subprocess.run(command, capture_output=True, text=True, check=False).stdout == "image/jpeg\n"


def test_what_is_no_picture_is_the_photos_fault(door: ExifTool, tmp_path: Path) -> None:
    empty = tmp_path / "empty.dng"
    empty.touch()
    with pytest.raises(PhotoError, match=r"empty\.dng cannot be read by exiftool: File is empty"):
        door.read(os.fsencode(empty))


@pytest.mark.parametrize("tag", [270, 700], ids=["text", "XMP"])
@pytest.mark.parametrize("megabytes", [70, 300])
def test_a_flood_of_tags_is_the_photos_fault(door: ExifTool, tmp_path: Path, tag: int, megabytes: int) -> None:
    flood = tmp_path / "flood.dng"
    header = directory(8, [(271, ASCII, b"Canon\0"), (tag, ASCII if tag == 270 else BYTE, b"A" * (megabytes << 20))])
    flood.write_bytes(b"II*\0\x08\0\0\0" + header)
    with pytest.raises(PhotoError, match=r"flood\.dng has more tags than any camera writes"):
        door.xmp_packet(os.fsencode(flood)) if tag == 700 else door.read(os.fsencode(flood))
    assert door.read(grey(tmp_path / "1.jpg"))["File:MIMEType"] == "image/jpeg"


def test_a_target_that_cannot_be_written_stays_as_it_was(door: ExifTool, tmp_path: Path) -> None:
    target = tmp_path / "1.jpg"
    target.write_bytes(b"\xff\xd8\xff\xe0 no JPEG")
    with pytest.raises(CannotCreate, match=r"exiftool cannot write tags into 1\.jpg"):
        door.write(os.fsencode(target), values={"IFD0:Artist": "me"})
    assert target.read_bytes() == b"\xff\xd8\xff\xe0 no JPEG"
    assert everything_below(tmp_path) == {str(target)}


def test_many_doors_at_once_sweep_none_of_each_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def opens_and_is_there(_: int) -> bool:
        with ExifTool() as door, door.private_file(b"content", ".txt") as path:
            return Path(os.fsdecode(path)).exists()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(opens_and_is_there, range(400)))
    assert list(tmp_path.iterdir()) == []
