"""What a reader gives, and how it says that it cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ispd.decode.dng.layout import Layout
from ispd.decode.dng.tags import Tiff
from ispd.decode.wire import Samples
from ispd.isp.values import Shot

Sized: TypeAlias = Callable[[int, int, int], None]
"""Called with width, height and planes before pixels are unpacked; raises PhotoError where they are too many."""


class Unreadable(Exception):
    """This reader cannot serve this file; another may.  The text completes "LibRaw: …"."""


class Damaged(Unreadable):
    """This reader knows the format, but the bytes make no sense to it."""


@dataclass(frozen=True)
class Picture:
    """The whole stored image (planes, H, W), as stored but for what `shot` no longer mentions, and its shot."""

    samples: Samples
    shot: Shot
    reader: str  # "LibRaw 0.22.2"
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dng:
    """The directories of a DNG, how its raw picture is stored, and what its tags say of it."""

    tiff: Tiff
    layout: Layout
    shot: Shot
    warnings: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.layout.planes, self.layout.height, self.layout.width


def as_planes(image: Samples) -> Samples:
    """(H, W) or (H, W, planes) as (planes, H, W), without copying."""
    return image[None] if image.ndim == 2 else image.transpose(2, 0, 1)


def check_shape(samples: Samples, dng: Dng) -> None:
    """Raises Unreadable where a reader's picture is not the one that the tags describe."""
    if samples.shape != dng.shape:
        raise Unreadable(f"it gives {samples.shape[::-1]} samples where the file declares {dng.shape[::-1]}")
