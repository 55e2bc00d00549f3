"""A training on simulated shots, by the keys of its file: `hdr-unet`, or a published network as its rival.

What a file leaves open is as the network's own Recipe and Habits have it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import torch

from ispd.errors import ConfigError
from ispd.nets.train import hdr_unet, rivals
from ispd.nets.train.radiance import maps, photographs
from ispd.nets.train.recipe import Shots, silent


def train(recipe: Shots, device: torch.device, say: Callable[[str], None], until: int = 1 << 60) -> int:
    """From where `recipe.out` has it to the end, or to step `until`; how many steps have been made in all.

    Raises ConfigError where the file or a checkpoint does not fit, NoInput and BadMap where scenes are missing or
    broken, BadModel for a broken checkpoint, CannotCreate where the disk refuses, MachineError where the network is
    lost.
    """
    if found := silent(recipe):
        raise ConfigError(*found)
    said: dict[str, Any] = {
        each.name: value for each in fields(Shots) if (value := getattr(recipe, each.name)) is not None
    }
    said |= {"device": device, "until": until}
    if recipe.precision is not None:
        said["bfloat16"] = recipe.precision == "mixed"
    if recipe.cpu_minutes is not None:
        said["cpu_seconds"] = 60 * recipe.cpu_minutes
    scenes = [*maps(recipe.maps), *photographs(recipe.photos)]
    if recipe.architecture == "hdr-unet":
        return hdr_unet.run(_of(hdr_unet.Recipe, said), scenes, recipe.out, _of(hdr_unet.Habits, said), say).step
    return rivals.run(_of(rivals.Recipe, said), scenes, recipe.out, _of(rivals.Habits, said), say).step


def _of(kind: type[Any], said: dict[str, Any]) -> Any:
    """Its fields as the file has them, the others at their defaults."""
    return kind(**{each.name: said[each.name] for each in fields(kind) if each.name in said})
