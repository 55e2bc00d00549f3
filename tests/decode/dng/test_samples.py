"""Real files and broken ones: our numbers against exiftool's and tifffile's, our verdicts against their makers'."""

from __future__ import annotations

import json
import math
import os
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_allclose

from ispd.decode.dng.codes import Tag
from ispd.decode.dng.shot import shot_from_dng
from ispd.decode.dng.tags import Ifd, Tiff, read_tiff
from ispd.decode.facts import check_whole, read_facts
from ispd.errors import IncompletePhoto, PhotoError
from ispd.isp.values import Area, GainMap, MapPolynomial
from tests.conftest import SHARED

RAW = SHARED / "samples" / "raw"
BAD = SHARED / "samples" / "bad"
DNGS = sorted([*RAW.glob("*.dng"), *RAW.glob("*.GPR"), *RAW.glob("variants/*.dng")])
OTHERS = sorted([*RAW.glob("*.CRW"), *RAW.glob("*.KDC")])

UNLIKE = (Tag.SubIFDs, Tag.ExifIFD, Tag.GPSInfo, 33723)  # tifffile follows these; the last is IPTC, as bytes

pytestmark = pytest.mark.skipif(not DNGS, reason=f"the shared samples are not here: {SHARED}")
each_dng = pytest.mark.parametrize("path", DNGS, ids=lambda path: path.name)


@cache
def tiff_of(path: Path) -> Tiff:
    return read_tiff(path.read_bytes())


@each_dng
def test_tifffile_reads_the_same_numbers(path: Path) -> None:
    ours = tiff_of(path)
    compared = 0
    with tifffile.TiffFile(path) as file:
        pages = [file.pages.first, *(page for page in file.pages.first.pages or ())]
        theirs = {page.offset: page for page in pages}
        for ifd in (ours.first, ours.raw):
            assert ifd is not None
            for tag in theirs[ifd.offset].tags:
                if tag.code in ifd and tag.dtype not in (2, 7) and tag.code not in UNLIKE:
                    compared += _agrees(ifd, tag)
    assert compared > 20


def _agrees(ifd: Ifd, tag: tifffile.TiffTag) -> bool:
    values = np.ravel(tag.value) if not isinstance(tag.value, bytes) else np.frombuffer(tag.value, np.uint8)
    if tag.dtype in (5, 10):
        values = np.array([a / b if b else math.nan for a, b in np.reshape(values, (-1, 2)).tolist()])
    assert_allclose(ifd.array(tag.code), values.astype(np.float64), rtol=1e-12, err_msg=tag.name)
    return True


@cache
def exiftool() -> dict[str, dict[str, object]]:
    """What exiftool says of every DNG, by file name; tags with the group they stand in."""
    command = ["exiftool", "-config", "", "-j", "-n", "-G1", "-a", "-u", "-m", *map(str, DNGS)]
    found = subprocess.run(command, capture_output=True, check=True).stdout
    return {Path(str(tags["SourceFile"])).name: tags for tags in json.loads(found)}


def said(path: Path, name: str) -> tuple[float, ...] | None:
    """A tag's numbers by exiftool, of the raw directory or else the first."""
    tags = exiftool()[path.name]
    value = tags.get(f"SubIFD:{name}", tags.get(f"IFD0:{name}"))
    if value is None:
        return None
    return tuple(float(v) if v not in ("undef", "inf") else math.nan for v in str(value).split())


@each_dng
def test_exiftool_says_the_same_of_the_shot(path: Path) -> None:
    if path.name == "opcode_unknown_required.dng":
        pytest.skip("refused, as it should be")
    shot, _ = shot_from_dng(tiff_of(path))
    tags = exiftool()[path.name]
    if (neutral := said(path, "AsShotNeutral")) is not None:
        assert_allclose(shot.neutral, np.array(neutral) / neutral[1], rtol=1e-4)
    if (black := said(path, "BlackLevel")) is not None:
        assert_allclose(shot.levels.black, np.broadcast_to(black, len(shot.levels.black)), rtol=1e-5)
    if (white := said(path, "WhiteLevel")) is not None:
        assert_allclose(shot.levels.white, np.broadcast_to(white, len(shot.levels.white)))
    if (active := said(path, "ActiveArea")) is not None:
        assert shot.active == Area(*map(int, active))
    if (size := said(path, "DefaultCropSize")) is not None:
        assert (shot.crop.width, shot.crop.height) == size
    if (ev := said(path, "BaselineExposure")) is not None:
        assert_allclose(shot.baseline_exposure, np.nan_to_num(ev[0]), atol=1e-4)
    if (noise := said(path, "NoiseProfile")) is not None:
        assert_allclose(np.ravel(shot.noise_profile)[: len(noise)], noise, rtol=1e-6)
    assert shot.orientation == tags.get("IFD0:Orientation", 1)
    assert shot.iso == (tags.get("ExifIFD:ISO") or None)


@each_dng
def test_exiftool_says_the_same_of_the_facts(path: Path) -> None:
    facts, tags = read_facts(os.fsencode(path)), exiftool()[path.name]
    assert facts is not None
    assert facts.make == str(tags.get("IFD0:Make", "")).strip()
    assert facts.model == str(tags.get("IFD0:Model", "")).strip()
    assert facts.unique_model == str(tags.get("IFD0:UniqueCameraModel", "")).strip()
    assert facts.lens == tags.get("ExifIFD:LensModel", "")
    assert facts.serial == str(tags.get("ExifIFD:SerialNumber", tags.get("IFD0:CameraSerialNumber", "")))
    assert facts.exposure_seconds == pytest.approx(tags.get("ExifIFD:ExposureTime") or None)
    assert facts.f_number == pytest.approx(tags.get("ExifIFD:FNumber") or None)
    assert facts.focal_length_mm == pytest.approx(tags.get("ExifIFD:FocalLength") or None)
    taken = str(tags.get("ExifIFD:DateTimeOriginal", tags.get("IFD0:ModifyDate", "")))
    assert facts.captured == taken.replace(":", "-", 2).replace(" ", "T")


@pytest.mark.parametrize("path", [*DNGS, *OTHERS], ids=lambda path: path.name)
def test_every_sample_is_whole(path: Path) -> None:
    assert check_whole(os.fsencode(path)) == ()


@pytest.mark.parametrize("path", [*DNGS[:7], *OTHERS], ids=lambda path: path.name)
@pytest.mark.parametrize("part", [0.3, 0.9, 0.999])
def test_every_sample_cut_short_is_still_arriving(path: Path, part: float, tmp_path: Path) -> None:
    data = path.read_bytes()
    target = tmp_path / path.name
    target.write_bytes(data[: int(part * len(data))])
    with pytest.raises(IncompletePhoto):
        check_whole(os.fsencode(target))


def test_the_corrections_of_real_files_are_read() -> None:
    gopro, _ = shot_from_dng(tiff_of(RAW / "gopro_hero7_GOPR8513.GPR"))
    assert [type(op) for op in gopro.opcodes2] == [GainMap] * 4
    lossy, _ = shot_from_dng(tiff_of(RAW / "canon_6d_lossy_linear.dng"))
    maps = [op for op in lossy.opcodes2 if isinstance(op, MapPolynomial)]
    assert [op.region.plane for op in maps] == [0, 1, 2]
    assert all(sum(op.coefficients) == pytest.approx(1, abs=0.02) for op in maps)  # white stays white


def test_an_already_balanced_file_keeps_its_ones() -> None:
    shot, warnings = shot_from_dng(tiff_of(RAW / "canon_6d_lossy_linear.dng"))
    assert_allclose(shot.neutral, 1, atol=0.005)
    assert warnings == ()


REFUSED = "refused"
ARRIVING = "arriving"
FINE = ""  # anything else: a word of the warning

VERDICTS = {
    "00_good_reference": FINE,
    "01_zero_bytes": ARRIVING,
    "02_text": REFUSED,
    "03_jpeg_renamed": REFUSED,
    "04_plain_tiff": REFUSED,
    "05_html_error_page": REFUSED,
    "06_random_after_magic": ARRIVING,  # its first pointer leads outside: a cut file looks the same
    "10_trunc_6_bytes": ARRIVING,
    "11_trunc_no_ifd": ARRIVING,
    "12_trunc_in_ifd": ARRIVING,
    "13_trunc_half_real": ARRIVING,
    "14_trunc_last_kb_real": ARRIVING,
    "15_stub_12k_of_gpr": ARRIVING,
    "16_stub_64k_of_ljpeg": ARRIVING,
    "20_ifd_loop": "circle",
    "21_next_ifd_past_end": "outside",
    "22_subifd_is_itself": "circle",
    "23_1500_ifds": REFUSED,
    "24_huge_dimensions": REFUSED,
    "25_strip_longer_than_file": "declares more",
    "26_dimensions_exceed_data": REFUSED,
    "27_zero_width": REFUSED,
    "28_bits_33": REFUSED,
    "29_compression_unknown": REFUSED,
    "40_matrix_nan": "color matrix",
    "41_matrix_zero": "color matrix",
    "42_matrix_negative": "color matrix",
    "43_matrix_singular": "color matrix",
    "44_neutral_zero": "white balance",
    "45_neutral_nan": "white balance",
    "46_no_neutral_no_matrix": "white balance",
    "47_white_zero": "white level",
    "48_black_above_white": REFUSED,
    "49_black_equals_white": REFUSED,
    "50_black_nan": "black level",
    "51_baseline_exposure_huge": "+1000 stops",
    "52_cfa_nonsense": REFUSED,
    "53_cfa_all_green": "black and white",
    "54_cfa_dim_zero": REFUSED,
    "55_all_black": FINE,
    "56_all_clipped": FINE,
    "57_below_black": FINE,
    "58_active_area_inverted": "active area",
    "59_default_crop_outside": "crop",
    "60_orientation_77": "77",
    "61_linearization_empty": REFUSED,
    "70_opcode_length_lies": "OpcodeList2",
    "71_opcode_count_lies": "OpcodeList2",
    "72_gainmap_nan": "GainMap",
    "73_gainmap_zero_points": "GainMap",
    "74_gainmap_outside": "GainMap",
    "75_warp_nan": "WarpRectilinear",
    "80_evil_text": FINE,
    "81_text_not_utf8": FINE,
    "82_text_100kb": FINE,
    "83_dates_gps_nonsense": FINE,
    "84_icc_junk": FINE,
    "90_tiny_1x1": FINE,
    "90_tiny_2x2": FINE,
    "90_tiny_3x5": FINE,
    "90_tiny_7x1": FINE,
}


@pytest.mark.parametrize(("name", "verdict"), VERDICTS.items(), ids=VERDICTS)
def test_each_broken_file_gets_its_verdict(name: str, verdict: str) -> None:
    path = BAD / f"{name}.dng"
    if verdict in (ARRIVING, REFUSED):
        with pytest.raises(PhotoError) as caught:
            judged(path)
        assert isinstance(caught.value, IncompletePhoto) == (verdict == ARRIVING)
    elif verdict == FINE:
        assert judged(path) == ()
    else:
        assert any(verdict in warning for warning in judged(path))


def judged(path: Path) -> tuple[str, ...]:
    """The warnings of a file's structure and of its tags."""
    return check_whole(os.fsencode(path)) + shot_from_dng(read_tiff(path.read_bytes()))[1]
