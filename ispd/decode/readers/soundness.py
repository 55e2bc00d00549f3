"""Signs that a file which decodes is not whole, or that its picture is none.

A copy into preallocated space has the right length and a tail of zeros; LibRaw decodes it without a word (measured
2026 on rawpy 0.28: at every percentage for uncompressed and lossless-JPEG DNGs).
"""

from __future__ import annotations

import numpy as np

from ispd.decode.dng.layout import BIG_PIXELS, MOST_PIXELS, MOST_PIXELS_PER_BYTE, MOST_SIDE, Layout
from ispd.decode.readers.picture import Samples
from ispd.errors import IncompletePhoto, PhotoError

MOST_PLANES = 4
ZERO_RUN = 64 << 10  # bytes: a black frame has noise, and a black level above zero
ZERO_RUN_PACKED = 1 << 10  # in compressed data, which end in a marker or a checksum
HOLE = 512  # zero bytes in a row inside entropy-coded data
MOST_GAP = 16  # bytes of padding between strips that belong together

UNCOMPRESSED, DEFLATE, VC5, LOSSY_JPEG = 1, 8, 9, 34892
JPEGS = (7, LOSSY_JPEG)


def check_size(width: int, height: int, planes: int, file_size: int) -> None:
    """Raises PhotoError for a picture that no camera makes, before anything is allocated for it."""
    pixels = width * height
    if width <= 0 or height <= 0 or not 1 <= planes <= MOST_PLANES:
        raise PhotoError(f"the file says its picture is {width} × {height} pixels of {planes} planes: that cannot be")
    if max(width, height) > MOST_SIDE or pixels > MOST_PIXELS:
        raise PhotoError(
            f"the file says its picture is {width} × {height} pixels: "
            f"ispd develops up to {MOST_SIDE} a side and {MOST_PIXELS // 1_000_000} megapixels"
        )
    if pixels > BIG_PIXELS and pixels > MOST_PIXELS_PER_BYTE * file_size:
        raise PhotoError(f"the file declares {pixels:,} pixels in {file_size:,} bytes: a trap, not a photo")


def check_tails(layout: Layout, data: bytes) -> None:
    """Raises IncompletePhoto where a strip or tile ends in zeros that its pixels cannot be."""
    run = ZERO_RUN if layout.compression == UNCOMPRESSED else ZERO_RUN_PACKED
    zeros = bytes(run)
    start = end = -1
    for offset, length in sorted(zip(layout.offsets.tolist(), layout.lengths.tolist(), strict=False)):
        if layout.compression != UNCOMPRESSED or not end <= offset <= end + MOST_GAP:
            start = offset  # uncompressed strips may be shorter than the run: those that touch count as one
        end = min(offset + length, len(data))
        needed = run if layout.compression == UNCOMPRESSED else max(min(run, length), 1)
        if end - start >= needed and data[end - 1] == 0 and data[end - needed : end] == zeros[:needed]:
            raise IncompletePhoto("the file's image data end in zeros: it is still arriving, or a copy of it broke off")


def holes(layout: Layout, data: bytes) -> tuple[str, ...]:
    """A warning where lossy JPEG data have a run of zeros in their midst: entropy coding does not make such."""
    if layout.compression != LOSSY_JPEG:
        return ()
    zeros = bytes(HOLE)
    for offset, length in zip(layout.offsets.tolist(), layout.lengths.tolist(), strict=False):
        if data.find(zeros, offset, offset + length) >= 0:
            return ("the compressed image data have a hole of zeros: a part of the picture is damaged",)
    return ()


def doubts(samples: Samples) -> tuple[str, ...]:
    """Warnings about a picture that hardly is one; black and white frames are photos too, so it is developed."""
    first = samples.flat[0]
    if not np.isfinite(samples).all() if samples.dtype == np.float32 else False:
        return ("some of the picture's samples are no numbers",)
    if samples.max() == samples.min():
        return (f"every sample of the picture is {first:g}",)
    zeros = samples.size - int(np.count_nonzero(samples))
    if 2 * zeros > samples.size:
        return (f"{zeros / samples.size:.0%} of the picture's samples are zero",)
    return ()
