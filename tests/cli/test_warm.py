from __future__ import annotations

from pathlib import Path

import pytest

from ispd.runner import kernels
from tests.cli.conftest import Ispd


def test_it_may_be_run_again(ispd: Ispd) -> None:
    printed = ispd("warm")
    assert printed.code == 0
    assert str(kernels.kept_in()) in printed.err
    assert kernels.is_warm()


def test_without_numba_it_says_what_to_install(ispd: Ispd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kernels, "missing", lambda: "numba cannot be loaded: `pip install 'ispd[fast]'`")
    printed = ispd("warm")
    assert printed.code == 69
    assert "ispd[fast]" in printed.err
