"""Opcodes that change each sample by where it stands or what it is: maps, tables, polynomials, deltas, vignetting.

Takes   (planes, H, W) in [0, 1] (more is kept), the rows of the picture that `window` names
Gives   the same; outside the opcode's region nothing changes
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from ispd.isp.values import (
    DeltaPerRow,
    FixVignetteRadial,
    GainMap,
    MapPolynomial,
    MapTable,
    Opcode,
    Region,
    Window,
)


def pointwise(x: Tensor, opcode: Opcode, window: Window) -> Tensor:
    """`x` with one opcode applied; one of another kind, or with values that are not finite, changes nothing."""
    if isinstance(opcode, FixVignetteRadial):
        return x * _vignette(x, opcode, window) if _finite((*opcode.coefficients, *opcode.center)) else x
    if not isinstance(opcode, GainMap | MapTable | MapPolynomial | DeltaPerRow):
        return x
    place = _place(opcode.region, x, window)
    if place is None:
        return x
    planes, rows, columns = place
    there = x[planes, rows, columns]
    changed = x.clone()
    changed[planes, rows, columns] = _change(there, opcode, _rows(rows, window), _rows(columns, None), planes, window)
    return changed


def _change(there: Tensor, opcode: Opcode, rows: range, columns: range, planes: slice, window: Window) -> Tensor:
    match opcode:
        case GainMap():
            return there * _gain(there, opcode, rows, columns, planes, window)
        case MapTable():
            return _mapped(there, opcode.table) if opcode.table else there
        case MapPolynomial():
            return _polynomial(there, opcode.coefficients) if _finite(opcode.coefficients) else there
        case DeltaPerRow():
            return _delta(there, opcode, rows, columns)
        case _:
            return there


def _finite(values: Iterable[float]) -> bool:
    return all(math.isfinite(value) for value in values)


def _place(region: Region, x: Tensor, window: Window) -> tuple[slice, slice, slice] | None:
    """The region's samples in `x`, clipped to it; None where it has none."""
    area, held = region.area, x.shape[-2]
    planes = slice(max(0, region.plane), min(x.shape[0], region.plane + region.planes))
    rows = _every(area.top - window.top, min(area.bottom - window.top, held), region.row_pitch)
    columns = _every(area.left, min(area.right, x.shape[-1]), region.col_pitch)
    empty = any(part.start >= part.stop for part in (planes, rows, columns))
    return None if empty else (planes, rows, columns)


def _every(start: int, stop: int, pitch: int) -> slice:
    """Every `pitch`-th index from `start` on; a start above the tensor moves down by whole pitches."""
    pitch = max(1, pitch)
    if start < 0:
        start += -(start // pitch) * pitch
    return slice(start, stop, pitch)


def _rows(part: slice, window: Window | None) -> range:
    """The indices of a slice, counted in the whole picture."""
    shift = window.top if window else 0
    return range(part.start + shift, part.stop + shift, part.step)


def _gain(x: Tensor, opcode: GainMap, rows: range, columns: range, planes: slice, window: Window) -> Tensor:
    """(planes, rows, columns): the map's gains, bilinear between its points, the nearest beyond them."""
    gains = torch.nan_to_num(x.new_tensor(opcode.gains), nan=1.0, posinf=1.0, neginf=1.0).clamp(min=0)  # v, h, p
    if gains.numel() == 0:
        return x.new_ones(1)
    lower, upper, t = _between(x, rows, window.height, opcode.spacing[0], opcode.origin[0], gains.shape[0])
    gains = gains[lower] + (gains[upper] - gains[lower]) * t[:, None, None]
    lower, upper, t = _between(x, columns, window.width, opcode.spacing[1], opcode.origin[1], gains.shape[1])
    gains = gains[:, lower] + (gains[:, upper] - gains[:, lower]) * t[None, :, None]
    first = opcode.region.plane
    stored = [min(plane - first, gains.shape[2] - 1) for plane in range(planes.start, planes.stop)]
    return gains[..., stored].permute(2, 0, 1)


def _between(
    x: Tensor, indices: range, size: int, spacing: float, origin: float, points: int
) -> tuple[Tensor, Tensor, Tensor]:
    """For each index its two map points and how far it stands between them."""
    if points < 2 or not _finite((spacing, origin)) or spacing <= 0:
        zero = torch.zeros(len(indices), dtype=torch.long, device=x.device)
        return zero, zero, x.new_zeros(len(indices))
    centers = (torch.arange(indices.start, indices.stop, indices.step, device=x.device).to(x.dtype) + 0.5) / size
    at = ((centers - origin) / spacing).clamp(0, points - 1)
    lower = at.floor().long().clamp(max=points - 2)
    return lower, lower + 1, at - lower


def _mapped(x: Tensor, table: tuple[int, ...]) -> Tensor:
    inside = x.clamp(0, 1)
    index = (inside * 65535).round().long().clamp(max=len(table) - 1)
    return x.new_tensor(table)[index] / 65535 + (x - inside)  # what lies outside [0, 1] stays that far outside


def _polynomial(x: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    inside = x.clamp(0, 1)
    value = torch.zeros_like(inside)
    for coefficient in reversed(coefficients):
        value = value * inside + coefficient
    return value + (x - inside)  # beyond 1 a polynomial would run away


def _delta(x: Tensor, opcode: DeltaPerRow, rows: range, columns: range) -> Tensor:
    """One value per row, or per column, of the region; rows beyond the list keep theirs."""
    along_row = opcode.along == "row"
    area, region = opcode.region.area, opcode.region
    first, pitch = (area.top, region.row_pitch) if along_row else (area.left, region.col_pitch)
    neutral = 0.0 if opcode.operation == "add" else 1.0
    listed = [(index - first) // max(1, pitch) for index in (rows if along_row else columns)]
    values = [opcode.values[i] if 0 <= i < len(opcode.values) else neutral for i in listed]
    values = [value if math.isfinite(value) else neutral for value in values]
    line = x.new_tensor(values)
    line = line[:, None] if along_row else line[None, :]
    return x + line if opcode.operation == "add" else x * line


def _vignette(x: Tensor, opcode: FixVignetteRadial, window: Window) -> Tensor:
    """(H, W): 1 + k0·r² + … + k4·r¹⁰, with r = 1 at the corner farthest from the center; never negative."""
    center_x, center_y = opcode.center[0] * window.width, opcode.center[1] * window.height
    farthest = max(center_x, window.width - center_x) ** 2 + max(center_y, window.height - center_y) ** 2
    rows = torch.arange(window.top, window.top + x.shape[-2], device=x.device).to(x.dtype) + 0.5 - center_y
    columns = torch.arange(x.shape[-1], device=x.device).to(x.dtype) + 0.5 - center_x
    r2 = (rows[:, None] ** 2 + columns[None, :] ** 2) / max(farthest, 1e-6)
    gain = torch.zeros_like(r2)
    for coefficient in reversed(opcode.coefficients):
        gain = (gain + coefficient) * r2
    return (1 + gain).clamp(min=0)
