"""Which tags a picture carries under each policy: closed lists, nothing else is ever copied.

    "all"          what the camera and the photographer said of the picture.  Gone is what describes the raw file and no
                   longer holds: levels, matrices, mosaic, previews, the size and orientation of its pixels, settings of
                   other raw developers (a program that found them would apply them again), face rectangles where the
                   picture was turned.  Maker notes come along as one block, as the camera wrote it.
    "no-location"  the same without GPS and without every XMP and IPTC field for a place, the photographer's address
                   included; maker notes only where exiftool knows their maker and finds no place in them.  What was
                   typed into captions and keywords is not understood, and stays.
    "minimal"      when, and how it was exposed, with which camera and lens; who made it and who may use it.  No serial
                   numbers, no owner, no place, no maker notes, no captions, no keywords, no people.

Every policy carries ispd's own tags (`XMP-ispd`), which name no person and no file.

Order matters: what is copied later wins, so the places where a tag may stand in some formats come before the one where
it should.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from ispd.orders import MetadataPolicy

ANYWHERE = (  # from CIFF, maker notes, TIFF/EP or XMP, where EXIF does not have it
    "IFD0:Model<IFD0:UniqueCameraModel",  # cinema cameras write nothing else
    "IFD0:Make<Make",
    "IFD0:Model<Model",
    "ExifIFD:DateTimeOriginal<DateTimeOriginal",
    "ExifIFD:CreateDate<CreateDate",
    "ExifIFD:ExposureTime<ExposureTime",
    "ExifIFD:FNumber<FNumber",
    "ExifIFD:ISO<ISO",
    "ExifIFD:FocalLength<FocalLength",
    # TIFF/EP has them beside the picture's size; elsewhere their numbers may mean something else
    "ExifIFD:ExposureProgram<IFD0:ExposureProgram",
    "ExifIFD:ExposureCompensation<IFD0:ExposureCompensation",
    "ExifIFD:MeteringMode<IFD0:MeteringMode",
    "ExifIFD:Flash<IFD0:Flash",
)
MORE_ANYWHERE = (  # the same, but not for "minimal"
    "ExifIFD:SerialNumber<IFD0:CameraSerialNumber",  # a DNG's own
    "ExifIFD:SerialNumber<SerialNumber",
    "ExifIFD:OwnerName<OwnerName",
    "ExifIFD:SubjectDistance<IFD0:SubjectDistance",
)

CAMERA = ("IFD0:Make", "IFD0:Model", "ExifIFD:LensMake", "ExifIFD:LensModel", "ExifIFD:LensInfo")
RIGHTS = (
    "IFD0:Artist",
    "IFD0:Copyright",
    "XMP-dc:Creator",
    "XMP-dc:Rights",
    "XMP-photoshop:Credit",
    "XMP-xmpRights:Marked",
    "XMP-xmpRights:UsageTerms",
    "XMP-xmpRights:WebStatement",
    "IPTC:By-line",
    "IPTC:Credit",
    "IPTC:CopyrightNotice",
)
TIME = (
    "ExifIFD:DateTimeOriginal",
    "ExifIFD:CreateDate",
    "ExifIFD:OffsetTimeOriginal",
    "ExifIFD:OffsetTimeDigitized",
    "ExifIFD:SubSecTimeOriginal",
    "ExifIFD:SubSecTimeDigitized",
)
EXPOSURE = (
    "ExifIFD:ExposureTime",
    "ExifIFD:FNumber",
    "ExifIFD:ISO",
    "ExifIFD:SensitivityType",
    "ExifIFD:ExposureProgram",
    "ExifIFD:ExposureCompensation",
    "ExifIFD:MeteringMode",
    "ExifIFD:Flash",
    "ExifIFD:FocalLength",
    "ExifIFD:FocalLengthIn35mmFormat",
)

IFD0 = (
    *("IFD0:ImageDescription", "IFD0:Make", "IFD0:Model", "IFD0:ModifyDate", "IFD0:Artist", "IFD0:Copyright"),
    *("IFD0:HostComputer", "IFD0:DocumentName", "IFD0:Rating", "IFD0:RatingPercent"),
    *("IFD0:XPTitle", "IFD0:XPComment", "IFD0:XPAuthor", "IFD0:XPKeywords", "IFD0:XPSubject"),
)
NOT_EXIF = (  # of ExifIFD: the stored pixels' format, and places among them
    *("ExifIFD:ColorSpace", "ExifIFD:ExifImage*", "ExifIFD:CompressedBitsPerPixel", "ExifIFD:ComponentsConfiguration"),
    *("ExifIFD:CFAPattern", "ExifIFD:SubjectArea", "ExifIFD:SubjectLocation", "ExifIFD:FocalPlane*", "ExifIFD:Gamma"),
    "ExifIFD:MakerNote*",
)
NOT_XMP = (
    # what other developers did to the raw
    *("XMP-crs:all", "XMP-crss:all", "XMP-crd:all", "XMP-darktable:all"),
    # identity and history of another file: ours says what it was derived from
    *("XMP-xmpMM:all", "XMP-xmpNote:all", "XMP-photoshop:History", "XMP-photoshop:DocumentAncestors"),
    *("XMP-photoshop:SidecarForExtension", "XMP-photoshop:EmbeddedXMPDigest", "XMP-photoshop:LegacyIPTCDigest"),
    # the stored pixels' format, and pictures within
    *("XMP-tiff:ImageWidth", "XMP-tiff:ImageHeight", "XMP-tiff:Orientation", "XMP-tiff:Software"),
    "XMP-tiff:Compression",
    *("XMP-tiff:BitsPerSample", "XMP-tiff:SamplesPerPixel", "XMP-tiff:P*", "XMP-tiff:YCbCr*", "XMP-tiff:?Resolution"),
    *("XMP-tiff:ResolutionUnit", "XMP-tiff:TransferFunction", "XMP-tiff:WhitePoint", "XMP-tiff:ReferenceBlackWhite"),
    *("XMP-tiff:NativeDigest", "XMP-dc:Format", "XMP-xmp:Thumbnail*", "XMP-xmp:CreatorTool", "XMP-exif:ColorSpace"),
    *("XMP-exif:ExifImageWidth", "XMP-exif:ExifImageHeight", "XMP-exif:CFAPattern*", "XMP-exif:MakerNote"),
    *("XMP-exif:ComponentsConfiguration", "XMP-exif:CompressedBitsPerPixel", "XMP-exif:NativeDigest"),
    *("XMP-exif:SubjectArea", "XMP-exif:SubjectLocation", "XMP-exif:FocalPlane*", "XMP-exifEX:InteropIndex"),
    *("XMP-exifEX:Gamma", "XMP-photoshop:ColorMode", "XMP-photoshop:ICCProfileName"),
    # parts of a phone's file that are not in ours: motion, depth, gain maps
    *("XMP-GCamera:all", "XMP-GContainer:all", "XMP-Container:all", "XMP-GImage:all", "XMP-GDepth:all"),
    *("XMP-GAudio:all", "XMP-GFocus:all", "XMP-Device:all", "XMP-hdrgm:all", "XMP-HDRGainMap:all"),
)
REGIONS = (  # rectangles around faces, in coordinates of pixels as they were stored
    *("XMP-mwg-rs:all", "XMP-MP:all", "XMP-MP1:all", "XMP-acdsee-rs:all", "XMP-apple-fi:all"),
    "XMP-iptcExt:ImageRegion*",
)
NOT_IPTC = ("IPTC:CodedCharacterSet", "IPTC:ImageOrientation", "IPTC:ObjectPreview*", "IPTC:RasterizedCaption")
PLACES = (
    *("XMP:GPS*", "XMP:*Latitude*", "XMP:*Longitude*", "XMP:*Altitude*", "XMP:*Location*", "XMP:*City*", "XMP:State"),
    *("XMP:*Country*", "XMP:*Province*", "XMP:*Region", "XMP:*Address*", "XMP:*PostalCode", "XMP-dc:Coverage"),
    *("IPTC:City", "IPTC:*location", "IPTC:Province-State", "IPTC:Country-*", "IPTC:ContentLocation*"),
)

PLACE = re.compile(
    r"gps|latitude|longitude|altitude|location|city|country|province|landmark|address|postalcode|^state$|region$|^coverage$",
    re.IGNORECASE,
)
NO_PLACE = re.compile(r"subjectlocation|focuslocation", re.IGNORECASE)  # positions in the picture

RAW_ONLY = re.compile(
    r"UniqueCameraModel|LocalizedCameraModel|CameraSerialNumber|CameraLabel|DNG.*|CFA.*|.*ColorMatrix\d?|ForwardMatrix\d"
    r"|CameraCalibration\d|AsShot.*|AnalogBalance|Black.*|WhiteLevel|Linear.*|Opcode.*|Raw.*|.*Preview.*|Thumbnail.*"
    r"|JpgFromRaw|SubfileType|OldSubfileType|Profile(Name|Hue|Look|Tone).*|Noise(Profile|ReductionApplied)|Baseline.*"
    r"|DefaultCrop.*|DefaultScale|ActiveArea|MaskedAreas|BestQualityScale|Bayer.*|AntiAlias.*|ShadowScale|NewRaw.*"
    r"|OriginalRaw.*|ToneCurve.*|Crop.*|CalibrationIlluminant\d|ReductionMatrix\d|MakerNoteSafety"
)
EXIF_GROUPS = ("IFD0", "ExifIFD", "InteropIFD", "GPS")
FILE_GROUPS = ("ExifTool", "System", "File", "JFIF", "PNG", "PNG-pHYs", "Composite", "ICC_Profile")


def copied(policy: MetadataPolicy, turned: bool) -> tuple[str, ...]:
    """What is copied out of a photo or sidecar.  `turned`: its pixels are stored otherwise than they are seen.

    Maker notes are not among it: whether they come along depends on the photo, see `carries_maker_notes`.
    """
    if policy == "minimal":
        return (*ANYWHERE, *CAMERA, *TIME, *EXPOSURE, *RIGHTS)
    wanted = [*ANYWHERE, *MORE_ANYWHERE, *IFD0, "ExifIFD:all", "XMP:all", "IPTC:all"]
    wanted += ["GPS:all"] if policy == "all" else []
    unwanted = [*NOT_EXIF, *NOT_XMP, *NOT_IPTC]
    unwanted += REGIONS if turned else ()
    unwanted += PLACES if policy == "no-location" else ()
    return (*wanted, *(f"-{tag}" for tag in unwanted))


def is_copied(tag: str, copies: tuple[str, ...]) -> bool:
    """Whether a list that `copied` made carries the tag, "GROUP:Name", from and to the same place."""
    wanted = (copy for copy in copies if "<" not in copy and not copy.startswith("-"))
    unwanted = (copy[1:] for copy in copies if copy.startswith("-"))
    return any(_fits(tag, pattern) for pattern in wanted) and not any(_fits(tag, pattern) for pattern in unwanted)


def needed(copies: tuple[str, ...], tags: Iterable[str]) -> tuple[str, ...]:
    """A list that `copied` made, fitted to a photo with these tags: without what costs time and changes nothing.

    "XMP:all" becomes one "XMP-dc:all" for each namespace, because exiftool moves a tag to the namespace that it
    prefers unless told where it shall stay.
    """
    present = set(tags)
    groups = {tag.partition(":")[0] for tag in present}
    namespaces = sorted(group for group in groups if re.fullmatch(r"XMP-[A-Za-z0-9_-]+", group, re.ASCII))
    elsewhere = [copy for copy in copies if "<" in copy and copy.partition("<")[0] not in present]
    fitted = [f"{name}:all" for name in namespaces if "XMP:all" in copies and f"-{name}:all" not in copies]
    for copy in copies:
        group = copy.removeprefix("-").partition(":")[0]
        if "<" not in copy and copy != "XMP:all" and (group in groups or (group == "XMP" and namespaces)):
            fitted.append(copy)
    return (*elsewhere, *(copy for copy in fitted if not (copy.startswith("-") and copy.endswith(":all"))))


def _fits(tag: str, pattern: str) -> bool:
    """As exiftool compares: without case, "XMP" for all its namespaces, "all" for every name."""
    (group, name), (wanted_group, wanted_name) = tag.lower().split(":"), pattern.lower().split(":")
    if group != wanted_group and not (wanted_group == "xmp" and group.startswith("xmp-")):
        return False
    return wanted_name == "all" or fnmatchcase(name, wanted_name)


def carries_maker_notes(policy: MetadataPolicy, tags: Iterable[str]) -> bool:
    """Whether the maker notes of a photo with these tags come along."""
    notes = [tag for tag in tags if is_makers(tag)]
    if policy == "no-location" and any("MakerNoteUnknown" in tag or names_a_place(tag) for tag in notes):
        return False
    return bool(notes) and policy != "minimal"


def is_makers(tag: str) -> bool:
    """Whether a tag, "GROUP:Name", stands in maker notes."""
    group, _, name = tag.partition(":")
    known = (*FILE_GROUPS, *EXIF_GROUPS, "IPTC")
    return "MakerNote" in name or not (group in known or group.startswith(("XMP", "ICC", "IFD", "SubIFD")))


def names_a_place(tag: str) -> bool:
    """Whether a tag, "GROUP:Name", says where a picture was taken, or where its maker lives."""
    group, _, name = tag.partition(":")
    return group not in FILE_GROUPS and bool(PLACE.search(name)) and not NO_PLACE.search(name)


def is_leak(tag: str, policy: MetadataPolicy) -> bool:
    """Whether a tag that was read back, "GROUP:Name", must not be in a picture under this policy."""
    group, _, name = tag.partition(":")
    if group.startswith(("SubIFD", "IFD1", "XMP-crs", "XMP-crd", "XMP-darktable")):
        return True
    if group in EXIF_GROUPS and RAW_ONLY.fullmatch(name):
        return True
    if policy == "no-location":
        return names_a_place(tag)
    return policy == "minimal" and not _is_minimal(group, tag)


def _is_minimal(group: str, tag: str) -> bool:
    if group in FILE_GROUPS or group.startswith("ICC") or group in ("XMP-ispd", "XMP-x"):
        return True
    return tag in OURS or tag in (*CAMERA, *RIGHTS, *TIME, *EXPOSURE)


OURS = frozenset(  # what we set, and what a file of its kind must have
    f"{group}:{name}"
    for group, names in {
        "IFD0": "Orientation Software XResolution YResolution ResolutionUnit YCbCrPositioning ImageWidth ImageHeight"
        " BitsPerSample Compression PhotometricInterpretation StripOffsets StripByteCounts SamplesPerPixel RowsPerStrip"
        " PlanarConfiguration",
        "ExifIFD": "ColorSpace ExifImageWidth ExifImageHeight ExifVersion ComponentsConfiguration FlashpixVersion",
        "InteropIFD": "InteropIndex InteropVersion",
        "IPTC": "CodedCharacterSet EnvelopeRecordVersion ApplicationRecordVersion",
        "XMP": "XMP",
        "XMP-tiff": "Orientation",
        "XMP-xmp": "CreatorTool",
    }.items()
    for name in names.split()
)
