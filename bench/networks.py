"""python -m bench.networks WEIGHTS…: networks beside ispd's own pipeline, on views of the held-out scenes.

Any weights of `hdr-unet` or, as `ispd.nets.train.rivals` writes them, of the published networks, beside one another:
decibels by noise and clipping, and the mean Hellinger distance of RGB-uv histograms to the wanted picture.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from statistics import fmean

import torch
from safetensors.torch import load
from torch import Tensor

from bench.hdr import SAMPLES, held_out
from ispd.errors import BadModel
from ispd.nets.checkpoint import from_state_dict
from ispd.nets.hdr_unet import unpacked
from ispd.nets.losses import hellinger, rgbuv_histogram
from ispd.nets.train import evaluate, rivals
from ispd.nets.train.evaluate import EDGE, Develop, Entry


def main() -> None:
    """Measure and print."""
    parser = ArgumentParser(prog="python -m bench.networks", description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path, nargs="+", metavar="[NAME=]WEIGHTS")
    parser.add_argument("--samples", type=Path, default=SAMPLES)
    args = parser.parse_args()
    torch.set_num_threads(1)
    networks = dict(named(str(text)) for text in args.weights)
    shown = evaluate.entries(held_out(args.samples), seed=0)
    made = {name: [develop(one.mosaic) for one in shown] for name, develop in networks.items()}
    made["ispd"] = [one.rival for one in shown]
    print(markdown(made, shown))


def named(text: str) -> tuple[str, Develop]:
    """A network and what it is called."""
    name, _, path = text.rpartition("=")
    data = Path(path).read_bytes()
    try:
        develop = evaluate.developing(unpacked(data))
    except BadModel:
        state = load(data)
        architecture = "pynet" if any(key.startswith("conv_l5") for key in state) else "raw-to-tonemapped-hdr"
        develop = rivals.developing(from_state_dict(architecture, state))
    return name or Path(path).stem, develop


def markdown(made: dict[str, list[Tensor]], shown: list[Entry]) -> str:
    """A line a stratum, a column a network; the last line is no decibels but distances."""
    wanted = [one.wanted for one in shown]
    psnr = {name: [evaluate.psnr(*both) for both in zip(found, wanted, strict=True)] for name, found in made.items()}
    colors = [histogram(picture) for picture in wanted]
    apart = {
        name: [float(hellinger(histogram(picture), color)) for picture, color in zip(found, colors, strict=True)]
        for name, found in made.items()
    }
    lines = [f"| noise, clipping | views | {' | '.join(made)} |", "|---|" + "---:|" * (1 + len(made))]
    for stratum in (*evaluate.STRATA, "all"):
        places = [place for place, one in enumerate(shown) if stratum in (one.stratum, "all")]
        if places:
            means = (f"{fmean(values[place] for place in places):.2f}" for values in psnr.values())
            lines.append(f"| {stratum} | {len(places)} | {' | '.join(means)} |")
    lines.append(f"| Hellinger | {len(shown)} | {' | '.join(f'{fmean(each):.4f}' for each in apart.values())} |")
    return "\n".join(lines)


def histogram(picture: Tensor) -> Tensor:
    """RGB-uv, of what is counted of a view."""
    return rgbuv_histogram(picture[None, :, EDGE:-EDGE, EDGE:-EDGE])


if __name__ == "__main__":
    main()
