from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Ispd


def findings(printed: str) -> dict[str, list[tuple[str, str]]]:
    told: dict[str, list[tuple[str, str]]] = {}
    for finding in json.loads(printed):
        told.setdefault(finding["subject"], []).append((finding["verdict"], finding["sentence"]))
    return told


def test_a_machine_that_has_everything(ispd: Ispd, home: Path) -> None:
    printed = ispd("doctor", "--json")
    assert printed.code == 0
    told = findings(printed.out)
    assert set(told) == {"config", "decoders", "torch", "kernels", "lens data", "exiftool"}
    assert told["config"][0][0] == "note"  # there is none yet
    assert "LibRaw" in told["decoders"][0][1]
    assert all(verdict != "problem" for each in told.values() for verdict, _ in each)


def test_what_is_missing_is_a_problem_with_its_exit_code_and_the_rest_is_looked_at(
    ispd: Ispd, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(home))
    printed = ispd("doctor", "--json")
    assert printed.code == 69
    told = findings(printed.out)
    assert told["exiftool"][0][0] == "problem"
    assert "libimage-exiftool-perl" in told["exiftool"][0][1]
    assert told["torch"][0][0] == "ok"


def test_a_broken_config_is_its_owners(ispd: Ispd, home: Path) -> None:
    config = home / "ispd.toml"
    config.write_text("folder = 3\n")
    printed = ispd("doctor", "--config", config, "--json")
    assert printed.code == 78
    assert findings(printed.out)["config"][0][0] == "problem"


def test_a_folder_that_cannot_be_written_is_noticed(ispd: Ispd, home: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    inbox, outbox, config = home / "in", home / "out", home / "ispd.toml"
    inbox.mkdir()
    outbox.mkdir(mode=0o555)
    config.write_text(f'[[folder]]\nwatch = "{inbox}"\ndeliver = "{outbox}"\n')
    printed = ispd("doctor", "--config", config, "--json")
    assert any("may not be written" in sentence for _, sentence in findings(printed.out)["config"])


def test_people_get_one_line_a_finding(ispd: Ispd, home: Path) -> None:
    printed = ispd("doctor")
    assert all(line.split()[0] in ("ok", "note") for line in printed.out.splitlines())
