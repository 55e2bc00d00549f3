"""ispd model: import the weights of a published network, and list what has been imported."""

from __future__ import annotations

import dataclasses
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from ispd.cli.command import Subparsers, add_command, add_config, add_json, aligned, print_json
from ispd.errors import BadModel

if TYPE_CHECKING:
    from ispd.models import Model

EXAMPLES = """\
examples:
  ispd model import raw_to_tonemappedHDR.pth --architecture raw-to-tonemapped-hdr -o tonemapped
  ispd model import pynet_level_0.pth --architecture pynet --black 64 -o pynet
  ispd model list

A profile that says backend = "tonemapped" then renders by it.  Weights are their authors': what they allow is shown by
`list` and written into every picture.
"""


def add_parser(subparsers: Subparsers) -> None:
    """The command's arguments."""
    from ispd.models import Architecture

    parser = add_command(subparsers, "model", __doc__, EXAMPLES)
    actions = parser.add_subparsers(dest="action", metavar="import | list", required=True)
    taking = actions.add_parser("import", help="take in a checkpoint: a file of torch, or safetensors")
    taking.add_argument("file", type=Path, metavar="FILE.pth")
    taking.add_argument("--architecture", required=True, choices=get_args(Architecture))
    taking.add_argument("-o", dest="name", required=True, metavar="NAME", help="what profiles call it")
    taking.add_argument("--level", type=int, default=0, metavar="N", help="the level it was trained to; 0 is full size")
    taking.add_argument(
        "--black", type=float, metavar="N", help="pedestal of the camera it was trained for, in ten bits; else as shot"
    )
    taking.add_argument("--white", type=float, default=1023.0, metavar="N", help="that camera's white (1023)")
    taking.add_argument("--license", metavar="TEXT", help="what its authors allow, where they told you otherwise")
    listing = actions.add_parser("list", help="name, architecture, license")
    for action in (taking, listing):
        add_config(action)
        add_json(action)


def run(args: Namespace) -> int:
    """Import or list."""
    return {"import": take_in, "list": list_all}[args.action](args)


def take_in(args: Namespace) -> int:
    """Import one checkpoint.  Raises BadModel, NoInput, CannotCreate."""
    from ispd.config import state_of
    from ispd.import_model import import_model
    from ispd.models import LICENSES, Manifest, models_folder

    wanted = Manifest(
        architecture=args.architecture,
        sha256="",
        license=args.license or LICENSES[args.architecture],
        level=args.level,
        black=args.black,
        white=args.white,
    )
    model = import_model(args.file, args.name, wanted, models_folder(state_of(args.config)))
    if args.json:
        print_json(as_json(model))
    else:
        print(model.folder)
    print(f"ispd: license of {model.name}: {model.manifest.license}", file=sys.stderr)
    return 0


def list_all(args: Namespace) -> int:
    """One line a model; broken ones are told on stderr."""
    from ispd import models
    from ispd.config import state_of

    folder = models.models_folder(state_of(args.config))
    found, problems = [], []
    for name in models.names(folder):
        try:
            found.append(models.find(folder, name))
        except BadModel as error:
            problems.append(str(error))
    if args.json:
        print_json({"models": [as_json(model) for model in found], "problems": problems})
    elif found:
        rows = [
            (model.name, f"{m.architecture}, level {m.level}", m.license) for model in found if (m := model.manifest)
        ]
        print(aligned(rows))
    for problem in problems:
        print(f"ispd: {problem}", file=sys.stderr)
    return BadModel.exit_code if problems else 0


def as_json(model: Model) -> dict[str, Any]:
    """One model for scripts."""
    return {"name": model.name, "folder": str(model.folder), **dataclasses.asdict(model.manifest)}
