"""Whatever a file's bytes are: a value, or a sentence of ispd.errors, and never more than its bytes are worth."""

from __future__ import annotations

import math
import struct
from contextlib import suppress
from functools import cache

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from ispd.decode.dng.codes import Tag
from ispd.decode.dng.shot import shot_from_dng
from ispd.decode.dng.tags import Memory, Tiff, read_tiff
from ispd.decode.facts import facts_from_dng
from ispd.decode.whole import check_source
from ispd.errors import PhotoError
from ispd.isp.values import Shot
from ispd.simulate.camera import CAMERAS
from ispd.simulate.photograph import photograph
from ispd.simulate.tiff import Kind
from tests.decode.dng.build import DAYLIGHT, FORWARD_DAYLIGHT, HEIGHT, WIDTH, encode
from tests.decode.dng.test_opcodes import WHOLE, gain_map, listed, opcode

OPCODES = listed(
    opcode(9, gain_map(2, 2, 1.0, 1.5, 1.5, 2.0)),
    opcode(8, WHOLE + struct.pack(">I3d", 2, 0.0, 0.5, 0.5)),
    opcode(5, struct.pack(">III2I", 0, 1, 0, 5, 6)),
    opcode(10, WHOLE + struct.pack(f">I{HEIGHT}f", HEIGHT, *[0.0] * HEIGHT)),
    opcode(1, struct.pack(">I8d", 1, 1.0, *[0.0] * 5, 0.5, 0.5)),
)
EXTREMES = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF)


@cache
def originals() -> tuple[bytes, ...]:
    rich = encode(
        {
            Tag.OpcodeList2: (Kind.UNDEFINED, OPCODES),
            Tag.OpcodeList3: (Kind.UNDEFINED, OPCODES),
            Tag.ForwardMatrix1: (Kind.SRATIONAL, FORWARD_DAYLIGHT),
            Tag.ColorMatrix2: (Kind.SRATIONAL, DAYLIGHT),
            Tag.CalibrationIlluminant2: (Kind.SHORT, 17),
            Tag.CameraCalibration1: (Kind.SRATIONAL, (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)),
            Tag.AnalogBalance: (Kind.RATIONAL, (1.0, 1.0, 1.0)),
            Tag.LinearizationTable: (Kind.SHORT, tuple(range(256))),
            Tag.BlackLevelDeltaH: (Kind.SRATIONAL, (0.5,) * WIDTH),
            Tag.ActiveArea: (Kind.LONG, (0, 0, HEIGHT, WIDTH)),
            Tag.DefaultCropSize: (Kind.RATIONAL, (WIDTH, HEIGHT)),
            Tag.BaselineExposure: (Kind.SRATIONAL, 0.5),
            Tag.NoiseProfile: (Kind.DOUBLE, (1e-4, 1e-7)),
            Tag.WhiteLevel: (Kind.LONG, 255),
            Tag.ProfileHueSatMapDims: (Kind.LONG, (3, 2, 1)),
            Tag.ProfileHueSatMapData1: (Kind.FLOAT, (5.0, 1.1, 0.9) * 6),
            Tag.ProfileLookTableDims: (Kind.LONG, (2, 2, 2)),
            Tag.ProfileLookTableData: (Kind.FLOAT, (-5.0, 1.1, 1.0) * 8),
            Tag.ProfileLookTableEncoding: (Kind.LONG, 1),
            Tag.ProfileToneCurve: (Kind.FLOAT, (0.0, 0.0, 0.3, 0.5, 1.0, 1.0)),
            Tag.BaselineExposureOffset: (Kind.SRATIONAL, -0.5),
        }
    )
    return rich, *(photograph(np.full((16, 24, 3), 90, np.uint8), camera) for camera in CAMERAS)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good DNG with some fields set to extremes, parts moved, and its end perhaps cut."""
    data = bytearray(draw(st.sampled_from(originals())))
    for _ in range(draw(st.integers(1, 12))):
        at = draw(st.integers(0, len(data) - 8))
        match draw(st.sampled_from(["bit", "long", "short", "copy"])):
            case "bit":
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "long":
                struct.pack_into("<I", data, at, draw(st.sampled_from(EXTREMES)))
            case "short":
                struct.pack_into("<H", data, at, draw(st.sampled_from(EXTREMES)) & 0xFFFF)
            case "copy":
                start = draw(st.integers(0, len(data) - 8))
                data[at : at + 8] = data[start : start + 8]
    return bytes(data[: draw(st.integers(len(data) // 2, len(data)))] if draw(st.booleans()) else data)


@given(mutated())
def test_a_mutated_photo_gives_a_sound_shot_or_a_sentence(data: bytes) -> None:
    with suppress(PhotoError):
        check_source(Memory(data), b"a.dng")
    with suppress(PhotoError):
        tiff = read_tiff(data)
        facts_from_dng(tiff)
        shot, warnings = shot_from_dng(tiff)
        assert all(warnings)
        _check(tiff, shot)


def _check(tiff: Tiff, shot: Shot) -> None:
    assert tiff.raw is not None
    height, width = tiff.raw.integer(Tag.ImageLength, 0), tiff.raw.integer(Tag.ImageWidth, 0)
    assert 0 <= shot.active.top < shot.active.bottom <= height
    assert 0 <= shot.active.left < shot.active.right <= width
    assert 0 <= shot.crop.top < shot.crop.bottom <= shot.active.height
    assert 0 <= shot.crop.left < shot.crop.right <= shot.active.width
    assert max(shot.levels.black) < min(shot.levels.white)
    assert math.prod(shot.levels.black_shape) == len(shot.levels.black)
    assert len(shot.neutral) == len(shot.colors)
    assert all(0 < value < 1e3 for value in shot.neutral)
    assert all(abs(sum(row) - 1) < 1e-6 for row in shot.rec2020_from_camera)
    assert math.isqrt(len(shot.cfa)) ** 2 == len(shot.cfa)
    assert json.decode(json.encode(shot), type=Shot) == shot  # NaN would come back as null
