"""What a sidecar says in XMP, said in EXIF and IPTC too: the newest word of the photographer wins everywhere.

Programs differ in where they look first, so a caption corrected in the sidecar may not stand beside the old one.
IPTC, and what Windows writes into EXIF, is only corrected where the photo has some: whoever writes none today does not
miss it.

>>> exif_and_iptc({"XMP-exif:GPSLatitude": "-33.5", "XMP-dc:Title": "Sydney"}, {}, has_iptc=False)
{'GPS:GPSLatitude': '33.5', 'GPS:GPSLatitudeRef': 'S'}
"""

from __future__ import annotations

import re

from ispd.metadata.exiftool import Tags, Value

EXIF = {
    "XMP-dc:Description": "IFD0:ImageDescription",
    "XMP-dc:Creator": "IFD0:Artist",
    "XMP-dc:Rights": "IFD0:Copyright",
}
IPTC = {
    "XMP-dc:Description": "IPTC:Caption-Abstract",
    "XMP-dc:Creator": "IPTC:By-line",
    "XMP-dc:Rights": "IPTC:CopyrightNotice",
    "XMP-dc:Title": "IPTC:ObjectName",
    "XMP-dc:Subject": "IPTC:Keywords",
    "XMP-photoshop:City": "IPTC:City",
    "XMP-photoshop:State": "IPTC:Province-State",
    "XMP-photoshop:Country": "IPTC:Country-PrimaryLocationName",
    "XMP-iptcCore:Location": "IPTC:Sub-location",
}
WINDOWS = {  # corrected where the photo has them; lists are joined by semicolons without a space
    "XMP-dc:Title": "IFD0:XPTitle",
    "XMP-dc:Subject": "IFD0:XPKeywords",
    "XMP-dc:Creator": "IFD0:XPAuthor",
}
PERCENT = {"0": "0", "1": "1", "2": "25", "3": "50", "4": "75", "5": "99"}  # stars, as Windows writes them
TWINS = {  # the same said twice in XMP: where the first is new, the second is old
    "XMP-dc:Description": "XMP-tiff:ImageDescription",
    "XMP-dc:Creator": "XMP-tiff:Artist",
    "XMP-dc:Rights": "XMP-tiff:Copyright",
}
LISTS = ("IPTC:By-line", "IPTC:Keywords")
TIMES = {"XMP-exif:DateTimeOriginal": "Original", "XMP-exif:DateTimeDigitized": "Digitized"}
DATE = {"Original": "ExifIFD:DateTimeOriginal", "Digitized": "ExifIFD:CreateDate"}
MOMENT = re.compile(r"(\d{4}:\d\d:\d\d \d\d:\d\d:\d\d)(?:\.(\d+))?([+-]\d\d:\d\d|Z)?")
COORDINATES = {"Latitude": "NS", "Longitude": "EW"}


def exif_and_iptc(sidecar: Tags, photo: Tags, has_iptc: bool) -> Tags:
    """The tags that follow from the sidecar's, outside XMP."""
    windows = {tag: value for tag, value in _windows(sidecar).items() if tag in photo}
    return {**_texts(sidecar, has_iptc), **windows, **_times(sidecar), **_position(sidecar)}


def outdated(photo: Tags, sidecar: Tags) -> tuple[str, ...]:
    """Tags of the photo that would stand beside the sidecar's and contradict them: a caption's other languages, its
    twin, the rest of another position."""
    said = {_without_language(tag) for tag in sidecar if tag.startswith("XMP-")}
    old = [twin for tag, twin in TWINS.items() if tag in said]
    old += [tag for tag in photo if _without_language(tag) in said and tag not in sidecar]
    if said & {"XMP-exif:GPSLatitude", "XMP-exif:GPSLongitude"}:
        old += ["GPS:all", *(tag for tag in photo if tag.startswith("XMP-exif:GPS"))]
    return tuple(dict.fromkeys(old))


def _without_language(tag: str) -> str:
    """exiftool's "XMP-dc:Title-de" is another language of "XMP-dc:Title"."""
    group, _, name = tag.partition(":")
    return f"{group}:{name.partition('-')[0]}"


def _windows(sidecar: Tags) -> Tags:
    said: Tags = {tag: ";".join(_listed(sidecar[xmp])) for xmp, tag in WINDOWS.items() if xmp in sidecar}
    if "XMP-xmp:Rating" in sidecar:
        stars = str(sidecar["XMP-xmp:Rating"])
        stars = stars if stars in PERCENT else "0"  # XMP's -1, rejected, has no number in EXIF
        said |= {"IFD0:Rating": stars, "IFD0:RatingPercent": PERCENT[stars]}
    return said


def _texts(sidecar: Tags, has_iptc: bool) -> Tags:
    said: Tags = {}
    for xmp, value in sidecar.items():
        if xmp in EXIF:
            said[EXIF[xmp]] = "; ".join(value) if isinstance(value, list) else value
        if xmp in IPTC and has_iptc:
            said[IPTC[xmp]] = _listed(value) if IPTC[xmp] in LISTS else value
    return said


def _listed(value: Value) -> list[str]:
    return value if isinstance(value, list) else [value]


def _times(sidecar: Tags) -> Tags:
    """EXIF keeps the second, its fraction and the zone in three tags."""
    said: Tags = {}
    for xmp, event in TIMES.items():
        if moment := MOMENT.fullmatch(str(sidecar.get(xmp, ""))):
            seconds, fraction, zone = moment.groups()
            said[DATE[event]] = seconds
            if fraction:
                said[f"ExifIFD:SubSecTime{event}"] = fraction
            if zone:
                said[f"ExifIFD:OffsetTime{event}"] = "+00:00" if zone == "Z" else zone
    return said


def _position(sidecar: Tags) -> Tags:
    said: Tags = {}
    for axis, directions in COORDINATES.items():
        degrees = _number(sidecar.get(f"XMP-exif:GPS{axis}"))
        if degrees is not None:
            said[f"GPS:GPS{axis}"] = f"{abs(degrees)}"
            said[f"GPS:GPS{axis}Ref"] = directions[degrees < 0]
    meters = _number(sidecar.get("XMP-exif:GPSAltitude"))
    if meters is not None:
        below = str(sidecar.get("XMP-exif:GPSAltitudeRef", "0")) == "1"
        said["GPS:GPSAltitude"] = f"{abs(meters)}"
        said["GPS:GPSAltitudeRef"] = "1" if below or meters < 0 else "0"
    return said


def _number(value: Value | None) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None
