"""What a sidecar says in XMP, said in EXIF and IPTC too: the newest word of the photographer wins everywhere.

Programs differ in where they look first, so a caption corrected in the sidecar may not stand beside the old one.
IPTC is only corrected where the photo has some: whoever writes none today does not miss it.

>>> exif_and_iptc({"XMP-exif:GPSLatitude": "-33.5", "XMP-dc:Title": "Sydney"}, has_iptc=False)
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
LISTS = ("IPTC:By-line", "IPTC:Keywords")
TIMES = {"XMP-exif:DateTimeOriginal": "Original", "XMP-exif:DateTimeDigitized": "Digitized"}
DATE = {"Original": "ExifIFD:DateTimeOriginal", "Digitized": "ExifIFD:CreateDate"}
MOMENT = re.compile(r"(\d{4}:\d\d:\d\d \d\d:\d\d:\d\d)(?:\.(\d+))?([+-]\d\d:\d\d|Z)?")
COORDINATES = {"Latitude": "NS", "Longitude": "EW"}


def exif_and_iptc(sidecar: Tags, has_iptc: bool) -> Tags:
    """The tags that follow from the sidecar's, outside XMP."""
    return {**_texts(sidecar, has_iptc), **_times(sidecar), **_position(sidecar)}


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
