"""Tags, opcodes and tables that mean nothing or too much: a picture of numbers, or a sentence, and soon."""

from __future__ import annotations

import struct
import time
from functools import cache

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ispd.decode.dng.codes import Tag
from ispd.decode.dng.layout import read_layout
from ispd.decode.dng.shot import raw_of, shot_from_dng
from ispd.decode.dng.tags import read_tiff
from ispd.errors import PhotoError
from ispd.isp.factors import ceiling
from ispd.isp.look import Look
from ispd.isp.render import codes as encoded
from ispd.isp.render import grade, scene
from ispd.isp.values import Mosaic
from ispd.orders import Output
from ispd.profile.library import shipped_profiles
from ispd.profile.profile import read_profile
from ispd.runner import picture
from ispd.runner.frame import prepared, render
from ispd.simulate.tiff import Kind, Value
from tests.decode.dng.build import HEIGHT, WIDTH, encode
from tests.decode.dng.test_mutations import EXTREMES, mutated
from tests.decode.dng.test_opcodes import gain_map, listed, opcode

MOST_SECONDS = 20.0  # of one tiny photo, on a machine that does other things too; a loop over 2³² would take hours

OUTPUTS = (Output(format="png", bits=16),)


@cache
def looks() -> tuple[Look, ...]:
    return tuple(read_profile(path).look for path in sorted(shipped_profiles().glob("*.toml")))


def developed(data: bytes, look: Look) -> bool:
    """Whether a picture came of it; where none did, a PhotoError said why."""
    began = time.process_time()
    try:
        tiff = read_tiff(data)
        layout = read_layout(raw_of(tiff))
        if layout.width * layout.height > 4 * WIDTH * HEIGHT:  # what such a file's reader would find too short
            return False
        shot, _ = shot_from_dng(tiff)
        codes = samples(layout.planes, layout.height, layout.width, max(shot.levels.white))
        photo = prepared(codes.numpy(), shot, look, "cpu")
        display = grade(scene(photo, look), look, ceiling(photo.shot, look), photo.shot.camera_profile)
        assert bool(encoded(display, look, "srgb").isfinite().all())
        (pixels,) = render(Mosaic(codes, shot), look, OUTPUTS, "cpu", lambda: None)
        chosen = picture.render(codes.numpy(), shot, look, OUTPUTS, "cpu", lambda: None)  # by the kernels, if they can
        assert chosen.pictures[0].shape == pixels.shape
        return True
    except PhotoError:
        return False
    finally:
        assert time.process_time() - began < MOST_SECONDS


def samples(planes: int, height: int, width: int, white: float) -> torch.Tensor:
    """A ramp with noise, from below black to above white."""
    noise = torch.rand(planes, height, width, generator=torch.Generator().manual_seed(3))
    ramp = torch.linspace(0, 1.2, width)
    return (noise * 0.2 + ramp) * min(white, 65535.0)


quick = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

wild = st.one_of(
    st.floats(width=32),
    st.floats(-2, 2, width=32),
    st.sampled_from([0.0, 1.0, -1.0, 1e-30, 1e30, float("nan"), float("inf")]),
)
whole = st.one_of(st.integers(0, 70), st.sampled_from(EXTREMES))


@quick
@given(data=mutated(), look=st.integers(0, 10))
def test_a_mutated_photo_is_developed_or_refused(data: bytes, look: int) -> None:
    developed(data, looks()[look % len(looks())])


REGION = struct.Struct(">8I")


@st.composite
def regions(draw: st.DrawFn) -> bytes:
    return REGION.pack(*(draw(whole) for _ in range(8)))


@st.composite
def opcodes(draw: st.DrawFn) -> bytes:
    """One opcode: of random bytes, or of the right form with wild numbers."""
    number = draw(st.integers(1, 15))

    def doubles(count: int) -> bytes:
        return struct.pack(f">{count}d", *(draw(wild) for _ in range(count)))

    form = draw(st.sampled_from(["bytes", "form", "map", "points"]))
    if form == "bytes":
        return opcode(number, draw(st.binary(max_size=80)))
    if form == "map":
        rows, columns = draw(st.integers(1, 3)), draw(st.integers(1, 3))
        head = draw(regions()) + struct.pack(">II", rows, columns) + doubles(4) + struct.pack(">I", 1)
        return opcode(9, head + struct.pack(f">{rows * columns}f", *(draw(wild) for _ in range(rows * columns))))
    if form == "points":
        count = draw(st.integers(0, 5))
        points = struct.pack(f">{2 * count}I", *(draw(whole) for _ in range(2 * count)))
        return opcode(5, struct.pack(">III", 0, count, 0) + points)
    match number:
        case 1:
            planes = draw(st.sampled_from([1, 3, 4, 1000]))
            return opcode(1, struct.pack(">I", planes) + doubles(6 * min(planes, 4) + 2))
        case 3:
            return opcode(3, doubles(7))
        case 6:
            return opcode(6, struct.pack(">4I", *(draw(whole) for _ in range(4))))
        case 7:
            table = struct.pack(">4H", *(draw(st.integers(0, 65535)) for _ in range(4)))
            return opcode(7, draw(regions()) + struct.pack(">I", draw(st.sampled_from([4, 1, 2**31]))) + table)
        case 8:
            degree = draw(st.integers(0, 8))
            return opcode(8, draw(regions()) + struct.pack(">I", degree) + doubles(degree + 1))
        case _:
            lines = struct.pack(f">{HEIGHT}f", *([draw(wild)] * HEIGHT))
            return opcode(10 + number % 4, draw(regions()) + struct.pack(">I", HEIGHT) + lines)


@quick
@given(
    ops=st.lists(opcodes(), max_size=4),
    tag=st.sampled_from([Tag.OpcodeList1, Tag.OpcodeList2, Tag.OpcodeList3]),
    lie=st.sampled_from([None, 0, 7, 2**32 - 1]),
    look=st.integers(0, 10),
)
def test_any_opcodes_end_in_a_picture_or_a_sentence(ops: list[bytes], tag: Tag, lie: int | None, look: int) -> None:
    data = listed(*ops)
    if lie is not None:
        data = struct.pack(">I", lie) + data[4:]
    developed(encode({tag: (Kind.UNDEFINED, data)}), looks()[look % len(looks())])


NUMBERS: dict[Tag, tuple[Kind, int]] = {
    Tag.BlackLevel: (Kind.RATIONAL, 4),
    Tag.WhiteLevel: (Kind.LONG, 1),
    Tag.BlackLevelDeltaH: (Kind.DOUBLE, WIDTH),
    Tag.BlackLevelDeltaV: (Kind.DOUBLE, HEIGHT),
    Tag.ColorMatrix1: (Kind.DOUBLE, 9),
    Tag.ColorMatrix2: (Kind.DOUBLE, 9),
    Tag.ForwardMatrix1: (Kind.DOUBLE, 9),
    Tag.CameraCalibration1: (Kind.DOUBLE, 9),
    Tag.AnalogBalance: (Kind.DOUBLE, 3),
    Tag.AsShotNeutral: (Kind.DOUBLE, 3),
    Tag.AsShotWhiteXY: (Kind.DOUBLE, 2),
    Tag.BaselineExposure: (Kind.DOUBLE, 1),
    Tag.BaselineExposureOffset: (Kind.DOUBLE, 1),
    Tag.CalibrationIlluminant1: (Kind.SHORT, 1),
    Tag.CalibrationIlluminant2: (Kind.SHORT, 1),
    Tag.IlluminantData1: (Kind.UNDEFINED, 24),
    Tag.NoiseProfile: (Kind.DOUBLE, 6),
    Tag.LinearizationTable: (Kind.SHORT, 8),
    Tag.ActiveArea: (Kind.LONG, 4),
    Tag.MaskedAreas: (Kind.LONG, 4),
    Tag.DefaultCropOrigin: (Kind.DOUBLE, 2),
    Tag.DefaultCropSize: (Kind.DOUBLE, 2),
    Tag.DefaultScale: (Kind.DOUBLE, 2),
    Tag.Orientation: (Kind.SHORT, 1),
    Tag.CFAPattern: (Kind.BYTE, 4),
    Tag.CFARepeatPatternDim: (Kind.SHORT, 2),
    Tag.CFAPlaneColor: (Kind.BYTE, 3),
    Tag.ProfileHueSatMapDims: (Kind.LONG, 3),
    Tag.ProfileHueSatMapData1: (Kind.FLOAT, 36),
    Tag.ProfileLookTableDims: (Kind.LONG, 3),
    Tag.ProfileLookTableData: (Kind.FLOAT, 36),
    Tag.ProfileToneCurve: (Kind.FLOAT, 8),
}
MOST = {Kind.BYTE: 0xFF, Kind.SHORT: 0xFFFF, Kind.LONG: 0xFFFFFFFF}


@st.composite
def values(draw: st.DrawFn, tag: Tag) -> tuple[Kind, Value]:
    """Numbers of the right kind and count, near sense or far from it; sometimes too many or too few."""
    kind, count = NUMBERS[tag]
    count = max(1, count + draw(st.sampled_from([0, 0, 0, 0, -1, 1])))
    if kind is Kind.UNDEFINED:
        return kind, draw(st.binary(min_size=count, max_size=count))
    if kind in MOST:
        near = st.integers(0, 4) if tag in (Tag.CFAPattern, Tag.CFAPlaneColor) else whole
        return kind, tuple(draw(near) & MOST[kind] for _ in range(count))
    if kind is Kind.RATIONAL:
        return kind, tuple(draw(st.floats(0, 5000)) for _ in range(count))
    if count > 12:
        one, other = draw(wild), draw(wild)
        return kind, tuple([one, other] * count)[:count]
    return kind, tuple(draw(wild) for _ in range(count))


@st.composite
def tagged(draw: st.DrawFn) -> bytes:
    chosen = draw(st.lists(st.sampled_from(sorted(NUMBERS)), min_size=1, max_size=4, unique=True))
    tags: dict[Tag, tuple[Kind, Value] | None] = {Tag(tag): draw(values(Tag(tag))) for tag in chosen}
    if Tag.MaskedAreas in tags:
        tags[Tag.BlackLevel] = None
    return encode(tags)


@settings(quick, max_examples=150)
@given(data=tagged(), look=st.integers(0, 10))
def test_any_tags_end_in_a_picture_or_a_sentence(data: bytes, look: int) -> None:
    developed(data, looks()[look % len(looks())])


@pytest.mark.parametrize("look", ["neutral", "dng-embedded", "linear"])
def test_the_plain_photo_of_these_tests_is_developed(look: str) -> None:
    """Or they would say nothing."""
    assert developed(encode(), read_profile(shipped_profiles() / f"{look}.toml").look)
    nodes = gain_map(2, 2, 1.0, 1.5, 1.5, 2.0)
    assert developed(encode({Tag.OpcodeList2: (Kind.UNDEFINED, listed(opcode(9, nodes)))}), Look())
