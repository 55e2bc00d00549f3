"""What an ICC profile means, where it is three primaries and three curves (or one grey curve): all that cameras embed.

Gives   linear Rec.2020 from the picture's linear RGB, and each channel's curve from code values to light
Source  ICC.1:2022 (version 4.4): header §7.2, tags §9.2, curveType §10.6, parametricCurveType §10.18, XYZType §10.31;
        media white is the picture's white (relative colorimetry), so white stays white
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ispd.errors import PhotoError
from ispd.isp.color.spaces import D50_XYZ, D65, TRANSFERS, Array, adapt, rgb_from_rec2020, xyz_from_rgb, xyz_from_xy
from ispd.orders import Space

Curves: TypeAlias = NDArray[np.float32]

ENTRIES = 4096  # of a curve; linear between them, at most 2e-5 from a gamma of 2.2
MOST_PROFILE = 4 << 20  # bytes; a large table profile has 3 MB, a camera's 0.5 to 4 kB
MOST_TAGS = 100
HEADER = 128
GREY = np.ones((3, 1))
MATRIX_TAGS = (b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC")


@dataclass(frozen=True)
class Meaning:
    """What code values stand for: light of channel c is curves[c] at the code, and Rec.2020 is matrix @ light."""

    rec2020: Array  # (3, channels)
    curves: Curves  # (channels, ENTRIES), over codes 0…1

    @property
    def channels(self) -> int:
        """1 of a grey picture, else 3."""
        return len(self.curves)


def meaning_of_space(space: Space, channels: int = 3) -> Meaning:
    """Of a picture without a profile; a grey one shares the space's curve."""
    knee, slope, scale, exponent = TRANSFERS[space]
    codes = np.linspace(0, 1, ENTRIES)
    light = np.where(codes <= slope * knee, codes / slope, ((codes + (scale - 1)) / scale) ** (1 / exponent))
    matrix = np.linalg.inv(rgb_from_rec2020(space)) if channels == 3 else GREY
    return Meaning(matrix, np.tile(light.astype(np.float32), (channels, 1)))


def is_of_tables(profile: bytes, channels: int) -> bool:
    """What an RGB picture means stands in a table of colors, not in primaries and curves."""
    if channels != 3 or profile[16:20] != b"RGB ":
        return False
    tags = _tags(profile)
    return b"A2B0" in tags and not all(name in tags for name in MATRIX_TAGS)


def meaning_of_profile(profile: bytes, channels: int) -> Meaning:
    """Raises PhotoError where the profile is broken, or of another kind than the picture or this reader."""
    tags = _tags(profile)
    space = profile[16:20].decode("ascii", "replace").strip()
    if (space, channels) not in (("RGB", 3), ("GRAY", 1)):
        raise PhotoError(
            f"its ICC profile is for {space or 'nothing'}, the picture is {'RGB' if channels == 3 else 'grey'}"
        )
    if channels == 1:
        if b"kTRC" not in tags:
            raise PhotoError("its ICC profile has no curve for grey: save the picture with sRGB's profile")
        return Meaning(GREY, _curve(tags[b"kTRC"])[None])
    if not all(name in tags for name in MATRIX_TAGS):
        raise PhotoError("its ICC profile has neither primaries and curves nor a table: save the picture in sRGB")
    columns = np.stack([_xyz(tags[name]) for name in MATRIX_TAGS[:3]], axis=1)
    return Meaning(_rec2020(columns), np.stack([_curve(tags[name]) for name in MATRIX_TAGS[3:]]))


def _rec2020(columns: Array) -> Array:
    """From primaries relative to D50; a profile whose white is another one (old scanners) is adapted to it."""
    white = columns.sum(axis=1)
    if not np.isfinite(columns).all() or white.min() <= 0 or abs(np.linalg.det(columns)) < 1e-6:
        raise PhotoError("the primaries of its ICC profile make no sense: save the picture in sRGB")
    to_d65 = adapt(D50_XYZ, xyz_from_xy(D65)) @ adapt(white / white[1], D50_XYZ)
    matrix: Array = np.linalg.solve(xyz_from_rgb("rec2020"), to_d65 @ (columns / white[1]))
    matrix /= matrix.sum(axis=1, keepdims=True)  # the rounding of 1/65536 taken out: white is white
    return matrix


def _tags(profile: bytes) -> dict[bytes, bytes]:
    if not HEADER + 4 <= len(profile) <= MOST_PROFILE or profile[36:40] != b"acsp":
        raise PhotoError("its ICC profile is broken: save the picture with sRGB's profile")
    count = min(struct.unpack_from(">I", profile, HEADER)[0], MOST_TAGS)
    tags = {}
    for at in range(HEADER + 4, min(HEADER + 4 + 12 * count, len(profile) - 11), 12):
        name, offset, length = struct.unpack_from(">4sII", profile, at)
        tags[name] = profile[offset : offset + length]
    return tags


def _xyz(tag: bytes) -> Array:
    if tag[:4] != b"XYZ " or len(tag) < 20:
        raise PhotoError("the primaries of its ICC profile make no sense: save the picture in sRGB")
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536


def _curve(tag: bytes) -> Curves:
    codes = np.linspace(0, 1, ENTRIES)
    light: Array
    if tag[:4] == b"curv" and len(tag) >= 12:
        count = struct.unpack_from(">I", tag, 8)[0]
        stored = np.frombuffer(tag[12 : 12 + 2 * min(count, 65536)], ">u2")
        if len(stored) < count:
            raise PhotoError("a curve of its ICC profile is cut short: save the picture with sRGB's profile")
        if count == 0:
            light = codes
        elif count == 1:
            light = codes ** (stored[0] / 256)
        else:
            light = np.interp(codes, np.linspace(0, 1, count), stored / 65535)
    elif tag[:4] == b"para" and len(tag) >= 12:
        light = _parametric(codes, tag)
    else:
        raise PhotoError("a curve of its ICC profile is of no known kind: save the picture with sRGB's profile")
    if not np.isfinite(light).all() or light[-1] <= light[0]:
        raise PhotoError("a curve of its ICC profile makes no sense: save the picture with sRGB's profile")
    curve: Curves = light.clip(0, 1).astype(np.float32)
    return curve


def _parametric(x: Array, tag: bytes) -> Array:
    """Function types 0 … 4 of §10.18: a power with an offset, a line below its knee."""
    kind = struct.unpack_from(">H", tag, 8)[0]
    count = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}.get(kind, 99)
    if len(tag) < 12 + 4 * count:
        raise PhotoError("a curve of its ICC profile is of no known kind: save the picture with sRGB's profile")
    numbers = [number / 65536 for number in struct.unpack_from(f">{count}i", tag, 12)]
    g, a, b, c, d, e, f = numbers + [0.0] * (7 - count)
    if kind == 0:
        return np.asarray(x**g)
    if kind in (1, 2):
        c, d, e, f = 0.0, (-b / a if a else math.inf), (c if kind == 2 else 0.0), (c if kind == 2 else 0.0)
    with np.errstate(invalid="ignore", over="ignore"):
        light: Array = np.where(x >= d, np.maximum(a * x + b, 0) ** g + e, c * x + f)
    return light
