"""How a directory's picture is stored: size, samples, compression, and where its strips or tiles lie.

Limits come before anything is allocated: a file of a few kilobytes may declare a picture of 80 GB.

Source  TIFF 6.0 sections 4, 15 and "TIFF Tech Note 1" (tiles); DNG 1.7.1 chapter 3 (bits, compressions)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ispd.decode.dng.codes import COMPRESSIONS, UNCOMPRESSED, Tag
from ispd.decode.dng.tags import Ifd, cut_short
from ispd.errors import PhotoError

MOST_SIDE = 65_535  # pixels; LibRaw's limit too
MOST_PIXELS = 400_000_000
BIG_PIXELS = 50_000_000  # above this a file must also have bytes for its pixels:
MOST_PIXELS_PER_BYTE = 64  # real files reach 5, a lossless bomb 546
MOST_STORED_PLANES = 8  # a mosaic or a picture has up to 4; previews may have more
MOST_CHUNKS = 4096  # looked into; the last ones in the file, where a copy ends
FLOAT_BITS = (16, 24, 32)


@dataclass(frozen=True)
class Layout:
    """A stored picture.  `offsets` and `lengths` have one entry a strip or tile, as declared."""

    width: int
    height: int
    planes: int  # samples a pixel
    bits: int
    floating: bool
    compression: int
    chunk_width: int
    chunk_height: int
    separate: bool  # planes lie apart (PlanarConfiguration 2)
    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @property
    def chunks_needed(self) -> int:
        """Strips or tiles that cover the picture."""
        across, down = -(-self.width // self.chunk_width), -(-self.height // self.chunk_height)
        return across * down * (self.planes if self.separate else 1)

    @property
    def bytes_needed(self) -> int:
        """Bytes of the picture when uncompressed, each row padded to a byte."""
        samples = self.width * (1 if self.separate else self.planes)
        return -(-samples * self.bits // 8) * self.height * (self.planes if self.separate else 1)


def read_layout(ifd: Ifd) -> Layout:
    """The stored picture of a directory.  Raises PhotoError where it cannot be one: size, bits, planes, chunks."""
    width, height = ifd.integer(Tag.ImageWidth, 0), ifd.integer(Tag.ImageLength, 0)
    check_sides(width, height)
    planes = ifd.integer(Tag.SamplesPerPixel, 1)
    if not 1 <= planes <= MOST_STORED_PLANES:
        raise PhotoError(f"the file says that a pixel has {planes} samples: that cannot be")
    floating = ifd.integer(Tag.SampleFormat, 1) == 3
    bits = ifd.integer(Tag.BitsPerSample, 1)
    if bits not in (FLOAT_BITS if floating else range(1, 33)):
        raise PhotoError(f"the file's samples have {bits} bits: no raw file has such")
    tiled = Tag.TileOffsets in ifd
    chunk_width = ifd.integer(Tag.TileWidth, 0) if tiled else width
    chunk_height = ifd.integer(Tag.TileLength if tiled else Tag.RowsPerStrip, 0 if tiled else height)
    if chunk_width <= 0 or chunk_height <= 0:
        raise PhotoError("the file's tiles have no size: the file is damaged")
    return Layout(
        width=width,
        height=height,
        planes=planes,
        bits=bits,
        floating=floating,
        compression=ifd.integer(Tag.Compression, UNCOMPRESSED),
        chunk_width=chunk_width,
        chunk_height=min(chunk_height, max(height, 1)) if not tiled else chunk_height,
        separate=planes > 1 and ifd.integer(Tag.PlanarConfiguration, 1) == 2,
        offsets=_positions(ifd, Tag.TileOffsets if tiled else Tag.StripOffsets),
        lengths=_positions(ifd, Tag.TileByteCounts if tiled else Tag.StripByteCounts),
    )


def check_dng_layout(layout: Layout) -> None:
    """Raises PhotoError where the strips or tiles cannot hold the picture, or their compression is none of DNG's."""
    if layout.compression not in COMPRESSIONS:
        raise PhotoError(f"the file's pixels are packed by compression {layout.compression}, which no DNG reader knows")
    if len(layout.offsets) != len(layout.lengths) or len(layout.offsets) < layout.chunks_needed:
        raise PhotoError(
            f"the file's list of strips or tiles is damaged: {layout.width} × {layout.height} pixels need "
            f"{layout.chunks_needed}, the file names {min(len(layout.offsets), len(layout.lengths))}"
        )
    declared = int(layout.lengths.sum())
    if layout.compression == UNCOMPRESSED and declared < layout.bytes_needed:
        raise PhotoError(
            f"the file's image data are too short: {layout.width} × {layout.height} pixels need "
            f"{layout.bytes_needed:,} bytes, the file names {declared:,}"
        )


def check_inside(layout: Layout, file_size: int) -> tuple[str, ...]:
    """Whether every strip and tile lies inside a file of that many bytes.

    Raises IncompletePhoto where one does not, PhotoError where the pixels are far too many for the bytes.  Gives a
    warning where a strip is declared longer than the file though its uncompressed pixels are all there.
    """
    check_bytes(layout.width * layout.height, file_size)
    n = min(len(layout.offsets), len(layout.lengths))
    offsets, lengths = layout.offsets[:n], layout.lengths[:n]
    if (offsets + lengths <= file_size).all():
        return ()
    if layout.compression == UNCOMPRESSED and n == 1 and offsets[0] + layout.bytes_needed <= file_size:
        return ("the file declares more image data than it has, yet all its pixels are there",)
    outside = int(np.count_nonzero(offsets + lengths > file_size))
    what = "its image data" if n == 1 else f"{outside} of {n} pieces of its image data"
    raise cut_short(f"before its pixels do ({what})")


def chunks_of(layout: Layout) -> list[tuple[int, int]]:
    """(offset, length) of the last pieces of the image data, in the file's order."""
    n = min(len(layout.offsets), len(layout.lengths), layout.chunks_needed)
    order = np.argsort(layout.offsets[:n], kind="stable")[-MOST_CHUNKS:]
    return list(zip(layout.offsets[order].tolist(), layout.lengths[order].tolist(), strict=True))


def check_sides(width: int, height: int) -> None:
    """Raises PhotoError for a size that no camera's picture has."""
    if width <= 0 or height <= 0:
        raise PhotoError(f"the file says its picture is {width} × {height} pixels: that cannot be")
    if max(width, height) > MOST_SIDE or width * height > MOST_PIXELS:
        raise PhotoError(
            f"the file says its picture is {width} × {height} pixels: "
            f"ispd develops up to {MOST_SIDE} a side and {MOST_PIXELS // 1_000_000} megapixels"
        )


def check_bytes(pixels: int, file_size: int) -> None:
    """Raises PhotoError where a file cannot hold so many pixels."""
    if pixels > BIG_PIXELS and pixels > MOST_PIXELS_PER_BYTE * file_size:
        raise PhotoError(f"the file declares {pixels:,} pixels in {file_size:,} bytes: a trap, not a photo")


def _positions(ifd: Ifd, tag: Tag) -> NDArray[np.int64]:
    values = ifd.array(tag)
    values = np.where(np.isfinite(values), values, 0)
    return np.clip(values, 0, 2**53).astype(np.int64)
