"""The command line as a person meets it: a home folder with nothing in it, and what is printed where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from ispd.cli.main import main


@dataclass(frozen=True)
class Printed:
    """What a command left behind."""

    code: int
    out: str
    err: str


Ispd: TypeAlias = Callable[..., Printed]


@pytest.fixture
def ispd(home: Path, capsys: pytest.CaptureFixture[str]) -> Ispd:
    """Run `ispd …` and give back its exit code and what it printed."""

    def run(*words: object) -> Printed:
        capsys.readouterr()
        code = main([str(word) for word in words])
        printed = capsys.readouterr()
        return Printed(code, printed.out, printed.err)

    return run
