"""Defects that the file names (opcode list 1), mended as `ispd.isp.stages.opcodes.bad_pixels` does, in numpy.

They are few, so nothing is compiled; a photo with any becomes float32, since a mean lies between codes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ispd.isp.values import FixBadPixelsConstant, FixBadPixelsList, Shot

RINGS = 8  # as the stage has it
STEP = 2  # the repeat of a Bayer array


def mended(samples: NDArray[Any], shot: Shot) -> tuple[NDArray[Any], Shot]:
    """Stored codes (1, H, W) of a covered shot with the defects gone, and the shot without opcode list 1."""
    for opcode in shot.opcodes1:
        if isinstance(opcode, FixBadPixelsConstant | FixBadPixelsList):
            samples = _repaired(samples, opcode)
    return samples, replace(shot, opcodes1=())


def _repaired(samples: NDArray[Any], opcode: FixBadPixelsConstant | FixBadPixelsList) -> NDArray[Any]:
    bad = _listed(opcode, samples.shape) if isinstance(opcode, FixBadPixelsList) else samples == opcode.constant
    if not bad.any():
        return samples
    samples = samples.astype(np.float64 if samples.dtype == np.float64 else np.float32)
    for _ in range(RINGS):
        bad = _one_ring(samples, bad)
        if not bad.any():
            break
    return samples


def _listed(opcode: FixBadPixelsList, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    _, height, width = shape
    bad = np.zeros(shape, np.bool_)
    for row, column in opcode.points:
        if 0 <= row < height and 0 <= column < width:
            bad[:, row, column] = True
    for area in opcode.areas:
        bad[:, max(0, area.top) : max(0, area.bottom), max(0, area.left) : max(0, area.right)] = True
    return bad


def _one_ring(samples: NDArray[Any], bad: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mends those that have a whole neighbor one repeat away; gives those that had none."""
    plane, row, column = bad.nonzero()
    _, height, width = samples.shape
    total, count = np.zeros(len(row), samples.dtype), np.zeros(len(row), samples.dtype)
    for down, right in ((-STEP, 0), (STEP, 0), (0, -STEP), (0, STEP)):
        y, x = row + down, column + right
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        y, x = y.clip(0, height - 1), x.clip(0, width - 1)
        whole = inside & ~bad[plane, y, x]
        total += np.where(whole, samples[plane, y, x], 0)
        count += whole
    found = count > 0
    samples[plane[found], row[found], column[found]] = total[found] / count[found]
    still = bad.copy()
    still[plane[found], row[found], column[found]] = False
    return still
