"""The ledger's file: one owner, damage, backups, other versions, other file systems, a full disk."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ispd.daemon.ledger import files, schema
from ispd.daemon.ledger.ledger import Ledger
from ispd.daemon.ledger.reading import read_ledger
from ispd.daemon.ledger.store import Damaged
from ispd.errors import CannotCreate, ConfigError, MachineError, NoInput
from tests.daemon.ledger.story import delivered, file, plan, queued, settled

NOON = 1_800_000_000.0


def fill(state: Path, photos: int = 50) -> None:
    """A ledger with a history and a backup of it."""
    with Ledger(state, NOON) as ledger:
        folder = ledger.folders.register(b"/in", b"/out")
        for number in range(photos):
            delivered(ledger, queued(ledger, folder, f"/in/{number}.dng", f"content {number}"))
        ledger.back_up(NOON)
        queued(ledger, folder, "/in/after.dng", "after the backup")


def names(state: Path) -> list[str]:
    with read_ledger(state) as ledger:
        return [os.fsdecode(line.source) for line in ledger.listing()]


def test_a_second_ispd_is_refused_and_told_who_holds_it(state: Path) -> None:
    with Ledger(state, NOON), pytest.raises(MachineError, match=f"another ispd .process {os.getpid()}.") as caught:
        Ledger(state, NOON)
    assert caught.value.exit_code == 75
    Ledger(state, NOON).close()


def test_what_was_committed_survives_a_kill(state: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from ispd.daemon.ledger.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]), 0.0)
ledger.folders.register(b"/in", b"/out")
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", program, str(state)]).returncode == -signal.SIGKILL
    with Ledger(state, NOON) as ledger:
        assert [folder.watch for folder in ledger.folders.all()] == [b"/in"]
        assert ledger.recovered == ""


def test_readers_look_while_the_daemon_writes(state: Path) -> None:
    with Ledger(state, NOON) as ledger:
        folder = ledger.folders.register(b"/in", b"/out")
        with read_ledger(state) as reading:
            assert reading.listing() == ()
            settled(ledger, folder, "/in/a.dng", "one")
            assert len(reading.listing()) == 1


def test_reading_leaves_the_file_as_it_is(state: Path) -> None:
    fill(state, 3)
    before = (state / "ledger.sqlite").read_bytes()
    names(state)
    assert (state / "ledger.sqlite").read_bytes() == before


def test_before_the_first_run_there_is_nothing_to_read(state: Path) -> None:
    with pytest.raises(NoInput, match="has not run yet"), read_ledger(state):
        pass


# ── damage ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def overwrite(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 1000)


def zero_a_page(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:8192] = bytes(4096)
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [cut, overwrite, zero_a_page])
def test_a_damaged_ledger_is_moved_aside_and_its_backup_restored(state: Path, damage: Callable[[Path], None]) -> None:
    fill(state)
    damage(state / "ledger.sqlite")
    with Ledger(state, NOON + 1) as ledger:
        assert "was damaged" in ledger.recovered
        assert "its backup of" in ledger.recovered
        assert len(ledger.reading.delivered()) == 50
    assert len(list(state.glob("ledger.sqlite.aside-*"))) == 1
    with Ledger(state, NOON + 2) as ledger:
        assert ledger.recovered == ""


def test_without_a_sound_backup_an_empty_ledger_begins(state: Path) -> None:
    fill(state)
    overwrite(state / "ledger.sqlite")
    for backup in (state / "backups").iterdir():
        cut(backup)
    with Ledger(state, NOON) as ledger:
        assert "recognized by its tags" in ledger.recovered
        assert ledger.reading.listing() == ()


def test_a_lost_ledger_comes_back_from_its_backup(state: Path) -> None:
    fill(state)
    (state / "ledger.sqlite").unlink()
    with Ledger(state, NOON) as ledger:
        assert "was missing" in ledger.recovered
        assert len(ledger.reading.delivered()) == 50


def test_a_log_without_its_ledger_is_not_played_into_the_next(state: Path) -> None:
    fill(state, 2)
    (state / "ledger.sqlite").unlink()
    (state / "ledger.sqlite-wal").write_bytes(b"stale")
    with Ledger(state, NOON) as ledger:
        assert len(ledger.reading.delivered()) == 2


def test_damage_found_while_in_use_is_mended_at_the_next_start(state: Path) -> None:
    """The check at start cannot know every value: this one is found when it is read."""
    fill(state)
    with closing(sqlite3.connect(state / "ledger.sqlite")) as connection:
        connection.execute("UPDATE recipe SET json = CAST(replace(json, 'neutral', 'neutrax') AS BLOB)")
        connection.commit()
    with Ledger(state, NOON) as ledger:
        assert ledger.recovered == ""
        (job,) = ledger.jobs.due(NOON, 1)
        with pytest.raises(Damaged, match="start ispd again"):
            ledger.jobs.recipe(job)
    with Ledger(state, NOON) as ledger:
        assert "found damaged while in use" in ledger.recovered
        assert ledger.jobs.recipe(ledger.reading.delivered()[0]).profile == "neutral"


def test_flipped_bits_never_end_in_a_crash_loop(state: Path, tmp_path: Path) -> None:
    """Whatever is flipped: at the third start, at the latest, the ledger is in use again."""
    fill(state, 30)
    chance = random.Random("bits")
    for number in range(20):
        copy = tmp_path / f"{number}"
        shutil.copytree(state, copy)
        path = copy / "ledger.sqlite"
        data = bytearray(path.read_bytes())
        for _ in range(4):
            data[chance.randrange(100, len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        assert any(use(copy) for _ in range(3))
        shutil.rmtree(copy)


def use(state: Path) -> bool:
    """Start and do everything once; False where it ends with a sentence."""
    try:
        with Ledger(state, NOON) as ledger:
            ledger.jobs.recover(NOON)
            ledger.reading.listing()
            for job in ledger.jobs.due(NOON, 10):
                ledger.jobs.recipe(job)
            ledger.back_up(NOON)
    except MachineError:
        return False
    return True


# ── backups ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_newest_three_backups_are_kept_and_are_whole(state: Path) -> None:
    with Ledger(state, NOON) as ledger:
        ledger.folders.register(b"/in", b"/out")
        made = [ledger.back_up(NOON + day * 86400) for day in range(5)]
    kept = sorted((state / "backups").iterdir())
    assert kept == made[2:]
    for path in kept:
        assert files.examine(path) == ""


def test_a_backup_that_was_cut_short_is_never_taken(state: Path) -> None:
    fill(state, 2)
    (state / "backups" / "ledger-20990101T000000.part").write_bytes(b"half")
    (state / "ledger.sqlite").unlink()
    with Ledger(state, NOON) as ledger:
        assert len(ledger.reading.delivered()) == 2


# ── other versions, other places ─────────────────────────────────────────────────────────────────────────────────────


def test_a_newer_ledger_is_left_untouched(state: Path) -> None:
    fill(state, 2)
    path = state / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    before = path.read_bytes()
    for opening in (lambda: Ledger(state, NOON), lambda: read_ledger(state).__enter__()):
        with pytest.raises(ConfigError, match="newer ispd") as caught:
            opening()
        assert caught.value.exit_code == 78
    assert path.read_bytes() == before
    with pytest.raises(ConfigError):  # and not: in use by another ispd
        Ledger(state, NOON)


def test_migrating_is_all_or_nothing() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE job (x)")  # in the way
        with pytest.raises(sqlite3.OperationalError):
            schema.migrate(connection)
        assert schema.version(connection) == 0
        assert [row[0] for row in connection.execute("SELECT name FROM sqlite_master")] == ["job"]


MOUNTS = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /home/ann/NAS\040two rw - cifs //nas/two rw
31 22 0:41 / /srv/photos rw shared:2 master:1 - fuse.sshfs ann@nas: rw
32 31 8:2 / /srv/photos/local rw - xfs /dev/sdb1 rw
33 22 0:42 / /over rw - ext4 /dev/sdc1 rw
34 22 0:43 / /over rw - nfs4 nas:/over rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/ispd", "ext4"),
        ("/home/ann/NAS two/state", "cifs"),
        ("/srv/photos", "fuse.sshfs"),
        ("/srv/photosynthesis", "ext4"),
        ("/srv/photos/local/x", "xfs"),
        ("/over/x", "nfs4"),
    ],
)
def test_which_file_system_a_path_lies_on(path: str, kind: str) -> None:
    assert files.file_system(Path(path), MOUNTS.strip()) == kind


def test_a_state_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotCreate, match="cannot be made"):
        Ledger(tmp_path / "file" / "state", NOON)


def test_a_full_disk_pauses_and_goes_on(tmp_path: Path) -> None:
    """A real one, of two megabytes."""
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(tmp_path)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        with Ledger(tmp_path / "state", NOON) as ledger:
            folder = ledger.folders.register(b"/in", b"/out")
            first = queued(ledger, folder, "/in/first.dng", "first")
            ballast = tmp_path / "ballast"
            ballast.write_bytes(b"x" * (os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize))
            with pytest.raises(CannotCreate, match="no room left on the disk for the ledger"):
                fill_up(ledger, folder.id)
            assert ledger.jobs.get(first.id) == first
            ballast.unlink()
            queued(ledger, folder, "/in/second.dng", "second")
            assert "/in/second.dng" in names(tmp_path / "state")
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def fill_up(ledger: Ledger, folder: int) -> None:
    for number in range(1000):
        ledger.photos.observe(folder, [file(f"/in/{number}-{'x' * 200}.dng")], NOON)


def test_five_thousand_photos(state: Path) -> None:
    seen = [file(f"/in/{number}.dng") for number in range(5000)]
    with Ledger(state, NOON) as ledger:
        folder = ledger.folders.register(b"/in", b"/out")
        assert len(ledger.photos.scanned(folder.id, seen, 1.0).new) == 5000
        for photo in ledger.photos.settling(folder.id):
            ledger.photos.settle(photo.id, photo.identity, f"digest {photo.id}", 2.0)
        while due := ledger.photos.due(3.0, 100):
            for photo in due:
                ledger.jobs.enqueue(photo.id, plan("2026/DSC.jpg" if photo.id % 1000 == 0 else f"{photo.id}.jpg"), 3.0)
        assert ledger.photos.scanned(folder.id, seen, 4.0).new == ()
        assert ledger.reading.counts()[0].queued == 5000
    with Ledger(state, NOON) as ledger:
        assert len(ledger.reading.listing("queued")) == 5000
        assert len(ledger.photos.scanned(folder.id, [], 5.0).gone) == 5000
        assert ledger.reading.counts()[0].queued == 0
