from __future__ import annotations

import math
import struct
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ispd.decode.dng.codes import Tag
from ispd.decode.dng.tags import MOST_DIRECTORIES, MOST_TEXT, Memory, read_tiff
from ispd.errors import IncompletePhoto, PhotoError
from ispd.simulate.tiff import ByteOrder, Directory, Entry, Kind, encode_tiff
from tests.decode.dng.build import NOTHING, encode, tiff


@pytest.mark.parametrize("order", ["little", "big"])
def test_values_are_read_in_both_byte_orders(order: ByteOrder) -> None:
    first = read_tiff(
        encode_tiff(
            Directory(
                (
                    Entry(Tag.ImageWidth, Kind.LONG, 70_000),
                    Entry(Tag.CFAPattern, Kind.BYTE, (0, 1, 1, 2)),
                    Entry(Tag.Make, Kind.ASCII, "Ångström"),
                    Entry(Tag.BlackLevel, Kind.RATIONAL, Fraction(1, 3)),
                    Entry(Tag.ColorMatrix1, Kind.SRATIONAL, (-1.5, 0.25)),
                    Entry(Tag.NoiseProfile, Kind.DOUBLE, (1e-5, 2e-9)),
                )
            ),
            order,
        )
    ).first
    assert first.integer(Tag.ImageWidth, 0) == 70_000
    assert first.integers(Tag.CFAPattern) == (0, 1, 1, 2)
    assert first.text(Tag.Make) == "Ångström"
    assert first.number(Tag.BlackLevel) == pytest.approx(1 / 3)
    assert first.numbers(Tag.ColorMatrix1) == (-1.5, 0.25)
    assert first.numbers(Tag.NoiseProfile) == (1e-5, 2e-9)


def test_a_bigtiff_is_read_as_well() -> None:
    entries = struct.pack("<HHQQ", Tag.ImageWidth, 4, 1, 640) + struct.pack("<HHQQ", Tag.Make, 2, 12, 72)
    directory = struct.pack("<Q", 2) + entries + struct.pack("<Q", 0)
    data = b"II" + struct.pack("<HHHQ", 43, 8, 0, 16) + directory + b"Hasselblad!\0"
    first = read_tiff(data).first
    assert (first.integer(Tag.ImageWidth, 0), first.text(Tag.Make)) == (640, "Hasselblad!")


def test_a_rational_without_a_denominator_is_no_number() -> None:
    first = tiff({Tag.BlackLevel: (Kind.RATIONAL, NOTHING)}).first
    assert math.isnan(first.number(Tag.BlackLevel))
    assert first.integers(Tag.BlackLevel) == ()


def test_missing_tags_have_empty_values() -> None:
    first = tiff({Tag.Make: None}).first
    assert first.text(Tag.Make) == ""
    assert first.numbers(Tag.AnalogBalance) == ()
    assert first.integer(Tag.Orientation, 1) == 1


def test_directories_below_and_the_exif_one_are_found() -> None:
    raw = Directory((Entry(Tag.ImageWidth, Kind.LONG, 9), Entry(Tag.PhotometricInterpretation, Kind.SHORT, 32803)))
    exif = Directory((Entry(Tag.PhotographicSensitivity, Kind.SHORT, 400),))
    preview = (Entry(Tag.ImageWidth, Kind.LONG, 3), Entry(Tag.NewSubfileType, Kind.LONG, 1))
    found = read_tiff(encode_tiff(Directory(preview, images=(raw,), exif=exif)))
    assert found.raw is not None
    assert found.raw.integer(Tag.ImageWidth, 0) == 9
    assert found.of("exif") is not None
    assert [p.width for p in found.previews] == [3]


def test_the_raw_picture_is_the_full_one_and_not_its_reduced_copy() -> None:
    def raw(kind: int, width: int) -> Directory:
        return Directory(
            (
                Entry(Tag.NewSubfileType, Kind.LONG, kind),
                Entry(Tag.ImageWidth, Kind.LONG, width),
                Entry(Tag.ImageLength, Kind.LONG, 10),
                Entry(Tag.PhotometricInterpretation, Kind.SHORT, 34892),
            )
        )

    found = read_tiff(encode_tiff(Directory((), images=(raw(1, 900), raw(0, 30), raw(0, 60)))))
    assert found.raw is not None
    assert found.raw.integer(Tag.ImageWidth, 0) == 60


def test_text_is_one_clean_line_of_bounded_length() -> None:
    def make(value: bytes | str) -> str:
        return tiff({Tag.Make: (Kind.ASCII, value)}).first.text(Tag.Make)

    assert make("line1\nline2\r\n\x1b[31mred\x07\0hidden") == "line1 line2 [31mred"
    assert make(b"Ol\xe9 AG\0") == "Olé AG"
    assert len(make("A" * 100_000)) == MOST_TEXT


def test_a_value_outside_the_file_is_lost_and_named() -> None:
    data = encode({Tag.LinearizationTable: (Kind.SHORT, tuple(range(1000)))})
    entry = data.index(struct.pack("<HHI", Tag.LinearizationTable, Kind.SHORT, 1000))
    first = read_tiff(data[: entry + 4] + struct.pack("<I", 1 << 30) + data[entry + 8 :]).first
    assert Tag.LinearizationTable not in first
    assert Tag.LinearizationTable in first.lost


def test_directories_in_a_circle_are_read_once_with_a_warning() -> None:
    data = bytearray(encode())
    (at,) = struct.unpack_from("<I", data, 4)
    data[-4:] = struct.pack("<I", at)  # the pointer to the next directory stands last
    found = read_tiff(bytes(data))
    assert len(found.ifds) == 1
    assert "circle" in found.warnings[0]


def test_a_long_chain_of_directories_ends_at_the_limit() -> None:
    n = 1500
    chain = b"".join(struct.pack("<HHHIII", 1, 256, 4, 1, 64, 8 + 18 * (k + 1) if k < n - 1 else 0) for k in range(n))
    found = read_tiff(b"II*\0" + struct.pack("<I", 8) + chain)
    assert len(found.ifds) == MOST_DIRECTORIES
    assert found.raw is None


def test_a_directory_that_claims_more_than_it_can_hold_is_not_believed() -> None:
    with pytest.raises(IncompletePhoto):
        read_tiff(b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 65535) + bytes(100))


@pytest.mark.parametrize(("data", "kind"), [(b"", PhotoError), (b"no TIFF", PhotoError), (b"II*\0", IncompletePhoto)])
def test_what_is_no_tiff_or_ends_in_its_header_is_told_apart(data: bytes, kind: type[PhotoError]) -> None:
    with pytest.raises(kind) as caught:
        read_tiff(data)
    assert type(caught.value) is kind


@given(st.integers(0, 40), st.integers(0, 10_000))
def test_memory_gives_what_is_there_and_never_more(offset: int, length: int) -> None:
    data = bytes(range(32))
    assert Memory(data).read(offset, length) == data[offset : offset + length]
