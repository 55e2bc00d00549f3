"""Limits that a picture must keep before memory is taken for it, and doubts about one that was decoded."""

from __future__ import annotations

import numpy as np

from ispd.decode.dng.layout import check_bytes, check_sides
from ispd.decode.wire import MOST_PLANES, Samples
from ispd.errors import IncompletePhoto, PhotoError

LEAST_BLANK = 1 << 10  # zero bytes at the end of a small file
MOST_PADDING = 64 << 10


def check_size(width: int, height: int, planes: int, file_size: int) -> None:
    """Raises PhotoError for a picture that no camera makes, before anything is allocated for it."""
    check_sides(width, height)
    if not 1 <= planes <= MOST_PLANES:
        raise PhotoError(f"the file says that a pixel has {planes} samples: that cannot be")
    check_bytes(width * height, file_size)


def check_end(data: bytes) -> None:
    """Raises IncompletePhoto where a file ends in more zeros than makers pad with.

    For files that only LibRaw reads: what it decodes proves nothing, and nobody else can be asked.
    """
    least = min(MOST_PADDING, max(LEAST_BLANK, len(data) // 16))
    if not any(data[-least:]):
        raise IncompletePhoto("the end of the file is blank: it is still arriving, or was half copied")


def doubts(samples: Samples) -> tuple[str, ...]:
    """Warnings about a picture that hardly is one; black and white frames are photos too, so it is developed."""
    if samples.dtype == np.float32 and not np.isfinite(samples).all():
        return ("some of the picture's samples are no numbers",)
    if samples.max() == samples.min():
        return (f"every sample of the picture is {samples.flat[0]:g}",)
    zeros = samples.size - int(np.count_nonzero(samples))
    if 2 * zeros > samples.size:
        return (f"{zeros / samples.size:.0%} of the picture's samples are zero",)
    return ()
