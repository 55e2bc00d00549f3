"""Scans as the truth, events as hints: on real folders, with the real kernel."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ispd.daemon.scan import Depth, Root, merge, reference_of, roots_of, scan
from ispd.daemon.watch import Hints, Watcher, no_room_for_watches, own_watches, too_few_watches, watch_limit
from ispd.photo import find_sidecar


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"not empty")
    return path


def photos(root: Path, **kinds: frozenset[bytes]) -> set[str]:
    return {os.fsdecode(os.path.relpath(path, bytes(root))) for path in scan(Root(bytes(root), **kinds)).photos}


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for what must come, and not a moment longer."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


# ── scan ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_scan_finds_raws_at_every_depth_and_nothing_else(tmp_path: Path) -> None:
    for name in ("a.dng", "b.NEF", "deep/er/c.dng", "notes.txt", "d.jpg"):
        touch(tmp_path / name)
    assert photos(tmp_path) == {"a.dng", "b.NEF", "deep/er/c.dng"}


def test_temporary_and_hidden_names_are_not_seen(tmp_path: Path) -> None:
    for name in (".syncthing.a.dng.tmp", "a.dng.part", "a.dng~", ".a.dng", "@eaDir/a.dng", ".ispd/a.dng"):
        touch(tmp_path / name)
    assert photos(tmp_path) == set()


def test_links_are_followed_in_no_direction(tmp_path: Path) -> None:
    outside = touch(tmp_path / "outside" / "secret.dng")
    root = tmp_path / "in"
    touch(root / "a.dng")
    (root / "link.dng").symlink_to(outside)
    (root / "folder").symlink_to(outside.parent)
    (root / "loop").symlink_to(root)
    (root / "dangling.dng").symlink_to("nowhere")
    assert photos(root) == {"a.dng"}


def test_pipes_and_folders_with_a_raws_name_are_no_photos(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.dng")
    (tmp_path / "folder.dng").mkdir()
    assert photos(tmp_path) == set()


def test_names_are_bytes(tmp_path: Path) -> None:
    name = b"\xff\n- #.dng"
    with open(bytes(tmp_path) + b"/" + name, "wb") as file:
        file.write(b"not empty")
    assert [os.path.basename(path) for path in scan(Root(bytes(tmp_path))).photos] == [name]


def test_a_deliver_folder_and_another_root_inside_are_not_looked_into(tmp_path: Path) -> None:
    for name in ("a.dng", "graded/b.dng", "studio/c.dng", "studio-2/d.dng"):
        touch(tmp_path / name)
    below = frozenset((bytes(tmp_path / "graded"), bytes(tmp_path / "studio")))
    assert photos(tmp_path, pruned=below) == {"a.dng", "studio-2/d.dng"}


def test_a_photo_has_one_folder() -> None:
    roots = roots_of([(b"/in", b"/out"), (b"/in/studio", b"/in/graded")])
    assert [root.holds(b"/in/studio/a.dng") for root in roots] == [False, True]
    assert [root.holds(b"/in/graded/a.dng") for root in roots] == [False, False]
    assert [root.holds(b"/in/a.dng") for root in roots] == [True, False]


def test_delivering_into_the_watched_folder_itself_does_not_hide_it() -> None:
    (root,) = roots_of([(b"/in", b"/in")])
    assert root.holds(b"/in/a.dng")


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    sight = scan(Root(bytes(tmp_path)), bytes(gone))
    assert not sight.unreadable  # a folder that vanished is no error
    touch(tmp_path / "file")
    assert list(scan(Root(bytes(tmp_path)), bytes(tmp_path / "file")).unreadable) == [bytes(tmp_path / "file")]


def test_a_look_at_one_folder_stays_there(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "1.dng")
    touch(tmp_path / "a" / "b" / "2.dng")
    root = Root(bytes(tmp_path))
    sight = scan(root, bytes(tmp_path / "a"), Depth.HERE)
    assert set(sight.photos) == {bytes(tmp_path / "a" / "1.dng")}
    merge(sight, scan(root))
    assert len(sight.photos) == 2


@pytest.mark.parametrize("name", ["IMG_1.DNG.xmp", "img_1.dng.XMP", "IMG_1.xmp", "img_1.XMP"])
def test_a_sidecar_is_found_in_any_case(tmp_path: Path, name: str) -> None:
    raw, sidecar = touch(tmp_path / "IMG_1.DNG"), touch(tmp_path / name)
    assert find_sidecar(bytes(raw), scan(Root(bytes(tmp_path))).sidecars) == bytes(sidecar)


def test_two_photos_of_one_name_have_each_its_own_sidecar(tmp_path: Path) -> None:
    """On a disk that tells capitals apart, as a card of another camera may have been copied beside the first."""
    names = ("IMG_1.DNG", "IMG_1.xmp"), ("img_1.dng", "img_1.xmp"), ("A/b.dng", "A/b.xmp"), ("a/b.dng", "a/b.xmp")
    pairs = [(touch(tmp_path / raw), touch(tmp_path / sidecar)) for raw, sidecar in names]
    bare = touch(tmp_path / "B/b.dng"), touch(tmp_path / "b/b.xmp")
    sidecars = scan(Root(bytes(tmp_path))).sidecars
    for raw, sidecar in pairs:
        assert find_sidecar(bytes(raw), sidecars) == bytes(sidecar)
    assert find_sidecar(bytes(bare[0]), sidecars) is None  # of another folder


def test_the_sidecar_with_the_whole_name_goes_first(tmp_path: Path) -> None:
    raw, _, whole = touch(tmp_path / "a.dng"), touch(tmp_path / "a.xmp"), touch(tmp_path / "a.dng.xmp")
    assert find_sidecar(bytes(raw), scan(Root(bytes(tmp_path))).sidecars) == bytes(whole)


@pytest.mark.parametrize(
    ("name", "is_beside"), [("a.JPG", True), ("a.dng.jpg", True), ("b.jpg", False), ("ab.jpg", False)]
)
def test_a_reference_is_a_finished_picture_of_the_same_name(tmp_path: Path, name: str, is_beside: bool) -> None:
    raw = touch(tmp_path / "a.dng")
    touch(tmp_path / name)
    assert (reference_of(bytes(raw), scan(Root(bytes(tmp_path))).references) is not None) is is_beside


# ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class Watching:
    """A watcher on one folder, and all it has hinted at so far."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.times_woken = 0
        self.watcher = Watcher(self._wake)
        self.refused = self.watcher.watch(Root(bytes(root), frozenset((bytes(root / "graded"),))))
        self.all = Hints()

    def _wake(self) -> None:
        self.times_woken += 1

    def hints(self) -> Hints:
        newer = self.watcher.take()
        self.all.folders |= newer.folders
        self.all.lost |= newer.lost
        return self.all

    def hinted(self, folder: Path) -> Callable[[], bool]:
        return lambda: bytes(folder) in self.hints().folders


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    (tmp_path / "in").mkdir()
    watching = Watching(tmp_path / "in")
    yield watching
    watching.watcher.close()


def test_a_new_file_is_a_hint_at_its_folder(watching: Watching) -> None:
    assert watching.refused is None
    touch(watching.root / "a.dng")
    until(watching.hinted(watching.root))
    assert watching.times_woken


def test_files_that_are_moved_or_linked_in_are_hints(watching: Watching, tmp_path: Path) -> None:
    touch(tmp_path / "a.dng").rename(watching.root / "a.dng")
    until(watching.hinted(watching.root))
    watching.all = Hints()
    os.link(touch(tmp_path / "b.dng"), watching.root / "b.dng")
    until(watching.hinted(watching.root))


def test_a_folder_that_is_moved_in_is_looked_through(watching: Watching, tmp_path: Path) -> None:
    touch(tmp_path / "shoot" / "day" / "a.dng")
    (tmp_path / "shoot").rename(watching.root / "shoot")
    until(lambda: watching.hints().folders.get(bytes(watching.root / "shoot")) is Depth.ALL)


def test_what_does_not_concern_us_wakes_nobody(watching: Watching) -> None:
    touch(watching.root / "graded" / "a.dng")
    touch(watching.root / "notes.txt")
    touch(watching.root / ".a.dng.part")
    touch(watching.root / "last.dng")
    until(watching.hinted(watching.root))
    assert bytes(watching.root / "graded") not in watching.hints().folders


def test_a_complaint_of_watchdog_means_that_events_are_lost(watching: Watching) -> None:
    logging.getLogger("watchdog.observers.inotify_c").warning("Inotify queue overflowed; filesystem events were lost")
    assert watching.hints().lost


def test_a_flood_of_folders_becomes_one_scan(watching: Watching) -> None:
    for number in range(1100):
        (watching.root / f"{number}").mkdir()
    until(lambda: watching.times_woken >= 1100)  # once a folder; taken before, they would never be a flood
    assert watching.hints().lost


def test_a_dead_watch_is_known_and_can_be_renewed(watching: Watching) -> None:
    root = Root(bytes(watching.root))
    assert watching.watcher.is_alive(root)
    shutil.rmtree(watching.root)
    until(lambda: not watching.watcher.is_alive(root))
    watching.root.mkdir()
    assert watching.watcher.watch(root) is None
    assert watching.watcher.is_alive(root)
    touch(watching.root / "a.dng")
    until(watching.hinted(watching.root))


def test_every_folder_has_its_watch_by_the_kernels_account(watching: Watching) -> None:
    before = own_watches()
    assert before >= 1
    (watching.root / "new").mkdir()
    until(lambda: own_watches() == before + 1)


def test_more_folders_than_the_system_allows_are_told() -> None:
    limit = watch_limit()
    assert limit is not None
    assert too_few_watches(limit) is not None
    assert too_few_watches(1) is None
    assert no_room_for_watches() is None


FEW_WATCHES = """
import sys
from pathlib import Path
Path("/proc/sys/user/max_inotify_watches").write_text("20")
from ispd.daemon.scan import Root
from ispd.daemon.watch import Watcher, no_room_for_watches, own_watches
watcher = Watcher(lambda: None)
print(watcher.watch(Root(sys.argv[1].encode())), own_watches(), no_room_for_watches(), sep="|")
"""


def test_watches_that_run_out_are_noticed_although_nobody_says_so(tmp_path: Path) -> None:
    for number in range(40):
        touch(tmp_path / f"{number}" / "a.dng")
    command = ["unshare", "-Ur", sys.executable, "-c", FEW_WATCHES, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no user namespace here: {done.stderr.splitlines()[-1:]}")
    refused, held, room = done.stdout.strip().split("|")
    assert refused == "None"  # watchdog keeps it to itself
    assert int(held) < 41
    assert "no more watches" in room
