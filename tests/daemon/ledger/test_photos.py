"""From the first sight of a file until it has a job."""

from __future__ import annotations

from ispd.daemon.ledger.ledger import Ledger
from ispd.daemon.ledger.rows import Folder, Observed
from tests.daemon.ledger.story import begun, delivered, file, hash_of, plan, queued, settled, staged, there


def test_a_file_is_new_once(ledger: Ledger, folder: Folder) -> None:
    assert ledger.photos.observe(folder.id, [file("/in/a.dng")], 1.0).new == (b"/in/a.dng",)
    assert ledger.photos.observe(folder.id, [file("/in/a.dng")], 2.0) == Observed()
    (photo,) = ledger.photos.settling(folder.id)
    assert (photo.first_seen, photo.changed, photo.identity.ino) == (1.0, 1.0, hash_of("/in/a.dng"))


def test_names_are_kept_as_the_kernel_has_them(ledger: Ledger, folder: Folder) -> None:
    path = b"/in/\xff\n'; DROP TABLE photo; --\x01.dng"
    ledger.photos.observe(folder.id, [file("x").__class__(path, file("x").identity)], 1.0)
    assert ledger.photos.settling(folder.id)[0].path == path


def test_a_replaced_file_settles_again(ledger: Ledger, folder: Folder) -> None:
    photo = settled(ledger, folder, "/in/a.dng", "one")
    assert ledger.photos.observe(folder.id, [file("/in/a.dng", 2)], 5.0).replaced == (b"/in/a.dng",)
    again = ledger.photos.get(photo.id)
    assert again is not None
    assert (again.state, again.digest, again.first_seen, again.changed) == ("settling", None, 1.0, 5.0)


def test_settling_a_file_that_changed_meanwhile_does_nothing(ledger: Ledger, folder: Folder) -> None:
    ledger.photos.observe(folder.id, [file("/in/a.dng", 1)], 1.0)
    (photo,) = ledger.photos.settling(folder.id)
    ledger.photos.observe(folder.id, [file("/in/a.dng", 2)], 2.0)
    found = ledger.photos.settle(photo.id, photo.identity, "digest", 3.0)
    assert found is not None
    assert found.state == "settling"


def test_a_file_that_is_gone_takes_its_waiting_job_along(ledger: Ledger, folder: Folder) -> None:
    job = queued(ledger, folder, "/in/a.dng", "one")
    assert ledger.photos.scanned(folder.id, [], 5.0).gone == (b"/in/a.dng",)
    assert ledger.jobs.get(job.id) is None
    assert ledger.reading.listing() == ()


def test_a_delivered_job_survives_its_file(ledger: Ledger, folder: Folder) -> None:
    job = delivered(ledger, queued(ledger, folder, "/in/a.dng", "one"))
    ledger.photos.scanned(folder.id, [], 5.0)
    assert there(ledger, job).state == "delivered"


def test_a_partial_look_forgets_nothing(ledger: Ledger, folder: Folder) -> None:
    settled(ledger, folder, "/in/a.dng", "one")
    assert ledger.photos.observe(folder.id, [file("/in/b.dng")], 5.0).gone == ()
    assert ledger.photos.at(folder.id, b"/in/a.dng") is not None


def test_the_same_content_twice_is_one_job(ledger: Ledger, folder: Folder) -> None:
    first = settled(ledger, folder, "/in/a.dng", "same")
    second = settled(ledger, folder, "/in/copy.dng", "same")
    assert second.duplicate_of == first.id
    assert [photo.id for photo in ledger.photos.due(2.0, 10)] == [first.id]
    job = ledger.jobs.enqueue(first.id, plan("a.jpg"), 2.0)
    assert [photo.job for photo in ledger.reading.photos_of(job)] == [job.id, job.id]
    assert ledger.jobs.enqueue(second.id, plan("copy.jpg"), 3.0).id == job.id
    assert ledger.reading.counts()[0].duplicates == 1


def test_content_that_was_delivered_before_gets_no_job_under_another_name(ledger: Ledger, folder: Folder) -> None:
    job = delivered(ledger, queued(ledger, folder, "/in/a.dng", "one"))
    ledger.photos.scanned(folder.id, [file("/in/renamed.dng")], 5.0)
    assert settled(ledger, folder, "/in/renamed.dng", "one", 6.0).job == job.id
    assert ledger.photos.due(7.0, 10) == ()


def test_a_touched_file_that_was_delivered_gets_no_job(ledger: Ledger, folder: Folder) -> None:
    job = delivered(ledger, queued(ledger, folder, "/in/a.dng", "one"))
    assert settled(ledger, folder, "/in/a.dng", "one", 6.0, version=2).job == job.id
    assert ledger.photos.due(7.0, 10) == ()


def test_two_watched_folders_with_one_deliver_folder_share_content(ledger: Ledger, folder: Folder) -> None:
    other = ledger.folders.register(b"/in2", b"/out")
    apart = ledger.folders.register(b"/in3", b"/out3")
    first = settled(ledger, folder, "/in/a.dng", "same")
    assert settled(ledger, other, "/in2/a.dng", "same").duplicate_of == first.id
    assert settled(ledger, apart, "/in3/a.dng", "same").duplicate_of is None


def test_a_duplicate_takes_over_when_the_first_is_gone(ledger: Ledger, folder: Folder) -> None:
    settled(ledger, folder, "/in/a.dng", "same")
    heir = settled(ledger, folder, "/in/b.dng", "same")
    settled(ledger, folder, "/in/c.dng", "same")
    ledger.photos.scanned(folder.id, [file("/in/b.dng"), file("/in/c.dng")], 5.0)
    assert [photo.id for photo in ledger.photos.due(6.0, 10)] == [heir.id]
    job = ledger.jobs.enqueue(heir.id, plan("b.jpg"), 6.0)
    assert begun(ledger, job).source == b"/in/b.dng"


def test_a_job_is_developed_from_the_copy_that_is_left(ledger: Ledger, folder: Folder) -> None:
    job = queued(ledger, folder, "/in/a.dng", "same")
    settled(ledger, folder, "/in/b.dng", "same")
    ledger.photos.scanned(folder.id, [file("/in/b.dng")], 5.0)
    assert begun(ledger, job).source == b"/in/b.dng"


def test_waiting_ends_with_its_time(ledger: Ledger, folder: Folder) -> None:
    photo = settled(ledger, folder, "/in/a.dng", "one")
    ledger.photos.wait(photo.id, "learning", "waits for its references", 30.0, 10.0)
    assert ledger.photos.due(29.0, 10) == ()
    assert [row.state for row in ledger.photos.due(30.0, 10)] == ["ready"]


def test_waiting_does_not_outlast_a_clock_that_is_set_back(ledger: Ledger, folder: Folder) -> None:
    photo = settled(ledger, folder, "/in/a.dng", "one")
    ledger.photos.wait(photo.id, "learning", "waits", until=1e9 + 30, now=1e9)
    assert len(ledger.photos.due(1000.0, 10)) == 1


def test_waking_is_by_cause_and_folder(ledger: Ledger, folder: Folder) -> None:
    other = ledger.folders.register(b"/in2", b"/out2")
    for where, path in ((folder, "/in/a.dng"), (folder, "/in/b.dng"), (other, "/in2/c.dng")):
        ledger.photos.observe(where.id, [file(path)], 1.0)
    for photo in (*ledger.photos.settling(folder.id), *ledger.photos.settling(other.id)):
        ledger.photos.wait(photo.id, "tool" if photo.path == b"/in/b.dng" else "folder", "waits", None, 2.0)
    assert ledger.photos.wake("folder", 3.0, folder.id) == 1
    assert [photo.path for photo in ledger.photos.settling(folder.id)] == [b"/in/a.dng"]
    assert ledger.photos.wake("folder", 3.0) == 1


def test_a_change_wakes_what_was_set_aside(ledger: Ledger, folder: Folder) -> None:
    photo = settled(ledger, folder, "/in/a.dng", "cut short")
    ledger.photos.set_aside(photo.id, "its pixels end too early", 2.0)
    ledger.photos.observe(folder.id, [file("/in/a.dng", 2)], 3.0)
    assert [row.reason for row in ledger.photos.settling(folder.id)] == [""]


def test_a_change_withdraws_a_job_that_was_set_aside_and_frees_its_name(ledger: Ledger, folder: Folder) -> None:
    job = queued(ledger, folder, "/in/a.dng", "cut short")
    ledger.jobs.set_aside(job.id, "its pixels end too early", 2.0)
    ready = settled(ledger, folder, "/in/a.dng", "whole", 3.0, version=2)
    assert ledger.jobs.get(job.id) is None
    assert ledger.jobs.enqueue(ready.id, plan("a.jpg"), 4.0).products[0].name == "a.jpg"


def test_a_job_under_way_is_not_withdrawn(ledger: Ledger, folder: Folder) -> None:
    job = staged(ledger, queued(ledger, folder, "/in/a.dng", "one"))
    ledger.photos.scanned(folder.id, [], 5.0)
    assert there(ledger, job).state == "staged"


def test_folders_take_turns_and_the_oldest_comes_first(ledger: Ledger, folder: Folder) -> None:
    other = ledger.folders.register(b"/in2", b"/out2")
    for number in range(5):
        settled(ledger, folder, f"/in/{number}.dng", f"{number}", now=10.0 - number)
    settled(ledger, other, "/in2/late.dng", "late", now=99.0)
    paths = [photo.path for photo in ledger.photos.due(100.0, 4)]
    assert paths == [b"/in/4.dng", b"/in2/late.dng", b"/in/3.dng", b"/in/2.dng"]


def test_folders_that_left_the_config_are_left_alone(ledger: Ledger, folder: Folder) -> None:
    other = ledger.folders.register(b"/in2", b"/out2")
    settled(ledger, folder, "/in/a.dng", "a")
    settled(ledger, other, "/in2/b.dng", "b")
    ledger.folders.keep_only([other.id])
    assert [photo.path for photo in ledger.photos.due(5.0, 9)] == [b"/in2/b.dng"]
    ledger.folders.register(b"/in", b"/out")
    assert len(ledger.photos.due(5.0, 9)) == 2
