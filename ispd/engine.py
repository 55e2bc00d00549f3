"""The engine: a process that develops orders on one device.  Started by the daemon as `python -m ispd.engine`.

What it does with them is in assembly.py.  It ends when its socket closes, and takes its cell and its exiftool along.
Nothing heavy is imported here: torch takes seconds to load, and the daemon may die in the first of them.
"""

from __future__ import annotations

import argparse
import ctypes
import faulthandler
import os
import signal
import socket
import subprocess
import sys
from typing import NoReturn

from ispd.errors import IspdError
from ispd.pulse import Voice
from ispd.wire import Farewell, Hello

PR_SET_PDEATHSIG = 1
EXIT_ORPHAN = 75


def main(argv: list[str] | None = None) -> int:
    """Serve until the socket closes."""
    args = _parser().parse_args(argv)
    _die_with(args.parent)
    faulthandler.enable()
    os.set_inheritable(args.fd, False)  # a child that held it would keep us alive for the daemon
    voice = Voice(socket.socket(fileno=args.fd))
    try:
        _serve(voice, args.device)
    except IspdError as error:
        voice.say(Farewell(str(error)))
        return error.exit_code


def _serve(voice: Voice, wish: str) -> NoReturn:
    """Load what is heavy, say hello, work.  Raises MissingTool where torch is needed and cannot be loaded."""
    from ispd.assembly import Line
    from ispd.decode.cell import Cell
    from ispd.metadata.exiftool import ExifTool
    from ispd.runner.device import choose_device

    device = choose_device(wish)
    _make_ready(device)
    with Cell() as cell, ExifTool() as door:
        voice.say(Hello(device, cell.confinement))
        Line(voice, device, cell, door).run()


def _make_ready(device: str) -> None:
    """Load what will render, now rather than while a photo waits; kernels that must be compiled first, aside."""
    from ispd.runner import kernels
    from ispd.runner.device import load_torch

    if device == "cpu" and kernels.is_warm():
        kernels.warm(print)
        return
    load_torch()
    if device == "cpu" and not kernels.missing():
        code = f"from ispd.engine import compile_kernels; compile_kernels({os.getpid()})"
        subprocess.Popen([sys.executable, "-P", "-c", code], stdin=subprocess.DEVNULL)


def compile_kernels(parent: int) -> None:
    """What a process beside an engine does: `ispd warm`, politely, and only as long as the engine lives."""
    from ispd.runner import kernels

    _end_with(parent)
    os.nice(10)
    kernels.warm(print)


def _die_with(parent: int) -> None:
    """Have the kernel kill us when the daemon dies, however it dies; and see that it has not done so already."""
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    _end_with(parent)


def _end_with(parent: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(EXIT_ORPHAN)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ispd.engine", description="The daemon starts it; nobody else should.")
    parser.add_argument("--fd", type=int, required=True, help="the socket to the daemon")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--parent", type=int, required=True, help="the daemon's process id")
    return parser


if __name__ == "__main__":
    sys.exit(main())
