"""The policies as lists: what they would carry, whatever a photo holds."""

from __future__ import annotations

from typing import get_args

import pytest

from ispd.metadata.policy import carries_maker_notes, copied, is_copied, is_leak, needed
from ispd.orders import MetadataPolicy

POLICIES: tuple[MetadataPolicy, ...] = get_args(MetadataPolicy)
PLACES = [
    *(
        "GPS:GPSLatitude",
        "XMP-exif:GPSLongitude",
        "XMP-drone-dji:GPSLatitude",
        "XMP-photoshop:City",
        "XMP-photoshop:State",
    ),
    *(
        "XMP-photoshop:Country",
        "XMP-iptcCore:CountryCode",
        "XMP-iptcCore:Location",
        "XMP-iptcExt:LocationShownSublocation",
    ),
    *(
        "XMP-iptcExt:LocationCreatedProvinceState",
        "XMP-iptcExt:LocationCreatedGPSLatitude",
        "XMP-iptcCore:CreatorAddress",
    ),
    *("IPTC:City", "IPTC:Sub-location", "IPTC:Province-State", "IPTC:Country-PrimaryLocationCode"),
    *("IPTC:Country-PrimaryLocationName", "IPTC:ContentLocationName", "XMP-dc:Coverage"),
]
RAW_ONLY = [
    *(
        "IFD0:UniqueCameraModel",
        "IFD0:LocalizedCameraModel",
        "IFD0:CameraSerialNumber",
        "IFD0:DNGVersion",
        "IFD0:SubfileType",
    ),
    *("IFD0:ColorMatrix1", "IFD0:CFAPattern2", "SubIFD1:ImageWidth", "IFD1:ThumbnailImage", "ExifIFD:CFAPattern"),
    *("XMP-crs:Exposure2012", "IFD0:AsShotNeutral", "IFD0:OriginalRawFileName", "IFD0:PreviewImage"),
]


@pytest.mark.parametrize("tag", PLACES)
def test_places_are_for_all_alone(tag: str) -> None:
    assert [policy for policy in POLICIES if is_copied(tag, copied(policy, turned=False))] == ["all"]
    assert is_leak(tag, "no-location")
    assert is_leak(tag, "minimal")
    assert not is_leak(tag, "all")


@pytest.mark.parametrize("tag", RAW_ONLY)
@pytest.mark.parametrize("policy", POLICIES)
def test_what_belongs_to_the_raw_file_stays_there(tag: str, policy: MetadataPolicy) -> None:
    assert not is_copied(tag, copied(policy, turned=False))
    assert is_leak(tag, policy)


@pytest.mark.parametrize("policy", POLICIES)
def test_nothing_that_is_carried_is_a_leak(policy: MetadataPolicy) -> None:
    lists = copied(policy, turned=False)
    named = [tag for tag in lists if "<" not in tag and not tag.startswith("-") and not tag.endswith(":all")]
    assert [tag for tag in named if is_leak(tag, policy)] == []
    places = [
        tag
        for tag in ("XMP-xmpRights:WebStatement", "XMP-aux:FlashCompensation", "IPTC:Credit")
        if is_leak(tag, "no-location")
    ]
    assert places == []


def test_namespaces_stay_where_they_are() -> None:
    fitted = needed(
        copied("all", turned=True), ["XMP-aux:SerialNumber", "XMP-crs:Exposure2012", "XMP-x y:Odd", "IFD0:Make"]
    )
    assert "XMP-aux:all" in fitted
    assert "XMP:all" not in fitted
    assert not any("XMP-crs" in tag or "XMP-x y" in tag or tag.startswith("GPS") for tag in fitted)


def test_maker_notes_are_not_for_every_policy() -> None:
    canon, panasonic = ["Canon:SerialNumber", "IFD0:Make"], ["Panasonic:City", "IFD0:Make"]
    assert [policy for policy in POLICIES if carries_maker_notes(policy, canon)] == ["all", "no-location"]
    assert [policy for policy in POLICIES if carries_maker_notes(policy, panasonic)] == ["all"]
    assert [policy for policy in POLICIES if carries_maker_notes(policy, ["IFD0:Make"])] == []
