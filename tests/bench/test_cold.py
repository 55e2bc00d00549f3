from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import table
from bench.cold import Cost, measure, middle
from bench.programs import OURS, peers

ROOT = Path(__file__).parents[2]
MEASURED = """\
import sys
from bench.cold import measure
for size in (1, 200 << 20):
    print(measure([sys.executable, "-c", f"b'x' * {size}"]).peak_mib)
"""


def test_memory_is_the_peak_of_the_process_that_was_measured() -> None:
    command = [sys.executable, "-c", MEASURED]  # pytest itself is too large to measure from
    printed = subprocess.run(command, capture_output=True, check=True, text=True, cwd=ROOT).stdout
    small, large = map(float, printed.split())
    assert 190 < large - small < 230


def test_what_a_child_burns_is_counted() -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    cost = measure([sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"])
    assert cost.cpu_seconds > 0.3


def test_a_program_that_fails_gives_no_figure() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        measure([sys.executable, "-c", "raise SystemExit(3)"])


def test_what_a_command_leaves_behind_is_counted() -> None:
    """As an engine's exiftool, which ends after the engine."""
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    cost = measure(
        [sys.executable, "-c", f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {burn!r}])"]
    )
    assert cost.cpu_seconds > 0.3
    assert cost.wall_seconds > 0


def test_the_table_says_what_ispd_needs_of_its_peers() -> None:
    costs = {OURS: middle([Cost(1, 1, 50), Cost(3, 2, 100), Cost(9, 5, 120)]), "peer": Cost(2.0, 8.0, 200)}
    assert table(costs).splitlines()[2].split()[-2:] == ["1.50", "0.25"]


def test_there_is_always_a_peer() -> None:
    assert "rawpy AHD" in {program.name for program in peers()}
