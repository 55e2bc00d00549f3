"""ispd develop: develop photos now, without a watched folder or a daemon."""

from __future__ import annotations

import os
import sys
import time
from argparse import ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from ispd.cli.command import Subparsers, add_command, add_json, print_json_line
from ispd.config import device_problem
from ispd.errors import MachineError, NoInput, PhotoError
from ispd.orders import Delivered, Failed, Format, Outcome, SetAside, Waiting
from ispd.profile import open_library
from ispd.sentences import shown

if TYPE_CHECKING:
    from ispd.darkroom import Darkroom, Wish
    from ispd.profile import Library

EXAMPLES = """\
examples:
  ispd develop IMG_1.DNG IMG_2.NEF -o graded --profile warm-film --format tiff
"""


def add_parser(subparsers: Subparsers) -> None:
    """The command's arguments."""
    parser = add_command(subparsers, "develop", __doc__, EXAMPLES)
    parser.add_argument("photos", nargs="+", type=Path, metavar="FILE", help="raw photos; they are only read")
    parser.add_argument("-o", dest="deliver", type=Path, required=True, metavar="DIR", help="where the pictures go")
    parser.add_argument("--profile", metavar="P", help="a profile's name or a .toml file (default: what matches)")
    parser.add_argument("--format", choices=get_args(Format), help="instead of the profile's own outputs")
    parser.add_argument(
        "--device", type=_device, default="auto", help='"cpu", "cuda", "cuda:1" (default: a graphics card if any)'
    )
    add_json(parser, "one JSON object a photo, a line each")


def _device(name: str) -> str:
    if problem := device_problem(name):
        raise ArgumentTypeError(f'"{name}" {problem}')
    return name


def run(args: Namespace) -> int:
    """Develop each photo and say what came of it."""
    from ispd.config import state_of
    from ispd.darkroom import Darkroom, Wish  # brings torch
    from ispd.models import models_folder

    library = open_library()
    wish = Wish(args.deliver, None if args.profile is None else library.named(args.profile), args.format)
    with Darkroom(args.device, models_folder(state_of())) as darkroom:
        codes = {_develop(darkroom, photo, wish, library, args.json) for photo in args.photos}
    return codes.pop() if len(codes) == 1 else 1


def _develop(darkroom: Darkroom, photo: Path, wish: Wish, library: Library, as_json: bool) -> int:
    """0 delivered, 65 bad input, 66 not there, what is in the way, 1 a bug: the exit code if all photos end so."""
    start = time.monotonic()
    try:
        outcome = darkroom.develop(os.fsencode(photo), wish, library)
        code = _code(outcome)
    except (NoInput, MachineError) as error:
        outcome, code = Waiting(str(error)), error.exit_code
    _say(photo, outcome, time.monotonic() - start, as_json)
    return code


def _code(outcome: Outcome) -> int:
    match outcome:
        case Delivered():
            return 0
        case SetAside():
            return PhotoError.exit_code
        case Waiting():
            return MachineError.exit_code
        case Failed():
            return 1


def _say(photo: Path, outcome: Outcome, seconds: float, as_json: bool) -> None:
    """The paths on stdout, for scripts; sentences on stderr, for people."""
    name = shown(os.fsencode(photo))
    if as_json:
        paths = outcome.paths if isinstance(outcome, Delivered) else ()
        print_json_line(
            {
                "photo": str(photo),
                "outcome": type(outcome).__name__,
                "seconds": round(seconds, 2),
                **vars(outcome),
                "paths": [os.fsdecode(path) for path in paths],
            }
        )
    elif isinstance(outcome, Delivered):
        for path in outcome.paths:
            print(shown(path), flush=True)
        for warning in outcome.warnings:
            print(f"ispd: {name}: {warning}", file=sys.stderr)
    else:
        print(f"ispd: {name}: {outcome.reason}", file=sys.stderr)
