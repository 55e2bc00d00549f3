"""`ispd plan`: what would be done, and under which names, before anything is done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ispd.config import Folder
from ispd.daemon.ledger.ledger import Ledger
from ispd.daemon.ledger.rows import Seen
from ispd.orders import Facts, Plan
from ispd.photo import identity_of
from ispd.plan import plan
from ispd.profile import open_library
from tests.cli.conftest import Ispd
from tests.conftest import Dng


@pytest.fixture
def config(home: Path, tmp_path: Path) -> Path:
    """A config that watches tmp_path/in."""
    path = home / ".config/ispd/ispd.toml"
    path.parent.mkdir(parents=True)
    path.write_text(f'[[folder]]\nwatch = "{tmp_path}/in"\ndeliver = "{tmp_path}/in/graded"\n')
    return path


def photos(ispd: Ispd) -> dict[str, dict[str, Any]]:
    """The plan of the only folder, by photo."""
    ((folder),) = json.loads(ispd("plan", "--json").out)
    return {line["photo"]: line for line in folder["photos"]}


def test_every_photo_has_its_verdict(ispd: Ispd, dng: Dng, config: Path, tmp_path: Path) -> None:
    whole = dng("in/2026/a.dng")
    (tmp_path / "in/cut.dng").write_bytes(whole.read_bytes()[:-2000])
    (tmp_path / "in/notes.txt").write_text("no photo")
    (tmp_path / "in/.hidden.dng").write_bytes(b"")
    dng("in/graded/mine.dng")  # what lies in the deliver folder is not ours
    told = photos(ispd)
    assert {photo: line["verdict"] for photo, line in told.items()} == {"2026/a.dng": "to do", "cut.dng": "waiting"}
    assert told["2026/a.dng"]["names"] == ["2026/a.jpg"]
    assert told["2026/a.dng"]["profile"] == "neutral"


def test_names_that_are_taken_get_the_next_number(ispd: Ispd, dng: Dng, config: Path, tmp_path: Path) -> None:
    for name in ("in/a.dng", "in/A.nef.dng", "in/b.dng"):
        dng(name)
    dng("in/a.DNG")
    (tmp_path / "in/graded").mkdir()
    (tmp_path / "in/graded/b.jpg").write_text("somebody's")
    names = sorted(line["names"][0] for line in photos(ispd).values())
    assert names == ["A.nef.jpg", "a-2.jpg", "a.jpg", "b-2.jpg"]


def test_for_people_it_is_one_line_a_photo(ispd: Ispd, dng: Dng, config: Path, tmp_path: Path) -> None:
    dng("in/a.dng")
    told = ispd("plan")
    assert told.code == 0
    assert told.out.splitlines()[0] == f"{tmp_path}/in → {tmp_path}/in/graded"
    assert "a.dng  neutral → a.jpg" in told.out
    assert told.out.splitlines()[-1].strip() == "1 photo: 1 to do"


def test_a_profile_that_needs_mending_is_told_photo_by_photo(ispd: Ispd, dng: Dng, config: Path) -> None:
    dng("in/a.dng")
    (config.parent / "profiles").mkdir()
    (config.parent / "profiles/film.toml").write_text(
        'name = "film"\n[match]\nmodel = "Lan*"\n[look.exposure]\nev = 12'
    )
    told = ispd("plan")
    assert told.code == 78
    assert "film.toml:5: look.exposure.ev = 12 must lie in -8 to 8 stops" in told.out


def test_what_the_ledger_knows_is_not_planned_again(ispd: Ispd, dng: Dng, home: Path, config: Path) -> None:
    done, new = dng("in/a.dng"), dng("in/b.dng", seed=1)
    remember(home / ".local/state/ispd", done)
    told = photos(ispd)
    assert (told["a.dng"]["verdict"], told["a.dng"]["names"]) == ("known", ["a.jpg"])
    assert told["a.dng"]["reason"] == "queued"
    assert told[new.name]["verdict"] == "to do"


def remember(state: Path, photo: Path) -> None:
    """A job for the photo, as the daemon would make it."""
    path, status = bytes(photo), photo.stat()
    identity = identity_of(status)
    assert identity is not None
    made = plan(Facts(), b"a.dng", Folder(photo.parent, photo.parent / "graded"), open_library())
    assert isinstance(made, Plan)
    with Ledger(state, now=0.0) as ledger:
        folder = ledger.folders.register(bytes(photo.parent), bytes(photo.parent / "graded"))
        ledger.photos.observe(folder.id, [Seen(path, identity)], 0.0)
        row = ledger.photos.at(folder.id, path)
        assert row is not None
        ledger.photos.settle(row.id, identity, "0" * 64, 0.0)
        ledger.jobs.enqueue(row.id, made, 0.0)


def test_a_folder_that_is_not_there_is_told(ispd: Ispd, config: Path) -> None:
    assert ispd("plan").code == 66


def test_nothing_is_written(ispd: Ispd, dng: Dng, config: Path, tmp_path: Path) -> None:
    dng("in/a.dng")
    before = sorted(tmp_path.rglob("*"))
    ispd("plan")
    assert sorted(tmp_path.rglob("*")) == before
