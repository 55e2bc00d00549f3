"""Color spaces as numbers: primaries, white points, transfer curves, matrices between them.  Torch-free, float64.

Matrices say both ends, so that products read like dominoes: `srgb_from_xyz @ xyz_from_rec2020`.

Source  primaries: IEC 61966-2-1 (sRGB), SMPTE EG 432-1 (Display P3), Adobe RGB (1998) specification, ITU-R BT.2020;
        Bradford adaptation: as ICC.1:2022 annex E
        transfer: IEC 61966-2-1 (sRGB; Display P3 shares its curve), Adobe RGB (1998) §4.3.4.2, ITU-R BT.2020 table 4
        OKLab: B. Ottosson, "A perceptual color space for image processing", 2020 (bottosson.github.io/posts/oklab)

>>> bool(np.allclose(rgb_from_rec2020("rec2020"), np.eye(3)))
True
>>> (rgb_from_rec2020("srgb") @ [1.0, 1.0, 1.0]).round(6).tolist()  # white stays white
[1.0, 1.0, 1.0]
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

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


class Transfer(NamedTuple):
    """Code values from linear light: slope · x up to `knee`, then scale · x**exponent - (scale - 1)."""

    knee: float
    slope: float
    scale: float
    exponent: float


ADOBE = 256 / 563  # the specification's own number, not 1 / 2.2
TINY = 1e-7  # below it a plain power is a line to the origin: its slope there has no end
SRGB = Transfer(0.0031308, 12.92, 1.055, 1 / 2.4)
TRANSFERS: dict[Space, Transfer] = {
    "srgb": SRGB,
    "display-p3": SRGB,
    "adobe-rgb": Transfer(TINY, TINY ** (ADOBE - 1), 1.0, ADOBE),
    "rec2020": Transfer(0.018053968510807, 4.5, 1.09929682680944, 0.45),  # in full precision: line and power meet
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


def _neutral(lms_from_rgb: Array, lab_from_lms: Array) -> tuple[Array, Array]:
    """Both matrices of OKLab with their rounding taken out: white is LMS (1, 1, 1), and that is Lab (1, 0, 0)."""
    rows = lms_from_rgb.sum(axis=1, keepdims=True)
    excess = lab_from_lms.sum(axis=1) - [1.0, 0.0, 0.0]
    return lms_from_rgb / rows, lab_from_lms - excess[:, None] / 3


LMS_FROM_XYZ: Array = np.array(
    [
        [0.8189330101, 0.3618667424, -0.1288597137],
        [0.0329845436, 0.9293118715, 0.0361456387],
        [0.0482003018, 0.2643662691, 0.6338517070],
    ]
)
LAB_FROM_LMS: Array = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
LMS_FROM_REC2020, LAB_FROM_LMS = _neutral(LMS_FROM_XYZ @ xyz_from_rgb("rec2020"), LAB_FROM_LMS)
REC2020_FROM_LMS: Array = np.linalg.inv(LMS_FROM_REC2020)
LMS_FROM_LAB: Array = np.linalg.inv(LAB_FROM_LMS)
