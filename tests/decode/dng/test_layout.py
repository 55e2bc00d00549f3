from __future__ import annotations

import pytest

from ispd.decode.dng.codes import Tag
from ispd.decode.dng.layout import Layout, check_dng_layout, check_inside, read_layout
from ispd.errors import IncompletePhoto, PhotoError
from ispd.simulate.tiff import Kind
from tests.decode.dng.build import HEIGHT, NONE, SAMPLES, WIDTH, Tags, encode, tiff


def layout(tags: Tags = NONE) -> Layout:
    raw = tiff(tags).raw
    assert raw is not None
    return read_layout(raw)


def test_a_plain_picture_needs_what_it_has() -> None:
    plain = layout()
    assert (plain.width, plain.height, plain.chunks_needed) == (WIDTH, HEIGHT, 1)
    assert plain.bytes_needed == SAMPLES.nbytes
    check_dng_layout(plain)
    assert check_inside(plain, len(encode())) == ()


def test_packed_rows_are_padded_to_a_byte() -> None:
    packed = layout(
        {Tag.BitsPerSample: (Kind.SHORT, 14), Tag.ImageWidth: (Kind.LONG, 3), Tag.ImageLength: (Kind.LONG, 2)}
    )
    assert packed.bytes_needed == 2 * 6  # 42 bits a row


@pytest.mark.parametrize(
    "tags",
    [
        {Tag.ImageWidth: (Kind.LONG, 0)},
        {Tag.ImageWidth: (Kind.LONG, 200_000), Tag.ImageLength: (Kind.LONG, 200_000)},
        {Tag.ImageWidth: (Kind.LONG, 60_000), Tag.ImageLength: (Kind.LONG, 60_000)},
        {Tag.BitsPerSample: (Kind.SHORT, 33)},
        {Tag.BitsPerSample: (Kind.SHORT, 0)},
        {Tag.SampleFormat: (Kind.SHORT, 3), Tag.BitsPerSample: (Kind.SHORT, 8)},
        {Tag.SamplesPerPixel: (Kind.SHORT, 999)},
    ],
)
def test_what_cannot_be_a_picture_is_refused_before_anything_is_allocated(tags: Tags) -> None:
    with pytest.raises(PhotoError):
        layout(tags)


def test_an_unknown_compression_is_named() -> None:
    with pytest.raises(PhotoError, match="12345"):
        check_dng_layout(layout({Tag.Compression: (Kind.SHORT, 12345)}))


def test_fewer_bytes_or_strips_than_the_pixels_need_are_refused() -> None:
    larger: Tags = {Tag.ImageWidth: (Kind.LONG, 1024), Tag.ImageLength: (Kind.LONG, 768)}
    with pytest.raises(PhotoError, match="need 16"):
        check_dng_layout(layout(larger))
    with pytest.raises(PhotoError, match="1,572,864 bytes"):
        check_dng_layout(layout({**larger, Tag.RowsPerStrip: (Kind.LONG, 768)}))


def test_image_data_beyond_the_end_of_the_file_are_still_to_come() -> None:
    with pytest.raises(IncompletePhoto):
        check_inside(layout({Tag.Compression: (Kind.SHORT, 7)}), 1000)
    with pytest.raises(IncompletePhoto):
        check_inside(layout(), 1000)


def test_a_strip_declared_too_long_is_no_harm_where_its_pixels_are_there() -> None:
    long = layout({Tag.StripByteCounts: (Kind.LONG, 0xFFFFFFF0)})
    assert "declares more" in check_inside(long, len(encode()))[0]


def test_far_more_pixels_than_bytes_are_a_trap() -> None:
    bomb = layout(
        {
            Tag.ImageWidth: (Kind.LONG, 20_000),
            Tag.ImageLength: (Kind.LONG, 20_000),
            Tag.RowsPerStrip: (Kind.LONG, 20_000),
            Tag.Compression: (Kind.SHORT, 7),
        }
    )
    with pytest.raises(PhotoError, match="a trap"):
        check_inside(bomb, 700_000)
