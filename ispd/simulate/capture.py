"""What a camera notes about itself and the moment: EXIF and GPS directories.

Source  EXIF 3.0 (CIPA DC-008), tables 4 to 15
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction

from ispd.simulate.tiff import Directory, Entry, Kind

NORTH_SOUTH, EAST_WEST = ("N", "S"), ("E", "W")


@dataclass(frozen=True)
class Place:
    """Where on earth: degrees (north and east positive), meters above the sea."""

    latitude: float
    longitude: float
    altitude_m: float = 0.0


@dataclass(frozen=True)
class Capture:
    """One press of the shutter.  Empty texts are not written."""

    make: str = "Simulated"
    model: str = "Camera"
    lens: str = ""
    serial: str = ""
    iso: int = 100
    exposure_seconds: float = 1 / 125
    f_number: float = 4.0
    focal_length_mm: float = 35.0
    when: datetime = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)  # local time of the camera, its offset is written too
    place: Place | None = None


def exif_directory(capture: Capture) -> Directory:
    """The EXIF directory: exposure, date with its offset, lens, serial."""
    date = capture.when.strftime("%Y:%m:%d %H:%M:%S")
    texts = ((42033, capture.serial), (42036, capture.lens), (36867, date), (36868, date))
    offsets = tuple((tag, _offset(capture.when)) for tag in (36880, 36881, 36882))
    exposure = Fraction(capture.exposure_seconds).limit_denominator(10_000)
    numbers = (
        Entry(33434, Kind.RATIONAL, exposure),  # ExposureTime
        Entry(33437, Kind.RATIONAL, capture.f_number),
        Entry(34850, Kind.SHORT, 3),  # ExposureProgram: aperture priority
        Entry(34855, Kind.SHORT, capture.iso),
        Entry(34864, Kind.SHORT, 2),  # SensitivityType: recommended exposure index
        Entry(34866, Kind.LONG, capture.iso),
        Entry(36864, Kind.UNDEFINED, b"0232"),  # ExifVersion
        Entry(37383, Kind.SHORT, 5),  # MeteringMode: pattern
        Entry(37386, Kind.RATIONAL, capture.focal_length_mm),
    )
    return Directory((*numbers, *(Entry(tag, Kind.ASCII, text) for tag, text in texts + offsets if text)))


def gps_directory(place: Place | None, when: datetime) -> Directory | None:
    """The GPS directory: position with its references, and the moment in UTC."""
    if place is None:
        return None
    utc = when.astimezone(UTC)
    return Directory(
        (
            Entry(0, Kind.BYTE, b"\2\3\0\0"),  # GPSVersionID
            Entry(1, Kind.ASCII, NORTH_SOUTH[place.latitude < 0]),
            Entry(2, Kind.RATIONAL, _degrees(place.latitude)),
            Entry(3, Kind.ASCII, EAST_WEST[place.longitude < 0]),
            Entry(4, Kind.RATIONAL, _degrees(place.longitude)),
            Entry(5, Kind.BYTE, int(place.altitude_m < 0)),
            Entry(6, Kind.RATIONAL, abs(place.altitude_m)),
            Entry(7, Kind.RATIONAL, (utc.hour, utc.minute, utc.second)),
            Entry(29, Kind.ASCII, utc.strftime("%Y:%m:%d")),
        )
    )


def _degrees(angle: float) -> tuple[Fraction, ...]:
    """Degrees, minutes, seconds to a hundredth, which is 30 cm on the ground."""
    hundredths = round(abs(angle) * 360_000)
    minutes, seconds = divmod(hundredths, 6000)
    degrees, minutes = divmod(minutes, 60)
    return Fraction(degrees), Fraction(minutes), Fraction(seconds, 100)


def _offset(when: datetime) -> str:
    """`+02:00`, or nothing where the clock knows no zone."""
    text = when.strftime("%z")
    return f"{text[:3]}:{text[3:5]}" if text else ""
