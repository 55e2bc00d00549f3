"""What is all there, what is still arriving, and what never was a raw."""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ispd.decode.dng.codes import Tag
from ispd.decode.dng.tags import Memory
from ispd.decode.facts import check_whole
from ispd.decode.whole import BLANK, check_source
from ispd.errors import IncompletePhoto, PhotoError
from ispd.simulate.tiff import Directory, Entry, Kind, encode_tiff
from tests.conftest import Dng
from tests.decode.dng.build import encode

OTHERS = {
    "text": b"This is not a picture.\n" * 40,
    "web page": b"\xef\xbb\xbf <!DOCTYPE html><html><body>404 Not Found</body></html>",
    "JPEG": b"\xff\xd8\xff\xe0" + bytes(100),
    "PNG": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "HEIC": b"\0\0\0\x18ftypheic" + bytes(100),
    "film": b"\0\0\0\x18ftypmp42" + bytes(100),
    "ZIP": b"PK\x03\x04" + bytes(100),
    "not a raw file": b"\x01\x02\x03\x04" + bytes(range(100)),
}


def check(data: bytes, name: bytes = b"a.dng") -> tuple[str, ...]:
    return check_source(Memory(data), name)


def test_a_whole_photo_passes_without_a_word(photo: Path, dng: Dng) -> None:
    assert check_whole(os.fsencode(photo)) == ()
    assert check_whole(os.fsencode(dng("compressed.dng"))) == ()


@pytest.mark.parametrize(("what", "data"), OTHERS.items(), ids=OTHERS)
def test_other_files_under_a_raws_name_are_named(what: str, data: bytes) -> None:
    with pytest.raises(PhotoError, match=what) as caught:
        check(data)
    assert type(caught.value) is PhotoError


def test_a_tiff_that_no_sensor_made_is_named() -> None:
    rgb = Directory((Entry(Tag.ImageWidth, Kind.LONG, 2), Entry(Tag.PhotometricInterpretation, Kind.SHORT, 2)))
    with pytest.raises(PhotoError, match="a TIFF, but not a raw file"):
        check(encode_tiff(rgb))


@pytest.mark.parametrize("size", [0, 1, 4, 7, 100, 3000])
def test_nothing_yet_or_a_blank_start_is_still_arriving(size: int) -> None:
    with pytest.raises(IncompletePhoto):
        check(bytes(size))


@given(st.data())
def test_a_photo_cut_anywhere_is_still_arriving(data: st.DataObject) -> None:
    whole = encode()
    cut = data.draw(st.integers(0, len(whole) - 5))  # the last four bytes only say that no directory follows
    with pytest.raises(IncompletePhoto):
        check(whole[:cut])


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9, 0.99])
def test_a_photo_whose_end_is_blank_is_still_arriving(part: float) -> None:
    samples = np.random.default_rng(0).bytes(3 * BLANK)
    whole = encode(
        {
            Tag.ImageWidth: (Kind.LONG, 256),
            Tag.ImageLength: (Kind.LONG, 3 * BLANK // 512),
            Tag.RowsPerStrip: (Kind.LONG, 1),
        },
        tuple(samples[i : i + 512] for i in range(0, len(samples), 512)),
    )
    assert check(whole) == ()
    start = whole.index(samples[:64])
    arrived = min(start + int(part * 3 * BLANK), start + 2 * BLANK)
    with pytest.raises(IncompletePhoto):
        check(whole[:arrived] + bytes(start + 3 * BLANK - arrived) + whole[start + 3 * BLANK :])


def test_a_compressed_photo_whose_half_is_blank_is_still_arriving() -> None:
    data = bytes(range(1, 256)) * 20
    assert check(encode({Tag.Compression: (Kind.SHORT, 7)}, (data,))) == ()
    with pytest.raises(IncompletePhoto):
        check(encode({Tag.Compression: (Kind.SHORT, 7)}, (data[:2000] + bytes(3000),)))


def test_a_copy_into_reserved_space_shows_its_hole(tmp_path: Path, photo: Path) -> None:
    data = photo.read_bytes()
    target = tmp_path / "copy.dng"
    with target.open("wb") as file:
        file.truncate(1 << 20)
        file.write(data)
    with pytest.raises(IncompletePhoto, match="never written"):
        check_whole(os.fsencode(target))


def ciff(pictures: bytes) -> bytes:
    """A Canon CRW: header, heap, and at the end the root directory and where it begins."""
    header = b"II" + struct.pack("<I", 26) + b"HEAPCCDR" + bytes(12)
    directory = struct.pack("<HHII", 1, 0x2005, len(pictures), 0)
    return header + pictures + directory + struct.pack("<I", len(pictures))


def test_a_crw_is_whole_only_with_the_list_at_its_end() -> None:
    whole = ciff(bytes(range(1, 200)) * 10)
    assert check(whole, b"a.crw") == ()
    for cut in range(60, len(whole), 97):
        with pytest.raises(IncompletePhoto):
            check(whole[:cut], b"a.crw")


def test_a_cr3_is_whole_when_its_boxes_end_inside_it() -> None:
    whole = b"\0\0\0\x18ftypcrx " + bytes(12) + struct.pack(">I", 1008) + b"mdat" + bytes(1000)
    assert check(whole, b"a.cr3") == ()
    with pytest.raises(IncompletePhoto):
        check(whole[:-1], b"a.cr3")


def test_a_raf_is_whole_when_its_three_parts_lie_inside_it() -> None:
    def raf(size: int) -> bytes:
        parts = struct.pack(">6I", 108, 100, 208, 50, 258, 1000)
        return (b"FUJIFILMCCD-RAW ".ljust(84, b"0") + parts).ljust(size, b"\1")

    assert check(raf(1258), b"a.raf") == ()
    with pytest.raises(IncompletePhoto):
        check(raf(1257), b"a.raf")


def test_an_x3f_is_whole_only_with_the_list_at_its_end() -> None:
    body = b"FOVb" + bytes(range(1, 200))
    whole = body + b"SECd" + bytes(20) + struct.pack("<I", len(body))
    assert check(whole, b"a.x3f") == ()
    with pytest.raises(IncompletePhoto):
        check(whole[:-3], b"a.x3f")


def test_another_makers_tiff_is_whole_when_its_strips_lie_inside_it() -> None:
    nef = Directory(
        (Entry(Tag.Make, Kind.ASCII, "NIKON"), Entry(Tag.ImageWidth, Kind.LONG, 1)), (bytes(range(1, 250)) * 8,)
    )
    whole = encode_tiff(nef, "big")
    assert check(whole, b"a.nef") == ()
    with pytest.raises(PhotoError, match="not a raw file"):
        check(whole, b"a.dng")
    at = whole.index(struct.pack(">HHI", Tag.StripByteCounts, 4, 1)) + 8
    with pytest.raises(IncompletePhoto):
        check(whole[:at] + struct.pack(">I", 1 << 20) + whole[at + 4 :], b"a.nef")


@given(st.binary(max_size=300), st.sampled_from([b"a.dng", b"a.cr2", b"a.crw", b"a.raf", b"a.cr3", b"a.x3f"]))
@pytest.mark.parametrize(
    "magic", [b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"II\x1a\0\0\0HEAPCCDR", b"FUJIFILMCCD-RAW", b"FOVb"]
)
def test_any_bytes_give_warnings_or_a_sentence(magic: bytes, data: bytes, name: bytes) -> None:
    with suppress(PhotoError):
        assert isinstance(check(magic + data, name), tuple)
