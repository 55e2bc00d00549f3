"""What the commands share: how `--help` introduces them, options that mean the same everywhere, JSON, columns."""

from __future__ import annotations

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter, _SubParsersAction
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from ispd.errors import MachineError, NoInput, PhotoError
from ispd.sentences import shown

Subparsers: TypeAlias = "_SubParsersAction[ArgumentParser]"


def add_command(subparsers: Subparsers, name: str, doc: str | None, examples: str) -> ArgumentParser:
    """The parser of a command; `doc` is its module's docstring: "ispd NAME: what it does"."""
    return subparsers.add_parser(
        name,
        help=(doc or "").partition(": ")[2],
        description=doc,
        epilog=examples,
        formatter_class=RawDescriptionHelpFormatter,
    )


def add_config(parser: ArgumentParser) -> None:
    """--config FILE"""
    parser.add_argument("--config", type=Path, metavar="FILE", help="this config instead of the usual one")


def add_json(parser: ArgumentParser, what: str = "for scripts") -> None:
    """--json"""
    parser.add_argument("--json", action="store_true", help=what)


@contextmanager
def about(path: bytes) -> Iterator[None]:
    """Errors inside begin with the file's name: several files may have been named."""
    try:
        yield
    except (PhotoError, NoInput, MachineError) as error:
        raise type(error)(f"{shown(path)}: {error}") from error


def print_json(value: object) -> None:
    """Data on stdout.  ASCII alone: a path of any bytes can be printed, and comes back by os.fsencode."""
    print(json.dumps(value, indent=2))


def print_json_line(value: object) -> None:
    """The same, one of many, as soon as it is known."""
    print(json.dumps(value), flush=True)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows as lines, each column as wide as its widest text; the last is left as long as it is."""
    *widths, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    lines = ([*map(str.ljust, row, widths), row[-1]] for row in rows)
    return "\n".join("  ".join(line).rstrip() for line in lines)
