"""A profile's curve and lattice as one .cube, for programs that know no profiles.

What it is made for: sRGB pictures that were rendered without any curve, as ispd's profile `linear` renders them.  Light
beyond their white is not there any more.  All else that a look says is left out, and `left_out` names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from ispd import toml
from ispd.isp import render
from ispd.isp.color.mix import mix
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.color.transfer import decode
from ispd.isp.look import Finish, Look, Sharpen
from ispd.isp.params import Cube
from ispd.isp.values import DisplayRGB, SceneRGB
from ispd.profile import cube

SIZE = 33  # nodes along an edge: what most programs take


def combined(look: Look, size: int = SIZE) -> Cube:
    """sRGB values to sRGB values, both encoded."""
    plain = replace(look, finish=Finish(), sharpen=Sharpen(amount=0.0))
    encoded = torch.tensor(cube.values(cube.identity(size)), dtype=torch.float64).reshape(1, -1, 3).movedim(-1, 0)
    rec2020_from_srgb = torch.linalg.inv(torch.as_tensor(rgb_from_rec2020("srgb"), dtype=torch.float64))
    light = SceneRGB(mix(rec2020_from_srgb, decode(encoded, "srgb")))
    seen = render.codes(DisplayRGB(render.grade(light, plain)), plain, "srgb").clamp(0, 1)
    return cube.made(size, seen.movedim(0, -1).reshape(-1).tolist())


def left_out(look: Look) -> tuple[str, ...]:
    """What the look says beyond curve and lattice, by the names of its tables."""
    return tuple(_tables(look))


def _tables(look: Look) -> Iterator[str]:
    said, plain = (toml.to_table(each, {Cube: cube.to_json}) for each in (look, Look()))
    said = toml.changed(said, plain)
    for name, table in said.items():
        if name == "camera":
            yield from (f"camera.{part}" for part in table)
        elif name not in ("curve", "lattice", "gamut"):
            yield name
