"""The generated pages say what the code says, and are noticed when they no longer do."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import pytest

from ispd import toml
from ispd.config import Config
from ispd.profile.profile import Profile

GENERATE = Path(__file__).parents[1] / "docs/generate.py"


def generate(into: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(GENERATE), "--into", str(into), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, freshly written."""
    folder = tmp_path_factory.mktemp("docs")
    assert generate(folder).returncode == 0
    return folder


def keys(kind: Any) -> set[str]:
    """Every key of every table."""
    found = set()
    for slot in toml.slots(kind):
        inner = toml.repeated(slot.kind) or slot.kind
        found |= keys(inner) if is_dataclass(inner) else {slot.key}
    return found


@pytest.mark.parametrize(("page", "kind"), [("profile.md", Profile), ("config.md", Config)])
def test_every_key_has_its_line(docs: Path, page: str, kind: type) -> None:
    text = (docs / page).read_text()
    assert not {key for key in keys(kind) if f"| `{key}` |" not in text}


def test_a_line_has_unit_bounds_default_and_comment(docs: Path) -> None:
    text = (docs / "profile.md").read_text()
    assert "| `ev` | number, -8 to 8 stops | `0.0` | 0 changes nothing |" in text
    assert "## `[camera.white_balance]`" in text
    assert "`[look.camera" not in text


def test_every_stage_stands_in_the_page(docs: Path) -> None:
    text = (docs / "stages.md").read_text()
    for path in (GENERATE.parents[1] / "ispd/isp/stages").rglob("[!_]*.py"):
        assert f"# {path.stem.replace('_', ' ')}\n" in text


def test_a_page_that_is_stale_is_noticed_and_mended(docs: Path, tmp_path: Path) -> None:
    assert generate(tmp_path, "--check").returncode == 1
    generate(tmp_path)
    assert generate(tmp_path, "--check").returncode == 0
    (tmp_path / "profile.md").write_text("by hand")
    stale = generate(tmp_path, "--check")
    assert stale.returncode == 1
    assert "profile.md is not what the code says now" in stale.stderr
