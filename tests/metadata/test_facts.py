"""Facts from exiftool's tags: the trusted place first, nonsense never."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ispd.metadata.exiftool import ExifTool, Tags
from ispd.metadata.facts import facts_from_exiftool
from ispd.orders import Facts


def test_a_photo_that_says_everything(door: ExifTool, photo: bytes) -> None:
    assert facts_from_exiftool(door.read(photo)) == Facts(
        make="Canon",
        model="EOS R5",
        unique_model="Unique EOS R5",
        lens="Test 35mm f/2.8",
        serial="SECRET123",
        iso=400,
        exposure_seconds=0.004,
        f_number=2.8,
        focal_length_mm=35.0,
        captured="2026-03-29T02:30:00",
        width=16,
        height=12,
        orientation=6,
    )


@pytest.mark.parametrize(
    ("tags", "facts"),
    [
        ({}, Facts()),
        ({"CanonRaw:Make": "Canon", "IFD0:Make": "  "}, Facts(make="Canon")),
        ({"Canon:ISO": "0", "Composite:ISO": "50"}, Facts(iso=50)),
        ({"ExifIFD:ISO": "inf", "ExifIFD:ExposureTime": "undef", "ExifIFD:FNumber": "-1"}, Facts()),
        ({"ExifIFD:DateTimeOriginal": "0000:00:00 99:99:99"}, Facts()),
        (
            {"ExifIFD:DateTimeOriginal": "    :  :     :  :  ", "ExifIFD:CreateDate": "2001:02:03 04:05:06"},
            Facts(captured="2001-02-03T04:05:06"),
        ),
        ({"IFD0:Orientation": "77", "Composite:ImageSize": "a b"}, Facts()),
        ({"Composite:LensID": "61182", "Composite:Lens": "24"}, Facts()),
        ({"IFD0:Model": "a\nb\x1b[31m" + "c" * 999}, Facts(model=("a b [31m" + "c" * 999)[:200])),
        ({"ExifTool:Warning": "[minor] Odd"}, Facts()),
        (
            {"ExifTool:Warning": "Bad IFD0 directory"},
            Facts(warnings=("exiftool found a fault in the photo's tags: Bad IFD0 directory",)),
        ),
    ],
    ids=str,
)
def test_each_fact_comes_from_the_best_place(tags: Tags, facts: Facts) -> None:
    assert facts_from_exiftool(tags) == facts


def test_a_camera_that_writes_no_exif(door: ExifTool, shared: Path) -> None:
    facts = facts_from_exiftool(door.read(os.fsencode(shared / "samples/raw/canon_eos_d30.CRW")))
    assert (facts.camera, facts.iso, facts.serial, facts.captured) == (
        "Canon EOS D30",
        100,
        "305465770",
        "2018-01-01T13:03:32",
    )
    assert (facts.width, facts.height) == (2160, 1440)
