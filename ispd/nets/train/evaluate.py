"""How well a network develops, beside the rival, on views of scenes that it has not learned from.

Takes   radiance maps; a seed, from which a fixed list of views of each map follows, with a shot of each
Gives   PSNR in decibels, mean over the views, of display codes; in all and by strata of noise and clipping
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from torch import Tensor

from ispd.isp import render
from ispd.isp.color.transfer import encode
from ispd.isp.values import CameraRGB, DisplayRGB, Mosaic, Shot
from ispd.nets.hdr_look import gain, toned
from ispd.nets.hdr_unet import HdrUNet, Seen, expanded, knee, seen
from ispd.nets.train.radiance import Scene, maps, view
from ispd.nets.train.rival import rival
from ispd.nets.train.sensor import expose
from ispd.nets.train.simulation import SIMULATION, Chance
from ispd.nets.train.target import SIMULATED, target

EDGE = 8  # pixels along a view's edges that are not counted: no photo's frame lies there
VIEWS, PHOTO_VIEWS = 10, 3  # of each map, of each photograph
NOISE, CLIPPING = ("clean", "noisy", "very noisy"), ("whole", "clipped", "much clipped")


@dataclass(frozen=True)
class Entry:
    """One view and what is to be compared; pictures are display codes."""

    name: str
    stratum: str
    mosaic: Mosaic
    wanted: Tensor
    rival: Tensor

    def developed(self, net: HdrUNet) -> Tensor:
        """What the network makes of it."""
        with torch.inference_mode():
            return code(rendered(net(*shot_seen(self.mosaic))[0], self.mosaic.shot))


def rendered(light: Tensor, shot: Shot) -> DisplayRGB:
    """What the network's answer, compressed camera color, looks like."""
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
            chance = Chance(seed, zlib.crc32(scene.name.encode()), number)
            with torch.inference_mode():
                exposed = expose(view(scene, SIMULATION.views.side, chance), chance)
                pictures = code(target(exposed)), code(rival(exposed))
            noise = _name(exposed.noise, SIMULATION.strata.noise, NOISE)
            stratum = f"{noise}, {_name(exposed.clipped, SIMULATION.strata.clipped, CLIPPING)}"
            found.append(Entry(f"{scene.name} {number}", stratum, exposed.mosaic, *pictures))
    return found


def measured(net: HdrUNet, shown: list[Entry]) -> list[tuple[str, float, float]]:
    """Stratum, the network's and the rival's decibels, of each view."""
    return [(one.stratum, psnr(one.developed(net), one.wanted), psnr(one.rival, one.wanted)) for one in shown]


def table(results: list[tuple[str, float, float]]) -> dict[str, Any]:
    """Means, in all and by stratum."""
    strata: dict[str, Any] = {}
    for stratum in sorted({name for name, _, _ in results}):
        strata[stratum] = _means([pair for name, *pair in results if name == stratum])
        strata[stratum]["views"] = sum(name == stratum for name, _, _ in results)
    return {"psnr": _means([pair for _, *pair in results]), "views": len(results), "strata": strata}


def radiance(net: HdrUNet, folder: Path, seed: int) -> dict[str, Any]:
    """The whole comparison on a folder of radiance maps, each over its fixed list of views."""
    return table(measured(net, entries(maps(folder), seed)))


def _means(pairs: list[list[float]]) -> dict[str, float]:
    nets, rivals = zip(*pairs, strict=True)
    return {"hdr-unet": round(mean(nets), 3), "rival": round(mean(rivals), 3)}


def psnr(made: Tensor, wanted: Tensor) -> float:
    """Decibels of display codes in [0, 1]."""
    error = (made - wanted)[:, EDGE:-EDGE, EDGE:-EDGE].square().mean()
    return -10 * math.log10(max(float(error), 1e-10))


def _name(value: float, ends: tuple[float, float], names: tuple[str, str, str]) -> str:
    return names[sum(value >= end for end in ends)]
