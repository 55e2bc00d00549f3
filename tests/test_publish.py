"""Publishing: names are taken, never overwritten; what the disk refuses becomes a sentence, and harms nothing."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import RawIOBase
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ispd import publish as pub
from ispd.errors import CannotCreate, FolderGone, MachineError, NotPermitted
from ispd.orders import digest
from ispd.publish import Desk, Disk, Method, Numbering, Staged, folded, numbered

METHODS: tuple[Method, ...] = ("link", "rename", "exclusive")
PICTURE = b"a finished picture" * 1000


@pytest.fixture(params=METHODS)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    """A deliver folder, once for each way of taking a name."""
    return replace(pub.open_desk(os.fsencode(tmp_path / "out"), ""), method=request.param)


def stage(desk: Desk, name: str, content: bytes = PICTURE, job: int = 1, disk: Disk | None = None) -> Staged:
    """A finished file in staging, as an engine leaves it."""
    path = pub.staging_path(desk, job, 0, "jpg")
    Path(os.fsdecode(path)).write_bytes(content)
    written = pub.seal(path, disk)
    return Staged(path, name, written.sha256, written.size)


def place(desk: Desk, file: Staged) -> str:
    """Publish one file; its final name."""
    (name,) = pub.publish(desk, (file,), Numbering((file.name,)))
    return name


def at(desk: Desk, name: str) -> Path:
    return Path(os.fsdecode(desk.deliver)) / name


def listing(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(
    stem=st.text("aé漢😀.-", min_size=1, max_size=300), numbers=st.sets(st.integers(2, 1000), min_size=2, max_size=9)
)
def test_numbered_names_fit_and_differ(stem: str, numbers: set[int]) -> None:
    names = {numbered(f"2026/x{stem}.jpg", number) for number in numbers}
    assert len(names) == len(numbers)
    for name in names:
        assert len(name.removeprefix("2026/").encode()) <= 255
        assert name.endswith(".jpg")


def test_a_name_that_begins_with_a_dot_has_no_extension() -> None:
    assert numbered("a.b/.hidden", 2) == "a.b/.hidden-2"


@pytest.mark.parametrize(("one", "other"), [("A.JPG", "a.jpg"), ("Straße", "STRASSE"), ("e\u0301.jpg", "\u00c9.jpg")])
def test_names_that_some_file_systems_confuse_are_one(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@pytest.mark.parametrize(
    "name", ["../a.jpg", "a/../../b.jpg", "/etc/a.jpg", ".ispd/a.jpg", "a//b.jpg", "a/./b", "a\0b"]
)
def test_names_that_lead_elsewhere_are_refused(desk: Desk, name: str) -> None:
    file = stage(desk, name)
    with pytest.raises(ValueError, match="no name inside a deliver folder"):
        place(desk, file)


# ── taking a name ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_picture_gets_its_name_and_staging_is_empty(desk: Desk) -> None:
    file = stage(desk, "2026/03/DSC1.jpg")
    assert place(desk, file) == "2026/03/DSC1.jpg"
    pub.clear_job(desk, 1)
    assert at(desk, "2026/03/DSC1.jpg").read_bytes() == PICTURE
    assert listing(at(desk, "")) == {".ispd/id", "2026/03/DSC1.jpg"}


def test_permissions_follow_the_umask(desk: Desk) -> None:
    before = os.umask(0o027)
    try:
        place(desk, stage(desk, "a.jpg"))
    finally:
        os.umask(before)
    assert at(desk, "a.jpg").stat().st_mode & 0o777 == 0o640


def test_somebody_elses_file_stays_and_the_next_name_is_taken(desk: Desk) -> None:
    for name in ("a.jpg", "a-2.jpg"):
        at(desk, name).write_bytes(b"not ours")
    assert place(desk, stage(desk, "a.jpg")) == "a-3.jpg"
    assert at(desk, "a.jpg").read_bytes() == at(desk, "a-2.jpg").read_bytes() == b"not ours"


def test_publishing_again_changes_nothing(desk: Desk) -> None:
    file = stage(desk, "a.jpg")
    place(desk, file)
    pub.clear_job(desk, 1)
    assert pub.publish_again(desk, (file,), Numbering(("a.jpg",))) == ("a.jpg",)
    assert listing(at(desk, "")) == {".ispd/id", "a.jpg"}


@pytest.mark.parametrize("obstacle", ["dangling link", "link to a file", "folder", "pipe", "empty file"])
def test_whatever_stands_under_the_name_is_left_alone(desk: Desk, tmp_path: Path, obstacle: str) -> None:
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(PICTURE)  # even our very bytes, behind a link, are not ours
    make: dict[str, Callable[[Path], object]] = {
        "dangling link": lambda path: path.symlink_to("nowhere"),
        "link to a file": lambda path: path.symlink_to(outside),
        "folder": Path.mkdir,
        "pipe": os.mkfifo,
        "empty file": Path.touch,
    }
    make[obstacle](at(desk, "a.jpg"))
    before = at(desk, "a.jpg").lstat()
    assert place(desk, stage(desk, "a.jpg")) == "a-2.jpg"
    after = at(desk, "a.jpg").lstat()
    assert (after.st_ino, after.st_mode, after.st_size) == (before.st_ino, before.st_mode, before.st_size)
    assert outside.read_bytes() == PICTURE
    assert not at(desk, "nowhere").exists()


def test_a_link_inside_the_deliver_folder_is_not_followed(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    at(desk, "2026").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CannotCreate, match="a file or a link stands where a folder should be"):
        place(desk, stage(desk, "2026/a.jpg"))
    assert listing(tmp_path / "elsewhere") == set()


def test_a_thousand_taken_names_are_enough(desk: Desk) -> None:
    for number in range(1, 1001):
        at(desk, numbered("a.jpg", number)).touch()
    with pytest.raises(CannotCreate, match="1000 names are taken"):
        place(desk, stage(desk, "a.jpg"))


def test_an_empty_file_of_ours_is_finished(tmp_path: Path) -> None:
    """Killed between committing the claim and filling it."""
    desk = replace(pub.open_desk(os.fsencode(tmp_path / "out"), ""), method="exclusive")
    at(desk, "a.jpg").touch()
    made = at(desk, "a.jpg").stat()
    file = replace(stage(desk, "a.jpg"), claim=(made.st_dev, made.st_ino))
    assert place(desk, file) == "a.jpg"
    assert at(desk, "a.jpg").read_bytes() == PICTURE


def test_a_claimed_file_that_somebody_wrote_to_is_theirs(tmp_path: Path) -> None:
    desk = replace(pub.open_desk(os.fsencode(tmp_path / "out"), ""), method="exclusive")
    at(desk, "a.jpg").write_bytes(b"written by somebody")
    made = at(desk, "a.jpg").stat()
    assert place(desk, replace(stage(desk, "a.jpg"), claim=(made.st_dev, made.st_ino))) == "a-2.jpg"
    assert at(desk, "a.jpg").read_bytes() == b"written by somebody"


@pytest.mark.parametrize("loss", ["gone", "other content"])
def test_a_staged_file_that_did_not_survive_is_reported(desk: Desk, loss: str) -> None:
    file = stage(desk, "a.jpg")
    path = Path(os.fsdecode(file.staging))
    path.unlink()
    if loss == "other content":
        path.write_bytes(b"\0" * len(PICTURE))  # what a power cut makes of a file that was not synced
    with pytest.raises(pub.StagingLost):
        pub.publish_again(desk, (file,), Numbering(("a.jpg",)))
    assert not at(desk, "a.jpg").exists()


def test_a_picture_is_recognized_by_what_it_says_of_itself(desk: Desk) -> None:
    """After a lost ledger, under whatever number it was delivered."""
    photo, recipe = "5" * 64, "a" * 64
    ours = b"...ispd:SourceDigest=" + photo.encode() + b"...ispd:RecipeDigest=" + recipe.encode()
    for number, content in enumerate([b"foreign", b"", ours.replace(b"a", b"b"), ours], 1):
        at(desk, numbered("a.jpg", number)).write_bytes(content)
    found = pub.recognized(desk, "a.jpg", photo, recipe)
    assert found is not None
    assert (found[0], found[1].sha256, found[1].size) == ("a-4.jpg", digest(ours), len(ours))
    assert pub.recognized(desk, "b.jpg", photo, recipe) is None
    assert pub.recognized(desk, "2026/b.jpg", photo, recipe) is None


def test_what_a_link_leads_to_is_not_recognized(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.jpg").write_bytes(b"5" * 64 + b"a" * 64)
    at(desk, "a.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    assert pub.recognized(desk, "a.jpg", "5" * 64, "a" * 64) is None


# ── the desk ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_folder_is_made_and_known_again(tmp_path: Path) -> None:
    deliver = os.fsencode(tmp_path / "new" / "deep" / "out")
    first = pub.open_desk(deliver, "")
    assert first.method == "link"
    assert pub.open_desk(deliver, first.mark) == first
    assert pub.open_desk(deliver, "") == first  # another ledger finds the same id
    assert (tmp_path / "new/deep/out/.ispd").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("fate", ["unmounted", "deleted", "replaced", "id deleted"])
def test_a_folder_that_is_not_the_one_is_gone(tmp_path: Path, fate: str) -> None:
    folder = tmp_path / "out"
    desk = pub.open_desk(os.fsencode(folder), "")
    file = stage(desk, "a.jpg")
    if fate == "id deleted":
        (folder / ".ispd/id").unlink()
    else:
        folder.rename(tmp_path / "away")
    if fate == "unmounted":
        folder.mkdir()  # an empty mount point is not an empty folder
    if fate == "replaced":
        pub.open_desk(os.fsencode(folder), "")
    before = listing(tmp_path)
    for step in (
        lambda: pub.open_desk(desk.deliver, desk.mark),
        lambda: pub.check_room(desk, 1),
        lambda: place(desk, file),
        lambda: pub.sync_folders(desk, "a.jpg"),
        lambda: pub.sweep(desk, frozenset()),
        lambda: pub.clear_job(desk, 1),
    ):
        with pytest.raises(FolderGone):
            step()
    assert listing(tmp_path) == before


def test_a_desk_by_hand_leaves_nothing_but_the_pictures(tmp_path: Path) -> None:
    with pub.open_desk_by_hand(os.fsencode(tmp_path / "out")) as desk:
        place(desk, stage(desk, "a.jpg"))
        stage(desk, "b.jpg", job=2)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.jpg"]


def test_the_sweep_leaves_live_rows_and_people_at_work_alone(tmp_path: Path) -> None:
    deliver = os.fsencode(tmp_path / "out")
    desk = pub.open_desk(deliver, "")
    staging = tmp_path / "out/.ispd"
    for name in ("1.0.jpg", "2.0.jpg", "2.0.jpg_exiftool_tmp", "probe-1"):
        (staging / name).touch()
    (staging / "hand-dead").mkdir()
    (staging / "hand-dead/1.0.jpg").touch()
    with pub.open_desk_by_hand(deliver) as by_hand:
        stage(by_hand, "x.jpg")
        swept = pub.sweep(desk, frozenset({b"1.0.jpg"}))
        assert place(by_hand, stage(by_hand, "x.jpg")) == "x.jpg"
    assert swept == (b"2.0.jpg", b"2.0.jpg_exiftool_tmp", b"hand-dead", b"probe-1")
    assert listing(staging) == {"1.0.jpg", "id"}


def test_clearing_a_job_takes_all_its_attempts_left_and_no_other_job(desk: Desk) -> None:
    staging = Path(os.fsdecode(desk.staging))
    for name in ("1.0.jpg", "1.1.tif", "1.0.jpg_exiftool_tmp", "11.0.jpg"):
        (staging / name).touch()
    pub.clear_job(desk, 1)
    assert listing(staging) == {"11.0.jpg", "id"}


def test_too_little_room_is_told_before_anything_is_made(tmp_path: Path) -> None:
    class Narrow(Disk):
        def free(self, fd: int) -> int:
            return 19_999_999

    desk = pub.open_desk(os.fsencode(tmp_path), "", Narrow())
    pub.check_room(desk, 9_999_999)
    with pytest.raises(CannotCreate, match="19 MB are free"):
        pub.check_room(desk, 10_000_000)


@dataclass
class Unable(Disk):
    """A file system that knows no links, or no renameat2 either."""

    unknown: tuple[str, ...]

    def link(self, at: int, name: bytes, to: int, new: bytes) -> None:
        raise OSError(errno.EPERM, "what FAT says")

    def rename_new(self, at: int, name: bytes, to: int, new: bytes) -> None:
        if "rename_new" in self.unknown:
            raise OSError(errno.EINVAL, "what a file system without flags says")
        super().rename_new(at, name, to, new)


@pytest.mark.parametrize(("unknown", "method"), [(("link",), "rename"), (("link", "rename_new"), "exclusive")])
def test_the_probe_finds_what_works(tmp_path: Path, unknown: tuple[str, ...], method: Method) -> None:
    desk = pub.open_desk(os.fsencode(tmp_path), "", Unable(unknown))
    assert desk.method == method
    assert listing(tmp_path / ".ispd") == {"id"}
    assert place(desk, stage(desk, "a.jpg")) == "a.jpg"


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────────

CALLS = (
    "create",
    "mkdir",
    "folder",
    "file",
    "root",
    "write",
    "fchmod",
    "fsync",
    "link",
    "rename_new",
    "rename_over",
    "unlink",
)
SENTENCES: dict[int, tuple[type[MachineError], str]] = {
    errno.ENOSPC: (CannotCreate, "no room left"),
    errno.EDQUOT: (CannotCreate, "no room left"),
    errno.EROFS: (CannotCreate, "read-only"),
    errno.EIO: (CannotCreate, "the disk reports an error"),
    errno.ESTALE: (FolderGone, "the folder is not there"),
}


class Faulty:
    """A disk whose n-th call fails; it also sees to it that no descriptor is synced again after an error."""

    def __init__(self, call: int, code: int) -> None:
        self.left = call
        self.code = code
        self._disk = Disk()
        self._failed_syncs: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._disk, name)
        return self._or_fail(name, found) if name in CALLS else found

    def _or_fail(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*values: Any) -> Any:
            assert not (name == "fsync" and values[0] in self._failed_syncs), "synced again after an error"
            if name != "fsync" and values:
                self._failed_syncs.discard(values[0])
            self.left -= 1
            if self.left == 0:
                if name == "fsync":
                    self._failed_syncs.add(values[0])
                raise OSError(self.code, os.strerror(self.code))
            return call(*values)

        return run


def whole_way(deliver: bytes, method: Method, disk: Any) -> None:
    """Everything publishing does for one job of one output, from a new folder on."""
    desk = replace(pub.open_desk(deliver, "", disk), method=method)
    pub.sweep(desk, frozenset())
    file = stage(desk, "2026/a.jpg", disk=disk)
    place(desk, file)
    pub.clear_job(desk, 1)


def error_of(call: Callable[[], object]) -> MachineError | None:
    try:
        call()
    except MachineError as error:
        return error
    return None


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("code", SENTENCES)
def test_every_call_may_fail(tmp_path: Path, method: Method, code: int) -> None:
    kind, words = SENTENCES[code]
    for call in range(1, 200):
        folder = tmp_path / f"{call}"
        (folder / "2026").mkdir(parents=True)
        (folder / "2026/a.jpg").write_bytes(b"foreign")
        faulty = Faulty(call, code)
        error = error_of(lambda: whole_way(os.fsencode(folder), method, faulty))  # noqa: B023
        if error is not None:
            assert isinstance(error, kind)
            assert words in str(error)
            whole_way(os.fsencode(folder), method, Disk())  # mended
        assert (folder / "2026/a.jpg").read_bytes() == b"foreign"
        assert listing(folder) == {".ispd/id", "2026/a.jpg", "2026/a-2.jpg"} | gap(folder, method)
        if faulty.left > 0:
            assert call > 30
            return
    pytest.fail("the way never ends")


def gap(folder: Path, method: Method) -> set[str]:
    """`Numbering` remembers no claims, so a claimed empty file is passed over when the way is gone again."""
    if method == "exclusive" and (folder / "2026/a-3.jpg").exists():
        assert (folder / "2026/a-2.jpg").stat().st_size == 0
        return {"2026/a-3.jpg"}
    assert (folder / "2026/a-2.jpg").read_bytes() == PICTURE
    return set()


@pytest.mark.parametrize("method", ["link", "rename"])
@pytest.mark.parametrize("rival", [b"foreign", PICTURE])
def test_a_name_that_is_taken_in_the_last_moment(tmp_path: Path, method: Method, rival: bytes) -> None:
    class Racing(Disk):
        """Somebody makes the file just before we do."""

        def link(self, at: int, name: bytes, to: int, new: bytes) -> None:
            self._race(new)
            super().link(at, name, to, new)

        def rename_new(self, at: int, name: bytes, to: int, new: bytes) -> None:
            self._race(new)
            super().rename_new(at, name, to, new)

        def _race(self, new: bytes) -> None:
            if new == b"a.jpg":
                (tmp_path / "a.jpg").write_bytes(rival)

    desk = replace(pub.open_desk(os.fsencode(tmp_path), "", Racing()), method=method)
    assert place(desk, stage(desk, "a.jpg")) == ("a.jpg" if rival == PICTURE else "a-2.jpg")
    assert (tmp_path / "a.jpg").read_bytes() == rival


def test_a_folder_of_somebody_else_is_told(tmp_path: Path) -> None:
    class Foreign(Disk):
        def mkdir(self, at: int, name: bytes, mode: int) -> None:
            raise PermissionError(errno.EACCES, "no")

    with pytest.raises(NotPermitted, match="ispd may not write here"):
        pub.open_desk(os.fsencode(tmp_path), "", Foreign())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    if os.geteuid() != 0 or mount is None or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(file: RawIOBase) -> None:
    while True:
        file.write(b"x" * 4096)


def test_a_real_full_disk_and_room_again(small_disk: Path) -> None:
    desk = pub.open_desk(os.fsencode(small_disk), "")
    with pytest.raises(CannotCreate, match="make room"):
        pub.check_room(desk, 2**20)
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        fill(file)
    with pytest.raises(CannotCreate, match="no room left"):
        pub.open_desk(os.fsencode(small_disk / "deeper"), "")
    ballast.unlink()
    assert place(desk, stage(desk, "a.jpg")) == "a.jpg"


def test_a_real_read_only_disk_and_a_missing_one(small_disk: Path) -> None:
    desk = pub.open_desk(os.fsencode(small_disk), "")
    file = stage(desk, "a.jpg")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(CannotCreate, match="read-only"):
        place(desk, file)
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    assert place(desk, file) == "a.jpg"
    subprocess.run(["umount", str(small_disk)], check=True)  # nothing of ours keeps it busy
    try:
        with pytest.raises(FolderGone, match="mount it"):
            place(desk, file)
        assert list(small_disk.iterdir()) == []
    finally:
        subprocess.run(["mount", "-t", "tmpfs", "none", str(small_disk)], check=True)


# ── verify ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_verify_tells_whole_missing_and_changed(desk: Desk, tmp_path: Path) -> None:
    file = stage(desk, "2026/a.jpg")
    place(desk, file)
    assert pub.verify(desk.deliver, "2026/a.jpg", file.sha256) == "whole"
    at(desk, "2026/a.jpg").write_bytes(PICTURE[:-1] + b"!")
    assert pub.verify(desk.deliver, "2026/a.jpg", file.sha256) == "changed"
    at(desk, "2026/a.jpg").unlink()
    assert pub.verify(desk.deliver, "2026/a.jpg", file.sha256) == "missing"
    at(desk, "2026/a.jpg").symlink_to(tmp_path)
    assert pub.verify(desk.deliver, "2026/a.jpg", file.sha256) == "changed"
    shutil.rmtree(at(desk, "2026"))
    assert pub.verify(desk.deliver, "2026/a.jpg", file.sha256) == "missing"
