"""Defects that the file names (FixBadPixelsConstant, FixBadPixelsList), mended from neighbors of the same color.

Takes   (planes, H, W) stored codes, whole stored image
Gives   the same; each defect is the mean of the nearest whole neighbors of its color, ring by ring while none is
        found; where a picture has nothing whole, it stays as it is
"""

from __future__ import annotations

import torch
from torch import Tensor

from ispd.isp.pattern import repeat
from ispd.isp.values import Area, FixBadPixelsConstant, FixBadPixelsList

RINGS = 8  # a defect wider than this many repeats is no defect but a region; what is left of it is filled last


def bad_pixels(samples: Tensor, opcode: FixBadPixelsConstant | FixBadPixelsList, cfa: str) -> Tensor:
    """`samples` with the opcode's defects mended."""
    bad = _listed(opcode, samples) if isinstance(opcode, FixBadPixelsList) else samples == opcode.constant
    for _ in range(RINGS):
        if not bool(bad.any()):
            break
        samples, bad = _one_ring(samples, bad, repeat(cfa) if cfa else 1)
    return samples


def _listed(opcode: FixBadPixelsList, samples: Tensor) -> Tensor:
    _, height, width = samples.shape
    bad = torch.zeros_like(samples, dtype=torch.bool)
    points = [(row, column) for row, column in opcode.points if 0 <= row < height and 0 <= column < width]
    if points:
        rows, columns = torch.tensor(points, device=samples.device).T
        bad[:, rows, columns] = True
    for area in opcode.areas:
        inside = Area(max(0, area.top), max(0, area.left), max(0, area.bottom), max(0, area.right))
        bad[:, inside.top : inside.bottom, inside.left : inside.right] = True
    return bad


def _one_ring(samples: Tensor, bad: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """Mend the defects that have a whole neighbor one repeat away: up, down, left or right."""
    plane, row, column = bad.nonzero(as_tuple=True)
    _, height, width = samples.shape
    total = torch.zeros(len(row), dtype=samples.dtype, device=samples.device)
    count = torch.zeros_like(total)
    for down, right in ((-step, 0), (step, 0), (0, -step), (0, step)):
        y, x = row + down, column + right
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
        whole = inside & ~bad[plane, y, x]
        total += torch.where(whole, samples[plane, y, x], torch.zeros_like(total))
        count += whole.to(total)
    found = count > 0
    place = (plane[found], row[found], column[found])
    mended, still = samples.clone(), bad.clone()
    mended[place] = total[found] / count[found]
    still[place] = False
    return mended, still
