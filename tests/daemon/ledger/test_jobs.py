"""queued → developing → staged → delivered, and what can come between."""

from __future__ import annotations

import pytest

from ispd.daemon.ledger.ledger import Ledger
from ispd.daemon.ledger.rows import Folder
from ispd.errors import CannotCreate
from ispd.orders import Report, Written
from tests.daemon.ledger.story import begun, delivered, file, plan, queued, report, settled, staged, there


def test_the_whole_way(ledger: Ledger, folder: Folder) -> None:
    photo = settled(ledger, folder, "/in/a.dng", "one")
    wanted = plan("2026/a.jpg", "2026/a-small.jpg")
    job = ledger.jobs.enqueue(photo.id, wanted, 2.0)
    assert ledger.jobs.due(3.0, 5) == (job,)
    order = ledger.jobs.begin(job.id, b"/in/a.xmp", 3.0)
    assert order is not None
    assert (order.source, order.source_digest, order.identity) == (photo.path, photo.digest, photo.identity)
    assert (order.recipe, order.sidecar) == (wanted.recipe, b"/in/a.xmp")
    assert order.staging == (b"/out/.ispd/1.0.jpg", b"/out/.ispd/1.1.jpg")
    assert ledger.jobs.stage(job.id, report(order), 4.0) in ledger.jobs.staged()
    assert ledger.jobs.live_staging(b"/out") == {b"1.0.jpg", b"1.1.jpg"}
    done = ledger.jobs.deliver(job.id, 5.0)
    assert (done.state, done.delivered, done.warnings) == ("delivered", 5.0, ("a warning",))
    assert (done.reader, done.device, done.seconds) == ("a reader", "cpu", 1.5)
    assert [product.name for product in done.products] == ["2026/a.jpg", "2026/a-small.jpg"]
    assert ledger.jobs.live_staging(b"/out") == frozenset()
    assert ledger.jobs.recipe(done) == wanted.recipe


def test_only_a_settled_photo_gets_a_job(ledger: Ledger, folder: Folder) -> None:
    ledger.photos.observe(folder.id, [file("/in/a.dng")], 1.0)
    (photo,) = ledger.photos.settling(folder.id)
    with pytest.raises(ValueError, match="has not settled"):
        ledger.jobs.enqueue(photo.id, plan("a.jpg"), 2.0)


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_stem_from_two_cameras_never_fights(ledger: Ledger, folder: Folder) -> None:
    names = [
        queued(ledger, folder, f"/in/{name}", name, name=wanted).products[0].name
        for name, wanted in (("DSC1.NEF", "DSC1.jpg"), ("DSC1.DNG", "DSC1.jpg"), ("dsc1.dng", "dsc1.JPG"))
    ]
    assert names == ["DSC1.jpg", "DSC1-2.jpg", "dsc1-3.JPG"]


def test_outputs_of_one_photo_share_their_number(ledger: Ledger, folder: Folder) -> None:
    queued(ledger, folder, "/in/a.dng", "one", name="a.jpg")
    photo = settled(ledger, folder, "/in/b/a.dng", "two")
    job = ledger.jobs.enqueue(photo.id, plan("a.tif", "a.jpg"), 2.0)
    assert [product.name for product in job.products] == ["a-2.tif", "a-2.jpg"]


def test_the_same_name_twice_in_one_plan_becomes_two(ledger: Ledger, folder: Folder) -> None:
    photo = settled(ledger, folder, "/in/a.dng", "one")
    job = ledger.jobs.enqueue(photo.id, plan("a.jpg", "a.jpg", "A.jpg"), 2.0)
    assert [product.name for product in job.products] == ["a.jpg", "a-2.jpg", "A-3.jpg"]


def test_a_name_taken_on_disk_gives_way_to_the_next_that_nobody_has(ledger: Ledger, folder: Folder) -> None:
    first = queued(ledger, folder, "/in/1.dng", "one", name="a.jpg")
    queued(ledger, folder, "/in/2.dng", "two", name="a.jpg")
    assert ledger.jobs.next_name(first.id, 0) == "a-3.jpg"
    assert there(ledger, first).products[0].name == "a-3.jpg"


def test_names_of_other_deliver_folders_are_free(ledger: Ledger, folder: Folder) -> None:
    other = ledger.folders.register(b"/in", b"/out2")
    queued(ledger, folder, "/in/a.dng", "one")
    assert queued(ledger, other, "/in/a.dng", "one").products[0].name == "a.jpg"


def test_a_photo_that_was_set_aside_gives_its_name_back(ledger: Ledger, folder: Folder) -> None:
    first = queued(ledger, folder, "/in/1.dng", "one", name="a.jpg")
    ledger.jobs.set_aside(first.id, "broken", 2.0)
    assert queued(ledger, folder, "/in/2.dng", "two", name="a.jpg").products[0].name == "a.jpg"


def test_a_thousand_names_are_enough(ledger: Ledger, folder: Folder) -> None:
    job = queued(ledger, folder, "/in/a.dng", "one")
    for _ in range(999):
        ledger.jobs.next_name(job.id, 0)
    with pytest.raises(CannotCreate, match="1000 photos have this name"):
        ledger.jobs.next_name(job.id, 0)


def test_a_claim_is_kept_until_the_name_changes(ledger: Ledger, folder: Folder) -> None:
    job = staged(ledger, queued(ledger, folder, "/in/a.dng", "one"))
    ledger.jobs.claim(job.id, 0, 7, 2**64 - 1)
    assert ledger.jobs.unstage(job.id, 5.0).products[0].claim == (7, 2**64 - 1)
    ledger.jobs.next_name(job.id, 0)
    assert there(ledger, job).products[0].claim is None


# ── what can come between ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_start_finds_interrupted_and_staged_jobs(ledger: Ledger, folder: Folder) -> None:
    developing = queued(ledger, folder, "/in/a.dng", "one")
    begun(ledger, developing)
    finished = staged(ledger, queued(ledger, folder, "/in/b.dng", "two"))
    assert ledger.jobs.recover(9.0) == ()
    assert there(ledger, developing).state == "queued"
    assert ledger.jobs.staged() == (finished,)
    assert ledger.jobs.live_staging(b"/out") == {b"2.0.jpg"}


def test_many_kills_of_the_daemon_are_not_the_photos_fault_but_not_without_end(ledger: Ledger, folder: Folder) -> None:
    job = queued(ledger, folder, "/in/a.dng", "one")
    for _ in range(19):
        begun(ledger, job)
        assert ledger.jobs.recover(9.0) == ()
    begun(ledger, job)
    (failed,) = ledger.jobs.recover(9.0)
    assert (failed.state, failed.attempts) == ("failed", 20)


def test_what_was_interrupted_comes_after_the_others(ledger: Ledger, folder: Folder) -> None:
    suspect = queued(ledger, folder, "/in/a.dng", "one", now=1.0)
    other = queued(ledger, folder, "/in/b.dng", "two", now=5.0)
    begun(ledger, suspect)
    ledger.jobs.recover(9.0)
    assert [job.id for job in ledger.jobs.due(10.0, 5)] == [other.id, suspect.id]


def test_three_faults_of_ours_are_enough(ledger: Ledger, folder: Folder) -> None:
    job = queued(ledger, folder, "/in/a.dng", "one")
    states = []
    for _ in range(3):
        begun(ledger, job)
        states.append(ledger.jobs.fail(job.id, "a bug", 3.0).state)
    assert states == ["queued", "queued", "failed"]
    assert there(ledger, job).reason == "a bug"


def test_two_dead_engines_set_a_photo_aside(ledger: Ledger, folder: Folder) -> None:
    job = queued(ledger, folder, "/in/a.dng", "one")
    begun(ledger, job)
    assert ledger.jobs.killed_engine(job.id, "the engine died", 3.0).state == "queued"
    begun(ledger, job)
    assert ledger.jobs.killed_engine(job.id, "the engine died", 4.0).state == "set_aside"


def test_an_innocent_neighbor_of_a_dead_engine_is_never_set_aside(ledger: Ledger, folder: Folder) -> None:
    job = queued(ledger, folder, "/in/a.dng", "one")
    for _ in range(9):
        begun(ledger, job)
        assert ledger.jobs.requeue(job.id, 3.0).state == "queued"


def test_a_job_that_waits_with_its_files_staged_goes_on_from_there(ledger: Ledger, folder: Folder) -> None:
    ready = staged(ledger, queued(ledger, folder, "/in/a.dng", "one"))
    unmade = queued(ledger, folder, "/in/b.dng", "two")
    for job in (ready, unmade):
        ledger.jobs.wait(job.id, "space", "no room left", None, 5.0)
    assert ledger.jobs.live_staging(b"/out") == {b"1.0.jpg"}
    assert ledger.jobs.wake("space", 6.0, b"/elsewhere") == 0
    assert ledger.jobs.wake("space", 6.0, b"/out") == 2
    assert (there(ledger, ready).state, there(ledger, unmade).state) == ("staged", "queued")


def test_waiting_for_a_time(ledger: Ledger, folder: Folder) -> None:
    job = queued(ledger, folder, "/in/a.dng", "one")
    ledger.jobs.wait(job.id, "incomplete", "half of it is there", 60.0, 5.0)
    assert ledger.jobs.due(59.0, 5) == ()
    assert [row.id for row in ledger.jobs.due(60.0, 5)] == [job.id]


def test_a_late_report_is_ignored(ledger: Ledger, folder: Folder) -> None:
    job = queued(ledger, folder, "/in/a.dng", "one")
    order = begun(ledger, job)
    ledger.jobs.requeue(job.id, 3.0)
    assert ledger.jobs.stage(job.id, report(order), 4.0) is None
    assert there(ledger, job).state == "queued"


def test_a_report_on_other_files_is_a_bug(ledger: Ledger, folder: Folder) -> None:
    job = queued(ledger, folder, "/in/a.dng", "one")
    begun(ledger, job)
    with pytest.raises(ValueError, match="other files than were ordered"):
        ledger.jobs.stage(job.id, Report(job.id, (Written(b"/etc/passwd", "x", 1),)), 3.0)
    assert there(ledger, job).state == "developing"


def test_a_job_is_begun_once(ledger: Ledger, folder: Folder) -> None:
    job = queued(ledger, folder, "/in/a.dng", "one")
    begun(ledger, job)
    assert ledger.jobs.begin(job.id, None, 3.0) is None
    assert ledger.jobs.begin(999, None, 3.0) is None


def test_a_photo_that_changed_while_it_was_developed_settles_again(ledger: Ledger, folder: Folder) -> None:
    job = queued(ledger, folder, "/in/a.dng", "one")
    begun(ledger, job)
    ledger.jobs.changed(job.id, 3.0)
    assert ledger.jobs.get(job.id) is None
    assert [photo.path for photo in ledger.photos.settling(folder.id)] == [b"/in/a.dng"]
    again = queued(ledger, folder, "/in/a.dng", "one, and more")
    assert again.products[0].name == "a.jpg"
    assert again.id > job.id  # ids are never given twice: a late report cannot hit another job


def test_folders_take_turns_also_one_job_at_a_time(ledger: Ledger, folder: Folder) -> None:
    other = ledger.folders.register(b"/in2", b"/out2")
    for number in range(4):
        queued(ledger, folder, f"/in/{number}.dng", f"{number}", now=float(number))
    for number in range(2):
        queued(ledger, other, f"/in2/{number}.dng", f"other {number}", now=50.0 + number)
    order = []
    while due := ledger.jobs.due(100.0, 1):
        order.append(begun(ledger, due[0]).source)
    assert order == [b"/in/0.dng", b"/in2/0.dng", b"/in/1.dng", b"/in2/1.dng", b"/in/2.dng", b"/in/3.dng"]


def test_a_picture_that_was_found_is_adopted_and_its_name_taken_from_who_had_reserved_it(
    ledger: Ledger, folder: Folder
) -> None:
    """After a lost ledger photos come in another order than the first time."""
    rival = queued(ledger, folder, "/in/DSC1.DNG", "dng", name="DSC1.jpg")
    job = queued(ledger, folder, "/in/DSC1.NEF", "nef", name="DSC1.jpg")
    adopted = ledger.jobs.adopt(job.id, (("DSC1.jpg", Written(b"/out/DSC1.jpg", "found", 5)),), 9.0)
    assert (adopted.state, adopted.products[0].name, adopted.products[0].sha256) == ("delivered", "DSC1.jpg", "found")
    assert there(ledger, rival).products[0].name == "DSC1-2.jpg"


# ── retry ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_delivered_photo_is_developed_again_beside_the_first(ledger: Ledger, folder: Folder) -> None:
    first = delivered(ledger, queued(ledger, folder, "/in/a.dng", "one"))
    assert ledger.jobs.retry((str(first.id),), "soft", 9.0) == (f"{first.id}: will be developed again with soft",)
    (photo,) = ledger.photos.due(10.0, 5)
    assert photo.wish == "soft"
    second = ledger.jobs.enqueue(photo.id, plan("a.jpg", profile="soft"), 10.0)
    assert (second.generation, second.products[0].name) == (2, "a-2.jpg")
    assert there(ledger, first) == first
    assert ledger.photos.due(11.0, 5) == ()
    assert [line.id for line in ledger.reading.listing()] == [str(first.id), str(second.id)]


def test_a_photo_that_failed_gets_another_chance_under_its_own_name(ledger: Ledger, folder: Folder) -> None:
    first = queued(ledger, folder, "/in/a.dng", "one")
    ledger.jobs.set_aside(first.id, "broken", 3.0)
    ledger.jobs.retry((str(first.id),), "", 9.0)
    (photo,) = ledger.photos.due(10.0, 5)
    second = ledger.jobs.enqueue(photo.id, plan("a.jpg"), 10.0)
    assert (second.state, second.products[0].name, second.failures) == ("queued", "a.jpg", 0)
    assert [line.id for line in ledger.reading.listing()] == [str(second.id)]


def test_asking_twice_makes_one(ledger: Ledger, folder: Folder) -> None:
    first = delivered(ledger, queued(ledger, folder, "/in/a.dng", "one"))
    settled(ledger, folder, "/in/copy.dng", "one")
    for _ in range(2):
        ledger.jobs.retry((str(first.id),), "", 9.0)
    (photo,) = ledger.photos.due(10.0, 5)
    second = ledger.jobs.enqueue(photo.id, plan("a.jpg"), 10.0)
    assert ledger.photos.due(11.0, 5) == ()
    begun(ledger, second)
    assert ledger.jobs.retry((str(first.id),), "", 9.0) == (f"{first.id}: is being developed right now",)


def test_the_wish_survives_a_touch(ledger: Ledger, folder: Folder) -> None:
    job = delivered(ledger, queued(ledger, folder, "/in/a.dng", "one"))
    ledger.jobs.retry((str(job.id),), "soft", 9.0)
    assert settled(ledger, folder, "/in/a.dng", "one", 10.0, version=2).wish == "soft"
    assert len(ledger.photos.due(11.0, 5)) == 1


def test_without_the_original_there_is_nothing_to_develop(ledger: Ledger, folder: Folder) -> None:
    job = delivered(ledger, queued(ledger, folder, "/in/a.dng", "one"))
    ledger.photos.scanned(folder.id, [], 5.0)
    (sentence,) = ledger.jobs.retry((str(job.id),), "", 9.0)
    assert "no longer in the watched folder" in sentence


def test_a_photo_without_a_job_is_looked_at_again(ledger: Ledger, folder: Folder) -> None:
    photo = settled(ledger, folder, "/in/a.dng", "one")
    ledger.photos.set_aside(photo.id, "no raw", 2.0)
    assert ledger.jobs.retry((f"p{photo.id}",), "", 3.0) == (f"p{photo.id}: looked at again",)
    assert [row.id for row in ledger.photos.settling(folder.id)] == [photo.id]


def test_a_waiting_job_is_put_into_the_queue(ledger: Ledger, folder: Folder) -> None:
    job = queued(ledger, folder, "/in/a.dng", "one")
    ledger.jobs.wait(job.id, "machine", "waits", None, 2.0)
    ledger.jobs.retry((str(job.id),), "", 3.0)
    assert there(ledger, job).state == "queued"


@pytest.mark.parametrize("what", ["", "p", "x", "-1", "1.5", "٣", "9" * 40, "77", "p77", "1; DROP TABLE job"])
def test_ids_that_are_none_are_told(ledger: Ledger, what: str) -> None:
    (sentence,) = ledger.jobs.retry((what,), "", 1.0)
    assert "not an ID" in sentence or "no such" in sentence
