"""Names of pictures: a template filled with what is known of a photo, safe on every file system.

    {folder}/{stem}                   as the photo lies in the watched folder
    {date:%Y/%m}/{stem}               a slash in a date's format begins a folder
    {exif.Model|unknown}/{stem}       after the bar: what stands there when the photo does not say

What comes out of files and their tags may be hostile: values never begin a folder of their own accord, and no name
climbs out, hides itself, or is longer than a file system takes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ispd.toml import did_you_mean

NAME_BYTES = 255  # NAME_MAX of Linux's file systems, in UTF-8
NUMBER_BYTES = len("-999")  # room for the number that tells two pictures of one name apart

FIELDS = (
    "folder", "stem", "ext", "date", "camera", "profile", "format", "size",
    "exif.Make", "exif.Model", "exif.LensModel", "exif.BodySerialNumber",
    "exif.ISO", "exif.ExposureTime", "exif.FNumber", "exif.FocalLength",
)  # fmt: skip
DATE_PARTS: Mapping[str, Callable[[datetime], str]] = {
    "Y": lambda d: f"{d.year:04}",
    "y": lambda d: f"{d.year % 100:02}",
    "m": lambda d: f"{d.month:02}",
    "d": lambda d: f"{d.day:02}",
    "H": lambda d: f"{d.hour:02}",
    "M": lambda d: f"{d.minute:02}",
    "S": lambda d: f"{d.second:02}",
    "j": lambda d: f"{d.timetuple().tm_yday:03}",
    "%": lambda d: "%",
}
_FIELD = re.compile(r"\{(?P<name>[^{}:|]*)(?::(?P<format>[^{}|]*))?(?:\|(?P<fallback>[^{}]*))?\}")
_UNKNOWN = "unknown"


def template_problem(template: str) -> str:
    """What is wrong with a template of the config, or "" """
    rest = _FIELD.sub("", template)
    if "{" in rest or "}" in rest:
        return "has a { or } without its other half"
    for field in _FIELD.finditer(template):
        if problem := _field_problem(field):
            return problem
    return _shape_problem(template)


def _field_problem(field: re.Match[str]) -> str:
    name, date_format = field["name"], field["format"]
    if name not in FIELDS:
        return f"has the unknown field {{{name}}}{_closest(name)}"
    if date_format is None:
        return "needs a format for its {date}, such as {date:%Y-%m-%d}" if name == "date" else ""
    if name != "date":
        return f"has a format after {{{name}}}; only {{date:…}} takes one"
    letters = re.findall(r"%(.?)", date_format.replace("%%", ""))
    wrong = [letter for letter in letters if letter not in DATE_PARTS]
    return f"has %{wrong[0]} in its date; known are %{', %'.join(DATE_PARTS)}" if wrong else ""


def _closest(name: str) -> str:
    return did_you_mean(name, FIELDS) or f"; known are {', '.join(FIELDS)}"


def _shape_problem(template: str) -> str:
    if template.startswith(("/", "~")):
        return "must be relative: it names a place below the deliver folder"
    if ".." in template.split("/"):
        return 'must not climb out of the deliver folder with ".."'
    if "\\" in template:
        return "separates folders with \\; write /"
    if not template or template.endswith("/"):
        return "must end in the name of a picture, such as {stem}"
    return ""


@dataclass(frozen=True)
class Fields:
    """What a template is filled with; "" where the photo does not say."""

    texts: Mapping[str, str]  # each of FIELDS but `date` and `folder`
    folder: str  # its slashes are kept
    captured: str = ""  # ISO 8601


def fill(template: str, fields: Fields) -> str:
    """The path a template gives, relative, each component made safe; the last one without its extension."""
    path = _FIELD.sub(lambda field: _value(field, fields), template)
    return "/".join(safe(component) for component in path.split("/") if component) or "_"


def _value(field: re.Match[str], fields: Fields) -> str:
    fallback = _UNKNOWN if field["fallback"] is None else field["fallback"]
    if field["name"] == "folder":
        return fields.folder
    if field["name"] == "date":
        return _date(fields.captured, field["format"] or "") or fallback
    text = fields.texts.get(field["name"], "").strip()
    return text.replace("/", "_") or fallback


def _date(captured: str, date_format: str) -> str:
    """Own rather than strftime: same on every locale and C library."""
    try:
        moment = datetime.fromisoformat(captured)
    except ValueError:
        return ""
    if not 1900 <= moment.year < 2200:  # a camera that lost its clock
        return ""
    return re.sub("%(.)", lambda part: DATE_PARTS[part[1]](moment), date_format)


_UNSAFE = re.compile(
    r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|]'  # control characters, and what Windows and exFAT refuse
    "|[\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"  # turns the reading direction or breaks the line
    "|[\ud800-\udfff]"  # half a character
)
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?= *\.|$)", re.IGNORECASE)  # Windows' devices


def safe(component: str, room: int = NAME_BYTES) -> str:
    """A name that every file system takes: at most `room` bytes of UTF-8, visible, and no folder.

    >>> safe("..")
    '_'
    >>> safe("a/b\\n.jpg")
    'a_b_.jpg'
    """
    name = _UNSAFE.sub("_", readable(component)).strip(" ")
    name = re.sub(r"^\.+", "_", name)
    name = _RESERVED.sub(lambda device: f"{device[0]}_", name) if _RESERVED.match(name) else name
    return shorten(name, room)


def shorten(name: str, room: int) -> str:
    """At most `room` bytes of UTF-8; Windows drops dots and spaces at the end, so none stand there."""
    cut = name.encode("utf-8", "replace")[:room].decode("utf-8", "ignore")
    return cut.rstrip(" .") or "_"


def readable(name: str | bytes) -> str:
    """A file name as text: a byte that is no UTF-8 becomes %XX, so that two such names stay two.

    >>> readable(b"caf\\xe9.dng")
    'caf%E9.dng'
    """
    text = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
    return re.sub("[\udc80-\udcff]", lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", text)
