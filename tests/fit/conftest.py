"""A cell and a door for all tests of learning, and a factory of pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
import torch

from ispd.decode.cell import Cell
from ispd.fit.pairs import Candidate, find
from ispd.fit.sample import Refused, Sample
from ispd.fit.samples import gather
from ispd.metadata.exiftool import ExifTool

Gathered: TypeAlias = tuple[list[Sample], list[Refused]]


@pytest.fixture(scope="session")
def cell() -> Iterator[Cell]:
    with Cell() as running:
        yield running


@pytest.fixture(scope="session")
def door() -> Iterator[ExifTool]:
    with ExifTool() as running:
        yield running


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tests run side by side: threads of torch's own would wait for each other at every small operation."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def gathered(cell: Cell, door: ExifTool) -> Callable[[Path], Gathered]:
    """Samples and refusals of a folder."""

    def gather_in(folder: Path) -> Gathered:
        candidates, refused = find(folder, door=door)
        samples, more = gather(candidates, cell, door)
        return samples, [*refused, *more]

    return gather_in


__all__ = ["Candidate", "Gathered"]
