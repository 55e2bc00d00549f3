"""ispd profile: list the profiles there are, show one with every default, or check them."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ispd.cli.command import Subparsers, add_command, add_config, add_json, print_json
from ispd.errors import ConfigError

if TYPE_CHECKING:
    from ispd.profile import Library
    from ispd.profile.library import Entry

EXAMPLES = """\
examples:
  ispd profile list
  ispd profile show warm-film > ~/.config/ispd/profiles/mine.toml     a start for one of your own: change its name
  ispd profile check                                                  all of them, and whether two of them tie
  ispd profile check mine.toml                                        one file, wherever it lies
"""


def add_parser(subparsers: Subparsers) -> None:
    """The command's arguments."""
    parser = add_command(subparsers, "profile", __doc__, EXAMPLES)
    actions = parser.add_subparsers(dest="action", metavar="list | show | check", required=True)
    listing = actions.add_parser("list", help="name, where it comes from, what it is for")
    show_one = actions.add_parser("show", help="one profile as TOML, with every default")
    show_one.add_argument("name", metavar="NAME")
    checking = actions.add_parser("check", help="find every mistake")
    checking.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="these files; else all that are looked up"
    )
    for action in (listing, show_one, checking):
        add_config(action)
        add_json(action)


def run(args: Namespace) -> int:
    """List, show or check."""
    return {"list": list_all, "show": show, "check": check}[args.action](args)


def library(argument: Path | None) -> Library:
    """What can be looked up, even where the config has mistakes elsewhere."""
    from ispd.config import find_config, library_at

    try:
        return library_at(find_config(argument))
    except ConfigError:
        if argument is not None:
            raise
        return library_at(None)


def list_all(args: Namespace) -> int:
    """One line a profile; broken ones are told on stderr."""
    found = library(args.config)
    if args.json:
        print_json([as_json(entry) for entry in found.entries])
        return 0
    width = max((len(entry.name) for entry in found.entries), default=0)
    for entry in found.entries:
        intent = entry.profile.intent if entry.profile else "broken: `ispd profile check` says why"
        print(f"{entry.name:{width}}  {entry.tier.words:13}  {intent}")
    return 0


def as_json(entry: Entry) -> dict[str, Any]:
    """One profile for scripts."""
    from ispd import toml

    return {
        "name": entry.name,
        "tier": entry.tier.name.lower(),
        "file": str(entry.path),
        "in_front_of": [str(path) for path in entry.hides],
        "intent": entry.profile.intent if entry.profile else "",
        "match": toml.to_table(entry.match),
        "problems": entry.problems,
    }


def show(args: Namespace) -> int:
    """One profile with every default spelled out.  Raises ConfigError where it is unknown or broken."""
    from ispd.profile import to_toml
    from ispd.profile.profile import to_table

    found = library(args.config)
    profile = found.get(args.name)
    if args.json:
        print_json(to_table(profile))
    else:
        print(f"# {found.entry(args.name).path}\n{to_toml(profile)[0]}", end="")
    return 0


def check(args: Namespace) -> int:
    """Every mistake in the named files, else in every profile there is."""
    problems = file_problems(args.files) if args.files else library(args.config).problems
    if args.json:
        print_json({"problems": problems})
    elif problems:
        print("\n".join(f"ispd: {problem}" for problem in problems), file=sys.stderr)
    else:
        print("no mistakes")
    return ConfigError.exit_code if problems else 0


def file_problems(files: list[Path]) -> tuple[str, ...]:
    """What is wrong with these files."""
    from ispd.profile import read_profile

    found: list[str] = []
    for path in files:
        try:
            read_profile(path)
        except ConfigError as error:
            found += error.problems
    return tuple(found)
