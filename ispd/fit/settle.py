"""A learned look comes to rest: tensors become the numbers, lists and lattice that a profile holds, within bounds.

>>> import torch
>>> from ispd.isp.look import Exposure, WhiteBalance
>>> settled(WhiteBalance(red=torch.tensor(0.5), blue=torch.tensor(9.0)))  # its bounds are -2 to 2
WhiteBalance(red=0.5, blue=2.0)
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from torch import Tensor

from ispd.isp.params import Bounds, Cube
from ispd.toml import slots

T = TypeVar("T")


def settled(part: T) -> T:
    """The same part of a look in plain numbers."""
    whole: Any = part
    bounds = {slot.field: slot.bounds for slot in slots(whole.__class__)}
    values = {each.name: _plain(getattr(part, each.name), bounds.get(each.name)) for each in fields(whole)}
    plain: T = replace(whole, **values)
    return plain


def _plain(value: Any, bounds: Bounds | None) -> Any:
    if is_dataclass(value):
        return settled(value)
    if isinstance(value, Tensor) and value.dim() == 4:  # the lattice's nodes
        return Cube(len(value), value.detach().cpu().float().numpy().astype("<f4").tobytes())
    if isinstance(value, Tensor) and value.dim():
        return tuple(_within(number, bounds) for number in value.detach().cpu().double().tolist())
    return _within(float(value.detach()), bounds) if isinstance(value, Tensor) else value


def _within(number: float, bounds: Bounds | None) -> float:
    number = round(number, 7)  # more digits than a float32 has say nothing
    return number if bounds is None else float(min(max(number, bounds.low), bounds.high))
