"""A folder full of broken and hostile files, once through `ispd once`: each gets its verdict, and nothing else happens.

Which files decode is tests/decode/test_bad.py's table; here it is what a photographer reads, and what lies where.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from PIL import Image

from ispd.daemon.ledger.reading import read_ledger
from tests.decode.test_bad import VERDICTS
from tests.journeys.house import ISPD, House, tiny_photo

PATIENCE_SECONDS = 120.0  # for all together; they take seven

# a few words of the sentence that each file gets; none: no sentence
WORDS = {
    "00_good_reference": "",
    "01_zero_bytes": "the file is empty",
    "02_text": "a text, not a raw",
    "03_jpeg_renamed": "a JPEG picture, not a raw",
    "04_plain_tiff": "a TIFF, but not a raw",
    "05_html_error_page": "a web page, not a raw",
    "06_random_after_magic": "cut short",
    "10_trunc_6_bytes": "cut short",
    "11_trunc_no_ifd": "cut short",
    "12_trunc_in_ifd": "cut short",
    "13_trunc_half_real": "2 of 2 pieces",
    "14_trunc_last_kb_real": "1 of 2 pieces",
    "15_stub_12k_of_gpr": "cut short",
    "16_stub_64k_of_ljpeg": "4 of 4 pieces",
    "17_zero_hole_real": "looks damaged",
    "20_ifd_loop": "in a circle",
    "21_next_ifd_past_end": "outside the file",
    "22_subifd_is_itself": "in a circle",
    "23_1500_ifds": "no sensor data",
    "24_huge_dimensions": "200000 × 200000",
    "25_strip_longer_than_file": "more image data than it has",
    "26_dimensions_exceed_data": "too short",
    "27_zero_width": "0 × 48",
    "28_bits_33": "33 bits",
    "29_compression_unknown": "compression 12345",
    "30_deflate_bomb": "are damaged",
    "31_ljpeg_garbage": "are damaged",
    "32_jxl_garbage": "are damaged",
    "33_vc5_garbage": "are damaged",
    "40_matrix_nan": "ColorMatrix1",
    "41_matrix_zero": "ColorMatrix1",
    "42_matrix_negative": "ColorMatrix1",
    "43_matrix_singular": "ColorMatrix1",
    "44_neutral_zero": "white balance",
    "45_neutral_nan": "white balance",
    "46_no_neutral_no_matrix": "no usable color matrix",
    "47_white_zero": "white level",
    "48_black_above_white": "5000 black",
    "49_black_equals_white": "4095 black",
    "50_black_nan": "black level",
    "51_baseline_exposure_huge": "+1000 stops",
    "52_cfa_nonsense": "color filter",
    "53_cfa_all_green": "black and white",
    "54_cfa_dim_zero": "0 × 0 sites",
    "55_all_black": "every sample",
    "56_all_clipped": "every sample",
    "57_below_black": "every sample",
    "58_active_area_inverted": "active area",
    "59_default_crop_outside": "crop",
    "60_orientation_77": "orientation is 77",
    "61_linearization_empty": "linearization table",
    "70_opcode_length_lies": "OpcodeList2",
    "71_opcode_count_lies": "OpcodeList2",
    "72_gainmap_nan": "GainMap",
    "73_gainmap_zero_points": "GainMap",
    "74_gainmap_outside": "GainMap",
    "75_warp_nan": "WarpRectilinear",
    "80_evil_text": "",
    "81_text_not_utf8": "",
    "82_text_100kb": "",
    "83_dates_gps_nonsense": "",
    "84_icc_junk": "ICC_Profile",
    "85_xmp_bomb_inside": "the XMP inside the photo is ignored",
    "90_tiny_1x1": "every sample",
    "90_tiny_2x2": "",
    "90_tiny_3x5": "",
    "90_tiny_7x1": "",
    # beside a good photo of that name
    "95_bomb": "the sidecar 95_bomb.xmp is ignored",
    "96_external_entity": "the sidecar 96_external_entity.xmp is ignored",
    "97_sidecar_garbage": "the sidecar 97_sidecar_garbage.xmp is ignored",
}
REFUSED = {stem for stem, verdict in VERDICTS.items() if verdict in ("refused", "incomplete")}


def once(house: House) -> tuple[int, str]:
    """`ispd once` in bounded time."""
    command = [*ISPD, "once", "--config", str(house.config)]
    done = subprocess.run(
        command, env=house.environment, cwd=house.root, capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )
    return done.returncode, done.stderr


def jobs(house: House) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(house.run("jobs", "list", "--json", "--config", str(house.config)).stdout)
    return found


def warnings(house: House) -> dict[str, str]:
    """By stem, of what was delivered."""
    with read_ledger(house.root / "state") as ledger:
        return {Path(os.fsdecode(job.source)).stem: "; ".join(job.warnings) for job in ledger.delivered()}


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()}


def test_each_broken_file_gets_its_verdict_in_words(house: House, shared: Path) -> None:
    for path in [*(shared / "samples/bad").glob("*.dng"), *(shared / "samples/bad").glob("*.xmp")]:
        shutil.copyfile(path, house.inbox / path.name)
    for number, sidecar in enumerate(house.inbox.glob("*.xmp")):
        sidecar.with_suffix(".dng").write_bytes(tiny_photo(number))
    assert {path.stem for path in house.inbox.glob("*.dng")} == set(WORDS)
    before = digests(house.inbox)

    code, said = once(house)
    assert code == 1, said
    assert "Traceback" not in said
    assert digests(house.inbox) == before
    assert house.delivered() == {f"{stem}.jpg" for stem in WORDS if stem not in REFUSED}
    assert not house.leftovers()
    for name in house.delivered():
        with Image.open(house.outbox / name) as picture:
            picture.load()

    found = {Path(job["source"]).stem: job for job in jobs(house)}
    assert found.keys() == WORDS.keys()
    warned = warnings(house)
    for stem, words in WORDS.items():
        job = found[stem]
        assert job["state"] == ("set_aside" if stem in REFUSED else "delivered"), stem
        sentence = job["reason"] if stem in REFUSED else warned[stem]
        assert words in sentence if words else sentence == "", (stem, sentence)
    secret = Path("/etc/passwd").read_bytes().splitlines()[0]
    assert not any(secret in path.read_bytes() for path in house.outbox.glob("*.jpg"))


PHOTOS = [
    "-execute.dng", "--help.dng", "$(touch pwned).dng", "`id`.dng", "quote'\".dng", "semi;rm.dng", "new\nline.dng",
    "tab\t.dng", "<script>alert(1)<_script>.dng", "ünïcode 名 📷.dng", "UPPER.DNG", "dots..dng", "a" * 240 + ".dng",
    "space at end .dng", "%n%s.dng", "@args.dng", "con.dng", os.fsdecode(b"latin1_\xe9\xff.dng"), "{stem}.dng",
    "~IMG.dng",
]  # fmt: skip
NO_PHOTOS = ["no_extension", ".hidden.dng", "IMG.dng.part", "IMG.dng.tmp", "IMG.dng~", ".syncthing.IMG.dng.tmp"]
LINKS = {"dangling.dng": "nowhere", "passwd.dng": "/etc/passwd", "self.dng": "self.dng", "up": ".."}


def test_hostile_names_are_developed_or_left_alone_and_nothing_blocks(house: House) -> None:
    for number, name in enumerate([*PHOTOS, *NO_PHOTOS]):
        (house.inbox / name).write_bytes(tiny_photo(number))
    for name, target in LINKS.items():
        (house.inbox / name).symlink_to(target)
    (house.inbox / "directory.dng").mkdir()
    for pipe in ("pipe.dng", "UPPER.xmp", "dots..jpg"):  # a photo, a sidecar, a reference: to open one blocks for ever
        os.mkfifo(house.inbox / pipe)
    before = digests(house.inbox)

    code, said = once(house)
    assert "Traceback" not in said
    assert digests(house.inbox) == before
    states = {Path(job["source"]).name: (job["state"], job["reason"]) for job in jobs(house)}
    assert {name for name, (state, _) in states.items() if state == "delivered"} == set(PHOTOS), states
    assert not states.keys() & set(NO_PHOTOS)
    others = {name: why for name, (state, why) in states.items() if state != "delivered"}
    assert code == (1 if others else 0)

    pictures = house.delivered()
    assert len(pictures) == len(PHOTOS)
    for name in pictures:
        assert "/" not in name
        assert name.isprintable()
        assert not set('<>:"|?*\\') & set(name)
        assert not name.startswith(".")
        assert len(os.fsencode(name)) <= 255
    assert not list(house.root.rglob("pwned"))
    assert not house.leftovers()
