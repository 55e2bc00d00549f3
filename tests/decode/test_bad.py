"""Broken and hostile files: each gets its verdict, in a sentence, and nothing else happens."""

from __future__ import annotations

import os
import random
import zlib
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import pytest

from ispd.decode.cell import Cell
from ispd.errors import IncompletePhoto, PhotoError
from ispd.simulate.dng import Negative, encode_dng
from ispd.simulate.tiff import Directory, Entry, Kind, encode_tiff
from tests.decode.processes import resident, zygotes

Verdict: TypeAlias = Literal["developed", "warned", "refused", "incomplete"]

# What the README beside the files asks for; where it leaves a choice, this is ours.  What only metadata can show (80 to
# 85: texts, dates, profiles) decodes here without a word.
VERDICTS: dict[str, Verdict] = {
    "00_good_reference": "developed",
    "01_zero_bytes": "incomplete",
    "02_text": "refused",
    "03_jpeg_renamed": "refused",
    "04_plain_tiff": "refused",
    "05_html_error_page": "refused",
    "06_random_after_magic": "incomplete",
    "10_trunc_6_bytes": "incomplete",
    "11_trunc_no_ifd": "incomplete",
    "12_trunc_in_ifd": "incomplete",
    "13_trunc_half_real": "incomplete",
    "14_trunc_last_kb_real": "incomplete",
    "15_stub_12k_of_gpr": "incomplete",
    "16_stub_64k_of_ljpeg": "incomplete",
    "17_zero_hole_real": "warned",
    "20_ifd_loop": "warned",
    "21_next_ifd_past_end": "warned",
    "22_subifd_is_itself": "warned",
    "23_1500_ifds": "refused",
    "24_huge_dimensions": "refused",
    "25_strip_longer_than_file": "warned",
    "26_dimensions_exceed_data": "refused",
    "27_zero_width": "refused",
    "28_bits_33": "refused",
    "29_compression_unknown": "refused",
    "30_deflate_bomb": "refused",
    "31_ljpeg_garbage": "refused",
    "32_jxl_garbage": "refused",
    "33_vc5_garbage": "refused",
    "40_matrix_nan": "warned",
    "41_matrix_zero": "warned",
    "42_matrix_negative": "warned",
    "43_matrix_singular": "warned",
    "44_neutral_zero": "warned",
    "45_neutral_nan": "warned",
    "46_no_neutral_no_matrix": "warned",
    "47_white_zero": "warned",
    "48_black_above_white": "refused",
    "49_black_equals_white": "refused",
    "50_black_nan": "warned",
    "51_baseline_exposure_huge": "warned",
    "52_cfa_nonsense": "refused",
    "53_cfa_all_green": "warned",
    "54_cfa_dim_zero": "refused",
    "55_all_black": "warned",
    "56_all_clipped": "warned",
    "57_below_black": "warned",
    "58_active_area_inverted": "warned",
    "59_default_crop_outside": "warned",
    "60_orientation_77": "warned",
    "61_linearization_empty": "refused",
    "70_opcode_length_lies": "warned",
    "71_opcode_count_lies": "warned",
    "72_gainmap_nan": "warned",
    "73_gainmap_zero_points": "warned",
    "74_gainmap_outside": "warned",
    "75_warp_nan": "warned",
    "80_evil_text": "developed",
    "81_text_not_utf8": "developed",
    "82_text_100kb": "developed",
    "83_dates_gps_nonsense": "developed",
    "84_icc_junk": "developed",
    "85_xmp_bomb_inside": "developed",
    "90_tiny_1x1": "warned",  # every sample of it is the same
    "90_tiny_2x2": "developed",
    "90_tiny_3x5": "developed",
    "90_tiny_7x1": "developed",
}


def verdict(cell: Cell, path: Path) -> tuple[Verdict, str]:
    try:
        decoded = cell.decode(os.fsencode(path))
    except IncompletePhoto as error:
        return "incomplete", str(error)
    except PhotoError as error:
        return "refused", str(error)
    assert np.isfinite(decoded.samples).all()
    return ("warned" if decoded.warnings else "developed"), "; ".join(decoded.warnings)


@pytest.mark.parametrize("name", VERDICTS)
def test_each_bad_file_gets_its_verdict(shared: Path, cell: Cell, name: str) -> None:
    found, sentence = verdict(cell, shared / "samples" / "bad" / f"{name}.dng")
    assert found == VERDICTS[name], sentence
    assert "\n" not in sentence
    assert len(sentence) < 300


def test_the_bad_files_of_this_table_are_all_there_are(shared: Path) -> None:
    assert {path.stem for path in (shared / "samples" / "bad").glob("*.dng")} == set(VERDICTS)


# --- files that are not whole ----------------------------------------------------------------------------------------

KINDS = [
    "canon_kiss_x4_magiclantern_colorchart.dng",  # uncompressed
    "blackmagic_pocket4k_ljpeg.dng",
    "lg_g4_lossy_linear.dng",
    "canon_6d_lossy_linear.dng",
    "gopro_hero7_GOPR8513.GPR",
    "canon_s40_CRW_0117.CRW",
    "kodak_dc120_compressed.KDC",
    "kodak_dc50.KDC",
    "variants/linear_jxl_lossy_52546.dng",
    "variants/bayer_float32_deflate.dng",
]


@pytest.mark.parametrize("name", KINDS)
def test_a_file_cut_anywhere_is_never_developed(shared: Path, cell: Cell, tmp_path: Path, name: str) -> None:
    data = (shared / "samples" / "raw" / name).read_bytes()
    cut = tmp_path / Path(name).name
    for tenth in range(1, 10):
        cut.write_bytes(data[: len(data) * tenth // 10])
        found, sentence = verdict(cell, cut)
        assert found in ("incomplete", "refused"), f"{tenth}0 %: {sentence}"


@pytest.mark.parametrize("name", KINDS)
def test_a_file_that_ends_in_zeros_is_never_developed(shared: Path, cell: Cell, tmp_path: Path, name: str) -> None:
    """A copy into preallocated space has the right length from the start."""
    data = (shared / "samples" / "raw" / name).read_bytes()
    half_copied = tmp_path / Path(name).name
    for tenth in range(1, 10):
        arrived = len(data) * tenth // 10
        half_copied.write_bytes(data[:arrived].ljust(len(data), b"\0"))
        found, sentence = verdict(cell, half_copied)
        assert found in ("incomplete", "refused"), f"{tenth}0 %: {sentence}"


# --- bombs -----------------------------------------------------------------------------------------------------------


def declaring(width: int, height: int, compression: int) -> bytes:
    """A DNG of 64 × 48 samples that says it is something else."""
    lies = (
        Entry(256, Kind.LONG, width),
        Entry(257, Kind.LONG, height),
        Entry(259, Kind.SHORT, compression),
        Entry(278, Kind.LONG, height),
    )
    return encode_dng(Negative(np.arange(3072, dtype=np.uint16).reshape(48, 64), more=lies))


@pytest.mark.parametrize("compression", [1, 7, 8, 9, 34892, 52546])
@pytest.mark.parametrize(
    ("width", "height"), [(20_000, 20_000), (2**31, 48), (64, 2**31 + 48), (2**32 - 1, 2**32 - 1), (65_535, 6_000)]
)
def test_a_bomb_is_refused_before_it_takes_memory(
    cell: Cell, tmp_path: Path, width: int, height: int, compression: int
) -> None:
    (tmp_path / "bomb.dng").write_bytes(declaring(width, height, compression))
    processes = [os.getpid(), *zygotes(os.getpid())]
    before = sum(map(resident, processes))
    assert verdict(cell, tmp_path / "bomb.dng")[0] in ("refused", "incomplete")
    assert sum(map(resident, processes)) - before < 50 << 20


def test_many_pixels_of_few_bytes_are_a_trap(cell: Cell, tmp_path: Path) -> None:
    """Well formed, 64 MP in 0.1 MB: what such a file declares is there, and is nothing."""
    side, levels = 8000, zlib.compressobj(9)
    rows = bytes(2 * side)
    packed = b"".join(levels.compress(rows) for _ in range(side)) + levels.flush()
    entries = (
        Entry(254, Kind.LONG, 0),
        Entry(256, Kind.LONG, side),
        Entry(257, Kind.LONG, side),
        Entry(258, Kind.SHORT, 16),
        Entry(259, Kind.SHORT, 8),
        Entry(262, Kind.SHORT, 32803),
        Entry(277, Kind.SHORT, 1),
        Entry(278, Kind.LONG, side),
        Entry(33421, Kind.SHORT, (2, 2)),
        Entry(33422, Kind.BYTE, (0, 1, 1, 2)),
        Entry(50706, Kind.BYTE, (1, 4, 0, 0)),
    )
    bomb = tmp_path / "bomb.dng"
    bomb.write_bytes(encode_tiff(Directory(entries, (packed,), tiled=False), "little"))
    found, sentence = verdict(cell, bomb)
    assert found == "refused"
    assert "trap" in sentence


def test_a_file_larger_than_any_raw_is_refused_unread(cell: Cell, tmp_path: Path) -> None:
    huge = tmp_path / "huge.dng"
    huge.write_bytes(b"II*\0")
    os.truncate(huge, 3 << 30)
    found, sentence = verdict(cell, huge)
    assert found == "refused"
    assert "2 GB" in sentence


# --- whatever bytes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "lg_g4_lossy_linear.dng",
        "kodak_dc50.KDC",
        "kodak_dc120_compressed.KDC",
        "variants/bayer_ljpeg_tiled.dng",
        "variants/opcode2_gainmap.dng",
        "variants/linear_jxl_lossy_52546.dng",
        "variants/bayer_float16_deflate.dng",
        "variants/xtrans_6x6.dng",
    ],
)
def test_mutated_files_give_verdicts_or_pictures(shared: Path, cell: Cell, tmp_path: Path, name: str) -> None:
    """Flipped bits, changed tags, moved pieces; PhotoError and samples are all that may come of it."""
    data = (shared / "samples" / "raw" / name).read_bytes()
    dice = random.Random(name)
    mutant = tmp_path / Path(name).name
    for _ in range(15):
        mutant.write_bytes(mutated(data, dice))
        verdict(cell, mutant)
    assert cell.decode(os.fsencode(shared / "samples" / "raw" / name)).samples.size


def mutated(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    match dice.randrange(3):
        case 0:  # bits anywhere
            for _ in range(dice.randint(1, 30)):
                changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
        case 1:  # the first or last kilobyte, where directories stand
            start = dice.choice([0, max(len(changed) - 1024, 0)])
            for _ in range(dice.randint(1, 8)):
                changed[start + dice.randrange(min(1024, len(changed)))] = dice.choice([0, 1, 127, 128, 254, 255])
        case _:  # a piece of it elsewhere
            length = dice.randint(1, len(changed) // 4)
            source, target = dice.randrange(len(changed) - length), dice.randrange(len(changed) - length)
            changed[target : target + length] = changed[source : source + length]
    return bytes(changed)
