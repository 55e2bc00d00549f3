"""The cost of one cold process: CPU seconds of it and all that it started, wall seconds, peak memory of the largest.

Linux begins a child's peak with the memory of its parent, so whoever measures has to stay small: no numpy in here.
What a process started and left behind becomes ours (PR_SET_CHILD_SUBREAPER), so its seconds count too.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from resource import struct_rusage
from statistics import median
from tempfile import TemporaryFile

PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Cost:
    """What one run took; divided by the photos it made, what one photo took."""

    cpu_seconds: float
    wall_seconds: float
    peak_mib: float

    def per_photo(self, photos: int) -> Cost:
        """Time shared out among photos; memory is not."""
        return Cost(self.cpu_seconds / photos, self.wall_seconds / photos, self.peak_mib)


def measure(command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> Cost:
    """Run `command`, with `env` added, to its end.  Raises CalledProcessError with its complaints where it fails."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    start = time.monotonic()
    with TemporaryFile() as complaints:  # a pipe would be held open by what outlives the command
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=complaints, env={**os.environ, **(env or {})}
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall, usages = time.monotonic() - start, [usage, *_left_behind()]
        if process.returncode != 0:
            complaints.seek(0)
            raise subprocess.CalledProcessError(process.returncode, list(map(str, command)), stderr=complaints.read())
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    return Cost(cpu, wall, max(usage.ru_maxrss for usage in usages) / 1024)


def _left_behind() -> list[struct_rusage]:
    """What the orphans used that the command left to us."""
    usages = []
    while True:
        try:
            usages.append(os.wait3(0)[2])
        except ChildProcessError:
            return usages


def middle(costs: Sequence[Cost]) -> Cost:
    """The median of each figure."""
    return Cost(
        median(cost.cpu_seconds for cost in costs),
        median(cost.wall_seconds for cost in costs),
        median(cost.peak_mib for cost in costs),
    )
