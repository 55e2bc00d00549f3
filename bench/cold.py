"""The cost of one cold process: CPU seconds of it and all that it started, peak memory of the largest of them.

Linux begins a child's peak with the memory of its parent, so whoever measures has to stay small: no numpy in here.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Cost:
    """What one run took."""

    cpu_seconds: float
    peak_mib: float


def measure(command: Sequence[str | Path]) -> Cost:
    """Run `command` to its end.  Raises CalledProcessError with its complaints where it fails."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        complaints = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, list(map(str, command)), stderr=complaints)
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def middle(costs: Sequence[Cost]) -> Cost:
    """The median of each figure."""
    return Cost(median(cost.cpu_seconds for cost in costs), median(cost.peak_mib for cost in costs))
