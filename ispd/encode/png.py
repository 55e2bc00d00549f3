"""PNG, 8 or 16 bits a channel, by zlib alone: Pillow writes no 16-bit RGB, and sixty lines need no codec library.

A picture is filtered row by row ("sub": each byte less the one a pixel to its left) and deflated.  With 16 bits the
low bytes are noise, where searching for repeats only costs time: runs and Huffman codes alone are three times as fast
and come out smaller (12 MP with a sensor's noise: 56.6 MB in 0.5 s against 58.4 MB in 1.7 s).

Source  W3C Portable Network Graphics, third edition: chunks §5.3, filters §9, iCCP §11.3.2.3
"""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ispd.encode.icc import NAMES, icc_profile
from ispd.encode.newfile import new_file
from ispd.orders import Output

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TRUECOLOR = 2
SUB = 1
BAND_ROWS = 64  # filtered and written at a time, so that memory stays small


def write_png(pixels: NDArray[np.uint8] | NDArray[np.uint16], output: Output, path: bytes) -> None:
    """Write (H, W, 3) uint8 or uint16 to the new file `path`.  Raises CannotCreate."""
    height, width, channels = pixels.shape
    with new_file(path) as file:
        file.write(SIGNATURE)
        _chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, TRUECOLOR, 0, 0, 0))
        name = NAMES[output.space].encode("latin-1")
        _chunk(file, b"iCCP", name + b"\0\0" + zlib.compress(icc_profile(output.space), 9))
        deflate = zlib.compressobj(3, strategy=zlib.Z_RLE if pixels.itemsize == 2 else zlib.Z_DEFAULT_STRATEGY)
        for top in range(0, height, BAND_ROWS):
            _chunk(
                file, b"IDAT", deflate.compress(_filtered(pixels[top : top + BAND_ROWS], channels * pixels.itemsize))
            )
        _chunk(file, b"IDAT", deflate.flush())
        file.write(struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND")))


def _filtered(rows: NDArray[np.uint8] | NDArray[np.uint16], pixel_bytes: int) -> bytes:
    """(n, 1 + bytes a row): the filter's number, then the big-endian bytes, each less its left neighbor's."""
    stored = np.ascontiguousarray(rows, dtype=rows.dtype.newbyteorder(">")).view(np.uint8).reshape(len(rows), -1)
    filtered = np.empty((len(rows), 1 + stored.shape[1]), np.uint8)
    filtered[:, 0] = SUB
    filtered[:, 1 : 1 + pixel_bytes] = stored[:, :pixel_bytes]
    np.subtract(stored[:, pixel_bytes:], stored[:, :-pixel_bytes], out=filtered[:, 1 + pixel_bytes :])
    return filtered.tobytes()


def _chunk(file: BinaryIO, kind: bytes, content: bytes) -> None:
    if content or kind != b"IDAT":  # the deflater holds back until it has a block
        file.write(struct.pack(">I4s", len(content), kind) + content)
        file.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(kind))))
