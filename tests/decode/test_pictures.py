"""Finished pictures come out of the cell with what their numbers mean, or with a sentence."""

from __future__ import annotations

import io
import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from ispd.decode import pictures
from ispd.decode.cell import Cell, Finished
from ispd.decode.icc import meaning_of_profile, meaning_of_space
from ispd.encode.icc import icc_profile
from ispd.errors import PhotoError
from ispd.isp.color.spaces import D50_XYZ, D65, adapt, rgb_from_rec2020, xyz_from_rgb, xyz_from_xy
from ispd.orders import Space

SPACES: tuple[Space, ...] = ("srgb", "display-p3", "adobe-rgb", "rec2020")


@pytest.fixture
def picture() -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (24, 36, 3), dtype=np.uint8)


def written(path: Path, picture: NDArray[Any], **options: Any) -> Path:
    Image.fromarray(picture).save(path, **options)
    return path


def finished(cell: Cell, path: Path) -> Finished:
    return cell.finished(os.fsencode(path))


def test_codes_come_back_as_they_were_stored(cell: Cell, tmp_path: Path, picture: NDArray[np.uint8]) -> None:
    stored = picture.transpose(2, 0, 1)
    png = finished(cell, written(tmp_path / "a.png", picture))
    assert np.array_equal(png.codes, stored)
    deep = picture.astype(np.uint16) * 257
    for options in ({}, {"compression": "zlib", "predictor": True}, {"planarconfig": "separate"}):
        pixels = np.ascontiguousarray(deep.transpose(2, 0, 1)) if "planarconfig" in options else deep
        tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", **options)
        tiff = finished(cell, tmp_path / "a.tif")
        assert tiff.codes.dtype == np.uint16
        assert np.array_equal(tiff.codes, 257 * stored.astype(np.uint16))
    smooth = np.asarray(Image.fromarray(picture).resize((360, 240), Image.Resampling.BICUBIC))
    jpeg = finished(cell, written(tmp_path / "a.jpg", smooth, quality=95, subsampling=0))
    assert np.abs(jpeg.codes.astype(int) - smooth.transpose(2, 0, 1)).max() < 16


def test_grey_alpha_and_palettes_are_understood(cell: Cell, tmp_path: Path, picture: NDArray[np.uint8]) -> None:
    grey = finished(cell, written(tmp_path / "grey.jpg", picture[..., 0]))
    assert grey.codes.shape == (1, 24, 36)
    assert grey.meaning.rec2020 == ((1.0,), (1.0,), (1.0,))
    alpha = np.dstack([picture, np.full(picture.shape[:2], 9, np.uint8)])
    assert np.array_equal(finished(cell, written(tmp_path / "a.png", alpha)).codes, picture.transpose(2, 0, 1))
    Image.fromarray(picture).quantize(16).save(tmp_path / "p.png")
    assert finished(cell, tmp_path / "p.png").codes.shape == (3, 24, 36)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
def test_a_profile_says_what_the_codes_mean(
    cell: Cell, tmp_path: Path, picture: NDArray[np.uint8], space: Space, name: str
) -> None:
    if name == "a.tif":
        tifffile.imwrite(tmp_path / name, picture, photometric="rgb", iccprofile=icc_profile(space))
    else:
        written(tmp_path / name, picture, icc_profile=icc_profile(space))
    got = finished(cell, tmp_path / name)
    assert np.allclose(got.meaning.rec2020, np.linalg.inv(rgb_from_rec2020(space)), atol=1e-4)
    assert np.abs(got.curves - meaning_of_space(space).curves).max() < 2e-4
    assert got.meaning.told


def test_without_a_profile_it_is_srgb_or_what_exif_says(cell: Cell, tmp_path: Path, picture: NDArray[np.uint8]) -> None:
    srgb, adobe = (np.linalg.inv(rgb_from_rec2020(space)) for space in ("srgb", "adobe-rgb"))
    plain = finished(cell, written(tmp_path / "a.jpg", picture))
    assert np.allclose(plain.meaning.rec2020, srgb, atol=1e-6)
    assert not plain.meaning.told
    for space, index, wanted in ((1, "R98", srgb), (65535, "R03", adobe), (65535, "R98", srgb), (2, "", adobe)):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0xA001] = space
        exif.get_ifd(0x8769)[0xA005] = {1: index} if index else {}
        said = finished(cell, written(tmp_path / "b.jpg", picture, exif=exif))
        assert np.allclose(said.meaning.rec2020, wanted, atol=1e-6), (space, index)


def test_tags_of_the_picture_itself_are_told(cell: Cell, tmp_path: Path, picture: NDArray[np.uint8]) -> None:
    exif = Image.Exif()
    exif[274], exif[305], exif[271], exif[272] = 6, "Darkroom 3", "Aldine", "Kestrel"
    exif.get_ifd(0x8769)[36867] = "2026:03:29 02:30:00"
    exif.get_ifd(0x8769)[37521] = "25"
    meaning = finished(cell, written(tmp_path / "a.jpg", picture, exif=exif)).meaning
    assert (meaning.orientation, meaning.software, meaning.camera) == (6, "Darkroom 3", "Aldine Kestrel")
    assert (meaning.captured, meaning.fraction) == ("2026:03:29 02:30:00", "25")


def test_of_two_pictures_in_one_jpeg_the_base_is_read(cell: Cell, tmp_path: Path, picture: NDArray[np.uint8]) -> None:
    """As an Ultra HDR file has it: a gain map behind the picture, which others may show or not."""
    base, gains = (Image.fromarray(image) for image in (picture, np.full((8, 8, 3), 200, np.uint8)))
    base.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[gains], quality=95)
    assert finished(cell, tmp_path / "a.jpg").codes.shape == (3, 24, 36)


def test_a_file_in_memory_is_read_as_one_on_disk(cell: Cell, picture: NDArray[np.uint8]) -> None:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    assert np.array_equal(cell.finished_in(file.getvalue()).codes, picture.transpose(2, 0, 1))


# --- what is refused, and that nothing else happens ------------------------------------------------------------------


def png_of(width: int, height: int) -> bytes:
    """A PNG whose few bytes unfold to that size."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes((3 * width + 1) * min(height, 2000)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def jpeg_of(width: int, height: int) -> bytes:
    """A tiny JPEG whose frame header declares that size."""
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, "JPEG")
    data = bytearray(file.getvalue())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">2H", height, width)
    return bytes(data)


CMYK = io.BytesIO()
Image.new("CMYK", (64, 64), (10, 20, 30, 40)).save(CMYK, "JPEG")
FLOAT = io.BytesIO()
tifffile.imwrite(FLOAT, np.zeros((8, 8, 3), np.float32), photometric="rgb")
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)

REFUSED = {
    "a JPEG bomb": (jpeg_of(65500, 65500), "a trap, not a photo"),
    "a smaller JPEG bomb": (jpeg_of(12000, 12000), "a trap, not a photo"),
    "a PNG bomb": (png_of(40000, 40000), "a trap, not a photo"),
    "CMYK": (CMYK.getvalue(), "CMYK, for print: save it in RGB"),
    "floats": (FLOAT.getvalue(), "save it with 8 or 16 bits"),
    "HEIC": (HEIC, "save the picture as JPEG, TIFF or PNG"),
    "a text": (b"once upon a time", "neither a JPEG nor a TIFF nor a PNG"),
    "nothing": (b"", "the file is empty"),
    "half a JPEG": (jpeg_of(16, 16)[:200], "cannot be read"),
    "a TIFF without a picture": (b"II*\0\x08\0\0\0\0\0\0\0\0\0", "cannot be read"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_a_reference_is_refused_in_a_sentence(cell: Cell, tmp_path: Path, what: str) -> None:
    data, sentence = REFUSED[what]
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(PhotoError, match=sentence):
        finished(cell, tmp_path / "a.jpg")


def test_files_with_flipped_bytes_give_a_picture_or_a_sentence(cell: Cell, picture: NDArray[np.uint8]) -> None:
    rng = np.random.default_rng(5)
    for kind in ("JPEG", "PNG", "TIFF"):
        file = io.BytesIO()
        Image.fromarray(picture).save(file, kind, icc_profile=icc_profile("srgb"))
        for _ in range(12):
            data = bytearray(file.getvalue())
            for at in rng.integers(0, len(data), 8):
                data[at] = rng.integers(0, 256)
            with suppress(PhotoError):
                assert cell.finished_in(bytes(data)).codes.size


# --- profiles ---------------------------------------------------------------------------------------------------------


def test_a_profile_by_another_maker_means_the_same() -> None:
    """LittleCMS's sRGB, with parametric curves."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    meaning, ours = meaning_of_profile(profile, 3), meaning_of_space("srgb")
    assert np.allclose(meaning.rec2020, ours.rec2020, atol=2e-3)
    assert np.abs(meaning.curves - ours.curves).max() < 1e-3


def test_white_stays_white_under_a_profile_of_another_white() -> None:
    """As scanners' old profiles had it: primaries that sum to D65 instead of D50."""
    columns = np.rint(xyz_from_rgb("srgb") * 65536).astype(">i4")
    tags = [(name, b"XYZ " + bytes(4) + columns[:, i].tobytes()) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))]
    curve = b"curv" + struct.pack(">IIH", 0, 1, 563)
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    table, data, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags:
        table += struct.pack(">4sII", name, start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    header = bytes(12) + b"mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(88)
    meaning = meaning_of_profile(header + struct.pack(">I", len(tags)) + table + data, 3)
    assert np.allclose(np.sum(meaning.rec2020, axis=1), 1)
    to_d50 = adapt(xyz_from_xy(D65), D50_XYZ)
    assert np.isfinite(to_d50).all()
    assert np.allclose(meaning.rec2020, np.linalg.inv(rgb_from_rec2020("srgb")), atol=2e-3)


def profile_of_tables(space: Space, nodes: int = 33) -> bytes:
    """As scanners and sRGB v4 have it: what each color is in CIELAB, and no primaries (ICC.1:2001-04, §6.5.7)."""
    steps = np.linspace(0, 1, nodes)
    codes = np.stack(np.meshgrid(steps, steps, steps, indexing="ij")).reshape(3, -1)  # red slowest
    light = np.stack([np.interp(plane, np.linspace(0, 1, 4096), meaning_of_space(space).curves[0]) for plane in codes])
    xyz = adapt(xyz_from_xy(D65), D50_XYZ) @ xyz_from_rgb(space) @ light / D50_XYZ[:, None]
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz.clip(0)), (24389 / 27 * xyz + 16) / 116)
    lab = np.stack([(116 * y - 16) * 652.8, (500 * (x - y) + 128) * 256, (200 * (y - z) + 128) * 256])
    identity = struct.pack(">9i", *(65536 * (i % 4 == 0) for i in range(9)))
    line = struct.pack(">6H", *(0, 65535) * 3)
    table = b"mft2" + bytes(4) + bytes((3, 3, nodes, 0)) + identity + struct.pack(">2H", 2, 2) + line
    table += np.rint(lab.T).clip(0, 65535).astype(">u2").tobytes() + line
    white = b"XYZ " + bytes(4) + struct.pack(">3i", *(round(65536 * value) for value in D50_XYZ))
    tags, start = b"", 128 + 4 + 2 * 12
    for name, content, at in ((b"wtpt", white, start), (b"A2B0", table, start + len(white))):
        tags += struct.pack(">4sII", name, at, len(content))
    size = start + len(white) + len(table)
    header = struct.pack(">I4sI", size, bytes(4), 0x02400000) + b"mntrRGB Lab " + bytes(12) + b"acsp" + bytes(28)
    header += struct.pack(">3i", *(round(65536 * value) for value in D50_XYZ)) + bytes(48)
    made: bytes = header + struct.pack(">I", 2) + tags + white + table
    return made


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_a_profile_of_tables_is_honored_as_far_as_srgb_goes(cell: Cell, tmp_path: Path, name: str) -> None:
    colors = np.random.default_rng(0).integers(60, 200, (24, 36, 3)).astype(np.uint8)  # sRGB codes, none at its edge
    light = np.moveaxis(meaning_of_space("srgb").curves[0][np.rint(colors / 255 * 4095).astype(int)], -1, 0)
    wide = np.tensordot(rgb_from_rec2020("adobe-rgb") @ np.linalg.inv(rgb_from_rec2020("srgb")), light, 1)
    codes = np.moveaxis(wide.clip(0, 1) ** (256 / 563), 0, -1)
    if name == "a.tif":
        stored = np.rint(codes * 65535).astype(np.uint16)
        tifffile.imwrite(tmp_path / name, stored, photometric="rgb", iccprofile=profile_of_tables("adobe-rgb"))
    else:
        written(tmp_path / name, np.rint(codes * 255).astype(np.uint8), icc_profile=profile_of_tables("adobe-rgb"))
    got = finished(cell, tmp_path / name)
    assert got.meaning.told
    assert np.allclose(got.meaning.rec2020, np.linalg.inv(rgb_from_rec2020("srgb")), atol=1e-6)
    assert np.abs(got.codes.transpose(1, 2, 0).astype(int) - colors).max() <= 4  # 8 bits, and a table's steps


def test_a_broken_table_is_named(cell: Cell, tmp_path: Path, picture: NDArray[np.uint8]) -> None:
    broken = profile_of_tables("srgb", 5)[:-300]
    written(tmp_path / "a.png", picture, icc_profile=broken)
    with pytest.raises(PhotoError, match="ICC profile"):
        finished(cell, tmp_path / "a.png")


def test_a_profile_that_makes_no_sense_is_named() -> None:
    good = icc_profile("srgb")
    for broken in (good[:100], good[:400], good.replace(b"RGB XYZ ", b"CMYKLab "), good.replace(b"rTRC", b"A2B0")):
        with pytest.raises(PhotoError, match="ICC profile"):
            meaning_of_profile(broken, 3)


def test_the_limits_are_looked_at_before_the_pixels() -> None:
    seen: list[tuple[int, int, int]] = []
    with pytest.raises(PhotoError, match="a trap"):
        pictures.read(jpeg_of(60000, 60000), lambda *size: seen.append(size))
    assert seen == []
