"""One cell for all tests that only want photos decoded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ispd.decode.cell import Cell


@pytest.fixture(scope="session")
def cell() -> Iterator[Cell]:
    with Cell() as running:
        yield running
