"""What `ispd jobs` and `ispd verify` print, with no daemon running."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ispd.daemon.ledger.ledger import Ledger
from ispd.daemon.ledger.rows import Folder, Job, Seen
from ispd.orders import Identity, Report
from ispd.publish import Numbering, Staged, clear_job, open_desk, publish, seal
from tests.cli.conftest import Ispd
from tests.daemon.ledger.story import begun, plan, queued, settled

CONFIG = """
state = "state"
[[folder]]
watch = "in"
deliver = "out"
"""


@pytest.fixture
def place(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config beside its folders."""
    (home / "in").mkdir()
    (home / "out").mkdir()
    (home / "ispd.toml").write_text(CONFIG)
    monkeypatch.setenv("ISPD_CONFIG", str(home / "ispd.toml"))
    return home


@pytest.fixture
def history(place: Path) -> dict[str, str]:
    """One photo delivered, one set aside, one failed, one waiting before it has a job; their IDs."""
    with Ledger(place / "state", 1_800_000_000.0) as ledger:
        folder = ledger.folders.register(os.fsencode(place / "in"), os.fsencode(place / "out"))
        whole = deliver(ledger, folder, place)
        broken = queued(ledger, folder, f"{place}/in/broken.nef", "broken")
        ledger.jobs.set_aside(broken.id, "broken.nef ends before its pixels do; copy it again", 1_800_000_100.0)
        failed = queued(ledger, folder, f"{place}/in/failed.nef", "failed")
        for _ in range(3):
            begun(ledger, failed)
            ledger.jobs.fail(failed.id, "a bug of ispd", 1_800_000_200.0)
        ledger.photos.observe(folder.id, [Seen(b"/in/half\xff\n.dng", Identity(1, 2, 3, 4))], 1_800_000_300.0)
        (half,) = ledger.photos.settling(folder.id)
        ledger.photos.wait(half.id, "incomplete", "still arriving", None, 1_800_000_300.0)
    return {"whole": str(whole.id), "broken": str(broken.id), "failed": str(failed.id), "half": f"p{half.id}"}


def deliver(ledger: Ledger, folder: Folder, place: Path) -> Job:
    """A real picture in the deliver folder."""
    return make(ledger, folder, settled(ledger, folder, f"{place}/in/whole.nef", "whole").id)


def make(ledger: Ledger, folder: Folder, photo: int) -> Job:
    """Develop a photo that has settled."""
    desk = open_desk(folder.deliver, folder.mark)
    ledger.folders.remember(folder.id, desk.mark, desk.method)
    job = ledger.jobs.enqueue(photo, plan("whole.jpg"), 1.0)
    order = begun(ledger, job)
    Path(os.fsdecode(order.staging[0])).write_bytes(b"a picture")
    written = seal(order.staging[0])
    ledger.jobs.stage(job.id, Report(job.id, (written,), ("its white balance was missing",), "LibRaw 0.22.2"), 3.0)
    (product,) = job.products
    publish(desk, (Staged(written.path, product.name, written.sha256, written.size),), Numbering((product.name,)))
    done = ledger.jobs.deliver(job.id, 1_800_000_000.0)
    clear_job(desk, job.id)
    return done


def test_the_list_is_aligned_and_says_why(ispd: Ispd, history: dict[str, str]) -> None:
    printed = ispd("jobs", "list")
    assert printed.code == 0
    header, *lines = printed.out.splitlines()
    assert [line.split()[0] for line in lines] == [history[name] for name in ("whole", "broken", "failed", "half")]
    column = header.index("PHOTO")
    assert [line[column:].split()[0] for line in lines] == [
        "whole.nef",
        "broken.nef",
        "failed.nef",
        r"half\xff\x0a.dng",
    ]
    assert lines[0].endswith("whole.jpg")
    assert "set aside" in lines[1]
    assert lines[1].endswith("broken.nef ends before its pixels do; copy it again")


def test_the_list_by_state(ispd: Ispd, history: dict[str, str]) -> None:
    (found,) = json.loads(ispd("jobs", "list", "--state", "set-aside", "--json").out)
    assert (found["id"], found["state"], found["outputs"]) == (history["broken"], "set_aside", ["broken.jpg"])
    assert ispd("jobs", "list", "--state", "queued").err == "no photos that are queued\n"


def test_one_photo_in_words_and_for_scripts(ispd: Ispd, history: dict[str, str], place: Path) -> None:
    page = ispd("jobs", "show", history["whole"]).out
    assert "its white balance was missing" in page
    assert f"{place}/out/whole.jpg" in page
    details = json.loads(ispd("jobs", "show", history["whole"], "--json").out)
    assert (details["reader"], details["warnings"]) == ("LibRaw 0.22.2", ["its white balance was missing"])
    assert json.loads(ispd("jobs", "show", history["half"], "--json").out)["reason"] == "still arriving"


@pytest.mark.parametrize("one", ["99", "p99", "whole.nef", "-1", ""])
def test_an_unknown_id_is_told(ispd: Ispd, history: dict[str, str], one: str) -> None:
    printed = ispd("jobs", "show", "--", one)
    assert printed.code == 66
    assert "not among the IDs" in printed.err


def test_before_the_first_run(ispd: Ispd, place: Path) -> None:
    printed = ispd("jobs", "list")
    assert printed.code == 66
    assert "has not run yet" in printed.err
    assert not (place / "state").exists()


def test_retry_without_a_daemon_is_remembered(ispd: Ispd, history: dict[str, str], place: Path) -> None:
    printed = ispd("jobs", "retry", "--set-aside", history["half"], "--profile", "linear")
    assert printed.code == 0
    assert printed.out.splitlines() == [
        f"{history['half']}: looked at again",
        f"{history['broken']}: will be developed again with linear",
    ]
    assert "ispd is not running" in printed.err
    with Ledger(place / "state", 1_800_000_400.0) as ledger:
        assert [photo.wish for photo in ledger.photos.due(1_800_000_400.0, 9)] == ["linear"]


def test_a_dry_run_changes_nothing(ispd: Ispd, history: dict[str, str], place: Path) -> None:
    before = ispd("jobs", "list", "--json").out
    assert ispd("jobs", "retry", "--failed", "--dry-run").out == f"{history['failed']}: would be developed again\n"
    assert ispd("jobs", "list", "--json").out == before


def test_only_missing_pictures_are_made_again(ispd: Ispd, history: dict[str, str], place: Path) -> None:
    assert ispd("jobs", "retry", "--missing").err == "nothing to develop again\n"
    (place / "out/whole.jpg").unlink()
    assert ispd("jobs", "retry", "--missing").out == f"{history['whole']}: will be developed again\n"
    with Ledger(place / "state", 1_800_000_400.0) as ledger:
        (photo,) = ledger.photos.due(1_800_000_400.0, 9)
        ledger.jobs.enqueue(photo.id, plan("whole.jpg"), 1_800_000_400.0)
    assert ispd("jobs", "retry", "--missing").err == "nothing to develop again\n"


def test_retry_with_a_profile_alone_takes_what_it_has_developed_otherwise(
    ispd: Ispd, history: dict[str, str], home: Path
) -> None:
    """The pictures of the story were made by a `neutral` that said nothing."""
    assert ispd("jobs", "retry", "--profile", "linear").err == "nothing to develop again\n"
    own = home / ".config/ispd/profiles"
    own.mkdir(parents=True)
    (own / "mine.toml").write_text('name = "neutral"\n[look.exposure]\nev = 1')
    told = ispd("jobs", "retry", "--profile", "neutral")
    assert told.out == f"{history['whole']}: will be developed again with neutral\n"
    (own / "mine.toml").write_text('name = "neutral"\n[fit]\nversion = 2')
    assert ispd("jobs", "retry", "--profile", "neutral", "--dry-run").out.startswith(history["whole"])


def test_retry_refuses_what_it_does_not_know(ispd: Ispd, history: dict[str, str]) -> None:
    assert ispd("jobs", "retry").code == 2
    assert ispd("jobs", "retry", "77").code == 66
    printed = ispd("jobs", "retry", "--failed", "--profile", "liner")
    assert printed.code == 78
    assert "linear" in printed.err


def test_retry_while_another_ispd_holds_the_ledger(ispd: Ispd, history: dict[str, str], place: Path) -> None:
    with Ledger(place / "state", 1_800_000_400.0):
        printed = ispd("jobs", "retry", "--failed")
    assert printed.code == 75
    assert "in use by another ispd" in printed.err


# ── verify ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_verify_finds_all_well(ispd: Ispd, history: dict[str, str]) -> None:
    printed = ispd("verify")
    assert (printed.code, printed.out, printed.err) == (0, "", "1 picture as delivered\n")


@pytest.mark.parametrize("verdict", ["missing", "changed"])
def test_verify_finds_what_is_not_as_delivered(ispd: Ispd, history: dict[str, str], place: Path, verdict: str) -> None:
    path = place / "out/whole.jpg"
    path.unlink()
    if verdict == "changed":
        path.write_bytes(b"a Picture")
    printed = ispd("verify")
    assert printed.code == 1
    assert printed.out.split()[:2] == [verdict, str(path)]
    (found,) = json.loads(ispd("verify", "--json").out)
    assert (found["verdict"], found["path"]) == (verdict, str(path))


def test_verify_does_not_miss_what_was_made_again(ispd: Ispd, history: dict[str, str], place: Path) -> None:
    (place / "out/whole.jpg").unlink()
    ispd("jobs", "retry", "--missing")
    with Ledger(place / "state", 1_800_000_400.0) as ledger:
        (folder,) = ledger.reading.folders()
        (photo,) = ledger.photos.due(1_800_000_400.0, 9)
        again = make(ledger, folder, photo.id)
    assert (place / "out" / again.products[0].name).exists()
    assert ispd("verify").code == 0
    (place / "out" / again.products[0].name).unlink()
    assert ispd("verify").code == 1


def test_verify_does_not_call_an_unmounted_folder_empty(ispd: Ispd, history: dict[str, str], place: Path) -> None:
    (place / "out").rename(place / "away")
    (place / "out").mkdir()
    printed = ispd("verify")
    assert printed.code == 1
    assert printed.out.startswith("unreadable")
    assert "mount it" in printed.out


def test_a_long_name_leaves_the_list_readable(ispd: Ispd, history: dict[str, str], place: Path) -> None:
    stem = "beginning-" + 200 * "x" + "-end"
    with Ledger(place / "state", 1_800_000_000.0) as ledger:
        (folder,) = ledger.reading.folders()
        job = queued(ledger, folder, f"{place}/in/{stem}.nef", stem)
    line = next(line for line in ispd("jobs", "list").out.splitlines() if "beginning-" in line)
    assert len(line) < 120
    assert "-end.nef" in line
    assert f"{stem}.nef" in ispd("jobs", "show", job.id).out
    (listed,) = json.loads(ispd("jobs", "list", "--state", "queued", "--json").out)
    assert listed["source"].endswith(f"/{stem}.nef")
    assert listed["outputs"] == [f"{stem}.jpg"]
