"""T15: one photo that says everything, under each policy, in each format: exactly the expected tags."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import tifffile
from exiftool import ExifToolHelper as PyExifTool
from PIL import Image

from ispd.encode.icc import NAMES
from ispd.encode.picture import Header, encode, read_header
from ispd.metadata.exiftool import CONFIG, Copy, ExifTool, Tags
from ispd.metadata.policy import is_leak, is_makers, names_a_place
from ispd.metadata.tags import INTEROPERABILITY, Provenance, write_tags
from ispd.metadata.xmp import check_packet
from ispd.orders import MetadataPolicy, Output, Space
from tests.metadata.conftest import PROVENANCE, Picture
from tests.metadata.photo import dng, tell, write_photo

OUTPUTS = [Output("jpeg"), Output("tiff", bits=16), Output("png", bits=16)]
POLICIES: tuple[MetadataPolicy, ...] = get_args(MetadataPolicy)
each_output = pytest.mark.parametrize("output", OUTPUTS, ids=lambda output: output.format)
each_policy = pytest.mark.parametrize("policy", POLICIES)

OURS: Tags = {
    "IFD0:Orientation": "1",
    "IFD0:Software": "ispd 0.1.0",
    "ExifIFD:ExifImageWidth": "24",
    "ExifIFD:ExifImageHeight": "18",
    "ExifIFD:ColorSpace": "1",
    "InteropIFD:InteropIndex": "R98",
    "InteropIFD:InteropVersion": "0100",
    "XMP-tiff:Orientation": "1",
    "XMP-xmp:CreatorTool": "ispd 0.1.0",
    "XMP-ispd:SourceDigest": "a" * 64,
    "XMP-ispd:RecipeDigest": "b" * 64,
    "XMP-ispd:Profile": "summer",
    "XMP-ispd:ProfileDigest": "c" * 64,
    "XMP-ispd:Version": "0.1.0",
    "XMP-ispd:Backend": "isp",
    "XMP-ispd:Reader": "LibRaw 0.22.2",
    "XMP-ispd:Device": "cpu",
    "XMP-ispd:LensCorrection": "lensfun 0.3.4: Canon EF 50mm f/1.8 STM (distortion)",
    "IPTC:CodedCharacterSet": "\x1b%G",
}
MINIMAL: Tags = {
    "IFD0:Make": "Canon",
    "IFD0:Model": "EOS R5",
    "IFD0:Artist": "Žofia Ångström",
    "IFD0:Copyright": "© 2026 Test",
    "ExifIFD:DateTimeOriginal": "2026:03:29 02:30:00",
    "ExifIFD:OffsetTimeOriginal": "+01:00",
    "ExifIFD:SubSecTimeOriginal": "07",
    "ExifIFD:ExposureTime": "0.004",
    "ExifIFD:FNumber": "2.8",
    "ExifIFD:ISO": "400",
    "ExifIFD:FocalLength": "35",
    "ExifIFD:LensModel": "Test 35mm f/2.8",
    "XMP-dc:Creator": "Žofia Ångström",
    "XMP-xmpRights:Marked": "True",
    "IPTC:By-line": "Žofia Ångström",
}
NO_LOCATION: Tags = {
    **MINIMAL,
    "IFD0:ImageDescription": "Kafé 名",
    "IFD0:ModifyDate": "2026:03:29 02:30:00",
    "ExifIFD:SerialNumber": "SECRET123",
    "ExifIFD:LensSerialNumber": "LENSSECRET",
    "ExifIFD:OwnerName": "Private Person",
    "XMP-dc:Title": "Tittel",
    "XMP-dc:Description": "Kafé 名",
    "XMP-dc:Subject": ["one", "två"],
    "XMP-xmp:Rating": "4",
    "XMP-iptcExt:PersonInImage": "Private Person",
    "XMP-aux:SerialNumber": "SECRET123",
    "XMP-xmpMM:DerivedFromDocumentID": "doc-1",
    "XMP-xmpMM:DerivedFromOriginalDocumentID": "original-1",
    "IPTC:Caption-Abstract": "Привет 名",
    "IPTC:Keywords": ["three", "четыре"],
    "Canon:CanonImageType": "IMG:EOS R5 JPEG",
    "Canon:CanonFirmwareVersion": "Firmware 1.0",
    "Canon:OwnerName": "Notes Owner",
    "Canon:SerialNumber": "4711",
    "ExifIFD:MakerNoteCanon": "binary",
}
ALL: Tags = {
    **NO_LOCATION,
    "GPS:GPSVersionID": "2 3 0 0",
    "GPS:GPSLatitude": "59.9139",
    "GPS:GPSLatitudeRef": "N",
    "GPS:GPSLongitude": "10.7522",
    "GPS:GPSLongitudeRef": "W",
    "GPS:GPSAltitude": "23",
    "GPS:GPSAltitudeRef": "0",
    "XMP-exif:GPSLatitude": "59.9139",
    "XMP-exif:GPSLongitude": "-10.7522",
    "XMP-iptcCore:CreatorCity": "Bergen",
    "XMP-iptcCore:Location": "Grünerløkka",
    "XMP-iptcExt:LocationCreatedCity": "Oslo",
    "XMP-photoshop:City": "Oslo",
    "XMP-photoshop:Country": "Norge",
    "IPTC:City": "Ålesund",
}
EXPECTED: dict[MetadataPolicy, Tags] = {"minimal": MINIMAL, "no-location": NO_LOCATION, "all": ALL}

# what the file format itself must say, or the EXIF standard of any EXIF; no photo's tag is among them
OF_THE_FILE = ("ExifTool", "System", "File", "JFIF", "PNG", "Composite", "ICC_Profile", "ICC-header", "ICC-chrm")
STRUCTURE = {
    *("XMP:XMP", "XMP-x:XMPToolkit", "IPTC:EnvelopeRecordVersion", "IPTC:ApplicationRecordVersion"),
    *("ExifIFD:ExifVersion", "ExifIFD:ComponentsConfiguration", "ExifIFD:FlashpixVersion"),
    *(f"IFD0:{name}" for name in ("XResolution", "YResolution", "ResolutionUnit", "YCbCrPositioning")),
}
OF_TIFF = {
    "IFD0:ImageWidth": "24",
    "IFD0:ImageHeight": "18",
    "IFD0:BitsPerSample": "16 16 16",
    "IFD0:Compression": "1",
    "IFD0:PhotometricInterpretation": "2",
    "IFD0:SamplesPerPixel": "3",
    "IFD0:PlanarConfiguration": "1",
    "IFD0:RowsPerStrip": "18",
}


def said(tags: Tags) -> Tags:
    """The tags but for the file's own."""
    kept = {tag: value for tag, value in tags.items() if tag not in STRUCTURE and not tag.startswith("IFD0:Strip")}
    kept = {tag: value for tag, value in kept.items() if tag.partition(":")[0] not in OF_THE_FILE}
    return {tag: "binary" if str(value).startswith("(Binary data") else value for tag, value in kept.items()}


@each_output
@each_policy
def test_exactly_the_expected_tags_arrive(
    door: ExifTool, photo: bytes, picture: Picture, output: Output, policy: MetadataPolicy
) -> None:
    target = picture(output)
    assert write_tags(door, photo, None, target, policy, PROVENANCE) == ()
    expected = {**EXPECTED[policy], **OURS, **(OF_TIFF if output.format == "tiff" else {})}
    found = door.read(target)
    assert said(found) == expected
    # "Y, Cb, Cr" is true of no other format's pixels
    assert ("ExifIFD:ComponentsConfiguration" in found) == (output.format == "jpeg")
    assert read_header(target) == Header(output.format, 24, 18, output.bits)


@pytest.mark.parametrize("output", [Output("jpeg"), Output("tiff"), Output("png")], ids=lambda output: output.format)
def test_other_programs_see_an_upright_picture_in_its_color_space(
    door: ExifTool, photo: bytes, picture: Picture, output: Output
) -> None:
    target = picture(output)
    write_tags(door, photo, None, target, "all", PROVENANCE)
    with Image.open(os.fsdecode(target)) as image:
        exif = image.getexif()
        assert exif[274] == 1
        assert exif[305] == "ispd 0.1.0"
        assert exif.get_ifd(34665)[40961] == 1
        assert exif.get_ifd(34853)[1] == "N"
        assert 513 not in exif.get_ifd(1)  # no old thumbnail
        packet = image.info.get("xmp") or exif.get(700) or image.info["XML:com.adobe.xmp"].encode()
        assert b"urn:ispd:xmp:1.0/" in packet


@each_output
def test_tagging_leaves_the_pixels_alone(door: ExifTool, photo: bytes, picture: Picture, output: Output) -> None:
    """The coded pixels, byte for byte: what stands between the headers that exiftool rewrites."""
    target = Path(os.fsdecode(picture(output)))
    before = coded(target)
    write_tags(door, photo, None, os.fsencode(target), "all", PROVENANCE)
    assert len(before) > 30
    assert coded(target) == before


def coded(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix == ".jpg":
        return content[content.index(b"\xff\xda") :]
    if path.suffix == ".tif":
        with tifffile.TiffFile(path) as file:
            return bytes(file.asarray().tobytes())
    start, end = content.index(b"IDAT"), content.rindex(b"IDAT")
    return content[start : end + 4 + int.from_bytes(content[end - 4 : end], "big") + 4]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_becomes_upright_everywhere(
    door: ExifTool, tmp_path: Path, picture: Picture, orientation: int
) -> None:
    source = tmp_path / "turned.dng"
    source.write_bytes(dng(orientation))
    tell(source, f"-XMP-tiff:Orientation#={orientation}", "-XMP-mwg-rs:RegionName=Somebody")
    target = picture(OUTPUTS[orientation % 3])
    write_tags(door, os.fsencode(source), None, target, "all", PROVENANCE)
    found = door.read(target)
    assert {value for tag, value in found.items() if tag.endswith(":Orientation")} == {"1"}
    # rectangles of faces are kept where the pixels were not turned under them
    assert ("XMP-mwg-rs:RegionName" in found) == (orientation == 1)


@pytest.mark.parametrize("space", get_args(Space))
def test_the_color_space_is_told_by_the_pictures_own_profile(
    door: ExifTool, photo: bytes, picture: Picture, space: Space
) -> None:
    target = picture(Output("jpeg", space=space))
    write_tags(door, photo, None, target, "all", PROVENANCE)
    found = door.read(target)
    assert found["ICC_Profile:ProfileDescription"] == NAMES[space]
    assert found["ExifIFD:ColorSpace"] == ("1" if space == "srgb" else "65535")
    assert found.get("InteropIFD:InteropIndex") == {"srgb": "R98", "adobe-rgb": "R03"}.get(space)


def test_interoperability_knows_our_profiles_by_name() -> None:
    assert set(INTEROPERABILITY) <= set(NAMES.values())


def test_provenance_comes_back(door: ExifTool, photo: bytes, picture: Picture) -> None:
    target = picture(OUTPUTS[0])
    provenance = Provenance(
        **{
            **PROVENANCE.__dict__,
            "note": "no profile matches this camera: neutral",
            "exposure_shift": "+0.35",
            "learned_version": "3",
            "white_balance": "estimated: 0.520 1.000 0.610",
            "profile": "Łąka ${x} <y>",
        }
    )
    write_tags(door, photo, None, target, "minimal", provenance)
    found = door.read(target)
    assert {tag: value for tag, value in found.items() if tag.startswith("XMP-ispd:")} == {
        "XMP-ispd:SourceDigest": "a" * 64,
        "XMP-ispd:RecipeDigest": "b" * 64,
        "XMP-ispd:Profile": "Łąka ${x} <y>",
        "XMP-ispd:ProfileDigest": "c" * 64,
        "XMP-ispd:LearnedVersion": "3",
        "XMP-ispd:Version": "0.1.0",
        "XMP-ispd:Backend": "isp",
        "XMP-ispd:Reader": "LibRaw 0.22.2",
        "XMP-ispd:LensCorrection": "lensfun 0.3.4: Canon EF 50mm f/1.8 STM (distortion)",
        "XMP-ispd:Device": "cpu",
        "XMP-ispd:Note": "no profile matches this camera: neutral",
        "XMP-ispd:ExposureShift": "+0.35",
        "XMP-ispd:WhiteBalance": "estimated: 0.520 1.000 0.610",
    }
    assert not any(tag.startswith("XMP-ispd:") for tag in door.read(photo))


def test_tagging_twice_is_tagging_once(door: ExifTool, photo: bytes, picture: Picture) -> None:
    target = picture(OUTPUTS[0])
    for _ in range(2):  # as after a crash between tagging and its row
        assert write_tags(door, photo, None, target, "all", PROVENANCE) == ()
        assert said(door.read(target)) == {**ALL, **OURS}


def test_maker_notes_that_name_a_place_stay_at_home(door: ExifTool, tmp_path: Path, picture: Picture) -> None:
    assert is_makers("Panasonic:City")
    assert names_a_place("Panasonic:City")
    assert not names_a_place("Canon:FocusLocation")
    assert is_leak("Nikon:LocationName", "no-location")


def test_unknown_maker_notes_stay_at_home_where_places_do(door: ExifTool, tmp_path: Path, picture: Picture) -> None:
    source = tmp_path / "odd.dng"
    source.write_bytes(dng(1, make=b"Oddly\0"))
    for policy, kept in (("all", True), ("no-location", False), ("minimal", False)):
        target = picture(OUTPUTS[0])
        write_tags(door, os.fsencode(source), None, target, policy, PROVENANCE)  # type: ignore[arg-type]
        assert any("MakerNote" in tag for tag in door.read(target)) == kept


def test_maker_notes_too_large_for_a_jpeg_are_left_out_and_told(
    door: ExifTool, tmp_path: Path, picture: Picture
) -> None:
    source = tmp_path / "large.jpg"
    encode(np.zeros((8, 8, 3), np.uint8), Output("jpeg"), os.fsencode(source))
    base = tmp_path / "base.dng"
    base.write_bytes(dng(1))
    door.write(os.fsencode(source), [Copy(os.fsencode(base), ("IFD0:Make", "EXIF:MakerNotes"))])
    tell(source, "-Canon:CanonImageType=" + "x" * 70000)
    target = picture(OUTPUTS[0])
    warnings = write_tags(door, os.fsencode(source), None, target, "all", PROVENANCE)
    assert "the photo's maker notes are too large for a JPEG and were left out" in warnings
    assert "ExifTool:Warning" not in door.read(target)
    tagged = picture(OUTPUTS[1])
    assert write_tags(door, os.fsencode(source), None, tagged, "all", PROVENANCE) == ()
    assert len(door.read(tagged)["Canon:CanonImageType"]) == 70000


def test_texts_arrive_as_one_value_or_cut(door: ExifTool, tmp_path: Path, picture: Picture) -> None:
    source = write_photo(tmp_path / "texts.dng", orientation=1)
    evil = (
        "line1\nline2\r\n-execute\n-all=\n\x01\x07\x1b[31m; $(touch pwned) `id` ${x;system('id')} <b>'\" %s {0} ../.."
    )
    (tmp_path / "evil.json").write_text(
        json.dumps(
            [
                {
                    "SourceFile": "*",
                    "IFD0:Artist": evil,
                    "IFD0:ImageDescription": "A" * 100_000,
                    "XMP-dc:Subject": ["short", "B" * 100_000],
                    "XMP-dc:Title": "base64:QUJD",
                }
            ]
        )
    )
    tell(source, f"-json={tmp_path / 'evil.json'}")
    for output in OUTPUTS:
        target = picture(output)
        assert write_tags(door, os.fsencode(source), None, target, "all", PROVENANCE) == ()
        found = door.read(target)
        assert found["IFD0:Artist"] == evil
        assert found["IFD0:ImageDescription"] == "A" * 9_999 + "…"
        assert found["XMP-dc:Subject"] == ["short", "B" * 9_999 + "…"]
        assert found["ExifIFD:ISO"] == "400"
        check_packet(door.xmp_packet(target))
    assert not (tmp_path / "pwned").exists()


def test_iptc_that_does_not_name_its_characters_is_understood(door: ExifTool, tmp_path: Path, picture: Picture) -> None:
    for name, charset in (("old", "Latin"), ("careless", "UTF8")):
        source = tmp_path / f"{name}.dng"
        source.write_bytes(dng(1))
        tell(source, "-charset", f"iptc={charset}", "-IPTC:City=Zürich", "-IPTC:Keywords=naïve")
        target = picture(OUTPUTS[0])
        assert write_tags(door, os.fsencode(source), None, target, "all", PROVENANCE) == ()
        found = door.read(target)
        assert (found["IPTC:City"], found["IPTC:Keywords"]) == ("Zürich", "naïve")
        assert found["IPTC:CodedCharacterSet"] == "\x1b%G"


def test_a_serial_that_only_a_dng_has_is_told_in_exif(door: ExifTool, tmp_path: Path, picture: Picture) -> None:
    source, target = tmp_path / "bare.dng", picture(Output("jpeg"))
    source.write_bytes(dng(1, notes=False))
    write_tags(door, os.fsencode(source), None, target, "all", PROVENANCE)
    assert door.read(target)["ExifIFD:SerialNumber"] == "DNGSERIAL9"


def test_what_an_old_camera_says_beside_the_size_is_told_in_exif(
    door: ExifTool, shared: Path, picture: Picture
) -> None:
    """TIFF/EP has no EXIF directory."""
    source, target = shared / "samples/raw/kodak_dc120_compressed.KDC", picture(Output("jpeg"))
    write_tags(door, os.fsencode(source), None, target, "all", PROVENANCE)
    found = door.read(target)
    expected = {"ExposureTime": "0.0037", "ExposureProgram": "2", "Flash": "24", "SubjectDistance": "0.7"}
    assert {name: found[f"ExifIFD:{name}"] for name in expected} == expected


def test_a_photo_without_tags_gets_ours(door: ExifTool, tmp_path: Path, picture: Picture) -> None:
    source = tmp_path / "bare.dng"
    source.write_bytes(b"II*\0\x08\0\0\0\0\0\0\0\0\0")
    target = picture(OUTPUTS[0])
    write_tags(door, os.fsencode(source), None, target, "all", PROVENANCE)
    found = said(door.read(target))
    assert found == {tag: value for tag, value in OURS.items() if not tag.startswith("IPTC")}


def test_a_photo_that_exiftool_cannot_read_is_told(door: ExifTool, tmp_path: Path, picture: Picture) -> None:
    source = tmp_path / "empty.dng"
    source.touch()
    target = picture(OUTPUTS[0])
    (warning,) = write_tags(door, os.fsencode(source), None, target, "all", PROVENANCE)
    assert warning == "the photo's own tags are missing: empty.dng cannot be read by exiftool: File is empty"
    assert door.read(target)["XMP-ispd:Profile"] == "summer"


@pytest.mark.parametrize("output", [Output(), Output("tiff"), Output("png")], ids=lambda output: output.format)
def test_another_client_of_exiftool_reads_the_same(
    door: ExifTool, photo: bytes, picture: Picture, output: Output
) -> None:
    target = picture(output)
    write_tags(door, photo, None, target, "all", PROVENANCE)
    with PyExifTool(common_args=["-G1", "-n", "-a"], config_file=str(CONFIG)) as other:
        (tags,) = other.get_tags([os.fsdecode(target)], ["EXIF:all", "GPS:all", "XMP:all", "IPTC:all"])
    ours = door.read(target)
    assert "XMP-ispd:SourceDigest" in tags
    assert {name: ours[name] for name in tags if name != "SourceFile"} == {
        name: [str(item) for item in value] if isinstance(value, list) else str(value)
        for name, value in tags.items()
        if name != "SourceFile"
    }
