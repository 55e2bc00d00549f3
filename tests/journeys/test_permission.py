"""Files and folders that ispd's user may not read or write: nothing waits for ever, and each is named."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.house import House, tiny_photo, until

OVERRIDE = "-dac_override,-dac_read_search"  # what lets root read and write everything
ORDINARY = ("setpriv", f"--bounding-set={OVERRIDE}", f"--inh-caps={OVERRIDE}") if os.geteuid() == 0 else ()

pytestmark = pytest.mark.skipif(bool(ORDINARY) and not shutil.which("setpriv"), reason="root may read everything")


@pytest.fixture
def closed() -> Iterator[list[Path]]:
    """Folders that are open again afterwards, so that they can be removed."""
    folders: list[Path] = []
    yield folders
    for folder in folders:
        folder.chmod(0o755)


def once(house: House) -> tuple[int, dict[str, object], str]:
    done = house.run("once", "--json", "--config", str(house.config), before=ORDINARY)
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def test_a_photo_that_may_not_be_read_is_named_and_holds_up_nobody(house: House) -> None:
    locked = house.drop("locked.dng", 1)
    locked.chmod(0)
    house.drop("open.dng", 2)
    code, result, said = once(house)
    assert (code, result["delivered"], result["waiting"]) == (1, 1, 1), said
    assert f"{locked}: the file may not be read" in said
    locked.chmod(0o600)
    assert once(house)[0] == 0
    assert house.delivered() == {"locked.jpg", "open.jpg"}


def test_a_photo_that_somebody_goes_on_writing_is_no_endless_wait(house: House) -> None:
    with (house.inbox / "a.dng").open("wb", buffering=0) as file:
        file.write(tiny_photo(1))
        code, result, said = once(house)
    assert (code, result["waiting"]) == (1, 1), said
    assert once(house)[0] == 0
    assert house.delivered() == {"a.jpg"}


def test_a_folder_that_may_not_be_looked_into_is_not_passed_over_in_silence(house: House, closed: list[Path]) -> None:
    house.drop("open.dng", 1)
    inner = house.drop("inner/a.dng", 2).parent
    closed.append(inner)
    inner.chmod(0)
    code, result, said = once(house)
    assert (code, result["delivered"]) == (77, 1), said
    assert f"{inner} cannot be looked into" in said
    house.start(before=ORDINARY)
    until(lambda: house.watches(), "a daemon that watches")
    until(lambda: any(str(inner) in problem for problem in house.status()["problems"]), "the folder among the problems")


def test_a_watched_folder_that_may_not_be_read_is_no_empty_one(house: House, closed: list[Path]) -> None:
    house.drop("a.dng", 1)
    closed.append(house.inbox)
    house.inbox.chmod(0)
    code, _, said = once(house)
    assert code == 66
    assert f"{house.inbox} cannot be read: Permission denied" in said
    house.start(before=ORDINARY)
    until(lambda: "cannot be read" in house.log, "a word on it")
    house.inbox.chmod(0o755)
    house.wait_for({"a.jpg"})
    assert house.status()["folders"][0]["watching"] == "events"


def test_a_deliver_folder_that_may_not_be_written_makes_photos_wait(house: House, closed: list[Path]) -> None:
    house.outbox.mkdir()
    closed.append(house.outbox)
    house.outbox.chmod(0o555)
    house.drop("a.dng", 1)
    code, _, said = once(house)
    assert code == 77
    assert said.count(f"{house.outbox}: ispd may not write here") == 1
    house.start(before=ORDINARY)
    until(lambda: house.watches() and house.status()["queue"]["waiting"] == 1, "a photo that waits")
    house.outbox.chmod(0o755)
    house.wait_for({"a.jpg"})


@pytest.mark.parametrize("command", ["once", "status", "jobs list", "plan", "profile list"])
def test_a_config_in_a_folder_of_somebody_else_is_a_sentence(house: House, closed: list[Path], command: str) -> None:
    folder = house.root / "home" / ".config"
    folder.mkdir()
    closed.append(folder)
    folder.chmod(0)
    done = house.run(*command.split(), before=ORDINARY)
    assert done.returncode == 77
    assert done.stderr == f"ispd: {folder}/ispd/ispd.toml: ispd's user may not use it (Permission denied)\n"


def test_a_ledger_of_somebody_else_is_a_sentence(house: House) -> None:
    state = house.root / "state"
    state.mkdir()
    (state / "ledger.sqlite").touch(0)
    code, _, said = once(house)
    assert code == 77
    assert said.count("\n") == 1
    assert "ledger.sqlite cannot be opened" in said
