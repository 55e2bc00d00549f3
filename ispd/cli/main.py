"""ispd COMMAND …: parse, call the command's module, turn errors into one sentence and an exit code.

People read stderr, scripts read stdout.  Exit codes: ispd.errors; 0 all well, 1 some photos not delivered, 2 usage,
130 interrupted, 141 nobody reads what we print (`| head`).
"""

from __future__ import annotations

import os
import select
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

import ispd
from ispd.errors import IspdError

# each a module of this package with add_parser(subparsers) and run(args) -> int
COMMANDS = (
    *("run", "once", "develop", "status", "jobs", "verify"),
    *("inspect", "explain", "plan", "profile", "config", "demo"),
)


def parser() -> ArgumentParser:
    """The whole command line.  Command modules import what is heavy inside `run`, so that --help is quick."""
    root = ArgumentParser(prog="ispd", description=ispd.__doc__, formatter_class=RawDescriptionHelpFormatter)
    root.add_argument("--version", action="version", version=f"ispd {ispd.__version__}")
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        import_module(f"ispd.cli.{name}").add_parser(commands)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # not every locale has an arrow, and a name may be any bytes
    try:
        try:
            return _run(parser().parse_args(argv))
        finally:
            if sys.stdout:  # a shell can close it
                sys.stdout.flush()  # here: as Python ends, it is too late to notice that nobody reads
    except BrokenPipeError:
        if not _is_unread(sys.stdout.fileno()):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains as it ends
        return 141


def _run(args: Namespace) -> int:
    try:
        code: int = import_module(f"ispd.cli.{args.command}").run(args)
        return code
    except IspdError as error:
        print(f"ispd: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def _is_unread(fd: int) -> bool:
    """Whether the other end of a pipe is closed."""
    poll = select.poll()
    poll.register(fd, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


if __name__ == "__main__":
    sys.exit(main())
