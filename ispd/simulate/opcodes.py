"""Opcode lists as bytes: what a camera writes into its DNG so that a converter mends the picture.

Always big-endian, whatever the file's own order.

Source  DNG 1.7.1, chapter 7 (numbers, order of the parameters)
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from ispd.isp.values import FixVignetteRadial, GainMap, MapPolynomial, Opcode, Region, WarpRectilinear

DNG_VERSION = 0x01030000  # the first that has all opcodes written here


def encode_opcodes(opcodes: Sequence[Opcode]) -> bytes:
    """The value of an OpcodeList tag."""
    parts = [struct.pack(">I", len(opcodes))]
    for opcode in opcodes:
        number, parameters = _encode(opcode)
        parts.append(struct.pack(">4I", number, DNG_VERSION, 0, len(parameters)) + parameters)
    return b"".join(parts)


def _encode(opcode: Opcode) -> tuple[int, bytes]:
    match opcode:
        case WarpRectilinear(planes, center):
            numbers = [number for plane in planes for number in plane]
            return 1, struct.pack(f">I{len(numbers) + 2}d", len(planes), *numbers, *center)
        case FixVignetteRadial(coefficients, center):
            return 3, struct.pack(">7d", *coefficients, *center)
        case MapPolynomial(region, coefficients):
            degree = len(coefficients) - 1
            return 8, _region(region) + struct.pack(f">I{len(coefficients)}d", degree, *coefficients)
        case GainMap(region, spacing, origin, gains):
            return 9, _region(region) + _grid(spacing, origin, gains)
    raise NotImplementedError(f"the simulated camera does not write {type(opcode).__name__}")


def _region(region: Region) -> bytes:
    area = region.area
    edges = (area.top, area.left, area.bottom, area.right)
    return struct.pack(">8I", *edges, region.plane, region.planes, region.row_pitch, region.col_pitch)


def _grid(
    spacing: tuple[float, float],
    origin: tuple[float, float],
    gains: tuple[tuple[tuple[float, ...], ...], ...],
) -> bytes:
    rows, columns, planes = len(gains), len(gains[0]), len(gains[0][0])
    numbers = [gain for row in gains for point in row for gain in point]
    head = struct.pack(">2I4dI", rows, columns, *spacing, *origin, planes)
    return head + struct.pack(f">{len(numbers)}f", *numbers)
