"""Levels: stored codes become light, 0 at black and 1 at white.  Everything below relies on it.

Takes   stored codes of the active area, (1, H, W) or (planes, H, W)
Gives   Raw: linear = (table[code] - black) / (white - greatest black of the plane), and each site's ceiling;
        values below black stay negative (noise must keep its mean), values above white stay
        a ceiling is white, or where the survey found that the sensor ends before
Source  DNG 1.7.1 chapter 5, "Mapping Raw Values to Linear Reference Values": a sample's own black is subtracted, the
        plane's greatest divides, so that equal light gives equal values whatever the local black
Raises  PhotoError where a plane's black lies at or above its white

>>> levels(torch.tensor([[[64.0, 1064.0]]]), Levels((64.0,), (1, 1, 1), (1064.0,)), Window(0, 1, 2)).samples
tensor([[[0., 1.]]])
"""

from __future__ import annotations

import torch
from torch import Tensor

from ispd.errors import PhotoError
from ispd.isp.pattern import tiled
from ispd.isp.values import Levels, Raw, Window

MOST = 65536.0  # times white: a float file may say 1e30, whose cube is no number any more


def levels(codes: Tensor, p: Levels, window: Window) -> Raw:
    """Light from codes; `window` says which rows of the active area these are."""
    black = _black(codes, p, window)
    planes = range(codes.shape[0])
    white = codes.new_tensor([p.white_of(plane) for plane in planes])
    span = white - codes.new_tensor([p.greatest_black(plane) for plane in planes])
    if not bool((span > 0).all()):
        raise PhotoError("The file's black level is not below its white level: there is no picture between them.")
    span, white = span[:, None, None], white[:, None, None]
    light = (_linearized(codes, p.table) - black) / span
    full = codes.new_tensor(p.full or (1.0,))[:, None, None]
    return Raw(light.clamp(-MOST, MOST), (full * (white - black) / span).expand_as(codes))


def _linearized(codes: Tensor, table: tuple[int, ...]) -> Tensor:
    if not table:
        return codes
    return codes.new_tensor(table)[codes.round().long().clamp(0, len(table) - 1)]


def _black(codes: Tensor, p: Levels, window: Window) -> Tensor:
    """(planes, H, W), or less where it broadcasts: the repeat plus the row's and the column's own."""
    planes, height, width = codes.shape
    rows, columns, _ = p.black_shape
    pattern = _pattern(codes, p, planes)
    if (rows, columns) == (1, 1) and not p.delta_h and not p.delta_v:
        return pattern
    pattern = torch.roll(pattern, -(window.top % rows), dims=1)
    black = torch.stack([tiled(plane, height, width) for plane in pattern])
    if p.delta_h:
        black = black + _padded(codes, p.delta_h[:width], width)
    if p.delta_v:
        black = black + _padded(codes, p.delta_v[window.top : window.top + height], height)[:, None]
    return black


def _pattern(codes: Tensor, p: Levels, planes: int) -> Tensor:
    """(planes, rows, columns) of black; the file orders it rows, columns, planes."""
    pattern = codes.new_tensor(p.black).reshape(p.black_shape).permute(2, 0, 1)
    return torch.stack([pattern[min(plane, pattern.shape[0] - 1)] for plane in range(planes)])


def _padded(codes: Tensor, deltas: tuple[float, ...], length: int) -> Tensor:
    return codes.new_tensor([*deltas, *[0.0] * (length - len(deltas))])
