"""Give a finished picture its tags: those of the photo and its sidecar that the policy carries, and ours.

What is written is read back.  A tag that did not arrive is a warning; one that must not be there is removed, and if it
will not go, the picture is refused.

    source ──▶ read ─┐
    sidecar ─▶ check ┼─▶ what to copy, what to set ─▶ exiftool ─▶ read back ─▶ warnings
    target ──▶ read ─┘
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass

from ispd.errors import CannotCreate, PhotoError
from ispd.metadata.exiftool import Charset, Copy, ExifTool, Tags, Value
from ispd.metadata.policy import (
    CAMERA,
    EXPOSURE,
    RIGHTS,
    TIME,
    carries_maker_notes,
    copied,
    is_copied,
    is_leak,
    is_makers,
    needed,
)
from ispd.metadata.sidecar import exif_and_iptc, outdated
from ispd.metadata.xmp import check_packet, read_sidecar
from ispd.orders import MetadataPolicy
from ispd.sentences import shown

LONGEST_TEXT = 10_000  # characters; more is no caption, and EXIF in a JPEG must fit into 64 KB
UTF8 = "\x1b%G"  # IPTC's name for it: ISO 2022's escape sequence
INTEROPERABILITY = {"sRGB": "R98", "Compatible with Adobe RGB (1998)": "R03"}  # DCF 2.0, by the name of the ICC profile
IMPORTANT = (
    *(*CAMERA, *TIME, *EXPOSURE, *RIGHTS, "IFD0:ImageDescription", "ExifIFD:SerialNumber", "ExifIFD:OwnerName"),
    *("GPS:GPSLatitude", "GPS:GPSLatitudeRef", "GPS:GPSLongitude", "GPS:GPSLongitudeRef", "GPS:GPSAltitude"),
    *("XMP-dc:Title", "XMP-dc:Description", "XMP-dc:Subject", "XMP-xmp:Rating", "XMP-iptcExt:PersonInImage"),
    *("IPTC:ObjectName", "IPTC:Keywords", "IPTC:Caption-Abstract", "IPTC:City"),
)
TEXT = re.compile(r"(IFD0|ExifIFD|IPTC|XMP-[A-Za-z0-9_-]+):[A-Za-z0-9_-]+")  # tags that may hold one
WARNINGS_SHOWN = 5


@dataclass(frozen=True)
class Provenance:
    """How a picture came to be, so that it can be explained and made again; written as `XMP-ispd` tags."""

    source_digest: str  # SHA-256 of the raw
    recipe_digest: str
    profile: str  # name
    profile_digest: str
    version: str  # of ispd
    backend: str = ""  # "isp", or the name of an imported model
    model: str = ""  # what that is: architecture and digest of its weights; empty: the ISP
    license: str = ""  # of the model's weights, which may bind who uses the picture
    reader: str = ""
    device: str = ""
    lens_correction: str = ""  # "lensfun 0.3.4: Canon EF 50mm f/1.8 STM (distortion, vignetting)"
    note: str = ""
    exposure_shift: str = ""  # stops that automatic exposure added; empty: the profile asks for none
    learned_version: str = ""  # of a learned profile; an ICC profile has a ProfileVersion of its own
    white_balance: str = ""  # "estimated: 0.520 1.000 0.610", the camera's neutral; empty: the file's own


@dataclass(frozen=True)
class _Sources:
    """What there is to copy from, and what follows from it."""

    photo: Tags
    sidecar: Tags
    copies: tuple[Copy, ...]  # without maker notes
    maker_notes: tuple[Copy, ...]
    values: Tags  # that are set rather than copied
    iptc_charset: Charset


def write_tags(
    door: ExifTool,
    source: bytes,
    sidecar: bytes | None,
    target: bytes,
    policy: MetadataPolicy,
    provenance: Provenance,
) -> tuple[str, ...]:
    """Tag the picture `target` (absolute paths all); returns warnings for people.

    Size and color space are told as the picture itself has them, by its pixels and its ICC profile.
    Raises CannotCreate where the picture cannot be tagged, MissingTool and MachineError as the door does.
    """
    warnings: list[str] = []
    with ExitStack() as stack:
        sources = _gather(door, source, sidecar, policy, warnings, stack)
        picture = door.read(target)
        values = sources.values | _ours(sources.photo, picture, policy, provenance)
        warnings += _write(door, target, sources, values, _untrue(picture))
    found = _read_back(door, target, policy, warnings)
    warnings += _differences(sources, values, found)
    return tuple(dict.fromkeys(warnings))


def _gather(
    door: ExifTool,
    source: bytes,
    sidecar: bytes | None,
    policy: MetadataPolicy,
    warnings: list[str],
    stack: ExitStack,
) -> _Sources:
    photo = _photo_tags(door, source, warnings)
    charset = _iptc_charset(photo)
    if charset == "UTF8":
        photo = {tag: _reread(value) if tag.startswith("IPTC:") else value for tag, value in photo.items()}
    beside, packet = _sidecar_tags(door, sidecar, warnings, stack)
    copies = copied(policy, turned=photo.get("IFD0:Orientation", "1") != "1")
    of_xmp = tuple(tag for tag in copies if _is_xmp(tag))
    if not _is_sound(door, source, photo, warnings):
        copies = tuple(tag for tag in copies if not _is_xmp(tag))
    values = _instead(photo, beside, policy)
    left_out = (f"-{tag}" for tag in (*values, *outdated(photo, beside), *_blank(photo)))
    wanted = [Copy(source, (*needed(copies, photo), *left_out))] if photo else []
    if packet:
        wanted.append(Copy(packet, (*needed(of_xmp, beside), *(f"-{tag}" for tag in values if _is_xmp(tag)))))
    notes = (Copy(source, ("EXIF:MakerNotes",)),) if carries_maker_notes(policy, photo) else ()
    return _Sources(photo, beside, tuple(wanted), notes if photo else (), values, charset)


def _blank(photo: Tags) -> Iterator[str]:
    """Tags that say nothing, as some cameras write them; exiftool would complain of each."""
    return (tag for tag, value in photo.items() if value in ("", []) and TEXT.fullmatch(tag))


def _is_xmp(copy: str) -> bool:
    return copy.startswith(("XMP", "-XMP"))


def _instead(photo: Tags, sidecar: Tags, policy: MetadataPolicy) -> Tags:
    """What is set rather than copied: texts that must be cut, and what the sidecar corrects outside XMP."""
    copies = copied(policy, turned=False)
    has_iptc = any(tag.startswith("IPTC:") and is_copied(tag, copies) for tag in photo)
    values = {**_cut(photo), **_cut(sidecar), **exif_and_iptc(sidecar, photo, has_iptc)}
    values = {tag: value for tag, value in values.items() if is_copied(tag, copies)}
    return values | ({"IPTC:CodedCharacterSet": UTF8} if has_iptc else {})


def _photo_tags(door: ExifTool, source: bytes, warnings: list[str]) -> Tags:
    try:
        return door.read(source)
    except PhotoError as error:
        warnings.append(f"the photo's own tags are missing: {error}")
        return {}


def _is_sound(door: ExifTool, source: bytes, photo: Tags, warnings: list[str]) -> bool:
    """Whether the XMP inside the photo may be handed on."""
    try:
        if "XMP:XMP" in photo:
            check_packet(door.xmp_packet(source))
    except PhotoError as error:
        warnings.append(f"the XMP inside the photo is ignored: {error}")
        return False
    return True


def _sidecar_tags(
    door: ExifTool, sidecar: bytes | None, warnings: list[str], stack: ExitStack
) -> tuple[Tags, bytes | None]:
    """The sidecar's tags, and a copy of it that is just what was checked."""
    if sidecar is None:
        return {}, None
    try:
        packet = stack.enter_context(door.private_file(read_sidecar(sidecar), ".xmp"))
        return door.read(packet), packet
    except PhotoError as error:
        warnings.append(f"the sidecar {shown(os.path.basename(sidecar))} is ignored: {error}")
        return {}, None


def _iptc_charset(photo: Tags) -> Charset:
    """Old IPTC that does not name its characters is Latin by the standard, and UTF-8 by many programs: if texts that
    were read as Latin make sense as UTF-8, they are that."""
    if "IPTC:CodedCharacterSet" in photo:
        return "Latin"
    texts = [text for tag, value in photo.items() if tag.startswith("IPTC:") for text in _items(value)]
    return "UTF8" if any(_reread(text) != text for text in texts) else "Latin"


def _reread(value: Value) -> Value:
    if isinstance(value, list):
        return [text for item in value for text in _items(_reread(item))]
    try:
        return value.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return value


def _items(value: Value) -> list[str]:
    return value if isinstance(value, list) else [value]


def _cut(tags: Tags) -> Tags:
    """The texts that are too long, cut."""
    return {
        tag: [_shortened(item) for item in value] if isinstance(value, list) else _shortened(value)
        for tag, value in tags.items()
        if TEXT.fullmatch(tag) and any(len(item) > LONGEST_TEXT for item in _items(value))
    }


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def _ours(photo: Tags, picture: Tags, policy: MetadataPolicy, provenance: Provenance) -> Tags:
    """What we say of the picture, whatever the photo says."""
    derived = {} if policy == "minimal" else _derived_from(photo)
    return derived | _truth(picture) | _provenance(provenance)


def _derived_from(photo: Tags) -> Tags:
    """A new document needs no ID of its own, but tells which it came from."""
    wanted = {
        "XMP-xmpMM:DerivedFromDocumentID": photo.get("XMP-xmpMM:DocumentID"),
        "XMP-xmpMM:DerivedFromOriginalDocumentID": photo.get("XMP-xmpMM:OriginalDocumentID"),
    }
    return {tag: value for tag, value in wanted.items() if value}


def _truth(picture: Tags) -> Tags:
    """What the picture is, by its own pixels and ICC profile."""
    width, height = str(picture["Composite:ImageSize"]).split()
    interoperability = INTEROPERABILITY.get(str(picture.get("ICC_Profile:ProfileDescription")))
    truth: Tags = {
        "IFD0:Orientation": "1",
        "XMP-tiff:Orientation": "1",
        "ExifIFD:ExifImageWidth": width,
        "ExifIFD:ExifImageHeight": height,
        "ExifIFD:ColorSpace": "1" if interoperability == "R98" else "65535",
    }
    if interoperability:
        truth |= {"InteropIFD:InteropIndex": interoperability, "InteropIFD:InteropVersion": "0100"}
    return truth


def _untrue(picture: Tags) -> tuple[str, ...]:
    """What exiftool adds to every new EXIF by itself, though only a JPEG's pixels are stored as Y, Cb, Cr."""
    return () if picture["File:FileType"] == "JPEG" else ("ExifIFD:ComponentsConfiguration",)


def _provenance(provenance: Provenance) -> Tags:
    software = _clean(f"ispd {provenance.version}")
    said = {_xmp_name(name): _clean(value) for name, value in asdict(provenance).items() if value}
    return {"IFD0:Software": software, "XMP-xmp:CreatorTool": software, **said}


def _xmp_name(field: str) -> str:
    return "XMP-ispd:" + "".join(word.capitalize() for word in field.split("_"))


def _clean(text: str) -> str:
    """One line that XML can hold."""
    return _shortened(re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+", " ", text).strip())


def _write(door: ExifTool, target: bytes, sources: _Sources, values: Tags, delete: tuple[str, ...]) -> list[str]:
    """Tag with everything; if that fails without the maker notes; if that fails with our own tags alone.

    Returns what was given up, and exiftool's own complaints."""
    attempts = [((*sources.copies, *sources.maker_notes), ""), (sources.copies, "maker notes"), ((), "own tags")]
    for copies, given_up in attempts:
        try:
            said = door.write(target, copies, values, delete, sources.iptc_charset)
        except CannotCreate:
            if not copies:
                raise
            continue
        lost = [f"the photo's {given_up} could not be written into the picture"] if given_up and sources.copies else []
        serious = [line for line in said if not line.lower().startswith(("[minor]", "no writable tags"))]
        return lost + [f"exiftool found a fault in the photo's tags: {line}" for line in serious[:WARNINGS_SHOWN]]
    raise AssertionError("the last attempt copies nothing")


def _read_back(door: ExifTool, target: bytes, policy: MetadataPolicy, warnings: list[str]) -> Tags:
    """The tags as they are in the picture, after what must not be there has been removed."""
    found = door.read(target)
    if "multi-segment EXIF" in found.get("ExifTool:Warning", ""):
        # more than 64 KB: most programs would read none of it
        door.write(target, delete=("MakerNotes:all",))
        warnings.append("the photo's maker notes are too large for a JPEG and were left out")
        found = door.read(target)
    leaks = [tag for tag in found if is_leak(tag, policy)]
    if leaks:
        door.write(target, delete=sorted({"MakerNotes:all" if is_makers(tag) else tag for tag in leaks}))
        found = door.read(target)
    if left := [tag for tag in found if is_leak(tag, policy)]:
        raise CannotCreate(f'"{policy}" forbids tags that could not be removed: {", ".join(left)}')
    return found


def _differences(sources: _Sources, values: Tags, found: Tags) -> Iterator[str]:
    """What the picture should say and does not, a sentence each."""
    copies = tuple(tag for copy in sources.copies for tag in copy.tags)
    wanted = {**sources.photo, **sources.sidecar}
    wanted = {tag: wanted[tag] for tag in IMPORTANT if tag in wanted and is_copied(tag, copies)}
    for tag, value in (wanted | values).items():
        if not _same(value, found.get(tag, "")):
            yield f"the tag {tag} did not arrive as it was: {_brief(value)} became {_brief(found.get(tag, ''))}"


def _same(wanted: Value, found: Value) -> bool:
    a, b = ([" ".join(item.split()) for item in _items(value)] for value in (wanted, found))
    if a == b or [_visible(item) for item in a] == [_visible(item) for item in b]:
        return True
    try:
        return math.isclose(float(a[0]), float(b[0]), rel_tol=1e-4, abs_tol=1e-9)  # rationals are rounded
    except (ValueError, IndexError):
        return False


def _visible(text: str) -> str:
    """Without control characters: XMP has a dot in their place."""
    return re.sub(r"[\x00-\x20.\x7f]+", "", text)


def _brief(value: Value) -> str:
    text = repr(", ".join(_items(value)))
    return text if len(text) <= 60 else text[:59] + "…"
