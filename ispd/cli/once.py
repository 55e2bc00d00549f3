"""ispd once: develop what lies in the watched folders, and come back."""

from __future__ import annotations

import dataclasses
import json
from argparse import Namespace, RawDescriptionHelpFormatter
from typing import Any

from ispd.cli.run import add_config_arguments, config_for

EXAMPLES = """
ispd once --watch ~/Pictures/inbox --deliver ~/Pictures/graded

What was delivered before is not made again.  Exit code 0: nothing is left to do; 1: some photos were not delivered;
65: every one was bad; otherwise what stood in the way (69 exiftool is missing, 73 no room, 75 ispd is running).
"""


def add_parser(subparsers: Any) -> None:
    """The command's arguments."""
    parser = subparsers.add_parser(
        "once", help=(__doc__ or "").partition(": ")[2], epilog=EXAMPLES, formatter_class=RawDescriptionHelpFormatter
    )
    add_config_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print how many photos came out how")


def run(args: Namespace) -> int:
    """One pass."""
    from ispd.daemon import loop
    from ispd.daemon.words import say
    from ispd.sentences import counted

    result = loop.once(config_for(args.config, args.watch, args.deliver))
    for problem in result.problems:
        say(problem)
    say(
        f"{counted(result.delivered, 'photo')} delivered, {result.set_aside} set aside, "
        f"{result.waiting} waiting, {result.failed} failed"
    )
    if args.json:
        print(json.dumps(dataclasses.asdict(result)))
    return result.exit_code
