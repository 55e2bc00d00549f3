"""After a lost ledger nothing is rendered twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ispd.daemon.ledger.adopt import adopt_if_there
from ispd.daemon.ledger.ledger import Ledger
from ispd.daemon.ledger.rows import Folder, Job
from ispd.orders import digest
from ispd.publish import Desk, open_desk, verify
from tests.daemon.ledger.story import plan, queued, settled, there


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return open_desk(os.fsencode(tmp_path / "out"), "")


@pytest.fixture
def folder(ledger: Ledger, desk: Desk) -> Folder:
    return ledger.folders.register(b"/in", desk.deliver)


def picture(desk: Desk, name: str, job: Job, output: int = 0) -> Path:
    """What was delivered for this job before the ledger was lost."""
    path = Path(os.fsdecode(desk.deliver)) / name
    path.write_bytes(f"output {output} of {job.photo_digest} by {job.recipe_digest}".encode())
    return path


def test_pictures_that_are_there_are_adopted_under_their_names(ledger: Ledger, folder: Folder, desk: Desk) -> None:
    """The photos come in another order than the first time, so each has reserved the other's name."""
    dng = queued(ledger, folder, "/in/DSC1.DNG", "dng", name="DSC1.jpg")
    nef = queued(ledger, folder, "/in/DSC1.NEF", "nef", name="DSC1.jpg")
    assert [job.products[0].name for job in (dng, nef)] == ["DSC1.jpg", "DSC1-2.jpg"]
    picture(desk, "DSC1.jpg", nef)
    picture(desk, "DSC1-2.jpg", dng)
    for job, name in ((dng, "DSC1-2.jpg"), (nef, "DSC1.jpg")):
        adopted = adopt_if_there(ledger, desk, there(ledger, job), 9.0)
        assert adopted is not None
        assert (adopted.state, adopted.products[0].name) == ("delivered", name)
        assert verify(desk.deliver, name, adopted.products[0].sha256) == "whole"


def test_a_part_of_the_outputs_is_not_enough(ledger: Ledger, folder: Folder, desk: Desk) -> None:
    photo = settled(ledger, folder, "/in/a.dng", "one")
    job = ledger.jobs.enqueue(photo.id, plan("a.jpg", "a-small.jpg"), 2.0)
    picture(desk, "a.jpg", job)
    assert adopt_if_there(ledger, desk, job, 3.0) is None
    assert there(ledger, job).state == "queued"


def test_the_first_picture_is_not_the_retrys(ledger: Ledger, folder: Folder, desk: Desk) -> None:
    first = queued(ledger, folder, "/in/a.dng", "one")
    picture(desk, "a.jpg", first)
    assert adopt_if_there(ledger, desk, first, 3.0) is not None
    ledger.jobs.retry((str(first.id),), "", 4.0)
    (photo,) = ledger.photos.due(5.0, 1)
    second = ledger.jobs.enqueue(photo.id, plan("a.jpg"), 5.0)
    assert adopt_if_there(ledger, desk, second, 6.0) is None


def test_a_foreign_picture_of_the_same_name_is_not_adopted(ledger: Ledger, folder: Folder, desk: Desk) -> None:
    job = queued(ledger, folder, "/in/a.dng", "one")
    (Path(os.fsdecode(desk.deliver)) / "a.jpg").write_bytes(digest(b"one").encode())
    assert adopt_if_there(ledger, desk, job, 3.0) is None
