"""Facts of a photo from exiftool's tags, for the files that our own DNG reader does not read (CRW, RAF, CR3 …).

>>> facts_from_exiftool({"IFD0:Make": "Canon", "Composite:ISO": "100", "ExifIFD:ExposureTime": "0.004"}).iso
100
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from ispd.metadata.exiftool import Tags
from ispd.orders import Facts

TRUSTED = ("IFD0", "ExifIFD", "CanonRaw")  # where a tag is looked for first, in this order …
LAST = ("Composite",)  # … and last: worked out from others
LONGEST = 200  # characters of a name
DATE = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)")


def facts_from_exiftool(tags: Tags) -> Facts:
    """What the tags say, each from the place that is trusted most; what they do not say, or wrongly, is left out."""
    width, height = _size(tags)
    warning = str(tags.get("ExifTool:Warning", ""))
    return Facts(
        make=_text(tags, "Make"),
        model=_text(tags, "Model"),
        unique_model=_text(tags, "UniqueCameraModel"),
        lens=_text(tags, "LensModel", "LensID", "Lens", letters=True),  # exiftool has numbers for some
        serial=_text(tags, "SerialNumber", "CameraSerialNumber"),
        iso=_whole(_number(tags, "ISO")),
        exposure_seconds=_number(tags, "ExposureTime"),
        f_number=_number(tags, "FNumber", "Aperture"),
        focal_length_mm=_number(tags, "FocalLength"),
        distance_m=_number(tags, "SubjectDistance"),
        captured=_date(tags),
        width=width,
        height=height,
        orientation=_orientation(tags),
        warnings=()
        if not warning or warning.lower().startswith("[minor]")
        else (f"exiftool found a fault in the photo's tags: {warning}",),
    )


def _found(tags: Tags, *names: str) -> Iterator[str]:
    """The values of the tags of these names, most trusted first."""
    for name in names:
        places = [tag for tag in tags if tag.endswith(f":{name}")]
        for tag in sorted(places, key=_trust):
            yield _clean(str(tags[tag]))


def _trust(tag: str) -> int:
    group = tag.partition(":")[0]
    if group in TRUSTED:
        return TRUSTED.index(group)
    return len(TRUSTED) + (group in LAST)


def _clean(text: str) -> str:
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", " ", text).split())[:LONGEST]


def _text(tags: Tags, *names: str, letters: bool = False) -> str:
    """The first text that is more than punctuation; with `letters`, more than a number too."""
    meaningful = re.compile(r"[^\W\d_]" if letters else r"[^\W_]")
    return next((text for text in _found(tags, *names) if meaningful.search(text)), "")


def _number(tags: Tags, *names: str) -> float | None:
    """The first positive number."""
    for text in _found(tags, *names):
        try:
            number = float(text)
        except ValueError:
            continue
        if math.isfinite(number) and number > 0:
            return number
    return None


def _whole(number: float | None) -> int | None:
    return None if number is None else round(number)


def _date(tags: Tags) -> str:
    for text in _found(tags, "DateTimeOriginal", "CreateDate"):
        if match := DATE.match(text):
            year, month, day, hour, minute, second = match.groups()
            if year > "0000" and "01" <= month <= "12" and "01" <= day <= "31" and hour < "24" and minute < "60":
                return f"{year}-{month}-{day}T{hour}:{minute}:{second}"
    return ""


def _size(tags: Tags) -> tuple[int, int]:
    size = str(tags.get("Composite:ImageSize", "")).split()
    if len(size) == 2 and all(side.isdecimal() for side in size):
        return int(size[0]), int(size[1])
    return 0, 0


def _orientation(tags: Tags) -> int:
    value = str(tags.get("IFD0:Orientation", "1"))
    return int(value) if value in "12345678" and len(value) == 1 else 1
