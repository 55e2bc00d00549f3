"""What the photographer wrote beside the photo wins over what is in it; what no photographer writes is ignored."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ispd.errors import PhotoError
from ispd.metadata.exiftool import ExifTool
from ispd.metadata.sidecar import exif_and_iptc
from ispd.metadata.tags import write_tags
from ispd.metadata.xmp import DEEPEST, LARGEST, check_packet, read_sidecar
from ispd.orders import MetadataPolicy, Output
from tests.metadata.conftest import PROVENANCE, Picture
from tests.metadata.photo import dng, tell, write_photo

SIDECAR = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
 xmlns:aux="http://ns.adobe.com/exif/1.0/aux/"
 xmp:Rating="5" exif:GPSLatitude="33,51.5S" exif:GPSLongitude="151,12.6E"
 exif:DateTimeOriginal="2026-03-29T03:30:00.5+02:00"
 photoshop:City="Sydney" tiff:Orientation="8" crs:Exposure2012="+2.00" aux:SerialNumber="SIDESECRET">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">New title</rdf:li></rdf:Alt></dc:title>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">New text Ж</rdf:li><rdf:li xml:lang="de">Neu</rdf:li></rdf:Alt>
</dc:description>
<dc:subject><rdf:Bag><rdf:li>new word</rdf:li></rdf:Bag></dc:subject>
<dc:creator><rdf:Seq><rdf:li>Ann</rdf:li><rdf:li>Bob</rdf:li></rdf:Seq></dc:creator>
</rdf:Description></rdf:RDF></x:xmpmeta>
"""
BOMB = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'


def beside(folder: Path, content: str | bytes) -> bytes:
    path = folder / "IMG_1.xmp"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return os.fsencode(path)


def test_the_sidecar_wins_everywhere(door: ExifTool, photo: bytes, tmp_path: Path, picture: Picture) -> None:
    sidecar, target = beside(tmp_path, SIDECAR), picture(Output("jpeg"))
    assert write_tags(door, photo, sidecar, target, "all", PROVENANCE) == ()
    found = door.read(target)
    expected = {
        "XMP-dc:Title": "New title",
        "XMP-dc:Description": "New text Ж",
        "XMP-dc:Description-de": "Neu",
        "XMP-dc:Subject": "new word",
        "XMP-dc:Creator": ["Ann", "Bob"],
        "XMP-xmp:Rating": "5",
        "XMP-photoshop:City": "Sydney",
        "XMP-photoshop:Country": "Norge",  # of the photo, which the sidecar does not contradict
        "XMP-iptcExt:PersonInImage": "Private Person",
        "IFD0:ImageDescription": "New text Ж",
        "IFD0:Artist": "Ann; Bob",
        "IFD0:Copyright": "© 2026 Test",
        "ExifIFD:DateTimeOriginal": "2026:03:29 03:30:00",
        "ExifIFD:SubSecTimeOriginal": "5",
        "ExifIFD:OffsetTimeOriginal": "+02:00",
        "GPS:GPSLatitude": "33.8583333333333",
        "GPS:GPSLatitudeRef": "S",
        "GPS:GPSLongitude": "151.21",
        "GPS:GPSLongitudeRef": "E",
        "IPTC:ObjectName": "New title",
        "IPTC:Keywords": "new word",
        "IPTC:By-line": ["Ann", "Bob"],
        "IPTC:Caption-Abstract": "New text Ж",
        "IPTC:City": "Sydney",
        "XMP-tiff:Orientation": "1",
    }
    assert {tag: found.get(tag) for tag in expected} == expected
    assert "GPS:GPSAltitude" not in found  # the photo's: of another place
    assert not any(tag.startswith("XMP-crs") for tag in found)


def test_nothing_old_stands_beside_what_the_sidecar_says(door: ExifTool, tmp_path: Path, picture: Picture) -> None:
    """Captions in other languages, what Windows writes, the rest of another position."""
    source = write_photo(tmp_path / "told.dng")
    tell(
        source,
        *("-XMP-dc:Title-nb=Gammel", "-XMP-tiff:ImageDescription=Old", "-XMP-tiff:Artist=Old"),
        *("-XMP-exif:GPSAltitude=23", "-IFD0:Rating=2", "-IFD0:RatingPercent=25", "-IFD0:XPTitle=Old"),
        *("-IFD0:XPKeywords=old;older", "-IFD0:XPAuthor=Old", "-IFD0:XPComment=Stays"),
    )
    target = picture(Output("jpeg"))
    assert write_tags(door, os.fsencode(source), beside(tmp_path, SIDECAR), target, "all", PROVENANCE) == ()
    found = door.read(target)
    for tag in ("XMP-dc:Title-nb", "XMP-tiff:ImageDescription", "XMP-tiff:Artist", "XMP-exif:GPSAltitude"):
        assert tag not in found
    expected = {
        "IFD0:Rating": "5",
        "IFD0:RatingPercent": "99",
        "IFD0:XPTitle": "New title",
        "IFD0:XPKeywords": "new word",
        "IFD0:XPAuthor": "Ann;Bob",
        "IFD0:XPComment": "Stays",
        "XMP-dc:Description-de": "Neu",
    }
    assert {tag: found.get(tag) for tag in expected} == expected


@pytest.mark.parametrize("policy", ["no-location", "minimal"])
def test_the_sidecar_is_held_to_the_policy_too(
    door: ExifTool, tmp_path: Path, picture: Picture, policy: MetadataPolicy
) -> None:
    source = tmp_path / "bare.dng"
    source.write_bytes(dng(1, notes=False))
    sidecar, target = beside(tmp_path, SIDECAR), picture(Output("png"))
    assert write_tags(door, os.fsencode(source), sidecar, target, policy, PROVENANCE) == ()
    text = str(door.read(target))
    for secret in ("Sydney", "GPS", "33.8", "151.2"):
        assert secret not in text
    assert ("SIDESECRET" in text) == (policy == "no-location")
    assert ("new word" in text) == (policy == "no-location")
    assert "Ann; Bob" in text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (BOMB, "it declares a document type"),
        (OUTSIDE, "it declares a document type"),
        (BOMB.encode("utf-16"), "it declares a document type"),
        (b"\x00\xff\xfe garbage<<<" * 99, "it is no XML"),
        (b"", "it is no XML"),
        ("<html><body>404</body></html>", "it holds no XMP"),
    ],
)
def test_what_is_no_honest_xmp_is_ignored_with_a_warning(
    door: ExifTool, photo: bytes, tmp_path: Path, picture: Picture, content: str | bytes, reason: str
) -> None:
    sidecar, target = beside(tmp_path, content), picture(Output("jpeg"))
    (warning,) = write_tags(door, photo, sidecar, target, "all", PROVENANCE)
    assert warning.startswith(f"the sidecar IMG_1.xmp is ignored: {reason}")
    assert door.read(target)["XMP-dc:Title"] == "Tittel"


def test_a_bomb_inside_the_photo_is_ignored_with_a_warning(door: ExifTool, tmp_path: Path, picture: Picture) -> None:
    source = tmp_path / "bomb.dng"
    source.write_bytes(dng(1, xmp=BOMB.encode()))
    target = picture(Output("jpeg"))
    (warning,) = write_tags(door, os.fsencode(source), beside(tmp_path, SIDECAR), target, "all", PROVENANCE)
    assert warning.startswith("the XMP inside the photo is ignored: it declares a document type")
    found = door.read(target)
    assert (found["IFD0:Make"], found["IFD0:Artist"]) == ("Canon", "Ann; Bob")  # the sidecar still counts
    assert b"ENTITY" not in door.xmp_packet(target)


def test_packets_are_bounded() -> None:
    deep = "<rdf:RDF>" + "<a>" * DEEPEST + "</a>" * DEEPEST + "</rdf:RDF>"
    with pytest.raises(PhotoError, match="nested without measure"):
        check_packet(deep.encode())
    with pytest.raises(PhotoError, match="larger than"):
        check_packet(b" " * (LARGEST + 1))
    check_packet(SIDECAR.encode())
    check_packet(b"<?xpacket begin=''?>" + SIDECAR.encode() + b" " * 2000 + b"<?xpacket end='w'?>\0\0")


def test_only_files_are_sidecars(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.xmp")
    for name, reason in (("pipe.xmp", "no file"), ("gone.xmp", "cannot be read"), ("", "cannot be read|no file")):
        with pytest.raises(PhotoError, match=reason):
            read_sidecar(os.fsencode(tmp_path / name))


@pytest.mark.parametrize(
    ("xmp", "exif"),
    [
        ({"XMP-exif:GPSAltitude": "12.5"}, {"GPS:GPSAltitude": "12.5", "GPS:GPSAltitudeRef": "0"}),
        (
            {"XMP-exif:GPSAltitude": "12.5", "XMP-exif:GPSAltitudeRef": "1"},
            {"GPS:GPSAltitude": "12.5", "GPS:GPSAltitudeRef": "1"},
        ),
        ({"XMP-exif:GPSLatitude": "nowhere"}, {}),
        ({"XMP-exif:DateTimeOriginal": "2026"}, {}),
        (
            {"XMP-exif:DateTimeOriginal": "2026:01:02 03:04:05Z"},
            {"ExifIFD:DateTimeOriginal": "2026:01:02 03:04:05", "ExifIFD:OffsetTimeOriginal": "+00:00"},
        ),
    ],
)
def test_positions_and_times_are_said_in_exifs_way(xmp: dict[str, str | list[str]], exif: dict[str, str]) -> None:
    assert exif_and_iptc(xmp, {}, has_iptc=False) == exif
