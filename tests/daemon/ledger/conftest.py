"""A ledger with one folder.  Its state lies in memory where the machine allows: these tests say nothing of disks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ispd.daemon.ledger.ledger import Ledger
from ispd.daemon.ledger.rows import Folder

MEMORY = Path("/dev/shm")


@pytest.fixture
def state() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder) / "state"


@pytest.fixture
def ledger(state: Path) -> Iterator[Ledger]:
    with Ledger(state, now=0.0) as ledger:
        yield ledger


@pytest.fixture
def folder(ledger: Ledger) -> Folder:
    return ledger.folders.register(b"/in", b"/out")
