"""A color filter array at work: which color a site has, and what its neighbors say about the colors it has not.

`cfa` is the square repeat as letters, left to right, top to bottom; `colors` names the planes, one letter each.

>>> shifted("RGGB", rows=1)
'GBRG'
>>> planes_of_sites("RGGB", "RGB").tolist()
[[0, 1], [1, 2]]
"""

from __future__ import annotations

import math
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor


def repeat(cfa: str) -> int:
    """How many sites the square repeat is wide.  Raises ValueError where the letters make no square."""
    side = math.isqrt(len(cfa))
    if side == 0 or side * side != len(cfa):
        raise ValueError(f"a color filter array of {len(cfa)} letters is no square: {cfa!r}")
    return side


def colors_of(cfa: str) -> str:
    """The colors of a filter array in the order of their planes: RGB, or any others as they come."""
    return "RGB" if set(cfa) == set("RGB") else "".join(dict.fromkeys(cfa))


def shifted(cfa: str, rows: int) -> str:
    """The array as a strip sees it that starts `rows` below the array's origin."""
    side = repeat(cfa)
    start = rows % side * side
    return cfa[start:] + cfa[:start]


def planes_of_sites(cfa: str, colors: str) -> Tensor:
    """(n, n) int64: the plane of each site of the repeat.  Raises ValueError for a letter that `colors` has not."""
    side = repeat(cfa)
    return torch.tensor([colors.index(letter) for letter in cfa]).reshape(side, side)


def tiled(pattern: Tensor, height: int, width: int) -> Tensor:
    """(height, width): the pattern (rows, columns) repeated from the top left."""
    rows, columns = pattern.shape[-2:]
    times = (math.ceil(height / rows), math.ceil(width / columns))
    return pattern.repeat(*times)[:height, :width]


def spread(mosaic: Tensor, cfa: str, colors: str) -> Tensor:
    """(colors, H, W) from (H, W): own samples kept, the others the weighted mean of the nearest of their color.

    Normalized convolution with a tent (H. Knutsson, C.-F. Westin, CVPR 1993): on a Bayer array it is bilinear
    interpolation, it needs no rule for borders, and it takes any array.  A site whose neighborhood has none of a
    color (pictures smaller than the repeat) keeps its own sample for it, which is neutral after white balance.
    """
    height, width = mosaic.shape
    sites = planes_of_sites(cfa, colors)
    masks = torch.stack([tiled((sites == plane).to(mosaic.dtype), height, width) for plane in range(len(colors))])
    masks = masks.to(mosaic.device)
    planes, known = _means(masks * mosaic, masks, nearness(sites, len(colors)))
    for _ in range(2 * len(sites)):  # a corner's neighborhood is cut off and may lack a color: its neighbors have it
        if bool(known.all()):
            break
        wider, found = _means(planes, known.to(planes), radius=1)
        planes, known = torch.where(known, planes, wider), known | found
    return torch.where(masks > 0, mosaic, torch.where(known, planes, mosaic))


def _means(values: Tensor, weights: Tensor, radius: int) -> tuple[Tensor, Tensor]:
    """Each plane's weighted mean around every site, and whether there was anything to take it of."""
    sums, total = tent(values * weights, radius), tent(weights, radius)
    return torch.where(total > 0, sums / total.clamp(min=1e-6), values), total > 0


def tent(planes: Tensor, radius: int) -> Tensor:
    """Weighted sums around every site: weight radius + 1 at the site, falling to 1 at `radius`, in both directions.

    By sums of shifted rows: torch's convolution of single planes takes ten times as long on a CPU.
    """
    for dim in (-1, -2):
        length = planes.shape[dim]
        wide = F.pad(planes, (radius, radius, 0, 0) if dim == -1 else (0, 0, radius, radius))
        total = (radius + 1) * wide.narrow(dim, radius, length)
        for distance in range(1, radius + 1):
            pair = wide.narrow(dim, radius - distance, length) + wide.narrow(dim, radius + distance, length)
            total = total + (radius + 1 - distance) * pair
        planes = total
    return planes


def greatest(planes: Tensor, radius: int) -> Tensor:
    """The greatest value up to `radius` away, in both directions."""
    for dim in (-1, -2):
        length = planes.shape[dim]
        wide = F.pad(planes, (radius, radius, 0, 0) if dim == -1 else (0, 0, radius, radius), value=-math.inf)
        shifts = (wide.narrow(dim, start, length) for start in range(2 * radius + 1))
        planes = reduce(torch.maximum, shifts)
    return planes


def nearness(sites: Tensor, colors: int) -> int:
    """The smallest neighborhood that has every color of the array around every site of it."""
    side = sites.shape[0]
    for radius in range(1, side):
        wide = tiled(sites, side + 2 * radius, side + 2 * radius)
        blocks = wide.unfold(0, 2 * radius + 1, 1).unfold(1, 2 * radius + 1, 1).flatten(2)
        if all(bool((blocks == plane).any(dim=2).all()) for plane in range(colors) if bool((sites == plane).any())):
            return radius
    return max(1, side - 1)
