"""ispd warm: compile the fast form of the renderer, once per machine and version."""

from __future__ import annotations

import sys
from argparse import Namespace

from ispd.cli.command import Subparsers, add_command
from ispd.errors import CannotCreate, MissingTool

EXAMPLES = """\
examples:
  ispd warm             some seconds, once; safe to run again

An engine does it by itself, aside, when it starts; until it is done photos take the slower way, and wait for nothing.
"""


def add_parser(subparsers: Subparsers) -> None:
    """The command's arguments."""
    add_command(subparsers, "warm", __doc__, EXAMPLES)


def run(args: Namespace) -> int:
    """Compile what is not compiled yet."""
    from ispd.runner import kernels

    if problem := kernels.missing():
        raise MissingTool(problem)
    kernels.warm(lambda sentence: print(f"ispd: {sentence}", file=sys.stderr))
    if not kernels.is_warm():
        raise CannotCreate("nothing can be kept: neither ~/.cache nor $XDG_CACHE_HOME can be written")
    print(f"ispd: compiled, in {kernels.kept_in()}", file=sys.stderr)
    return 0
