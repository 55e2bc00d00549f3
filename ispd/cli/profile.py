"""ispd profile: list the profiles there are, show or check them, use an older version again, export one's colors."""

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
  ispd profile rollback learned-nikon-d90                             use the version before this one again
  ispd profile export warm-film --cube warm.cube                      its curve and lattice, for other programs
"""


def add_parser(subparsers: Subparsers) -> None:
    """The command's arguments."""
    parser = add_command(subparsers, "profile", __doc__, EXAMPLES)
    actions = parser.add_subparsers(dest="action", metavar="list | show | check | rollback | export", required=True)
    listing = actions.add_parser("list", help="name, where it comes from, what it is for")
    show_one = actions.add_parser("show", help="one profile as TOML, with every default")
    show_one.add_argument("name", metavar="NAME", help="or a .toml file")
    checking = actions.add_parser("check", help="find every mistake")
    checking.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="these files; else all that are looked up"
    )
    rolling = actions.add_parser(
        "rollback", help="use an older version of a learned profile again",
        description="Use an older version of a learned profile again; the one used now becomes a version beside it.  "
        "What was delivered stays.",
    )  # fmt: skip
    rolling.add_argument("name", metavar="NAME")
    rolling.add_argument("version", metavar="VERSION", nargs="?", type=int, help="else the one before this one")
    exporting = actions.add_parser(
        "export", help="curve and lattice as a .cube, for other programs",
        description="Curve and lattice as one .cube for sRGB pictures that were rendered without a curve, as by the "
        "profile `linear`.  What else the profile does is left out, and named.",
    )  # fmt: skip
    exporting.add_argument("name", metavar="NAME", help="or a .toml file")
    exporting.add_argument("--cube", required=True, type=Path, metavar="FILE", help="written anew; never over a file")
    exporting.add_argument("--size", type=nodes, default=33, metavar="N", help="nodes along an edge (33)")
    for action in (listing, show_one, checking, rolling, exporting):
        add_config(action)
        add_json(action)


def nodes(text: str) -> int:
    """A number of nodes.  Raises ValueError."""
    if not 2 <= int(text) <= 65:
        raise ValueError("2 to 65")
    return int(text)


def run(args: Namespace) -> int:
    """What the action says."""
    actions = {"list": list_all, "show": show, "check": check, "rollback": roll_back, "export": export}
    return actions[args.action](args)


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
        print(f"{entry.name:{width}}  {entry.tier.words:13}  {said(entry)}".rstrip())
    return 0


def said(entry: Entry) -> str:
    """What a profile is for; of a learned one also its version, and how well it holds."""
    from ispd.profile.certificate import how_far_off
    from ispd.sentences import counted

    if entry.profile is None:
        return "broken: `ispd profile check` says why"
    fit, intent = entry.profile.fit, entry.profile.intent
    if fit is None:
        return intent
    learned = f"{counted(fit.pairs, 'pair')}, {how_far_off(fit, digits=2)}"
    version = f"older version, {learned}" if entry.is_version else f"version {fit.version}, {learned}"
    return f"{intent}; {version}" if intent else version


def as_json(entry: Entry) -> dict[str, Any]:
    """One profile for scripts."""
    from ispd import toml

    return {
        "name": entry.name,
        "tier": entry.tier.name.lower(),
        "file": str(entry.path),
        "in_front_of": [str(path) for path in entry.hides],
        "intent": entry.profile.intent if entry.profile else "",
        "is_version": entry.is_version,
        "fit": toml.to_table(entry.profile.fit) if entry.profile and entry.profile.fit else None,
        "match": toml.to_table(entry.match),
        "problems": entry.problems,
    }


def show(args: Namespace) -> int:
    """One profile with every default spelled out.  Raises ConfigError where it is unknown or broken."""
    from ispd.profile import to_toml
    from ispd.profile.profile import to_table

    found = library(args.config)
    profile = found.named(args.name)
    if args.json:
        print_json(to_table(profile))
    else:
        path = args.name if args.name.endswith(".toml") else found.entry(args.name).path
        print(f"# {path}\n{to_toml(profile)[0]}", end="")
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


def roll_back(args: Namespace) -> int:
    """Use an older version again.  Raises ConfigError where the profile is unknown, NoInput where the version is."""
    from ispd.profile import learned

    entry = library(args.config).entry(args.name)
    used = learned.roll_back(entry.path, args.version)
    assert used.fit is not None
    if args.json:
        print_json({"name": used.name, "file": str(entry.path), "version": used.fit.version})
    else:
        print(f"{used.name} is version {used.fit.version} again; pictures that were delivered stay as they are")
    return 0


def export(args: Namespace) -> int:
    """Write the .cube.  Raises ConfigError where the profile is unknown or broken, CannotCreate."""
    from ispd.encode.newfile import new_file
    from ispd.lut import combined, left_out
    from ispd.profile import cube

    profile = library(args.config).named(args.name)
    without = left_out(profile.look)
    about = [
        "Curve and lattice of an ispd profile, sRGB to sRGB, for pictures rendered without a curve",
        f"left out: {', '.join(without) or 'nothing'}, and whatever is done to the raw before",
    ]
    text = cube.written(combined(profile.look, args.size), profile.name, about)
    with new_file(bytes(args.cube)) as file:
        file.write(text.encode())
    if args.json:
        print_json({"name": profile.name, "file": str(args.cube), "size": args.size, "left_out": without})
    else:
        print("\n".join([str(args.cube), *about]))
    return 0
