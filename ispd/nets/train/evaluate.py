"""How well networks develop, beside the rival, on views of scenes that they have not learned from.

Takes   radiance maps; a seed, from which a fixed list of views of each map follows, with a shot of each
Gives   PSNR in decibels, mean over the views, of display codes; in all and by strata of noise and clipping
"""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, TypeAlias

import torch
from torch import Tensor

from ispd.isp import render
from ispd.isp.color.transfer import encode
from ispd.isp.values import CameraRGB, DisplayRGB, Mosaic, Shot
from ispd.nets.hdr_look import gain, toned
from ispd.nets.hdr_unet import HdrUNet, Seen, answered, expanded, knee, seen
from ispd.nets.train.radiance import Scene, maps_in, radiance_map, view
from ispd.nets.train.rival import rival
from ispd.nets.train.sensor import expose
from ispd.nets.train.simulation import SIMULATION, Chance
from ispd.nets.train.target import SIMULATED, target

EDGE = 8  # pixels along a view's edges that are not counted: no photo's frame lies there
VIEWS, PHOTO_VIEWS = 10, 3  # of each map, of each photograph
NOISE, CLIPPING = ("clean", "noisy", "very noisy"), ("whole", "clipped", "much clipped")
STRATA = tuple(f"{noise}, {clipping}" for noise in NOISE for clipping in CLIPPING)

Develop: TypeAlias = Callable[[Mosaic], Tensor]  # display codes of a simulated shot
Tell: TypeAlias = Callable[[str], None]


@dataclass(frozen=True)
class Entry:
    """One view and what is to be compared; pictures are display codes."""

    name: str
    stratum: str
    mosaic: Mosaic
    wanted: Tensor
    rival: Tensor


@dataclass(frozen=True)
class Result:
    """Decibels of one view, by whose they are."""

    stratum: str
    psnr: dict[str, float]


def developing(net: HdrUNet) -> Develop:
    """What `hdr-unet` makes of a shot, on the device where it is."""
    device = next(net.parameters()).device

    def develop(mosaic: Mosaic) -> Tensor:
        what, factor = shot_seen(mosaic), gain(mosaic.shot, SIMULATED)
        with torch.inference_mode():
            answer = net(*(planes.to(device) for planes in what)).cpu()
            light = answered(answer, what, knee(mosaic.shot, factor), factor)
            return code(toned(CameraRGB(light), mosaic.shot, SIMULATED))

    return develop


def rendered(light: Tensor, shot: Shot) -> DisplayRGB:
    """What the network's bare answer, compressed camera color, looks like: as it is while it learns."""
    factor = gain(shot, SIMULATED)
    return toned(CameraRGB(expanded(light, knee(shot, factor)) / factor), shot, SIMULATED)


def shot_seen(mosaic: Mosaic) -> Seen:
    """A whole mosaic that begins with red, as the network sees it."""
    raw, _, _ = render.balanced(mosaic, SIMULATED)
    return seen(raw, mosaic.shot, gain(mosaic.shot, SIMULATED))


def code(display: Tensor) -> Tensor:
    """What is compared: as a screen gets it, in the widest space."""
    return encode(display.clamp(0, 1), "srgb")


def entries(scenes: Iterable[Scene], seed: int, views: int = VIEWS) -> list[Entry]:
    """The fixed list of views: the same for the same seed and maps, whatever other maps there are."""
    found = []
    for scene in scenes:
        for number in range(PHOTO_VIEWS if scene.is_photograph else views):
            chance = Chance(seed, zlib.crc32(os.fsencode(scene.name)), number)
            with torch.inference_mode():
                exposed = expose(view(scene, SIMULATION.views.side, chance), chance)
                pictures = code(target(exposed)), code(rival(exposed))
            noise = _name(exposed.noise, SIMULATION.strata.noise, NOISE)
            stratum = f"{noise}, {_name(exposed.clipped, SIMULATION.strata.clipped, CLIPPING)}"
            found.append(Entry(f"{scene.name} {number}", stratum, exposed.mosaic, *pictures))
    return found


def measured(networks: Mapping[str, Develop], shown: Iterable[Entry]) -> list[Result]:
    """Each network's decibels and the rival's, of each view."""
    return [
        Result(
            one.stratum,
            {name: psnr(develop(one.mosaic), one.wanted) for name, develop in networks.items()}
            | {"rival": psnr(one.rival, one.wanted)},
        )
        for one in shown
    ]


def table(results: list[Result]) -> dict[str, Any]:
    """Means, in all and by stratum."""
    strata: dict[str, Any] = {}
    for stratum in STRATA:
        if there := [one for one in results if one.stratum == stratum]:
            strata[stratum] = {**_means(there), "views": len(there)}
    return {"psnr": _means(results), "views": len(results), "strata": strata}


def radiance(
    networks: Mapping[str, Develop], folder: Path, seed: int, tell: Tell = lambda line: None
) -> dict[str, Any]:
    """The whole comparison on a folder of radiance maps, each over its fixed list of views; `tell` gets a line a map.

    Raises NoInput where there is no map, BadMap where one cannot be used.
    """
    results: list[Result] = []
    paths = maps_in(folder)
    for number, path in enumerate(paths, start=1):
        found = measured(networks, entries([radiance_map(path, tell)], seed))
        means = ", ".join(f"{name} {value:.2f} dB" for name, value in _means(found).items())
        tell(f"{number} of {len(paths)}: {path.name}: {means}")
        results += found
    return table(results)


def _means(results: list[Result]) -> dict[str, float]:
    return {name: round(fmean(one.psnr[name] for one in results), 3) for name in results[0].psnr}


def psnr(made: Tensor, wanted: Tensor) -> float:
    """Decibels of display codes in [0, 1]."""
    error = (made - wanted)[:, EDGE:-EDGE, EDGE:-EDGE].square().mean()
    return -10 * math.log10(max(float(error), 1e-10))


def _name(value: float, ends: tuple[float, float], names: tuple[str, str, str]) -> str:
    return names[sum(value >= end for end in ends)]
