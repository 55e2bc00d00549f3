"""Malvar's demosaic: bilinear, corrected by the Laplacian of the color that was measured.  Sharp and cheap.

Takes   (H, W) mosaic, white-balanced; one of the four Bayer phases, three colors; at least 3 × 3
Gives   (3, H, W), R, G, B; every one near the range of its nearest measured neighbors of that color.  The paper leaves
        its overshoots in: beside lamps and branches against the sky they are rows of dots
Source  H. Malvar, L. He, R. Cutler, "High-quality linear interpolation for demosaicing of Bayer-patterned color
        images", ICASSP 2004, figure 2.  Borders are mirrored without repeating the edge, which keeps the phase

The four 5 × 5 filters are applied as one convolution on the four half-size planes: a ninth of the multiplications.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor

from ispd.isp.stages.demosaic.overshoot import limited

PHASES = ("RGGB", "BGGR", "GRBG", "GBRG")

# figure 2 of the paper, in eighths
GREEN_AT_OTHER = ((0, 0, -1, 0, 0), (0, 0, 2, 0, 0), (-1, 2, 4, 2, -1), (0, 0, 2, 0, 0), (0, 0, -1, 0, 0))
ALONG_ROW = ((0, 0, 0.5, 0, 0), (0, -1, 0, -1, 0), (-1, 4, 5, 4, -1), (0, -1, 0, -1, 0), (0, 0, 0.5, 0, 0))
ACROSS = ((0, 0, -1.5, 0, 0), (0, 2, 0, 2, 0), (-1.5, 0, 6, 0, -1.5), (0, 2, 0, 2, 0), (0, 0, -1.5, 0, 0))
OWN = ((0,) * 5, (0,) * 5, (0, 0, 8, 0, 0), (0,) * 5, (0,) * 5)


def malvar(mosaic: Tensor, cfa: str) -> Tensor:
    """The filters' answer, limited to what was measured around it."""
    return _assembled(mosaic, cfa, _within)


def filtered(mosaic: Tensor, cfa: str) -> Tensor:
    """The paper's four filters alone, chosen by what the site is and what it lacks."""
    return _assembled(mosaic, cfa, lambda quarters, mixed, cfa: mixed)


def _assembled(mosaic: Tensor, cfa: str, finish: Callable[[Tensor, Tensor, str], Tensor]) -> Tensor:
    height, width = mosaic.shape
    padded = F.pad(mosaic[None, None], (2, 2 + width % 2, 2, 2 + height % 2), mode="reflect")
    quarters = F.pixel_unshuffle(padded, 2)
    mixed = finish(quarters[0], F.conv2d(quarters, _weights(cfa).to(mosaic))[0], cfa)
    return F.pixel_shuffle(mixed[None], 2)[0, :, :height, :width]


def _within(quarters: Tensor, mixed: Tensor, cfa: str) -> Tensor:
    """`mixed` (colors · 4 sites, H/2, W/2), each limited to its neighbors in `quarters` (4 sites, H/2 + 2, W/2 + 2)."""
    planes = []
    for plane, values in enumerate(mixed):
        color, row, column = "RGB"[plane // 4], plane // 2 % 2, plane % 2
        near = [_tap(quarters, row + dy, column + dx) for dy, dx in _nearest(cfa, color, row, column)]
        planes.append(limited(values, reduce(torch.minimum, near), reduce(torch.maximum, near)))
    return torch.stack(planes)


def _nearest(cfa: str, color: str, row: int, column: int) -> list[tuple[int, int]]:
    """Where, from this site of the repeat, the nearest samples of `color` lie; (0, 0) where it is the site's own."""
    rings = ([(0, 0)], [(-1, 0), (1, 0), (0, -1), (0, 1)], [(-1, -1), (-1, 1), (1, -1), (1, 1)])
    found = ([(dy, dx) for dy, dx in ring if cfa[(row + dy) % 2 * 2 + (column + dx) % 2] == color] for ring in rings)
    return next(near for near in found if near)


def _tap(quarters: Tensor, y: int, x: int) -> Tensor:
    """(H/2, W/2): for each repeat of the array, the sample at (y, x) from its corner, -1 … 2."""
    height, width = quarters.shape[1] - 2, quarters.shape[2] - 2
    top, left = y // 2 + 1, x // 2 + 1
    return quarters[y % 2 * 2 + x % 2, top : top + height, left : left + width]


def _weights(cfa: str) -> Tensor:
    """(3 colors · 4 sites, 4 planes, 3, 3): the 5 × 5 filters taken apart by the phase of each tap."""
    weights = torch.zeros(3, 2, 2, 4, 3, 3)
    for color in range(3):
        for row in range(2):
            for column in range(2):
                taps = _filter(cfa, "RGB"[color], row, column)
                for dy in range(-2, 3):
                    for dx in range(-2, 3):
                        y, x = row + dy, column + dx
                        plane = y % 2 * 2 + x % 2
                        weights[color, row, column, plane, y // 2 + 1, x // 2 + 1] = taps[dy + 2][dx + 2] / 8
    return weights.reshape(12, 4, 3, 3)


def _filter(cfa: str, color: str, row: int, column: int) -> tuple[tuple[float, ...], ...]:
    """Which of the paper's filters gives `color` at this site of the repeat."""
    site, beside = cfa[2 * row + column], cfa[2 * row + 1 - column]
    if site == color:
        return OWN
    if color == "G":
        return GREEN_AT_OTHER
    if site != "G":
        return ACROSS
    if beside == color:
        return ALONG_ROW
    return tuple(zip(*ALONG_ROW, strict=True))
