"""ispd status: what is going on: photos by state, engines, folders, what is wrong."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from ispd.cli.command import Subparsers, add_command, add_config, add_json, print_json
from ispd.errors import ConfigError
from ispd.sentences import counted

EXAMPLES = """\
examples:
  ispd status           for people
  ispd status --json    for scripts

Works without a running daemon: the ledger tells what was done so far.
"""


def add_parser(subparsers: Subparsers) -> None:
    """The command's arguments."""
    parser = add_command(subparsers, "status", __doc__, EXAMPLES)
    add_config(parser)
    add_json(parser)


def run(args: Namespace) -> int:
    """Ask the daemon, else the ledger."""
    from ispd.config import find_config, read_config, state_of_broken

    source = Path()
    try:
        source = find_config(args.config)
        report = report_of(read_config(source).state)
    except ConfigError as error:
        # a config that was broken after the daemon read it must not hide the daemon
        if (answer := ask(state_of_broken(source))) is None:
            raise
        heard = "\n".join(answer["problems"])  # the daemon may have been told to read it again
        report = answer | {"problems": [*answer["problems"], *(each for each in error.problems if each not in heard)]}
    if args.json:
        print_json(report)
    else:
        print(text(report))
    return 0


def report_of(state: Path) -> dict[str, Any]:
    """What the daemon says, else what the ledger in `state` tells.  Raises NoInput where there is none."""
    from ispd.daemon.ledger.reading import read_ledger
    from ispd.daemon.state import report_without_daemon

    if (report := ask(state)) is not None:
        return report
    with read_ledger(state) as reading:
        return report_without_daemon(reading.counts())


def ask(state: Path) -> dict[str, Any] | None:
    """The running daemon's report; None: there is none."""
    from ispd.daemon.socket import request, socket_path

    return request(socket_path(state), {"ask": "status"})


def text(report: dict[str, Any]) -> str:
    """The report for people.

    >>> print(text({"daemon": None, "queue": {"queued": 2, "delivered": 0}, "engines": [], "folders": [],
    ...             "problems": []}))
    ispd is not running
    photos    2 queued
    """
    daemon = report["daemon"]
    lines = [f"ispd {daemon['version']} runs, process {daemon['pid']}" if daemon else "ispd is not running"]
    lines.append(f"photos    {_numbers(report['queue'])}")
    for engine in report["engines"]:
        lines.append(f"engine    {engine['state']}, {counted(engine['orders'], 'photo')} in hand")
        if engine["unconfined"]:
            lines.append(f"          decoders are less locked in than they could be: {', '.join(engine['unconfined'])}")
    if learning := report.get("learning"):
        lines.append(f"learning  the look of {learning['camera']}, from {counted(learning['pairs'], 'pair')}")
    for folder in report["folders"]:
        lines += _folder(folder)
    lines += [f"problem   {problem}" for problem in report["problems"]]
    return "\n".join(lines)


def _folder(folder: dict[str, Any]) -> list[str]:
    lines = [f"folder    {folder['watch']} → {folder['deliver']}: {_numbers(folder['photos'])}"]
    if folder.get("watching") == "scans":
        lines.append(f"          scanned every few seconds, not watched: {folder['why']}")
    if folder.get("publish") not in (None, "link"):
        lines.append(f"          final names are taken by {folder['publish']}: the file system has no hard links")
    return lines


def _numbers(counts: dict[str, int]) -> str:
    said = [f"{number} {name.replace('_', ' ')}" for name, number in counts.items() if number]
    return ", ".join(said) or "none yet"
