"""`ispd run` on a real folder: what comes is developed, what is wrong is said, and what is mended goes on."""

from __future__ import annotations

import io
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.journeys.house import PATIENCE_SECONDS, House, all_gone, family, tiny_photo, until

FOLDER = """
[[folder]]
watch = "{root}/in2"
deliver = "{root}/out2"
profile = "neutral"
"""


def watching(house: House) -> House:
    until(lambda: house.watches(), "a daemon that watches")
    return house


def said(house: House, words: str) -> None:
    until(lambda: words in house.log, f"the words {words!r}")


def problems(house: House) -> str:
    return "\n".join(house.status()["problems"])


def test_it_catches_up_takes_what_comes_and_ends_cleanly(house: House) -> None:
    for number in range(4):
        house.drop(f"old/{number}.dng", number)
    house.start()
    house.wait_for({f"old/{number}.jpg" for number in range(4)})
    house.drop("new.dng", 10)
    house.wait_for({f"old/{number}.jpg" for number in range(4)} | {"new.jpg"})
    report = house.status()
    assert report["queue"]["delivered"] == 5
    assert report["folders"][0]["watching"] == "events"
    assert report["folders"][0]["publish"] == "link"
    assert report["problems"] == []
    assert "5 delivered" in house.run("status", "--config", str(house.config)).stdout
    assert house.daemon is not None
    members = family(house.daemon.pid)
    assert house.stop() == 0
    all_gone(members)
    assert not house.leftovers()
    assert "photos delivered" in house.log
    assert house.status()["daemon"] is None  # and the ledger still tells
    assert house.status()["queue"]["delivered"] == 5


def test_a_half_copied_photo_is_shown_and_taken_when_the_rest_comes(house: House) -> None:
    whole = tiny_photo(1)
    path = house.inbox / "slow.dng"
    path.write_bytes(whole[:5000])
    house.start()
    said(house, "is not all there yet")
    assert house.status()["queue"]["waiting"] == 1
    assert house.delivered() == set()
    with path.open("ab") as file:
        file.write(whole[5000:])
    house.wait_for({"slow.jpg"})
    assert house.status()["queue"]["waiting"] == 0


def test_a_writer_that_rests_is_waited_for(house: House) -> None:
    house.start()
    watching(house)
    whole = tiny_photo(1)
    with (house.inbox / "open.dng").open("wb", buffering=0) as file:
        file.write(whole)  # complete, but its writer has not let go
        house.drop("other.dng", 2)
        house.wait_for({"other.jpg"})
    house.wait_for({"other.jpg", "open.jpg"})


def test_sighup_takes_a_good_config_and_refuses_a_bad_one_whole(house: House) -> None:
    house.start()
    watching(house)
    good = house.config.read_text()
    (house.root / "in2").mkdir()
    house.config.write_text(good + FOLDER.format(root=house.root) + '\n[engine]\ndevise = "cpu"\n')
    assert house.daemon is not None
    house.daemon.send_signal(signal.SIGHUP)
    said(house, "the old one holds")
    assert "old one holds" in problems(house)
    assert len(house.status()["folders"]) == 1
    house.config.write_text(good + FOLDER.format(root=house.root))
    house.daemon.send_signal(signal.SIGHUP)
    said(house, "2 folders")
    assert problems(house) == ""
    (house.root / "in2" / "b.dng").write_bytes(tiny_photo(2))
    house.drop("a.dng", 1)
    house.wait_for({"a.jpg"})
    until(lambda: (house.root / "out2" / "b.jpg").exists(), "the second folder's picture")


def test_a_second_daemon_is_sent_home(house: House) -> None:
    house.start()
    watching(house)
    second = house.run("run", "--config", str(house.config))
    assert second.returncode == 75
    assert second.stderr.count("\n") == 1


def test_without_a_config_it_says_how_to_begin(house: House) -> None:
    done = house.run("run")
    assert done.returncode == 78
    assert "--watch" in done.stderr


def test_a_first_start_with_folders_writes_the_config_that_the_next_one_uses(house: House) -> None:
    written = house.root / "home" / ".config" / "ispd" / "ispd.toml"
    house.start("--watch", str(house.inbox), "--deliver", str(house.outbox))
    said(house, str(written))
    assert str(house.inbox) in written.read_text()
    watching(house)
    assert house.stop() == 0
    before = written.read_text()
    house.start("--watch", str(house.inbox), "--deliver", str(house.root / "elsewhere"))
    said(house, "does not have this folder")
    house.drop("a.dng", 1)
    until(lambda: (house.root / "elsewhere" / "a.jpg").exists(), "the picture")
    assert written.read_text() == before


def test_a_folder_to_watch_that_is_not_there_is_no_config(house: House) -> None:
    done = house.run("run", "--watch", "nowhere", "--deliver", "out")
    assert done.returncode == 66
    assert not (house.root / "home" / ".config").exists()


def test_a_watched_folder_that_goes_and_comes_back(house: House) -> None:
    house.drop("a.dng", 1)
    house.start()
    house.wait_for({"a.jpg"})
    house.inbox.rename(house.root / "unplugged")
    house.config.write_text(house.config.read_text() + "scan_seconds = 1\n")
    assert house.daemon is not None
    house.daemon.send_signal(signal.SIGHUP)
    said(house, "its photos wait")
    assert "not there" in problems(house)
    (house.root / "unplugged").rename(house.inbox)
    said(house, "is back")
    house.drop("b.dng", 2)
    house.wait_for({"a.jpg", "b.jpg"})
    assert problems(house) == ""


def test_a_deliver_folder_that_goes_and_comes_back(house: House) -> None:
    house.drop("a.dng", 1)
    house.start()
    house.wait_for({"a.jpg"})
    house.wait_until_idle()
    house.outbox.rename(house.root / "unplugged")
    house.drop("b.dng", 2)
    until(lambda: house.status()["queue"]["waiting"] == 1, "a photo that waits")
    assert not house.outbox.exists(), "the pictures must not go into the folder below the mount"
    assert str(house.outbox) in problems(house)
    (house.root / "unplugged").rename(house.outbox)
    house.wait_for({"a.jpg", "b.jpg"})
    until(lambda: problems(house) == "", "no more problems")


def test_without_exiftool_photos_wait_until_it_is_installed(house: House) -> None:
    tools = house.root / "tools"
    tools.mkdir()
    house.drop("a.dng", 1)
    house.start("--config", str(house.config), PATH=str(tools))
    until(lambda: watching(house).status()["queue"]["waiting"] == 1, "a photo that waits")
    assert "exiftool is not installed" in problems(house)
    assert not house.leftovers()
    exiftool = shutil.which("exiftool")
    assert exiftool is not None
    (tools / "exiftool").symlink_to(exiftool)
    house.wait_for({"a.jpg"})
    until(lambda: problems(house) == "", "no more problems")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_full_disk_makes_photos_wait_until_there_is_room(house: House) -> None:
    with house.small_disk(house.outbox, "256k"):
        (house.outbox / "ballast").write_bytes(bytes(250 << 10))
        house.drop("a.dng", 1)
        house.start()
        until(lambda: watching(house).status()["queue"]["waiting"] == 1, "a photo that waits")
        assert "room" in problems(house)
        assert not house.leftovers()
        (house.outbox / "ballast").unlink()
        house.wait_for({"a.jpg"})
        until(lambda: problems(house) == "", "no more problems")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_ledger_without_room_pauses_ispd_and_loses_nothing(house: House) -> None:
    with house.small_disk(house.root / "state", "16m"):
        house.start()
        watching(house)
        ballast = house.root / "state" / "ballast"
        subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=4k"], check=False, capture_output=True)
        for number in range(40):
            house.drop(f"{number}.dng", number)
        said(house, "ispd pauses")
        ballast.unlink()
        house.wait_for({f"{number}.jpg" for number in range(40)})


def test_references_are_waited_for_and_where_they_teach_nothing_it_is_neutral(house: House) -> None:
    text = house.config.read_text().replace('profile = "neutral"\n', "")
    house.config.write_text(text + "learn_after_seconds = 2\n")
    house.start()
    watching(house)
    (house.inbox / "a.jpg").write_bytes(b"a finished picture")
    house.drop("a.dng", 1)
    until(lambda: house.status()["queue"]["waiting"] == 1, "a photo that waits for its folder to be quiet")
    house.wait_for({"a.jpg"})


def test_sigterm_in_the_middle_of_a_batch_leaves_nothing_and_the_next_start_goes_on(house: House) -> None:
    for number in range(30):
        house.drop(f"{number}.dng", number)
    house.start()
    until(lambda: len(house.delivered()) >= 3, "the first pictures")
    assert house.daemon is not None
    members = family(house.daemon.pid)
    began = time.monotonic()
    assert house.stop() == 0
    assert time.monotonic() - began < PATIENCE_SECONDS / 2  # the promise is 30 s
    all_gone(members)
    assert not house.leftovers()
    house.start()
    house.wait_for({f"{number}.jpg" for number in range(30)})


def test_sigterm_while_it_still_reads_its_config_is_heard(house: House) -> None:
    text = house.config.read_bytes()
    house.config.unlink()
    os.mkfifo(house.config)  # whoever opens it waits for the other end
    house.start()
    pipe = until(lambda: _opened_by_a_reader(house.config), "somebody who reads the config")
    assert house.daemon is not None
    house.daemon.send_signal(signal.SIGTERM)
    house.config.unlink()
    house.config.write_bytes(text)
    assert pipe is not None
    with pipe:
        pipe.write(text)
    assert house.daemon.wait(timeout=30) == 0


def _opened_by_a_reader(path: Path) -> io.FileIO | None:
    try:
        return io.FileIO(os.open(path, os.O_WRONLY | os.O_NONBLOCK), "w")
    except OSError:  # ENXIO: nobody reads yet
        return None


def test_a_burst_that_came_while_the_process_was_stopped_is_found_whole(house: House) -> None:
    count = 4000  # more than the kernel's event queue holds: events are lost, photos are not
    house.start()
    watching(house)
    assert house.daemon is not None
    house.daemon.send_signal(signal.SIGSTOP)
    for number in range(count):
        folder = house.inbox / f"{number % 7}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.dng").write_bytes(b"a text that is no photo at all, number %d" % number)
    house.daemon.send_signal(signal.SIGCONT)
    until(lambda: house.status()["queue"]["set_aside"] == count, f"{count} verdicts")
    assert house.log.count("is set aside") < 100  # a flood of lines would bury what matters


def test_more_folders_than_the_system_has_watches_are_scanned(house: House) -> None:
    for number in range(60):
        house.drop(f"{number}/a.dng", number)
    house.start(before=("unshare", "-Ur", "sh", "-c", 'echo 30 >/proc/sys/user/max_inotify_watches && exec "$@"', "sh"))
    try:
        watching(house)
    except AssertionError:
        pytest.skip(f"no user namespace here: {house.log}")
    said(house, "is scanned every few seconds")
    assert house.status()["folders"][0]["watching"] == "scans"
    house.wait_for({f"{number}/a.jpg" for number in range(60)})
    house.drop("59/b.dng", 70)
    house.wait_for({f"{number}/a.jpg" for number in range(60)} | {"59/b.jpg"})


def test_a_raw_that_goes_while_it_waits_for_its_turn_harms_nobody(house: House) -> None:
    for number in range(30):
        house.drop(f"{number}.dng", number)
    house.start()
    until(house.delivered, "the first picture")
    gone = house.inbox / "29.dng"
    gone.unlink()
    others = {f"{number}.jpg" for number in range(29)}
    until(lambda: others <= house.delivered(), "the other pictures")
    house.drop("last.dng", 99)
    until(lambda: "last.jpg" in house.delivered(), "one more picture")
    queue = house.status()["queue"]
    assert not queue["failed"]
    assert not queue["set_aside"]


def test_a_retry_makes_the_next_picture_beside_the_first(house: House) -> None:
    house.drop("a.dng", 1)
    house.start()
    house.wait_for({"a.jpg"})
    done = house.run("jobs", "retry", "1", "--config", str(house.config))
    assert done.returncode == 0, done.stderr
    house.wait_for({"a.jpg", "a-2.jpg"})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_read_only_deliver_folder_makes_photos_wait_until_it_is_writable(house: House) -> None:
    with house.small_disk(house.outbox, "4m"):
        subprocess.run(["mount", "-o", "remount,ro", house.outbox], check=True)
        house.drop("a.dng", 1)
        house.start()
        until(lambda: watching(house).status()["queue"]["waiting"] == 1, "a photo that waits")
        assert "read-only" in problems(house)
        subprocess.run(["mount", "-o", "remount,rw", house.outbox], check=True)
        house.wait_for({"a.jpg"})
        until(lambda: problems(house) == "", "no more problems")


def test_any_shell_finds_the_daemon_of_a_unit(house: House) -> None:
    """A unit, a login and a cron job have different runtime folders."""
    run = house.root / "run"
    run.mkdir()
    house.config.write_text(house.config.read_text().replace(f'state = "{house.root}/state"', ""))
    house.start("--config", str(house.config), RUNTIME_DIRECTORY=str(run), XDG_RUNTIME_DIR=str(run))
    watching(house)
    assert house.status()["daemon"]


def test_systemd_hears_that_it_is_ready_alive_and_stopping(house: House) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.settimeout(PATIENCE_SECONDS)
        systemd.bind(str(house.root / "notify"))
        house.start("--config", str(house.config), NOTIFY_SOCKET=str(house.root / "notify"), WATCHDOG_USEC="1000000")
        heard: list[str] = []
        while not {"READY=1", "WATCHDOG=1", "STATUS=idle"} <= set(heard):
            heard.append(systemd.recv(4096).decode())
        assert house.stop() == 0
        while "STOPPING=1" not in heard:
            heard.append(systemd.recv(4096).decode())
