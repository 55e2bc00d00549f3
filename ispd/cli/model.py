"""ispd model: import the weights of a published network, list what there is, train one, or measure it."""

from __future__ import annotations

import dataclasses
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from ispd.cli.command import Subparsers, add_command, add_config, add_json, aligned, print_json
from ispd.errors import BadModel, ConfigError, NoInput

if TYPE_CHECKING:
    from ispd.models import Model
    from ispd.nets.hdr_unet import HdrUNet
    from ispd.nets.train.evaluate import Develop

EXAMPLES = """\
examples:
  ispd model import raw_to_tonemappedHDR.pth --architecture raw-to-tonemapped-hdr -o tonemapped
  ispd model import pynet_level_0.pth --architecture pynet --black 64 -o pynet
  ispd model list
  ispd model train tonemapped.toml        goes on where it was stopped
  ispd model eval tonemapped --data DIR   of DIR/test, a line a pair and the means
  ispd model eval hdr-unet --radiance DIR   beside ispd's own pipeline, on shots simulated of every .hdr and .exr there

A profile that says backend = "tonemapped" then renders by it.  Weights are their authors': what they allow is shown by
`list` and written into every picture.
"""


def add_parser(subparsers: Subparsers) -> None:
    """The command's arguments."""
    from ispd.models import Published

    parser = add_command(subparsers, "model", __doc__, EXAMPLES)
    actions = parser.add_subparsers(dest="action", metavar="import | list | train | eval", required=True)
    taking = actions.add_parser("import", help="take in a checkpoint: a file of torch, or safetensors")
    taking.add_argument("file", type=Path, metavar="FILE.pth")
    taking.add_argument("--architecture", required=True, choices=get_args(Published))
    taking.add_argument("-o", dest="name", required=True, metavar="NAME", help="what profiles call it")
    taking.add_argument("--level", type=int, default=0, metavar="N", help="the level it was trained to; 0 is full size")
    taking.add_argument(
        "--black", type=float, metavar="N", help="pedestal of the camera it was trained for, in ten bits; else as shot"
    )
    taking.add_argument("--white", type=float, default=1023.0, metavar="N", help="that camera's white (1023)")
    taking.add_argument("--license", metavar="TEXT", help="what its authors allow, where they told you otherwise")
    listing = actions.add_parser("list", help="name, architecture, license")
    training = actions.add_parser("train", help="train hdr-unet or a published network by a recipe in TOML")
    training.add_argument("recipe", type=Path, metavar="CONFIG.toml")
    training.add_argument("--until", type=int, default=1 << 60, metavar="STEP", help="stop there; run again to go on")
    measuring = actions.add_parser("eval", help="compare a model's pictures with wanted ones")
    measuring.add_argument("name", metavar="NAME")
    against = measuring.add_mutually_exclusive_group(required=True)
    against.add_argument("--data", type=Path, metavar="DIR", help="has test/ with mosaics, pictures")
    against.add_argument("--radiance", type=Path, metavar="DIR", help="has .hdr and .exr; hdr-unet is measured too")
    measuring.add_argument("--seed", type=int, default=0, metavar="N", help="another list of views of the maps (0)")
    measuring.add_argument(
        "--weights", type=Path, metavar="FILE", help="hdr-unet's, instead of those that it ships with"
    )
    measuring.add_argument("--device", default="auto", metavar="D", help="auto, cpu or cuda")
    for action in (taking, listing, measuring):
        add_config(action)
        add_json(action)


def run(args: Namespace) -> int:
    """Import, list, train or measure."""
    return {"import": take_in, "list": list_all, "train": train, "eval": evaluate}[args.action](args)


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


def train(args: Namespace) -> int:
    """Train by a recipe, a line of JSON a step on stdout.  Raises ConfigError, NoInput, CannotCreate, BadModel."""
    import os

    from ispd import toml
    from ispd.models import OWN
    from ispd.nets.train.recipe import Recipe, Shots, problems, silent
    from ispd.runner.device import choose_device

    page = toml.load(args.recipe)
    simulates = page.table.keys() & {"maps", "photos"} or page.table.get("architecture") == OWN
    reading = toml.Reading(page)
    recipe: Recipe | Shots | None = reading.table(Shots) if simulates else reading.table(Recipe)
    reading.finish()
    assert recipe is not None  # what could not be made has left a problem
    beside = args.recipe.absolute().parent
    places = {name: beside / place.expanduser() for name, place in vars(recipe).items() if isinstance(place, Path)}
    recipe = dataclasses.replace(recipe, **places)
    if found := silent(recipe) if isinstance(recipe, Shots) else problems(recipe):
        raise ConfigError(*(f"{args.recipe}: {problem}" for problem in found))

    import torch

    from ispd.nets.train import published, shots

    torch.set_num_threads(recipe.threads or len(os.sched_getaffinity(0)))
    device = torch.device(choose_device(recipe.device))

    def say(line: str) -> None:
        print(line, flush=True)

    if isinstance(recipe, Shots):
        shots.train(recipe, device, say, args.until)
    else:
        published.train(recipe, device, say, args.until)
    return 0


def evaluate(args: Namespace) -> int:
    """Against a test set, or against what radiance maps would look like.  Raises BadModel, NoInput."""
    return evaluate_pairs(args) if args.radiance is None else evaluate_radiance(args)


def evaluate_pairs(args: Namespace) -> int:
    """Scores of every pair of the test set and their means."""
    from ispd.config import state_of
    from ispd.models import OWN, find, models_folder
    from ispd.runner.device import choose_device

    model = find(models_folder(state_of(args.config)), args.name)
    architecture = model.manifest.architecture
    if architecture == OWN:
        raise BadModel(f"{OWN} needs to know the camera, which bare mosaics do not tell: measure it with --radiance")
    device = choose_device(args.device)

    from ispd.nets.train.compare import Scores, compare
    from ispd.nets.train.pairs import find_pairs
    from ispd.nets.train.published import sides
    from ispd.nets.train.recipe import FOLDERS
    from ispd.runner.network import load_network

    network = load_network(model, device)
    pairs = find_pairs(args.data / "test", FOLDERS[architecture], *sides(architecture))
    images: dict[str, Scores] = {}

    def tell(name: str, scores: Scores) -> None:
        images[name] = scores
        if not args.json:
            print(_line(name, scores), flush=True)

    means = compare(network, architecture, pairs, device, tell)
    if args.json:
        print_json({"model": model.name, "images": images, "all": means})
    else:
        print(_line("all", means))
    return 0


def evaluate_radiance(args: Namespace) -> int:
    """PSNR of the model, of hdr-unet and of ispd's own pipeline; a line a map on stderr."""
    import torch

    from ispd.models import OWN
    from ispd.nets.train.evaluate import developing, radiance

    torch.set_num_threads(1)  # so that sums are added in one order: the same numbers each time
    networks: dict[str, Develop] = {OWN: developing(_hdr_unet(args.weights))}
    if args.name != OWN:
        networks = {args.name: _imported(args)} | networks
    found = radiance(networks, args.radiance, args.seed, lambda line: print(f"ispd: {line}", file=sys.stderr))
    print_json(found) if args.json else print(_decibels(found))
    return 0


def _hdr_unet(weights: Path | None) -> HdrUNet:
    """The network of these weights, or of those that ship with ispd.  Raises BadModel, NoInput."""
    from ispd.models import OWN, SHIPPED, find, read_weights
    from ispd.nets.hdr_unet import unpacked

    if weights is None:
        return unpacked(read_weights(find(SHIPPED, OWN)))
    try:
        return unpacked(weights.read_bytes())
    except OSError as error:
        raise NoInput(f"{weights} cannot be read: {error.strerror}") from error


def _imported(args: Namespace) -> Develop:
    """What an imported network makes of a simulated shot, as a profile with it would have it made."""
    from ispd.config import state_of
    from ispd.models import find, models_folder
    from ispd.nets.train.evaluate import code
    from ispd.runner.device import choose_device
    from ispd.runner.network import displayed, load_network

    model = find(models_folder(state_of(args.config)), args.name)
    device = choose_device(args.device)
    load_network(model, device)  # what is wrong with it is told before anything is simulated
    return lambda mosaic: code(displayed(mosaic.samples.numpy(), mosaic.shot, model, device, lambda: None)).cpu()


def _decibels(found: dict[str, Any]) -> str:
    """A line a stratum, a column a network."""
    names = list(found["psnr"])
    rows = {**found["strata"], "all": {**found["psnr"], "views": found["views"]}}
    lines = [(name, *(f"{row[each]:.2f} dB" for each in names), str(row["views"])) for name, row in rows.items()]
    return aligned([("noise, clipping", *names, "views"), *lines])


def _line(name: str, scores: dict[str, float]) -> str:
    return f"{name:>8}  " + "  ".join(f"{score} {value:.4f}" for score, value in scores.items())


def as_json(model: Model) -> dict[str, Any]:
    """One model for scripts."""
    return {"name": model.name, "folder": str(model.folder), **dataclasses.asdict(model.manifest)}
