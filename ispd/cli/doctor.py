"""ispd doctor: what this machine has for ispd, what it lacks, and what to do about it."""

from __future__ import annotations

import os
import shutil
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal, TypeAlias

from ispd.cli.command import Subparsers, add_command, add_config, add_json, aligned, print_json
from ispd.errors import ConfigError, IspdError, MissingTool
from ispd.sentences import counted

EXAMPLES = """\
examples:
  ispd doctor           exit code 0: ispd can work here; else that of the first problem
  ispd doctor --json    [{"subject": "exiftool", "verdict": "ok", "sentence": …}, …]

Nothing is written.  A "note" costs speed or safety, a "problem" keeps photos waiting.
"""

Verdict: TypeAlias = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    verdict: Verdict
    sentence: str


def add_parser(subparsers: Subparsers) -> None:
    """The command's arguments."""
    parser = add_command(subparsers, "doctor", __doc__, EXAMPLES)
    add_config(parser)
    add_json(parser)


def run(args: Namespace) -> int:
    """Look at everything, whatever the first thing says."""
    code, findings = 0, list[Finding]()
    for subject, look in examinations(args.config):
        try:
            findings += (Finding(subject, verdict, sentence) for verdict, sentence in look())
        except IspdError as error:
            findings.append(Finding(subject, "problem", str(error)))
            code = code or error.exit_code
    if args.json:
        print_json([asdict(finding) for finding in findings])
    else:
        print(aligned([(each.verdict, each.subject, each.sentence) for each in findings]))
    return code


Examination: TypeAlias = Callable[[], Iterator[tuple[Verdict, str]]]


def examinations(config: Path | None) -> list[tuple[str, Examination]]:
    """What is looked at, in the order of a photo's way.  Each raises IspdError where ispd cannot work so."""
    return [
        ("config", lambda: _config(config)),
        ("decoders", _decoders),
        ("torch", _torch),
        ("kernels", _kernels),
        ("lens data", _lens_data),
        ("exiftool", _exiftool),
    ]


def _config(argument: Path | None) -> Iterator[tuple[Verdict, str]]:
    from ispd.cli.config import warnings
    from ispd.config import find_config, read_config

    try:
        path = find_config(argument)
    except ConfigError as error:
        yield "note", str(error)
        return
    config = read_config(path)
    yield "ok", f"{path}: {counted(len(config.folders), 'folder')}"
    for sentence in warnings(config):
        yield "note", sentence
    for folder in config.folders:
        if folder.watch.is_dir() and not os.access(folder.watch, os.R_OK | os.X_OK):
            yield "note", f"{folder.watch} may not be read by the user that asks now"
        if folder.deliver.is_dir() and not os.access(folder.deliver, os.W_OK | os.X_OK):
            yield "note", f"{folder.deliver} may not be written by the user that asks now"


def _decoders() -> Iterator[tuple[Verdict, str]]:
    from ispd.decode.cell import Cell

    with Cell() as cell:
        yield "ok", ", ".join(cell.readers)
        if lacking := cell.confinement:
            yield "note", f"they are less locked in than they could be: {', '.join(lacking)}"


def _torch() -> Iterator[tuple[Verdict, str]]:
    from ispd.runner.device import load_torch

    torch = load_torch()
    if torch.cuda.is_available():
        yield "ok", f"{torch.__version__}, {torch.cuda.get_device_name()}"
    else:
        cores = len(os.sched_getaffinity(0))
        yield "ok", f"{torch.__version__}; no graphics card that it can use: {counted(cores, 'core')} of the CPU render"


def _kernels() -> Iterator[tuple[Verdict, str]]:
    from ispd.runner import kernels

    if problem := kernels.missing():
        yield "note", f"{problem}; torch renders, several times slower"
    elif kernels.is_warm():
        yield "ok", f"numba {version('numba')}, compiled in {kernels.kept_in()}"
    else:
        yield "note", "not compiled yet: `ispd warm` does it, once; until then torch renders, several times slower"


def _lens_data() -> Iterator[tuple[Verdict, str]]:
    try:
        yield "ok", f"lensfunpy {version('lensfunpy')}"
    except PackageNotFoundError:
        yield (
            "note",
            "only a file's own lens corrections are known: `pip install 'ispd[lens]'` brings lensfun's",
        )


def _exiftool() -> Iterator[tuple[Verdict, str]]:
    from ispd.metadata.exiftool import ExifTool

    if (path := shutil.which("exiftool")) is None:
        raise MissingTool("exiftool is not on PATH: install libimage-exiftool-perl")
    with ExifTool() as door:
        yield "ok", f"{door.version()}, {path}"
