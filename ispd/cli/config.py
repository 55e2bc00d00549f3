"""ispd config: check the config, show it with every default, or write a first one."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ispd.cli.command import Subparsers, add_command, add_config, add_json, print_json
from ispd.errors import ConfigError

if TYPE_CHECKING:
    from ispd.config import Config

EXAMPLES = """\
examples:
  ispd config init --watch ~/Pictures/inbox --deliver ~/Pictures/graded
      writes ~/.config/ispd/ispd.toml (or --config FILE), never over a file that is there
  ispd config check
      every mistake with file, line and key; exit code 78 if there are any
  ispd config show
      what holds, with every default spelled out
"""


def add_parser(subparsers: Subparsers) -> None:
    """The command's arguments."""
    parser = add_command(subparsers, "config", __doc__, EXAMPLES)
    actions = parser.add_subparsers(dest="action", metavar="check | show | init", required=True)
    for name, words in (("check", "find every mistake"), ("show", "print it with every default")):
        action = actions.add_parser(name, help=words)
        add_config(action)
        add_json(action)
    init = actions.add_parser("init", help="write a first config")
    init.add_argument("--config", type=Path, metavar="FILE", help="write it here")
    init.add_argument("--watch", type=Path, metavar="DIR", required=True, help="where photos come from")
    init.add_argument("--deliver", type=Path, metavar="DIR", required=True, help="where pictures go")
    init.add_argument("--dry-run", action="store_true", help="print it instead of writing it")


def run(args: Namespace) -> int:
    """Check, show or init."""
    return {"check": check, "show": show, "init": init}[args.action](args)


def check(args: Namespace) -> int:
    """Every mistake; what is no mistake but stands in the way is said on stderr."""
    from ispd.config import find_config, read_config

    path = find_config(args.config)
    try:
        config = read_config(path)
    except ConfigError as error:
        if not args.json:
            raise
        print_json({"file": str(path), "problems": error.problems, "warnings": []})
        return error.exit_code
    warned = list(warnings(config))
    if args.json:
        print_json({"file": str(path), "problems": [], "warnings": warned})
        return 0
    for sentence in warned:
        print(f"ispd: {sentence}", file=sys.stderr)
    print(f"{path}: no mistakes; {', '.join(f'{folder.watch} → {folder.deliver}' for folder in config.folders)}")
    return 0


def warnings(config: Config) -> Iterator[str]:
    """What a config may say, but its owner may not have meant."""
    from ispd.config import library_at

    for folder in config.folders:
        if not folder.watch.is_dir():
            yield f"{folder.watch} is not there; photos are developed once it is"
    yield from library_at(config.source).problems


def show(args: Namespace) -> int:
    """All of it, defaults included."""
    from ispd import toml
    from ispd.config import find_config, read_config

    config = read_config(find_config(args.config))
    table = toml.to_table(config)
    if args.json:
        print_json(table)
    else:
        print(f"# {config.source}\n{toml.write(table)}", end="")
    return 0


def init(args: Namespace) -> int:
    """Write a commented first config for one folder."""
    from ispd.config import first_config, write_config
    from ispd.profile.library import config_home

    if args.dry_run:
        print(first_config(args.watch, args.deliver), end="")
        return 0
    path = args.config or config_home() / "ispd.toml"
    write_config(path, args.watch, args.deliver)
    print(path)
    return 0
