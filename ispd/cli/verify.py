"""ispd verify: whether all delivered pictures are still there and whole, by the digests of the ledger."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ispd.cli.command import Subparsers, add_command, add_config, add_json, print_json
from ispd.errors import MachineError
from ispd.sentences import counted, shown

if TYPE_CHECKING:
    from ispd.daemon.ledger.rows import Job

EXAMPLES = """\
examples:
  ispd verify            nothing is written, and nothing is made again
  ispd verify --json     [{"verdict": "missing", "path": …, "job": …, "sentence": …}, …]

What is missing can be made again by `ispd jobs retry --missing`.
"""


def add_parser(subparsers: Subparsers) -> None:
    """The command's arguments."""
    parser = add_command(subparsers, "verify", __doc__, EXAMPLES)
    add_config(parser)
    add_json(parser)


@dataclass(frozen=True)
class Finding:
    """One delivered picture."""

    verdict: str  # "whole", "missing", "changed", "unreadable"; "replaced": gone, but `jobs retry` made a later one
    path: bytes
    job: int
    sentence: str = ""


def run(args: Namespace) -> int:
    """0: all whole; 1: some are not."""
    from ispd.config import find_config, read_config
    from ispd.daemon.ledger.reading import read_ledger

    config = read_config(find_config(args.config))
    with read_ledger(config.state) as ledger:
        jobs = ledger.delivered()
        last = {job.id for job in ledger.last_delivered()}
        marks = {folder.deliver: folder.mark for folder in ledger.folders()}
    findings = list(_with_progress(_findings(jobs, last, marks), sum(len(job.products) for job in jobs)))
    findings = [finding for finding in findings if finding.verdict != "replaced"]
    bad = [finding for finding in findings if finding.verdict != "whole"]
    if args.json:
        print_json([_plain(finding) for finding in bad])
    elif bad:
        print("\n".join(map(_line, bad)))
    pictures = counted(len(findings), "picture")
    print(f"{len(bad)} of {pictures} not as delivered" if bad else f"{pictures} as delivered", file=sys.stderr)
    return 1 if bad else 0


def _findings(jobs: tuple[Job, ...], last: set[int], marks: dict[bytes, str]) -> Iterator[Finding]:
    from ispd.publish import verify
    from ispd.publish.names import join

    away = {deliver: _away(deliver, mark) for deliver, mark in marks.items()}
    for job in jobs:
        for product in job.products:
            path = join(job.deliver, product.name)
            try:
                if sentence := away.get(job.deliver):
                    yield Finding("unreadable", path, job.id, sentence)
                else:
                    verdict = verify(job.deliver, product.name, product.sha256)
                    is_replaced = verdict == "missing" and job.id not in last
                    yield Finding("replaced" if is_replaced else verdict, path, job.id)
            except MachineError as error:
                yield Finding("unreadable", path, job.id, str(error))


def _away(deliver: bytes, mark: str) -> str:
    """Why a deliver folder cannot be looked at; a folder that is not mounted has lost nothing."""
    from ispd.publish import check_mounted

    try:
        check_mounted(deliver, mark)
    except MachineError as error:
        return str(error)
    return ""


def _with_progress(findings: Iterator[Finding], total: int) -> Iterator[Finding]:
    """A count on a terminal; silence elsewhere."""
    for number, finding in enumerate(findings, 1):
        if sys.stderr.isatty():
            print(f"\r{number} of {total}", end="\n" if number == total else "", file=sys.stderr, flush=True)
        yield finding


def _line(finding: Finding) -> str:
    reason = f": {finding.sentence}" if finding.sentence else ""
    return f"{finding.verdict:10}  {shown(finding.path)}  (job {finding.job}){reason}"


def _plain(finding: Finding) -> dict[str, object]:
    return {
        "verdict": finding.verdict,
        "path": os.fsdecode(finding.path),
        "job": finding.job,
        "sentence": finding.sentence,
    }
