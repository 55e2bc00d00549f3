"""The programs that develop one DNG to a full-size JPEG, ispd and those of its peers that this machine has.

They do different work: AHD alone is far less than a default of darktable or RawTherapee.  The ratio says what a picture
costs, not how good it is.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

Command: TypeAlias = list[str | Path]
BASE = "rawpy AHD"


@dataclass(frozen=True)
class Program:
    """A name and, for a DNG and an empty folder, the command that puts its picture there."""

    name: str
    command: Callable[[Path, Path], Command]
    needs: str = ""  # on PATH


PROGRAMS = (
    Program("ispd develop", lambda dng, out: [sys.executable, "-m", "ispd", "develop", dng, "-o", out]),
    Program(BASE, lambda dng, out: [sys.executable, "-m", "bench.rawpy_ahd", dng, out / "a.jpg"]),
    Program(
        "rawtherapee-cli",
        lambda dng, out: ["rawtherapee-cli", "-d", "-j92", "-js3", "-Y", "-o", out / "a.jpg", "-c", dng],
        needs="rawtherapee-cli",
    ),
    Program(
        "darktable-cli",
        lambda dng, out: ["darktable-cli", dng, out / "a.jpg", "--core", "--configdir", out, "--library", ":memory:"],
        needs="darktable-cli",
    ),
    Program(
        "dcraw_emu -w -T (a TIFF)",
        lambda dng, out: ["dcraw_emu", "-w", "-T", "-Z", out / "a.tif", dng],
        needs="dcraw_emu",
    ),
)


def available() -> list[Program]:
    """Those that can run here."""
    return [program for program in PROGRAMS if not program.needs or shutil.which(program.needs)]
