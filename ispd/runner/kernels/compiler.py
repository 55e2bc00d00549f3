"""How the kernels are compiled, and where machine code is kept between processes.

Compiling takes seconds, loading what was compiled tenths of one.  So the code lies in a folder of its own, whose name
says everything that it depends on: our sources, numba, Python, the processor.  Where no folder can be written it is
compiled in memory, once a process.

None of them allocates: then numba counts no references, of which every slice of an array is one, and which are atomic:
that took a seventh of the time, and longer where threads count the same array's.

    entry   called from Python: releases the GIL, kept on disk
    part    called by entries: lives inside them
    exact   a part whose float64 products may not be contracted: it lives from their last digits
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, cast

import llvmlite.binding as llvm
import numba

Function = TypeVar("Function", bound=Callable[..., Any])

SOURCES = Path(__file__).parents[2]  # the package ispd
COMPILED = ("runner/kernels", "isp")  # what machine code is made of


@cache
def folder() -> Path | None:
    """Where machine code is kept; None where nothing can be written."""
    name = (
        f"kernels-{version('ispd')}-{_digest()}-numba{numba.__version__}-{sys.implementation.cache_tag}-{_processor()}"
    )
    for base in _bases():
        found = base / name
        try:
            found.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(found, os.W_OK | os.X_OK):
            return found
    return None


def _bases() -> list[Path]:
    """systemd's own, then the user's; `NUMBA_CACHE_DIR`, if someone sets it, before both."""
    asked = [os.environ.get("NUMBA_CACHE_DIR"), *os.environ.get("CACHE_DIRECTORY", "").split(":")]
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return [Path(path) for path in asked if path] + [Path(home, "ispd")]


def _digest() -> str:
    digest = hashlib.sha256()
    for place in COMPILED:
        for source in sorted((SOURCES / place).rglob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _processor() -> str:
    features = llvm.get_host_cpu_features().flatten()
    return f"{llvm.get_host_cpu_name()}-{hashlib.sha256(features.encode()).hexdigest()[:8]}"


def entry(function: Function) -> Function:
    """Called from Python."""
    numba.config.CACHE_DIR = str(folder() or "")  # read by the decorator, not when compiling
    kept = folder() is not None
    return cast(Function, numba.njit(**COMMON, cache=kept, fastmath=FAST)(function))


def part(function: Function) -> Function:
    """Called by entries."""
    return cast(Function, numba.njit(**COMMON, fastmath=FAST)(function))


def exact(function: Function) -> Function:
    """Called by entries, rounded at every operation."""
    return cast(Function, numba.njit(**COMMON)(function))


COMMON: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
FAST = {"contract", "nsz"}  # multiply-adds; nothing that changes with the order of a loop
