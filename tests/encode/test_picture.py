"""Every format gives back the pixels it was given, and refuses what it cannot write in words."""

from __future__ import annotations

import os
import resource
import signal
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from ispd.encode.icc import icc_profile
from ispd.encode.picture import Header, check, encode, read_header
from ispd.errors import CannotCreate, PhotoError
from ispd.orders import Output

Pixels = NDArray[Any]

OUTPUTS = [
    Output("jpeg"),
    Output("tiff", bits=8),
    Output("tiff", bits=16, space="rec2020"),
    Output("png", bits=8),
    Output("png", bits=16, space="display-p3"),
]
each_output = pytest.mark.parametrize("output", OUTPUTS, ids=lambda output: f"{output.format}{output.bits}")


def noise(output: Output, height: int = 70, width: int = 33) -> Pixels:
    top, kind = (65536, np.uint16) if output.bits == 16 else (256, np.uint8)
    return np.random.default_rng(7).integers(0, top, (height, width, 3)).astype(kind)


def target(folder: Path, output: Output) -> bytes:
    return os.fsencode(folder / f"picture.{output.extension}")


def place(path: bytes) -> Path:
    return Path(os.fsdecode(path))


def png_rows(path: bytes) -> Pixels:
    """A 16-bit PNG by hand, since Pillow keeps 8 of the bits: undo filter "sub"."""
    data = place(path).read_bytes()
    at, packed = 8, b""
    while at < len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + size]
        assert zlib.crc32(kind + body) == int.from_bytes(data[at + 8 + size : at + 12 + size], "big")
        packed += body if kind == b"IDAT" else b""
        at += 12 + size
    height, width = read_header(path).height, read_header(path).width
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + 6 * width)
    assert (rows[:, 0] == 1).all()
    stored = np.cumsum(rows[:, 1:].reshape(height, width, 6), axis=1, dtype=np.uint8)
    return np.ascontiguousarray(stored).view(">u2")


@pytest.mark.parametrize("bits", [8, 16])
@settings(max_examples=15, deadline=None)
@given(shape=st.tuples(st.integers(1, 130), st.integers(1, 40)), seed=st.integers(0, 99))
def test_png_keeps_every_bit(
    tmp_path_factory: pytest.TempPathFactory, bits: int, shape: tuple[int, int], seed: int
) -> None:
    output = Output("png", bits=16 if bits == 16 else 8)
    pixels = noise(output, *shape)
    pixels[seed % shape[0]] = seed  # a flat row among noise
    path = target(tmp_path_factory.mktemp("png"), output)
    encode(pixels, output, path)
    Image.open(place(path)).load()  # libpng agrees that it is one
    read = png_rows(path) if bits == 16 else np.asarray(Image.open(place(path)))
    assert np.array_equal(read, pixels)


@pytest.mark.parametrize("bits", [8, 16])
def test_tiff_keeps_every_bit_in_strips(tmp_path: Path, bits: int) -> None:
    output = Output("tiff", bits=16 if bits == 16 else 8)
    pixels = noise(output, 300, 1200)
    path = target(tmp_path, output)
    encode(pixels, output, path)
    with tifffile.TiffFile(place(path)) as file:
        assert np.array_equal(file.asarray(), pixels)
        assert "Software" not in file.pages.first.tags
        assert "ImageDescription" not in file.pages.first.tags
        assert len(file.pages.first.dataoffsets) > 1


def test_jpeg_quality_and_subsampling_are_what_was_asked(tmp_path: Path) -> None:
    ramp = np.repeat(np.linspace(0, 255, 160).astype(np.uint8)[None, :, None], 3, axis=2).repeat(120, axis=0)
    sizes = []
    for number, output in enumerate([Output("jpeg", quality=95), Output("jpeg", quality=40, subsampling="4:2:0")]):
        path = os.fsencode(tmp_path / f"{number}.jpg")
        encode(ramp, output, path)
        with Image.open(place(path)) as image:
            assert np.abs(np.asarray(image).astype(int) - ramp).mean() < 3
            sizes.append(place(path).stat().st_size)
            assert image.layer[0][1:3] == ((1, 1) if number == 0 else (2, 2))  # type: ignore[attr-defined]
    assert sizes[1] < sizes[0]


@each_output
def test_the_profile_is_inside(tmp_path: Path, output: Output) -> None:
    path = target(tmp_path, output)
    encode(noise(output), output, path)
    if output.format == "tiff":
        with tifffile.TiffFile(place(path)) as file:
            assert bytes(file.pages.first.iccprofile) == icc_profile(output.space)
    else:
        with Image.open(place(path)) as image:
            assert image.info["icc_profile"] == icc_profile(output.space)


@each_output
def test_a_header_says_what_was_written(tmp_path: Path, output: Output) -> None:
    path = target(tmp_path, output)
    encode(noise(output), output, path)
    assert read_header(path) == Header(output.format, 33, 70, output.bits)
    check(path, noise(output), output)


@each_output
def test_a_picture_cut_short_does_not_pass(tmp_path: Path, output: Output) -> None:
    path = target(tmp_path, output)
    encode(noise(output), output, path)
    os.truncate(path, place(path).stat().st_size - 30)
    with pytest.raises(CannotCreate, match="does not open as a picture"):
        check(path, noise(output), output)
    assert not place(path).exists()


@each_output
def test_another_picture_does_not_pass(tmp_path: Path, output: Output) -> None:
    path = target(tmp_path, output)
    encode(noise(output), output, path)
    with pytest.raises(CannotCreate, match="not the picture that was written"):
        check(path, noise(output, 71, 33), output)
    assert not place(path).exists()


@each_output
def test_nothing_that_stands_is_overwritten(tmp_path: Path, output: Output) -> None:
    path = target(tmp_path, output)
    place(path).write_text("not ours")
    with pytest.raises(CannotCreate, match="name is taken"):
        encode(noise(output), output, path)
    assert place(path).read_text() == "not ours"


def test_links_are_not_followed(tmp_path: Path) -> None:
    path = target(tmp_path, OUTPUTS[0])
    place(path).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CannotCreate):
        encode(noise(OUTPUTS[0]), OUTPUTS[0], path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_has_vanished_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotCreate, match="its folder does not exist"):
        encode(noise(OUTPUTS[0]), OUTPUTS[0], os.fsencode(tmp_path / "gone" / "x.jpg"))


@pytest.fixture
def small_disk() -> Iterator[None]:
    """Files end at 4 KB, as on a disk that fills up while we write."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, old[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, old)
    signal.signal(signal.SIGXFSZ, handler)


@each_output
def test_a_disk_that_fills_up_leaves_nothing(tmp_path: Path, output: Output, small_disk: None) -> None:
    path = target(tmp_path, output)
    with pytest.raises(CannotCreate, match=r"takes no file of that size|took only a part"):
        encode(noise(output, 200, 200), output, path)
    assert not list(tmp_path.iterdir())


def test_a_picture_too_large_for_jpeg_is_the_photos_verdict(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="too many for a JPEG"):
        encode(np.zeros((1, 65501, 3), np.uint8), OUTPUTS[0], os.fsencode(tmp_path / "x.jpg"))


@pytest.mark.parametrize(
    "pixels", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.uint16), np.zeros((0, 4, 3), np.uint8)], ids=str
)
def test_pixels_of_another_kind_are_a_bug(tmp_path: Path, pixels: Pixels) -> None:
    with pytest.raises(ValueError, match="jpeg of 8 bits"):
        encode(pixels, OUTPUTS[0], os.fsencode(tmp_path / "x.jpg"))
