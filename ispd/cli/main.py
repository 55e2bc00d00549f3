"""ispd COMMAND …: parse, call the command's module, turn errors into one sentence and an exit code.

People read stderr, scripts read stdout.  Exit codes: ispd.errors; 0 all well, 1 some photos not delivered, 2 usage,
130 interrupted, 141 nobody reads what we print (`| head`).
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

import ispd
from ispd.errors import CannotCreate, IspdError, NotPermitted

# each a module of this package with add_parser(subparsers) and run(args) -> int
COMMANDS = (
    *("run", "once", "develop", "fit", "status", "jobs", "verify"),
    *("inspect", "explain", "plan", "profile", "model", "config", "warm", "doctor", "demo"),
)


def parser(names: Sequence[str] = COMMANDS) -> ArgumentParser:
    """The command line of these commands.  Their modules import what is heavy inside `run`, so that --help is quick."""
    root = ArgumentParser(prog="ispd", description=ispd.__doc__, formatter_class=RawDescriptionHelpFormatter)
    root.add_argument("--version", action="version", version=f"ispd {ispd.__version__}")
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in names:
        import_module(f"ispd.cli.{name}").add_parser(commands)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # before numpy is loaded, for all that we start too: its idle threads spin, an eighth of all CPU seconds of a batch
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # not every locale has an arrow, and a name may be any bytes
    try:
        try:
            return _run(sys.argv[1:] if argv is None else argv)
        finally:
            if sys.stdout:  # a shell can close it
                sys.stdout.flush()  # here: as Python ends, it is too late to notice that nobody reads
    except OSError:
        if (trouble := _trouble_printing()) is None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains as it ends
        if isinstance(trouble, BrokenPipeError):
            return 141
        print(f"ispd: what it prints cannot be written: {trouble.strerror}", file=sys.stderr)
        return CannotCreate.exit_code


def _run(words: Sequence[str]) -> int:
    try:
        # what one command needs and no more: `run` takes signals only once it is loaded
        args = parser(words[:1] if words and words[0] in COMMANDS else COMMANDS).parse_args(words)
        code: int = import_module(f"ispd.cli.{args.command}").run(args)
        return code
    except IspdError as error:
        print(f"ispd: {error}", file=sys.stderr)
        return error.exit_code
    except PermissionError as error:  # a file that its owner keeps from us, wherever it was met
        print(f"ispd: {error.filename or 'something'}: ispd's user may not use it ({error.strerror})", file=sys.stderr)
        return NotPermitted.exit_code
    except KeyboardInterrupt:
        return 130


def _trouble_printing() -> OSError | None:
    """Why nobody gets what is printed, if that is so.  Asked by one more line: what failed before may not wait."""
    try:
        os.write(sys.stdout.fileno(), b"\n")
    except OSError as error:
        return error
    return None


if __name__ == "__main__":
    sys.exit(main())
