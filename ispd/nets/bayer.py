"""A Bayer mosaic as the four planes that the published networks take.

Plane 0 is blue, 1 the green of the red rows, 2 red, 3 the green of the blue rows; codes of 10 bits are divided by
1020, pedestal and white balance as they are.  The networks were trained on RGGB alone: an array of another phase is
looked at from its first red site on.

>>> pack_bayer(torch.tensor([[1, 2], [3, 4]]), "RGGB").flatten() * SCALE
tensor([4., 2., 1., 3.])
"""

from __future__ import annotations

import torch
from torch import Tensor

SCALE = 1020.0  # 4 · 255, of ten bits
BAYER = ("RGGB", "GRBG", "GBRG", "BGGR")


def pack_bayer(mosaic: Tensor, cfa: str) -> Tensor:
    """(4, H/2, W/2) float32 from sensor codes (H, W), odd sides rounded up.

    The planes begin at the first red site; what is then missing at the bottom and on the right is mirrored, which
    keeps the array's phase.  Raises ValueError for a filter array that is not Bayer's.
    """
    top, left = red_site(cfa)
    height, width = mosaic.shape
    rggb = mirrored(mosaic, (top, top + height + height % 2), (left, left + width + width % 2)).to(torch.float32)
    return torch.stack([rggb[row::2, column::2] for row, column in ((1, 1), (0, 1), (0, 0), (1, 0))]) / SCALE


def red_site(cfa: str) -> tuple[int, int]:
    """Row and column of the red site of the repeat.  Raises ValueError for an array that is not Bayer's."""
    if cfa not in BAYER:
        raise ValueError(f"a network for Bayer sensors takes {', '.join(BAYER)}, not {cfa or 'a file without mosaic'}")
    return divmod(cfa.index("R"), 2)


def mirrored(mosaic: Tensor, rows: tuple[int, int], columns: tuple[int, int]) -> Tensor:
    """These rows and columns (from, to) of (H, W); those outside are mirrored, the edge not repeated."""
    for dim, (start, stop) in enumerate((rows, columns)):
        if (start, stop) != (0, mosaic.shape[dim]):
            mosaic = mosaic.index_select(dim, reflected(start, stop, mosaic.shape[dim]).to(mosaic.device))
    return mosaic


def reflected(start: int, stop: int, length: int) -> Tensor:
    """Which of `length` samples lies at positions from `start` to `stop`, mirrored at both ends as often as it takes.

    A sample and its mirror image are an even number of places apart: sites keep their color.

    >>> reflected(-2, 6, 3).tolist()
    [2, 1, 0, 1, 2, 1, 0, 1]
    """
    period = max(2 * (length - 1), 1)
    place = torch.arange(start, stop) % period
    return torch.minimum(place, period - place)
