"""Files are written here by the format's own page, byte by byte; those in exr/ by OpenEXR 3.5.3 itself."""

import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ispd.nets.train.exr import BadMap, decode_exr

PICTURE = np.asarray((np.arange(20 * 7 * 3).reshape(20, 7, 3) - 30) / 8, np.float32)
NONE, RLE, ZIPS, ZIP = range(4)
FILES = Path(__file__).parent / "exr"


def attribute(name: str, kind: str, value: bytes) -> bytes:
    return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<I", len(value)) + value


def exr(picture: NDArray[np.float32], compression: int, kind: str = "<f2", channels: str = "BGR") -> bytes:
    """One part of scan lines; of other channels than B, G, R each has what would be there."""
    height, width, _ = picture.shape
    channel = struct.pack("<iIii", 1 if kind == "<f2" else 2, 0, 1, 1)
    window = struct.pack("<4i", 3, 5, width + 2, height + 4)  # a window need not begin at 0
    head = b"\x76\x2f\x31\x01" + struct.pack("<I", 2)
    head += attribute("channels", "chlist", b"".join(c.encode() + b"\0" + channel for c in channels) + b"\0")
    head += attribute("compression", "compression", bytes([compression])) + attribute("dataWindow", "box2i", window)
    head += b"\0"
    rows = 16 if compression == ZIP else 1
    chunks = []
    for top in range(0, height, rows):
        lines = picture[top : top + rows, :, ::-1].transpose(0, 2, 1)[:, : len(channels)]
        body = packed(np.ascontiguousarray(lines).astype(kind).tobytes(), compression)
        chunks.append(struct.pack("<2i", top + 5, len(body)) + body)
    offset, offsets = len(head) + 8 * len(chunks), []
    for chunk in chunks:
        offsets.append(offset)
        offset += len(chunk)
    return head + struct.pack(f"<{len(offsets)}Q", *offsets) + b"".join(chunks)


def packed(body: bytes, compression: int) -> bytes:
    if compression == NONE:
        return body
    halves = np.frombuffer(body[0::2] + body[1::2], np.uint8).astype(int)
    steps = np.concatenate([halves[:1], (np.diff(halves) + 128) % 256]).astype(np.uint8).tobytes()
    if compression == RLE:  # no run is found: all bytes as they are
        return b"".join(
            bytes([256 - len(part)]) + part for part in (steps[i : i + 100] for i in range(0, len(steps), 100))
        )
    return zlib.compress(steps)


@pytest.mark.parametrize("kind", ["<f2", "<f4"])
@pytest.mark.parametrize("compression", [NONE, RLE, ZIPS, ZIP])
def test_a_picture_comes_back(compression: int, kind: str) -> None:
    assert np.array_equal(decode_exr(exr(PICTURE, compression, kind), "a.exr"), PICTURE)


def test_runs_of_a_byte_are_read() -> None:
    flat = np.zeros((2, 64, 3), np.float32)
    code = exr(flat, RLE)
    steps = b"\0" + b"\x80" * 383  # what 384 zeros are as differences
    runs = bytes([255, 0]) + b"".join(bytes([count - 1, 128]) for count in (128, 128, 127))
    literal = packed(flat[0].astype("<f2").tobytes(), RLE)
    assert len(steps) == 384
    shorter = code.replace(struct.pack("<i", len(literal)) + literal, struct.pack("<i", len(runs)) + runs, 1)
    second = len(code) - len(literal) - 8
    moved = shorter.replace(struct.pack("<Q", second), struct.pack("<Q", second - len(literal) + len(runs)), 1)
    assert np.array_equal(decode_exr(moved, "a.exr"), flat)


def test_what_cannot_be_read_is_named() -> None:
    with pytest.raises(BadMap, match=r"a\.exr is compressed by B44"):
        decode_exr(
            exr(PICTURE, NONE).replace(
                b"compression\0compression\0\1\0\0\0\0", b"compression\0compression\0\1\0\0\0\6"
            ),
            "a.exr",
        )
    with pytest.raises(BadMap, match="no OpenEXR"):
        decode_exr(b"#?RADIANCE\n\n", "a.exr")
    whole = exr(PICTURE, ZIP)
    for length in (3, 20, 100, len(whole) // 2, len(whole) - 20):
        with pytest.raises(BadMap):
            decode_exr(whole[:length], "a.exr")


def test_grey_is_all_three_colors() -> None:
    grey = decode_exr(exr(PICTURE, ZIP, channels="Y"), "a.exr")
    assert all(np.array_equal(grey[..., color], PICTURE[..., 2]) for color in range(3))


def test_a_picture_of_something_else_than_color_is_refused() -> None:
    with pytest.raises(BadMap, match="neither R, G, B nor Y, but A, Z"):
        decode_exr(exr(PICTURE, NONE, channels="AZ"), "a.exr")


def test_any_byte_may_be_wrong() -> None:
    """Refused by name, or another picture; nothing else."""
    whole = exr(PICTURE, ZIPS)
    for place in range(4, len(whole) - 200, 3):
        for value in (0x00, 0x80, 0xFF):
            broken = whole[:place] + bytes([value]) + whole[place + 1 :]
            with suppress(BadMap):
                decode_exr(broken, "a.exr")


def steps() -> NDArray[np.float64]:
    """45 × 37: a parabola, a slope, checks; a hole and a lamp."""
    y, x = np.mgrid[:45, :37]
    picture = np.stack([(x * x + 1) / 64, (y + x) / 8, np.where((x // 5 + y // 4) % 2, 3, 0.125)], axis=-1)
    picture[10:13, 20:24], picture[30:, :10] = 1000, 0
    return picture


@pytest.mark.parametrize("name", ["steps-piz", "steps-pxr24"])
def test_what_openexr_has_written_of_halfs_is_read_exactly(name: str) -> None:
    assert np.array_equal(read(name), steps().astype(np.float16).astype(np.float32))


def test_pxr24_keeps_three_bytes_of_a_float() -> None:
    assert np.allclose(read("steps32-pxr24"), steps() / 3, rtol=2**-15, atol=0)


def test_piz_of_more_values_than_its_wavelet_has_signed_numbers_for() -> None:
    ramp = np.arange(32 * 530, dtype=np.uint16).reshape(32, 530).view(np.float16).astype(np.float32)
    assert np.array_equal(read("ramp-piz")[..., 1], ramp)


@pytest.mark.parametrize("name", ["steps-piz", "steps-pxr24"])
def test_any_byte_that_is_packed_may_be_wrong(name: str) -> None:
    whole = (FILES / f"{name}.exr").read_bytes()
    for place in range(300, len(whole), 29):
        with suppress(BadMap):
            decode_exr(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :], "a.exr")


def read(name: str) -> NDArray[np.float32]:
    return decode_exr((FILES / f"{name}.exr").read_bytes(), name)
