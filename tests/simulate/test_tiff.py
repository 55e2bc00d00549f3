from __future__ import annotations

from fractions import Fraction
from io import BytesIO

import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from ispd.simulate.tiff import ByteOrder, Directory, Entry, Kind, encode_tiff, pack

GREY = (
    Entry(256, Kind.LONG, 2),
    Entry(257, Kind.LONG, 2),
    Entry(258, Kind.SHORT, 8),
    Entry(259, Kind.SHORT, 1),
    Entry(262, Kind.SHORT, 1),
    Entry(277, Kind.SHORT, 1),
    Entry(278, Kind.LONG, 1),
)


@pytest.mark.parametrize("order", ["little", "big"])
def test_another_reader_finds_pixels_tags_and_what_lies_below(order: ByteOrder) -> None:
    below = Directory(GREY, (b"\5\6", b"\7\10"))
    exif = Directory((Entry(33437, Kind.RATIONAL, 2.8),))
    file = encode_tiff(
        Directory((*GREY, Entry(305, Kind.ASCII, "a name")), (b"\1\2", b"\3\4"), images=(below,), exif=exif), order
    )
    with tifffile.TiffFile(BytesIO(file)) as tiff:
        page = tiff.pages.first
        assert page.asarray().tolist() == [[1, 2], [3, 4]]
        assert page.software == "a name"
        assert page.pages[0].asarray().tolist() == [[5, 6], [7, 8]]
        assert page.tags["ExifTag"].value["FNumber"] == (14, 5)


@given(st.floats(-10_000, 10_000))
def test_a_ratio_is_the_number(number: float) -> None:
    numerator, denominator = (
        int.from_bytes(part, "little", signed=True)
        for part in (pack(Kind.SRATIONAL, number)[:4], pack(Kind.SRATIONAL, number)[4:])
    )
    assert Fraction(numerator, denominator) == pytest.approx(number, rel=1e-4, abs=1e-6)
