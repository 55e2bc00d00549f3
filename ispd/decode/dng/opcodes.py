"""Opcode lists: the corrections that a DNG asks for, as values of ispd.isp.values.

An opcode that makes no sense (NaN, an empty map, a region outside the picture) is left out with a warning; a list
whose lengths lie is left out whole, since nothing after the lie can be found.  An unknown opcode is left out if the
file calls it optional; one that the file calls required is an error: the picture would not be what its maker meant.

Source  DNG 1.7.1 chapter 7.  Opcode lists are big-endian whatever the file is.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ispd.errors import PhotoError
from ispd.isp.values import (
    Area,
    DeltaPerRow,
    FixBadPixelsConstant,
    FixBadPixelsList,
    FixVignetteRadial,
    GainMap,
    MapPolynomial,
    MapTable,
    Opcode,
    Region,
    TrimBounds,
    WarpRectilinear,
)

MOST_OPCODES = 256  # in one list; real lists have at most a dozen
MOST_NODES = 1 << 20  # of one gain map
MOST_DEGREE = 8  # of MapPolynomial, by the specification
OPTIONAL = 1  # the flag's bit

NAMES = {
    1: "WarpRectilinear",
    2: "WarpFisheye",
    3: "FixVignetteRadial",
    4: "FixBadPixelsConstant",
    5: "FixBadPixelsList",
    6: "TrimBounds",
    7: "MapTable",
    8: "MapPolynomial",
    9: "GainMap",
    10: "DeltaPerRow",
    11: "DeltaPerColumn",
    12: "ScalePerRow",
    13: "ScalePerColumn",
    14: "WarpRectilinear2",
}


@dataclass(frozen=True)
class Frame:
    """What an opcode list's coordinates refer to: the stored image (list 1) or the active area (lists 2 and 3)."""

    height: int
    width: int
    planes: int


class _Nonsense(Exception):
    """This opcode cannot be meant; the text says why."""


class _Lie(Exception):
    """The opcode's parameters end before they should."""


def read_opcodes(data: bytes, frame: Frame, name: str) -> tuple[tuple[Opcode, ...], tuple[str, ...]]:
    """The opcodes of one list and a warning for each that was left out.  Raises PhotoError for an unknown required one.

    `name` is the tag's name, for the sentences.
    """
    try:
        parts = _split(data)
    except _Lie:
        return (), (f"{name} is damaged (its lengths do not fit): all its corrections are left out",)
    opcodes: list[Opcode] = []
    warnings: list[str] = []
    for number, flags, parameters in parts:
        try:
            opcodes.append(_read(number, flags, parameters, frame, name))
        except _Nonsense as why:
            warnings.append(f"{name}: {NAMES.get(number, f'opcode {number}')} is left out: {why}")
        except _Lie:
            warnings.append(f"{name}: {NAMES[number]} is left out: its parameters are cut short")
    return tuple(opcodes), tuple(dict.fromkeys(warnings))


def _split(data: bytes) -> list[tuple[int, int, bytes]]:
    """(number, flags, parameters) of each opcode."""
    cursor = _Cursor(data)
    (count,) = cursor.take("I")
    if count > MOST_OPCODES:
        raise _Lie
    parts = []
    for _ in range(count):
        number, _version, flags, size = cursor.take("IIII")
        parts.append((number, flags, cursor.bytes(size)))
    return parts


def _read(number: int, flags: int, parameters: bytes, frame: Frame, name: str) -> Opcode:
    reader = _READERS.get(number)
    if reader is not None:
        return reader(_Cursor(parameters), frame)
    if number in NAMES:  # geometry of lenses that ispd cannot undo yet: the picture is whole without it
        raise _Nonsense("ispd does not know how to apply it yet")
    if not flags & OPTIONAL:
        raise PhotoError(f"{name} requires a correction that ispd does not know (opcode {number})")
    raise _Nonsense("unknown, and the file calls it optional")


class _Cursor:
    """Big-endian numbers, one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def bytes(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise _Lie
        self.at += size
        return self.data[self.at - size : self.at]

    def take(self, codes: str) -> tuple[int, ...]:
        """Whole numbers."""
        form = struct.Struct(">" + codes)
        return form.unpack(self.bytes(form.size))

    def floats(self, count: int, code: str) -> tuple[float, ...]:
        """`count` finite numbers, "f" or "d"."""
        size = 4 if code == "f" else 8
        values = struct.unpack(f">{count}{code}", self.bytes(count * size))
        if not all(math.isfinite(v) and abs(v) < 1e9 for v in values):
            raise _Nonsense("its numbers are not finite")
        return values


def _area(cursor: _Cursor, frame: Frame) -> Area:
    """A rectangle, clipped to the frame."""
    top, left, bottom, right = cursor.take("4I")
    area = Area(top, left, min(bottom, frame.height), min(right, frame.width))
    if area.height <= 0 or area.width <= 0:
        raise _Nonsense("it acts on no part of the picture")
    return area


def _region(cursor: _Cursor, frame: Frame) -> Region:
    top, left, bottom, right, plane, planes, row_pitch, col_pitch = cursor.take("8I")
    if row_pitch == 0 or col_pitch == 0:
        raise _Nonsense("its pitch is 0")
    area = Area(top, left, min(bottom, frame.height), min(right, frame.width))
    if area.height <= 0 or area.width <= 0 or plane >= frame.planes or planes == 0:
        raise _Nonsense("it acts on no part of the picture")
    return Region(area, plane, min(planes, frame.planes - plane), row_pitch, col_pitch)


def _bad_pixels_constant(cursor: _Cursor, _frame: Frame) -> Opcode:
    constant, _phase = cursor.take("II")
    return FixBadPixelsConstant(constant)


def _bad_pixels_list(cursor: _Cursor, frame: Frame) -> Opcode:
    _phase, point_count, area_count = cursor.take("III")
    flat = cursor.take(f"{_fits(cursor, point_count, 8) * 2}I")
    points = tuple((r, c) for r, c in zip(flat[::2], flat[1::2], strict=True) if r < frame.height and c < frame.width)
    flat = cursor.take(f"{_fits(cursor, area_count, 16) * 4}I")
    clipped = (
        Area(top, left, min(bottom, frame.height), min(right, frame.width))
        for top, left, bottom, right in zip(flat[0::4], flat[1::4], flat[2::4], flat[3::4], strict=True)
    )
    return FixBadPixelsList(points, tuple(area for area in clipped if area.height > 0 and area.width > 0))


def _trim_bounds(cursor: _Cursor, frame: Frame) -> Opcode:
    return TrimBounds(_area(cursor, frame))


def _map_table(cursor: _Cursor, frame: Frame) -> Opcode:
    region = _region(cursor, frame)
    (count,) = cursor.take("I")
    if not 1 <= count <= 65536:
        raise _Nonsense(f"its table has {count} entries")
    return MapTable(region, cursor.take(f"{_fits(cursor, count, 2)}H"))


def _map_polynomial(cursor: _Cursor, frame: Frame) -> Opcode:
    region = _region(cursor, frame)
    (degree,) = cursor.take("I")
    if degree > MOST_DEGREE:
        raise _Nonsense(f"its polynomial has degree {degree}")
    return MapPolynomial(region, cursor.floats(degree + 1, "d"))


def _gain_map(cursor: _Cursor, frame: Frame) -> Opcode:
    region = _region(cursor, frame)
    rows, columns = cursor.take("II")
    spacing_v, spacing_h, origin_v, origin_h = cursor.floats(4, "d")
    (planes,) = cursor.take("I")
    if not (rows and columns and planes):
        raise _Nonsense("its map is empty")
    if rows * columns * planes > MOST_NODES:
        raise _Nonsense(f"its map has {rows * columns * planes:,} nodes")
    if (rows > 1 and spacing_v <= 0) or (columns > 1 and spacing_h <= 0):
        raise _Nonsense("its nodes lie on one spot")
    flat = cursor.floats(_fits(cursor, rows * columns * planes, 4), "f")
    if min(flat) < 0:
        raise _Nonsense("it has negative gains")
    nodes = [flat[i : i + planes] for i in range(0, len(flat), planes)]
    gains = tuple(tuple(nodes[i : i + columns]) for i in range(0, len(nodes), columns))
    return GainMap(region, (spacing_v, spacing_h), (origin_v, origin_h), gains)


def _per_line(along: str, operation: str) -> Reader:
    def read(cursor: _Cursor, frame: Frame) -> Opcode:
        region = _region(cursor, frame)
        (count,) = cursor.take("I")
        values = cursor.floats(_fits(cursor, count, 4), "f")
        lines, pitch = (
            (region.area.height, region.row_pitch) if along == "row" else (region.area.width, region.col_pitch)
        )
        needed = -(-lines // pitch)
        if len(values) < needed:
            raise _Nonsense(f"it has {len(values)} values for {needed} lines")
        return DeltaPerRow(region, values[:needed], along, operation)

    return read


def _vignette(cursor: _Cursor, _frame: Frame) -> Opcode:
    *coefficients, x, y = cursor.floats(7, "d")
    return FixVignetteRadial(tuple(coefficients), (x, y))


def _warp(cursor: _Cursor, _frame: Frame) -> Opcode:
    (count,) = cursor.take("I")
    if not 1 <= count <= 4:
        raise _Nonsense(f"it is for {count} planes")
    planes = tuple(cursor.floats(6, "d") for _ in range(count))
    x, y = cursor.floats(2, "d")
    return WarpRectilinear(planes, (x, y))


def _fits(cursor: _Cursor, count: int, size: int) -> int:
    """`count`, if so many things of that size are still there."""
    if count * size > len(cursor.data) - cursor.at:
        raise _Lie
    return count


Reader: TypeAlias = Callable[[_Cursor, Frame], Opcode]

_READERS: dict[int, Reader] = {
    1: _warp,
    3: _vignette,
    4: _bad_pixels_constant,
    5: _bad_pixels_list,
    6: _trim_bounds,
    7: _map_table,
    8: _map_polynomial,
    9: _gain_map,
    10: _per_line("row", "add"),
    11: _per_line("column", "add"),
    12: _per_line("row", "multiply"),
    13: _per_line("column", "multiply"),
}
