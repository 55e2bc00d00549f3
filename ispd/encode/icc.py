"""ICC profiles of our own for the four output spaces: three primaries, a curve, and what readers need to trust them.

Version 2.4 with tabulated curves rather than 4 with parametric ones: every reader of the last 25 years takes them
(Firefox ignored version 4 for long, Windows' viewers and printer drivers still do), and no reader is known that
wants 4.  Two additions of later practice are harmless in version 2: the `chad` tag, and the MD5 profile ID, by
which programs recognize a profile that they have seen.

The bytes are a constant of the space: same on every machine, with every library.

Source  ICC.1:2001-04 (version 2.4): header §6.1, tags §6.4, types §6.5
        profile ID and `chad`: ICC.1:2010 §7.2.18, §9.2.15
        curves: IEC 61966-2-1 (sRGB, shared by Display P3); Adobe RGB (1998) §4.3.4.2; ITU-R BT.2020 table 4

>>> [len(icc_profile(space)) for space in ("srgb", "display-p3", "adobe-rgb", "rec2020")]
[2564, 2572, 548, 2572]
"""

from __future__ import annotations

import hashlib
import struct
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ispd.isp.color.spaces import D50_XYZ, D65, Array, adapt, xyz_from_rgb, xyz_from_xy
from ispd.orders import Space

Codes: TypeAlias = NDArray[np.int64]

NAMES: dict[Space, str] = {
    "srgb": "sRGB",
    "display-p3": "Display P3",
    "adobe-rgb": "Compatible with Adobe RGB (1998)",  # Adobe asks others to call theirs so
    "rec2020": "ITU-R BT.2020",
}
COPYRIGHT = "CC0: no rights reserved"
MADE = (2026, 1, 1, 0, 0, 0)  # a constant, so that the same space gives the same bytes

ENTRIES = 1024  # linear between them: at most 4e-7 from the formula, below the 16-bit step of the entries themselves
ADOBE_GAMMA = 563  # in 1/256: 2.19921875, the specification's own number

HEADER_BYTES = 128
PERCEPTUAL, RESERVED = 0, 0


@cache
def icc_profile(space: Space) -> bytes:
    """The profile to embed in a picture whose pixels are encoded in `space`."""
    tags = _tags(space)
    table, data = _layout(tags)
    size = HEADER_BYTES + len(table) + len(data)
    body = table + data
    # the ID is the digest of the profile with three fields zero that we set to zero anyway: flags, intent, ID itself
    identity = hashlib.md5(_header(size, bytes(16)) + body, usedforsecurity=False).digest()
    return _header(size, identity) + body


def linear_from_encoded(space: Space, encoded: Array) -> Array:
    """The light that code values in [0, 1] stand for, by the space's own formula."""
    if space == "adobe-rgb":
        return np.asarray(encoded ** (ADOBE_GAMMA / 256))
    if space == "rec2020":  # table 4, with the constants in full precision
        alpha, beta = 1.09929682680944, 0.018053968510807
        return np.where(encoded < 4.5 * beta, encoded / 4.5, ((encoded + alpha - 1) / alpha) ** (1 / 0.45))
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def _tags(space: Space) -> dict[bytes, bytes]:
    primaries = _colorants(space)
    curve = _curve(space)
    return {
        b"desc": _description(NAMES[space]),
        b"cprt": b"text" + bytes(4) + COPYRIGHT.encode("ascii") + b"\0",
        b"wtpt": _xyz(_fixed(D50_XYZ)),
        b"chad": b"sf32" + bytes(4) + _words(_fixed(adapt(xyz_from_xy(D65), D50_XYZ))),
        b"rXYZ": _xyz(primaries[:, 0]),
        b"gXYZ": _xyz(primaries[:, 1]),
        b"bXYZ": _xyz(primaries[:, 2]),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }


def _colorants(space: Space) -> Codes:
    """XYZ of the primaries under D50 in 1/65536, columns R, G, B; they sum to D50 exactly, or white would be tinted."""
    columns = _fixed(adapt(xyz_from_xy(D65), D50_XYZ) @ xyz_from_rgb(space))
    columns[:, 1] += _fixed(D50_XYZ) - columns.sum(axis=1)  # one step at most, on the largest
    return columns


def _curve(space: Space) -> bytes:
    if space == "adobe-rgb":
        return b"curv" + struct.pack(">IIH", RESERVED, 1, ADOBE_GAMMA)
    light = linear_from_encoded(space, np.linspace(0, 1, ENTRIES))
    return b"curv" + struct.pack(">II", RESERVED, ENTRIES) + np.rint(light * 65535).astype(">u2").tobytes()


def _description(text: str) -> bytes:
    """textDescriptionType: ASCII, then empty Unicode and Macintosh parts (67 bytes whether used or not)."""
    ascii_text = text.encode("ascii") + b"\0"
    return b"desc" + struct.pack(">II", RESERVED, len(ascii_text)) + ascii_text + bytes(4 + 4 + 2 + 1 + 67)


def _fixed(values: Array) -> Codes:
    """s15Fixed16Number: in 1/65536."""
    return np.rint(np.asarray(values) * 65536).astype(np.int64)


def _words(codes: Codes) -> bytes:
    return codes.astype(">i4").tobytes()


def _xyz(codes: Codes) -> bytes:
    return b"XYZ " + bytes(4) + _words(codes)


def _layout(tags: dict[bytes, bytes]) -> tuple[bytes, bytes]:
    """The tag table and the data behind it; equal data (the three curves) are stored once, each at a multiple of 4."""
    start = HEADER_BYTES + 4 + 12 * len(tags)
    places: dict[bytes, int] = {}
    data = b""
    for content in tags.values():
        if content not in places:
            places[content] = start + len(data)
            data += content + bytes(-len(content) % 4)
    rows = [struct.pack(">4sII", name, places[content], len(content)) for name, content in tags.items()]
    return struct.pack(">I", len(tags)) + b"".join(rows), data


def _header(size: int, identity: bytes) -> bytes:
    parts = (
        struct.pack(">I4sI", size, bytes(4), 0x02400000),
        b"mntrRGB XYZ ",  # a display, its device space, its connection space
        struct.pack(">6H", *MADE),
        b"acsp" + bytes(4),  # signature; no platform preferred
        bytes(4) + bytes(4) + bytes(4) + bytes(8),  # flags, manufacturer, model, attributes
        struct.pack(">I", PERCEPTUAL),
        _words(_fixed(D50_XYZ)),
        b"ispd" + identity + bytes(28),
    )
    return b"".join(parts)
