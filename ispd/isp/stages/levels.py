"""Levels: stored codes become light, 0 at black and 1 at white.  Everything below relies on it.

Takes   stored codes of the active area, (1, H, W) or (planes, H, W)
Gives   Raw: linear = (table[code] - black) / (white - greatest black of the plane), and each site's ceiling;
        values below black stay negative (noise must keep its mean), values above white stay
        a ceiling is white, or where `full_wells` found that the sensor ends before
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

STEP = 5  # of the rows and columns that are counted: no multiple of an array's repeat, so they hold all its colors
BINS, WIDE = 400, 12  # a full well's spread from pixel to pixel is about 1 %: a pile is 3 % wide
LEAST_FULL = 0.7  # of white: lower is a bright wall rather than the sensor's end
STRAY, FEWEST, FEWEST_FULL = 2e-5, 8, 1e-4  # of the samples: hot pixels above a pile, and what makes one
PILE = 1.5  # times what lies in the 6 % below it: a scene alone has less than 0.7 there
MOST = 65536.0  # times white: a float file may say 1e30, whose cube is no number any more


def levels(codes: Tensor, p: Levels, window: Window) -> Raw:
    """Light from codes; `window` says which rows of the active area these are."""
    black = _black(codes, p, window)
    white = codes.new_tensor([p.white[min(plane, len(p.white) - 1)] for plane in range(codes.shape[0])])
    span = white - codes.new_tensor(_greatest_black(p, codes.shape[0]))
    if not bool((span > 0).all()):
        raise PhotoError("The file's black level is not below its white level: there is no picture between them.")
    span, white = span[:, None, None], white[:, None, None]
    light = (_linearized(codes, p.table) - black) / span
    full = codes.new_tensor(p.full or (1.0,))[:, None, None]
    return Raw(light.clamp(-MOST, MOST), (full * (white - black) / span).expand_as(codes))


def full_wells(codes: Tensor, p: Levels) -> tuple[float, ...]:
    """Where each plane of a whole picture really ends: `Levels.full`.

    Many files call the converter's last code white though the sensor stops earlier, and then a blown sky is not seen to
    have clipped, and turns pink.  Samples pile up where a sensor ends, while a scene's own brightest thin out.
    """
    greatest = _greatest_black(p, codes.shape[0])
    whites = [p.white[min(plane, len(p.white) - 1)] for plane in range(codes.shape[0])]
    lines = _linearized(codes[:, ::STEP, ::STEP].to(torch.float32), p.table)
    return tuple(
        _pile((line - black) / (white - black)) if white > black else 1.0
        for line, black, white in zip(lines, greatest, whites, strict=True)
    )


def _pile(light: Tensor) -> float:
    """Where the samples of a plane pile up below white; 1 where they do not."""
    counts = torch.histc(light, bins=BINS, min=0, max=1).double().cpu()
    above = counts.flip(0).cumsum(0).flip(0)
    some = (above >= max(FEWEST, STRAY * light.numel())).nonzero()
    top = int(some[-1]) + 1 if len(some) else 0
    edge, below = counts[max(0, top - WIDE) : top], counts[max(0, top - 3 * WIDE) : max(0, top - WIDE)]
    least = max(PILE * float(below.sum()), FEWEST_FULL * light.numel())
    if top < LEAST_FULL * BINS or float(edge.sum()) < least:
        return 1.0
    middle = torch.arange(top - len(edge), top) + 0.5
    return min(1.0, float((edge * middle).sum() / edge.sum()) / BINS)


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


def _greatest_black(p: Levels, planes: int) -> list[float]:
    stored = p.black_shape[2]
    most = max(p.delta_h, default=0.0) + max(p.delta_v, default=0.0)
    return [max(p.black[min(plane, stored - 1) :: stored]) + most for plane in range(planes)]
