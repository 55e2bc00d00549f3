"""Our DNGs as others read them: LibRaw, flashraw, tifffile and exiftool."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import flashraw
import numpy as np
import pytest
import rawpy
import tifffile
from numpy.typing import NDArray

from ispd.errors import MissingTool
from ispd.isp.values import Area, FixVignetteRadial, GainMap, MapPolynomial, Region, WarpRectilinear
from ispd.simulate.camera import CAMERAS, KESTREL, LANTERN, MERIDIAN, SimulatedCamera
from ispd.simulate.capture import Capture, Place
from ispd.simulate.dng import Negative, encode_dng, write_dng
from ispd.simulate.photograph import Moment, expose
from ispd.simulate.pictures import gradient
from ispd.simulate.tiff import Entry, Kind

EVERY_CAMERA = pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.model)
SAMPLES = np.arange(64 * 96, dtype=np.uint16).reshape(64, 96)
WHOLE = Region(Area(0, 0, 64, 96))


def exiftool(path: Path, *options: str) -> dict[str, object]:
    """Tag to value, as exiftool sees the file."""
    run = subprocess.run(["exiftool", "-json", *options, path], capture_output=True, check=True, text=True)
    tags: dict[str, object] = json.loads(run.stdout)[0]
    return tags


@EVERY_CAMERA
def test_exiftool_has_nothing_to_object(camera: SimulatedCamera, chart: NDArray[np.uint8], tmp_path: Path) -> None:
    path = write_dng(tmp_path / "a.dng", expose(chart, camera, Moment(place=Place(46.5, 7.5))))
    tags = exiftool(path, "-validate", "-warning", "-error", "-a")
    assert tags["Validate"] == "OK"
    assert not tags.keys() & {"Warning", "Error"}


@EVERY_CAMERA
def test_libraw_reads_the_samples_levels_and_pattern(
    camera: SimulatedCamera, chart: NDArray[np.uint8], tmp_path: Path
) -> None:
    negative = expose(chart, camera)
    path = write_dng(tmp_path / "a.dng", negative)
    with rawpy.imread(str(path)) as raw:
        assert np.array_equal(raw.raw_image, negative.samples)
        assert raw.white_level == negative.white
        side = round(len(camera.cfa) ** 0.5)
        letters = [raw.color_desc.decode()[number] for number in raw.raw_pattern.flat]
        assert "".join(letters) == camera.cfa
        assert raw.raw_pattern.shape == (side, side)
        red, green, blue = raw.camera_whitebalance[:3]
        assert (green / red, green / blue) == pytest.approx((negative.neutral[0], negative.neutral[2]), rel=1e-4)  # type: ignore[index]


@EVERY_CAMERA
def test_flashraw_and_tifffile_read_the_same_samples(
    camera: SimulatedCamera, chart: NDArray[np.uint8], tmp_path: Path
) -> None:
    negative = expose(chart, camera)
    path = write_dng(tmp_path / "a.dng", negative)
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        raw = page.pages[0] if page.pages else page
        assert np.array_equal(raw.asarray(), negative.samples)
    with flashraw.open(path) as photo:
        assert np.array_equal(photo.decode("raw-u16", apply_opcodes=False).array, negative.samples)


@pytest.mark.parametrize("width", [256, 512, 600])
def test_libraw_reads_lossless_jpeg_of_any_width(width: int, tmp_path: Path) -> None:
    """It takes two tiles that make a row for halves of each line."""
    negative = replace(expose(gradient(64, width), LANTERN), compression="lossless-jpeg")
    with rawpy.imread(str(write_dng(tmp_path / "a.dng", negative))) as raw:
        assert np.array_equal(raw.raw_image, negative.samples)


def test_linear_samples_have_a_plane_a_color(tmp_path: Path) -> None:
    samples = np.stack([SAMPLES, SAMPLES + 1000, SAMPLES + 2000], axis=-1)
    path = write_dng(tmp_path / "a.dng", Negative(samples, cfa="", bits=16, white=65535, black=(10.0,)))
    with rawpy.imread(str(path)) as raw:
        assert np.array_equal(raw.raw_image[..., :3], samples)
    tags = exiftool(path, "-validate", "-n", "-SamplesPerPixel", "-BlackLevel")
    assert (tags["Validate"], tags["SamplesPerPixel"], tags["BlackLevel"]) == ("0 0 0", 3, "10 10 10")


def test_tags_say_who_when_and_where(tmp_path: Path) -> None:
    winter = timezone(-timedelta(hours=3, minutes=30))
    capture = Capture(
        make="Aldine",
        model="Kestrel II",
        lens="Aldine 50mm f/1.8",
        serial="2007731",
        iso=800,
        exposure_seconds=1 / 30,
        f_number=5.6,
        when=datetime(2025, 1, 2, 3, 4, 5, tzinfo=winter),
        place=Place(-33.856784, 151.215297, -4.5),
    )
    path = write_dng(tmp_path / "a.dng", Negative(SAMPLES, orientation=6, capture=capture))
    tags = exiftool(path, "-n")
    expected = {
        "Make": "Aldine",
        "Model": "Kestrel II",
        "LensModel": "Aldine 50mm f/1.8",
        "SerialNumber": 2007731,
        "ISO": 800,
        "FNumber": 5.6,
        "DateTimeOriginal": "2025:01:02 03:04:05",
        "OffsetTimeOriginal": "-03:30",
        "GPSDateStamp": "2025:01:02",
        "GPSTimeStamp": "06:34:05",
        "Orientation": 6,
    }
    assert {name: tags[name] for name in expected} == expected
    assert tags["ExposureTime"] == pytest.approx(1 / 30)
    assert tags["GPSLatitude"] == pytest.approx(-33.856784, abs=3e-6)
    assert tags["GPSLongitude"] == pytest.approx(151.215297, abs=3e-6)
    assert tags["GPSAltitude"] == pytest.approx(-4.5)


def test_opcodes_arrive_as_they_were_meant(tmp_path: Path) -> None:
    gains = tuple(tuple((1.0 + 0.1 * row + 0.01 * column,) for column in range(3)) for row in range(2))
    negative = Negative(
        SAMPLES,
        opcodes2=(
            GainMap(replace(WHOLE, row_pitch=2, col_pitch=2), (1.0, 0.5), (0.0, 0.0), gains),
            MapPolynomial(WHOLE, (0.0, 0.5, 0.5)),
        ),
        opcodes3=(
            WarpRectilinear(((1.0, 0.1, 0.0, 0.0, 0.0, 0.0),), (0.5, 0.5)),
            FixVignetteRadial((0.5, 0.1, 0.0, 0.0, 0.0), (0.4, 0.6)),
        ),
    )
    path = write_dng(tmp_path / "a.dng", negative)
    assert exiftool(path)["OpcodeList2"] == "GainMap, MapPolynomial"
    with flashraw.open(path) as photo:
        names = [opcode.name for opcode in photo.metadata.opcodes]
    assert names == ["GainMap", "MapPolynomial", "WarpRectilinear", "FixVignetteRadial"]


def test_a_tag_of_the_caller_replaces_ours(tmp_path: Path) -> None:
    path = write_dng(tmp_path / "a.dng", Negative(SAMPLES, more=(Entry(50717, Kind.LONG, 4095),)))
    assert exiftool(path, "-n")["WhiteLevel"] == 4095


def test_a_preview_is_a_jpeg_beside_the_raw(chart: NDArray[np.uint8], tmp_path: Path) -> None:
    path = write_dng(tmp_path / "a.dng", expose(chart, MERIDIAN))
    with rawpy.imread(str(path)) as raw:
        assert raw.extract_thumb().data.startswith(b"\xff\xd8")


def test_lossless_jpeg_without_its_encoder_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(MissingTool, match="pip install"):
        encode_dng(Negative(SAMPLES, compression="lossless-jpeg"))


def test_black_levels_of_a_position_go_with_the_active_area(chart: NDArray[np.uint8], tmp_path: Path) -> None:
    camera = replace(KESTREL, black=(100.0, 200.0, 300.0, 400.0), shading=(0.0, 0.0, 0.0))
    path = write_dng(tmp_path / "a.dng", expose(chart * 0, camera))
    with rawpy.imread(str(path)) as raw:
        visible = raw.raw_image_visible
        means = [visible[row::2, column::2].mean() for row in (0, 1) for column in (0, 1)]
    assert means == pytest.approx([100, 200, 300, 400], abs=1)
    assert exiftool(path, "-n")["BlackLevel"] == "100 200 300 400"


def test_two_photos_of_one_seed_are_the_same_file(chart: NDArray[np.uint8]) -> None:
    assert encode_dng(expose(chart, LANTERN, seed=3)) == encode_dng(expose(chart, LANTERN, seed=3))
    assert encode_dng(expose(chart, LANTERN, seed=3)) != encode_dng(expose(chart, LANTERN, seed=4))
