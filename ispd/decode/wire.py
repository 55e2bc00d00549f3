"""What the cell's processes say to each other: small JSON messages over packet sockets, pixels through shared memory.

    engine ── Request + [source, answers, status] ──▶ zygote ── fork ──▶ child
    engine ◀── Trying, Sized, Ready | Faulty ───────────────────────────── child       (answers)
    engine ── memory for the samples and the header ─────────────────────▶ child
    engine ◀── how the child ended, as waitpid tells it ── zygote                       (status)

The child is not trusted: the engine makes the memory and seals its size, measures every message against its own
limits, and reads the memory only once the child has ended.  That it has ended, the zygote says on a pipe of its own.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from ispd.isp.values import Matrix, Shot

LONGEST_MESSAGE = 64 << 10
LONGEST_HEADER = 64 << 20  # gain maps as JSON; the largest seen in a phone's DNG is 0.2 MB
LONGEST_SENTENCE = 1000
MOST_PLANES = 4  # of a picture that leaves the cell

Dtype: TypeAlias = Literal["uint8", "uint16", "float32"]  # a raw's samples are never the first
Samples: TypeAlias = NDArray[np.uint16] | NDArray[np.float32]  # (planes, height, width)


def name_of(dtype: np.dtype[Any]) -> Dtype:
    """The word for a type of samples.  Raises KeyError where it is none of ours: a bug of the reader's."""
    names: dict[str, Dtype] = {"uint8": "uint8", "uint16": "uint16", "float32": "float32"}
    return names[dtype.name]


class Hello(Struct, frozen=True):
    """The zygote is warm, or says what it lacks."""

    readers: tuple[str, ...] = ()  # "LibRaw 0.22.2"
    unconfined: tuple[str, ...] = ()  # layers of the lock that this machine lacks
    lacks: str = ""  # a sentence: why it cannot serve


Kind: TypeAlias = Literal["raw", "finished"]


class Request(Struct, frozen=True):
    """Decode the file whose descriptor comes with this; leave out readers that crashed on it."""

    leave_out: tuple[str, ...] = ()
    kind: Kind = "raw"


class Trying(Struct, frozen=True, tag=True):
    """The reader that now has the bytes: the one to blame if nothing more is heard."""

    reader: str


class Sized(Struct, frozen=True, tag=True):
    """The picture's size is known, its pixels are not: they may take their time now."""

    pixels: int


class Ready(Struct, frozen=True, tag=True):
    """The picture is decoded: give me memory for samples of this shape and then `header` bytes of JSON."""

    dtype: Dtype
    shape: tuple[int, int, int]  # planes, height, width
    header: int


FaultKind: TypeAlias = Literal["photo", "incomplete", "stumbled"]
"""stumbled: an error in the decoder, not a verdict of it"""


class Faulty(Struct, frozen=True, tag=True):
    """No picture, and why."""

    kind: FaultKind
    sentence: str


Answer: TypeAlias = Trying | Sized | Ready | Faulty


class Header(Struct, frozen=True):
    """What comes with the samples."""

    shot: Shot
    reader: str
    warnings: tuple[str, ...]


class Meaning(Struct, frozen=True):
    """What comes with a finished picture's codes: what they mean, and what it says of itself ("" nothing)."""

    rec2020: Matrix  # 3 rows, one column a channel; takes light
    curves: bytes  # little-endian float32, equally many a channel: light over the codes from 0 to the greatest
    told: bool = False  # by a profile or its EXIF; else sRGB was assumed
    orientation: int = 1  # EXIF 1…8: how it is stored
    software: str = ""
    camera: str = ""
    captured: str = ""  # as EXIF has it: "2026:03:29 02:30:00"
    fraction: str = ""  # of that second: "123" is 0.123
    serial: str = ""
