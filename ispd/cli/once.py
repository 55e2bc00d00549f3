"""ispd once: develop what lies in the watched folders, and come back."""

from __future__ import annotations

import dataclasses
from argparse import Namespace

from ispd.cli.command import Subparsers, add_command, add_json, print_json
from ispd.cli.run import add_config_arguments, config_for
from ispd.sentences import counted

EXAMPLES = """\
examples:
  ispd once --watch ~/Pictures/inbox --deliver ~/Pictures/graded

What was delivered before is not made again.  Exit code 0: nothing is left to do; 1: some photos were not delivered;
65: every one was bad; otherwise what stood in the way (69 exiftool is missing, 73 no room, 75 ispd is running).
"""


def add_parser(subparsers: Subparsers) -> None:
    """The command's arguments."""
    parser = add_command(subparsers, "once", __doc__, EXAMPLES)
    add_config_arguments(parser)
    add_json(parser, "print how many photos came out how")


def run(args: Namespace) -> int:
    """One pass."""
    from ispd.daemon import loop
    from ispd.daemon.words import say

    result = loop.once(config_for(args.config, args.watch, args.deliver))
    say(
        f"{counted(result.delivered, 'photo')} delivered, {result.set_aside} set aside, "
        f"{result.waiting} waiting, {result.failed} failed"
    )
    if args.json:
        print_json(dataclasses.asdict(result))
    return result.exit_code
