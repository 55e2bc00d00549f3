"""Ridges: how far each block of numbers may go without being asked to, in ΔE.

What the pairs do not pin stays where it does no harm: offsets and deltas near 0, curves and lattices smooth, the warm
matrix near the cool one.  White balance too: from one photo, how far its as-shot neutral is off cannot be told from
what the look does to white.  Each ridge is a quadratic form of a block, in units of the loss, divided by the number of
photos: with more of them the pairs speak and the ridges fall silent.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ispd.fit.model import Values

SMOOTH = 30.0  # of second differences of a curve's heights, encoded
VALUES = {
    "balance": 10.0,
    "matrix": 4.0,
    "warm": 2.0,
    "shading": 1.0,
    "slope": 3.0,
    "key": 1.0,
    "details": 2.0,
    "delta": 10.0,
}
TONES_SMOOTH, TONES = 1.0, 0.3
OFFSET = 200.0  # of a photo's own exposure, red and blue, in stops: a tenth costs 2 ΔE
CUBE_SMOOTH, CUBE = 100.0, 3.0  # of a lattice: over all its nodes, steps counted as those of 5³


def ridge(block: str, size: int, offsets: float = OFFSET) -> Tensor:
    """(size, size) the form of one block but the lattice's, float64."""
    name = block.partition(".")[0]
    if name == "curve":
        return SMOOTH * _bends(size)
    if name in ("red", "green", "blue"):
        return SMOOTH * _bends(size) + VALUES["delta"] * torch.eye(size, dtype=torch.float64)
    if name == "tones":
        return TONES_SMOOTH * _bends(size) + TONES * torch.eye(size, dtype=torch.float64)
    strength = offsets if name == "offsets" else VALUES.get(name, 0.0)
    return strength * torch.eye(size, dtype=torch.float64)


def _bends(size: int) -> Tensor:
    second = torch.diff(torch.eye(size, dtype=torch.float64), n=2, dim=0)
    return second.T @ second


def cube_ridge(residual: Tensor) -> Tensor:
    """Half the slope of `cube_penalty`, at a lattice's residual (n, n, n, 3)."""
    n = residual.shape[0]
    bent = torch.zeros_like(residual)
    for axis in range(3):
        second = torch.diff(residual, n=2, dim=axis)
        for start, factor in ((0, 1), (1, -2), (2, 1)):
            bent.narrow(axis, start, n - 2).add_(second, alpha=factor)
    return (CUBE_SMOOTH * (n - 1) ** 2 / 16 * bent + CUBE * residual) / n**3


def cube_penalty(residual: Tensor) -> Tensor:
    """What a lattice costs."""
    return (residual * cube_ridge(residual)).sum()


def penalty(values: Values, photos: int, offsets: float = OFFSET) -> Tensor:
    """What all blocks cost, to be added to the loss."""
    cost = torch.zeros((), dtype=torch.float64)
    for block, value in values.items():
        if block == "cube":
            cost = cost + cube_penalty(value.double())
        else:
            flat = value.double().flatten()
            cost = cost + flat @ ridge(block, len(flat), offsets).to(flat) @ flat
    return cost / photos
