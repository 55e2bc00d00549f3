"""Previews: the picture that a camera put into its raw beside the samples, the largest JPEG of any directory."""

from __future__ import annotations

import re
from dataclasses import replace

import msgspec

from ispd.decode.cell import Cell, Finished
from ispd.decode.icc import meaning_of_space
from ispd.errors import PhotoError
from ispd.metadata.exiftool import ExifTool, Tags

NAMES = ("JpgFromRaw", "JpgFromRaw2", "PreviewImage")
BINARY = re.compile(r"\(Binary data (\d+) bytes")
CONVERTERS = re.compile(  # what calls itself so has developed the photo: its preview shows no camera's look
    r"adobe|lightroom|camera raw|dng converter|darktable|rawtherapee|capture one|dxo|on1|luminar|affinity|iridient"
    r"|silkypix|aftershot|exposure x|digital photo professional|nx studio|viewnx|capture nx"
    r"|imaging edge|raw file converter",
    re.IGNORECASE,
)
ADOBE_RGB, UNCALIBRATED = "2", "65535"


def preview_of(path: bytes, cell: Cell, door: ExifTool) -> Finished:
    """Decoded.  Raises PhotoError where there is none, or where a converter wrote it."""
    tags = door.read(path)
    if (converter := _converter(tags)) is not None:
        raise PhotoError(f"its preview was made by {converter}: that is no camera's look")
    tag = _largest(tags)
    if tag is None:
        raise PhotoError("the raw holds no JPEG of the camera's")
    finished = cell.finished_in(door.binary(path, tag))
    if CONVERTERS.search(finished.meaning.software):
        raise PhotoError(f"its preview was made by {finished.meaning.software}: that is no camera's look")
    if not finished.meaning.told and _says_adobe_rgb(tags) and len(finished.codes) == 3:
        space = meaning_of_space("adobe-rgb")
        rec2020 = tuple(tuple(float(number) for number in row) for row in space.rec2020)
        curves = space.curves.astype("<f4").tobytes()
        meaning = msgspec.structs.replace(finished.meaning, rec2020=rec2020, curves=curves)
        return replace(finished, meaning=meaning)
    return finished


def _converter(tags: Tags) -> str | None:
    said = (str(value) for tag, value in tags.items() if tag.endswith(":Software"))
    return next((software for software in said if CONVERTERS.search(software)), None)


def _largest(tags: Tags) -> str | None:
    """The tag whose value has the most bytes; a larger JPEG of one photo has more pixels."""
    sizes = {
        tag: int(found[1])
        for tag, value in tags.items()
        if tag.rpartition(":")[2] in NAMES and (found := BINARY.match(str(value)))
    }
    return max(sizes, key=lambda tag: sizes[tag], default=None)


def _says_adobe_rgb(tags: Tags) -> bool:
    """A preview without tags of its own shares the raw's."""
    space = str(tags.get("ExifIFD:ColorSpace", ""))
    index = str(tags.get("InteropIFD:InteropIndex", ""))
    return space == ADOBE_RGB or (space == UNCALIBRATED and index.startswith("R03"))
