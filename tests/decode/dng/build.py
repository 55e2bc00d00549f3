"""Tiny DNGs with any tag, sensible or not."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from ispd.decode.dng.codes import Tag
from ispd.decode.dng.tags import Tiff, read_tiff
from ispd.simulate.tiff import ByteOrder, Directory, Entry, Kind, Value, encode_tiff

WIDTH, HEIGHT = 64, 48
SAMPLES = (200 + 40 * np.arange(WIDTH)[None] + 15 * np.arange(HEIGHT)[:, None]).astype("<u2")

# of a Canon EOS 6D, as Adobe's converter writes them: A and D65
TUNGSTEN = (0.7546, -0.1435, -0.0929, -0.3846, 1.1488, 0.2692, -0.0332, 0.1209, 0.6370)
DAYLIGHT = (0.7034, -0.0804, -0.1014, -0.4420, 1.2564, 0.2058, -0.0851, 0.1994, 0.5758)
FORWARD_TUNGSTEN = (0.7763, 0.0065, 0.1815, 0.2364, 0.8351, -0.0715, -0.0059, -0.4228, 1.2538)
FORWARD_DAYLIGHT = (0.7464, 0.1044, 0.1135, 0.2648, 0.9173, -0.1820, 0.0113, -0.2154, 1.0292)

Tags = Mapping[Tag, tuple[Kind, Value] | None]

PLAIN: dict[Tag, tuple[Kind, Value]] = {
    Tag.NewSubfileType: (Kind.LONG, 0),
    Tag.ImageWidth: (Kind.LONG, WIDTH),
    Tag.ImageLength: (Kind.LONG, HEIGHT),
    Tag.BitsPerSample: (Kind.SHORT, 16),
    Tag.Compression: (Kind.SHORT, 1),
    Tag.PhotometricInterpretation: (Kind.SHORT, 32803),
    Tag.SamplesPerPixel: (Kind.SHORT, 1),
    Tag.RowsPerStrip: (Kind.LONG, HEIGHT),
    Tag.CFARepeatPatternDim: (Kind.SHORT, (2, 2)),
    Tag.CFAPattern: (Kind.BYTE, (0, 1, 1, 2)),
    Tag.DNGVersion: (Kind.BYTE, (1, 4, 0, 0)),
    Tag.UniqueCameraModel: (Kind.ASCII, "Test"),
    Tag.BlackLevel: (Kind.RATIONAL, 64),
    Tag.WhiteLevel: (Kind.LONG, 4095),
    Tag.ColorMatrix1: (Kind.SRATIONAL, DAYLIGHT),
    Tag.CalibrationIlluminant1: (Kind.SHORT, 21),
    Tag.AsShotNeutral: (Kind.RATIONAL, (0.5, 1.0, 0.66)),
}

NOTHING = struct.pack("<2I", 0, 0)  # a rational 0/0


NONE: Tags = MappingProxyType({})


def encode(tags: Tags = NONE, blocks: tuple[bytes, ...] = (SAMPLES.tobytes(),), order: ByteOrder = "little") -> bytes:
    """A DNG of 64 × 48 sites with these tags instead of the plain ones; None leaves one out."""
    chosen = {**PLAIN, **tags}
    entries = tuple(Entry(tag, *typed) for tag, typed in chosen.items() if typed is not None)
    return encode_tiff(Directory(entries, blocks), order)


def tiff(tags: Tags = NONE) -> Tiff:
    """The same, read."""
    return read_tiff(encode(tags))
