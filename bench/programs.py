"""The programs that develop DNGs to full-size JPEGs: ispd and those of its peers that this machine has.

They do different work: AHD alone is far less than a default of darktable or RawTherapee.  A ratio says what a picture
costs, not how good it is; `python -m bench.crops` shows that.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

Command: TypeAlias = list[str | Path]
OURS = "ispd"


@dataclass(frozen=True)
class Program:
    """A name and, for a DNG and an empty folder, the command that puts its picture there."""

    name: str
    command: Callable[[Path, Path], Command]
    needs: str = ""  # on PATH


PEERS = (
    Program("rawpy AHD", lambda dng, out: [sys.executable, "-m", "bench.rawpy_ahd", dng, out / "a.jpg"]),
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
        "dcraw_emu AHD (a TIFF)",
        lambda dng, out: ["dcraw_emu", "-w", "-T", "-Z", out / "a.tif", dng],
        needs="dcraw_emu",
    ),
)


def peers() -> list[Program]:
    """Those that can run here."""
    return [program for program in PEERS if not program.needs or shutil.which(program.needs)]


def develop(dng: Path, out: Path) -> Command:
    """One photo by hand, process start included."""
    return [sys.executable, "-m", "ispd", "develop", dng, "-o", out]


def through_the_daemon(watch: Path, deliver: Path, extra: Sequence[str] = ()) -> Command:
    """Every photo of a folder: scanned, planned, decoded, rendered, tagged, published, remembered."""
    return [sys.executable, "-m", "ispd", "once", "--watch", watch, "--deliver", deliver, *extra]
