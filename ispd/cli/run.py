"""ispd run: watch folders and develop what comes into them, until told to stop."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ispd.cli.command import Subparsers, add_command, add_config
from ispd.errors import ConfigError, NoInput

if TYPE_CHECKING:
    from ispd.config import Config

EXAMPLES = """\
examples:
  ispd run --watch ~/Pictures/inbox --deliver ~/Pictures/graded
      the first time: writes ~/.config/ispd/ispd.toml with this folder, and begins
  ispd run
      from then on: all folders of the config
  ispd run --watch A --deliver B
      with a config that does not have this folder: this one alone, with the config's other settings
      (engine, patience, profiles); the file is left as it is

SIGTERM ends it (photos under way get 20 s), SIGHUP reads the config and the profiles again.
"""


def add_parser(subparsers: Subparsers) -> None:
    """The command's arguments."""
    parser = add_command(subparsers, "run", __doc__, EXAMPLES)
    add_config_arguments(parser)


def run(args: Namespace) -> int:
    """Watch until SIGTERM."""
    from ispd.daemon.service import Signals

    with closing(Signals()) as signals:  # before anything slow: one that comes meanwhile is heard as soon as we watch
        from ispd.daemon import loop

        first = config_for(args.config, args.watch, args.deliver)
        return loop.run(partial(config_again, first.source, args.watch, args.deliver), signals)


def add_config_arguments(parser: ArgumentParser) -> None:
    """--config, --watch, --deliver: which folders."""
    add_config(parser)
    parser.add_argument("--watch", type=Path, metavar="DIR", help="look for photos here and below")
    parser.add_argument("--deliver", type=Path, metavar="DIR", help="put the pictures here; goes with --watch")


def config_for(argument: Path | None, watch: Path | None, deliver: Path | None) -> Config:
    """The config that holds, with a first one written where there is none yet and the folder is named.

    Raises ConfigError with a sentence on how to begin, NoInput where the folder to watch is not there.
    """
    from ispd.config import find_config, read_config, write_config
    from ispd.daemon.words import say
    from ispd.profile.library import config_home

    if (watch is None) != (deliver is None):
        raise ConfigError("--watch and --deliver go together: where photos come from, where pictures go")
    try:
        source = find_config(argument)
    except ConfigError as error:
        if watch is None:
            raise ConfigError(
                "there is no config yet; begin with: ispd run --watch ~/Pictures/inbox --deliver ~/Pictures/graded"
            ) from error
        source = config_home() / "ispd.toml"
    if watch is None or deliver is None:
        return read_config(source)
    if not watch.expanduser().is_dir():
        raise NoInput(f"{watch} is not there: which folder do your photos come into?")
    if not source.exists():
        config = write_config(source, watch, deliver)
        say(f"{source} is written: it watches {watch} and delivers to {deliver}")
        return config
    return config_again(source, watch, deliver)


def config_again(source: Path, watch: Path | None, deliver: Path | None) -> Config:
    """The config in `source`; with a folder named that it does not have, that one alone."""
    from ispd.config import Folder, read_config
    from ispd.daemon.words import say

    config = read_config(source)
    if watch is None or deliver is None:
        return config
    wanted = (watch.expanduser().resolve(), deliver.expanduser().resolve())
    if any((folder.watch.resolve(), folder.deliver.resolve()) == wanted for folder in config.folders):
        return config
    say(f"{source} does not have this folder: only {wanted[0]} is watched; add it there as [[folder]] to keep it")
    return replace(config, folders=(Folder(watch=wanted[0], deliver=wanted[1]),))
