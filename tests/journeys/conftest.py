"""The house that most journeys begin in, and the process that is killed while it publishes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.house import House, open_house
from tests.journeys.publish_world import Driver, driving


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Furnished, nobody at home."""
    with open_house(tmp_path) as house:
        yield house.furnish()


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    """One process for all lives of a module."""
    with driving() as driver:
        yield driver
