"""The ledger is the memory, the folder is the truth: without a memory nothing is rendered twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.house import House


def lose(state: Path) -> None:
    shutil.rmtree(state)


def damage(state: Path) -> None:
    """No backup is there yet, so an empty ledger begins."""
    shutil.rmtree(state / "backups", ignore_errors=True)
    (state / "ledger.sqlite").write_bytes(b"\0" * 100_000)


@pytest.mark.parametrize("mishap", [lose, damage])
def test_what_was_delivered_is_found_again(house: House, mishap: Callable[[Path], None]) -> None:
    for number, name in enumerate(("DSC1.dng", "DSC1.DNG", "sub/DSC1.dng")):
        house.drop(name, number)
    assert house.run("once", "--config", str(house.config)).returncode == 0
    before = {path: path.stat().st_mtime_ns for path in house.outbox.rglob("*.jpg")}
    assert len(before) == 3
    mishap(house.root / "state")
    done = house.run("once", "--config", str(house.config))
    assert done.returncode == 0, done.stderr
    assert {path: path.stat().st_mtime_ns for path in house.outbox.rglob("*.jpg")} == before
    assert not house.leftovers()
    jobs = json.loads(house.run("jobs", "list", "--json", "--config", str(house.config)).stdout)
    outputs = [str(house.outbox / name) for job in jobs for name in job["outputs"]]
    assert [job["state"] for job in jobs] == ["delivered"] * 3
    assert sorted(outputs) == sorted(map(str, before))
    assert house.run("verify", "--config", str(house.config)).returncode == 0
