"""Malvar's demosaic: bilinear, corrected by the Laplacian of the color that was measured.  Linear, sharp, cheap.

Takes   (H, W) mosaic, white-balanced; one of the four Bayer phases, three colors; at least 3 × 3
Gives   (3, H, W), R, G, B
Source  H. Malvar, L. He, R. Cutler, "High-quality linear interpolation for demosaicing of Bayer-patterned color
        images", ICASSP 2004, figure 2.  Borders are mirrored without repeating the edge, which keeps the phase

The four 5 × 5 filters are applied as one convolution on the four half-size planes: a ninth of the multiplications.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

PHASES = ("RGGB", "BGGR", "GRBG", "GBRG")

# figure 2 of the paper, in eighths
GREEN_AT_OTHER = ((0, 0, -1, 0, 0), (0, 0, 2, 0, 0), (-1, 2, 4, 2, -1), (0, 0, 2, 0, 0), (0, 0, -1, 0, 0))
ALONG_ROW = ((0, 0, 0.5, 0, 0), (0, -1, 0, -1, 0), (-1, 4, 5, 4, -1), (0, -1, 0, -1, 0), (0, 0, 0.5, 0, 0))
ACROSS = ((0, 0, -1.5, 0, 0), (0, 2, 0, 2, 0), (-1.5, 0, 6, 0, -1.5), (0, 2, 0, 2, 0), (0, 0, -1.5, 0, 0))
OWN = ((0,) * 5, (0,) * 5, (0, 0, 8, 0, 0), (0,) * 5, (0,) * 5)


def malvar(mosaic: Tensor, cfa: str) -> Tensor:
    """Four filters, chosen by what the site is and what it lacks."""
    height, width = mosaic.shape
    padded = F.pad(mosaic[None, None], (2, 2 + width % 2, 2, 2 + height % 2), mode="reflect")
    quarters = F.pixel_unshuffle(padded, 2)
    mixed = F.conv2d(quarters, _weights(cfa).to(mosaic))
    return F.pixel_shuffle(mixed, 2)[0, :, :height, :width]


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
