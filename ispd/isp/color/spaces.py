"""Color spaces as numbers: primaries, white points, and the matrices between them.  Torch-free, float64.

Matrices say both ends, so that products read like dominoes: `srgb_from_xyz @ xyz_from_rec2020`.

Source  primaries: IEC 61966-2-1 (sRGB), SMPTE EG 432-1 (Display P3), Adobe RGB (1998) specification, ITU-R BT.2020;
        Bradford adaptation: as ICC.1:2022 annex E

>>> bool(np.allclose(rgb_from_rec2020("rec2020"), np.eye(3)))
True
>>> (rgb_from_rec2020("srgb") @ [1.0, 1.0, 1.0]).round(6).tolist()  # white stays white
[1.0, 1.0, 1.0]
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ispd.orders import Space

Array: TypeAlias = NDArray[np.floating]  # float64 in here

D65 = (0.3127, 0.3290)  # xy; all four spaces share it
D50_XYZ: Array = np.array([0.9642, 1.0, 0.8249])  # the ICC's and the DNG specification's reference white

PRIMARIES: dict[Space, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "srgb": ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    "display-p3": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    "adobe-rgb": ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060)),
    "rec2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
}

BRADFORD: Array = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def xyz_from_xy(xy: tuple[float, float]) -> Array:
    """The color of chromaticity `xy` with Y = 1."""
    x, y = xy
    return np.array([x / y, 1.0, (1 - x - y) / y])


def xyz_from_rgb(space: Space) -> Array:
    """3×3: linear RGB of `space` to XYZ relative to D65, white to Y = 1."""
    columns = np.stack([xyz_from_xy(primary) for primary in PRIMARIES[space]], axis=1)
    scale: Array = np.linalg.solve(columns, xyz_from_xy(D65))
    return columns * scale


def rgb_from_rec2020(space: Space) -> Array:
    """3×3: linear Rec.2020 to linear RGB of `space`; white stays white."""
    product: Array = np.linalg.solve(xyz_from_rgb(space), xyz_from_rgb("rec2020"))
    return product


def adapt(source_xyz: Array, target_xyz: Array) -> Array:
    """3×3: Bradford adaptation, XYZ under white `source_xyz` to XYZ under white `target_xyz`."""
    gains = (BRADFORD @ target_xyz) / (BRADFORD @ source_xyz)
    adaptation: Array = np.linalg.solve(BRADFORD, gains[:, None] * BRADFORD)
    return adaptation
