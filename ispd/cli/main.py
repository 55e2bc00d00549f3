"""ispd COMMAND …: parse, call the command's module, turn errors into one sentence and an exit code.

People read stderr, scripts read stdout.  Exit codes: ispd.errors; 0 all well, 1 some photos not delivered, 2 usage.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module

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
    args = parser().parse_args(argv)
    try:
        code: int = import_module(f"ispd.cli.{args.command}").run(args)
        return code
    except IspdError as error:
        print(f"ispd: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
