from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ispd.decode.dng.opcodes import Frame, read_opcodes
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
from ispd.simulate.opcodes import encode_opcodes

FRAME = Frame(height=48, width=64, planes=1)
WHOLE = struct.pack(">8I", 0, 0, 48, 64, 0, 1, 1, 1)
REGION = Region(Area(0, 0, 48, 64))


def opcode(number: int, parameters: bytes, flags: int = 0) -> bytes:
    return struct.pack(">4I", number, 0x01030000, flags, len(parameters)) + parameters


def listed(*opcodes: bytes) -> bytes:
    return struct.pack(">I", len(opcodes)) + b"".join(opcodes)


def one(number: int, parameters: bytes) -> Opcode:
    opcodes, warnings = read_opcodes(listed(opcode(number, parameters)), FRAME, "OpcodeList2")
    assert warnings == ()
    return opcodes[0]


def left_out(number: int, parameters: bytes, flags: int = 0) -> str:
    opcodes, warnings = read_opcodes(listed(opcode(number, parameters, flags)), FRAME, "OpcodeList2")
    assert opcodes == ()
    return warnings[0]


def gain_map(rows: int, columns: int, *gains: float, region: bytes = WHOLE) -> bytes:
    spacing = (1 / max(1, rows - 1), 1 / max(1, columns - 1))
    return region + struct.pack(">2I4dI", rows, columns, *spacing, 0, 0, 1) + struct.pack(f">{len(gains)}f", *gains)


def test_what_the_simulated_camera_writes_is_read_back() -> None:
    written: list[Opcode] = [
        GainMap(REGION, (1.0, 0.5), (0.0, 0.25), (((1.0,), (1.5,), (2.0,)), ((1.0,), (1.25,), (1.5,)))),
        MapPolynomial(Region(Area(2, 4, 48, 64), 0, 1, 2, 2), (0.0, 0.5, 0.5)),
        FixVignetteRadial((0.5, 0.2, 0.0, 0.0, 0.0), (0.5, 0.5)),
        WarpRectilinear(((1.002, -0.05, 0.0, 0.0, 0.0, 0.0), (1.0, -0.05, 0.0, 0.0, 0.0, 0.0)), (0.5, 0.5)),
    ]
    assert read_opcodes(encode_opcodes(written), FRAME, "OpcodeList3") == (tuple(written), ())


def test_the_other_opcodes_by_the_specifications_layout() -> None:
    assert one(4, struct.pack(">II", 17, 1)) == FixBadPixelsConstant(17)
    bad = struct.pack(">III", 0, 1, 1) + struct.pack(">II", 5, 6) + struct.pack(">4I", 1, 2, 3, 4)
    assert one(5, bad) == FixBadPixelsList(((5, 6),), (Area(1, 2, 3, 4),))
    assert one(6, struct.pack(">4I", 1, 2, 40, 60)) == TrimBounds(Area(1, 2, 40, 60))
    assert one(7, WHOLE + struct.pack(">I3H", 3, 0, 9, 65535)) == MapTable(REGION, (0, 9, 65535))
    values = tuple(float(i) for i in range(64))
    rows = struct.pack(">I48f", 48, *values[:48])
    columns = struct.pack(">I64f", 64, *values)
    assert one(10, WHOLE + rows) == DeltaPerRow(REGION, values[:48], "row", "add")
    assert one(11, WHOLE + columns) == DeltaPerRow(REGION, values, "column", "add")
    assert one(12, WHOLE + rows) == DeltaPerRow(REGION, values[:48], "row", "multiply")
    assert one(13, WHOLE + columns) == DeltaPerRow(REGION, values, "column", "multiply")


def test_a_region_is_clipped_to_the_picture() -> None:
    region = struct.pack(">8I", 10, 0, 1000, 2000, 0, 3, 1, 1)
    read = one(8, region + struct.pack(">I1d", 0, 0.5))
    assert read == MapPolynomial(Region(Area(10, 0, 48, 64), 0, 1, 1, 1), (0.5,))


@pytest.mark.parametrize(
    ("number", "parameters"),
    [
        (9, gain_map(2, 2, *[math.nan] * 4)),
        (9, gain_map(2, 2, *[-1.0] * 4)),
        (9, gain_map(0, 0)),
        (9, gain_map(2, 2, *[2.0] * 4, region=struct.pack(">8I", 1000, 0, 2000, 64, 0, 1, 1, 1))),
        (9, gain_map(2, 2, *[2.0] * 4, region=struct.pack(">8I", 0, 0, 48, 64, 0, 1, 0, 0))),
        (9, gain_map(2, 2, *[2.0] * 4, region=struct.pack(">8I", 0, 0, 48, 64, 5, 1, 1, 1))),
        (9, WHOLE + struct.pack(">2I4dI", 65535, 65535, 1, 1, 0, 0, 1)),
        (1, struct.pack(">I", 1) + struct.pack(">8d", *[math.nan] * 8)),
        (1, struct.pack(">I", 4_000_000_000)),
        (3, struct.pack(">7d", *[math.inf] * 7)),
        (5, struct.pack(">III", 0, 0xFFFFFFFF, 0)),
        (7, WHOLE + struct.pack(">I", 0xFFFFFFFF)),
        (8, WHOLE + struct.pack(">I", 99)),
        (10, WHOLE + struct.pack(">I2f", 2, 0, 0)),
        (2, b""),
    ],
)
def test_an_opcode_that_makes_no_sense_is_left_out_with_a_warning(number: int, parameters: bytes) -> None:
    assert "left out" in left_out(number, parameters)


def test_one_bad_opcode_leaves_the_others() -> None:
    data = listed(opcode(9, gain_map(1, 1, math.nan)), opcode(4, struct.pack(">II", 0, 0)))
    opcodes, warnings = read_opcodes(data, FRAME, "OpcodeList1")
    assert opcodes == (FixBadPixelsConstant(0),)
    assert len(warnings) == 1


def test_an_unknown_optional_opcode_is_left_out_and_a_required_one_refuses_the_photo() -> None:
    assert "optional" in left_out(999, b"abcd", flags=1)
    with pytest.raises(PhotoError, match="requires a correction that ispd does not know"):
        read_opcodes(listed(opcode(999, b"abcd")), FRAME, "OpcodeList2")


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">I", 0xFFFFFFFF),
        struct.pack(">5I", 1, 9, 0x01030000, 0, 0x7FFFFFFF) + b"abcd",
        struct.pack(">I", 2) + opcode(4, struct.pack(">II", 0, 0)),
        b"\0",
        b"",
    ],
)
def test_a_list_whose_lengths_lie_is_left_out_whole(data: bytes) -> None:
    opcodes, warnings = read_opcodes(data, FRAME, "OpcodeList2")
    assert opcodes == ()
    assert warnings == ("OpcodeList2 is damaged (its lengths do not fit): all its corrections are left out",)


@given(st.binary(max_size=400), st.integers(0, 15))
def test_any_parameters_give_an_opcode_a_warning_or_a_refusal(parameters: bytes, number: int) -> None:
    try:
        opcodes, warnings = read_opcodes(listed(opcode(number, parameters)), FRAME, "OpcodeList2")
    except PhotoError:
        return
    assert len(opcodes) + len(warnings) == 1
