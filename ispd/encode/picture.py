"""Pixels to a picture file: the one function that the rest of ispd calls, and the check that a file is one."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL.JpegImagePlugin import JpegImageFile

from ispd.encode.jpeg import write_jpeg
from ispd.encode.png import write_png
from ispd.encode.tiff import write_tiff
from ispd.errors import CannotCreate
from ispd.orders import Format, Output
from ispd.sentences import shown

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True)
class Header:
    """What a picture file says of itself before its pixels are decoded."""

    format: Format
    width: int
    height: int
    bits: int


def bits_of(output: Output) -> int:
    """Bits a channel that an output is written with."""
    return 8 if output.format == "jpeg" else output.bits


def encode(pixels: Pixels, output: Output, path: bytes) -> None:
    """Write pixels (H, W, 3), encoded in `output.space`, to the new file `path`, and see that it opens.

    uint8 or uint16 as `bits_of(output)` says.  Raises CannotCreate (no room, name taken, no such folder), PhotoError
    (larger than the format can be), ValueError for pixels of another kind.
    """
    kind = np.uint8 if bits_of(output) == 8 else np.uint16
    if pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape or pixels.dtype != kind:
        raise ValueError(f"{output.format} of {bits_of(output)} bits from {pixels.dtype} {pixels.shape}")
    WRITERS[output.format](np.ascontiguousarray(pixels), output, path)
    check(path, pixels, output)


def check(path: bytes, pixels: Pixels, output: Output) -> None:
    """See that the picture at `path` opens, is whole, and has the size and depth of `pixels`; again after tagging.

    Raises CannotCreate; the file is then gone.
    """
    height, width, _ = pixels.shape
    try:
        if read_header(path) != Header(output.format, width, height, bits_of(output)):
            raise CannotCreate(f"{shown(path)} is not the picture that was written: the disk may be failing")
    except CannotCreate:
        Path(os.fsdecode(path)).unlink(missing_ok=True)
        raise


def read_header(path: bytes) -> Header:
    """Format, size and depth of a picture of ours, which must be whole.  Raises CannotCreate where it is not."""
    try:
        with open(os.fsdecode(path), "rb") as file:
            start = file.read(26)
            file.seek(0)
            reader = next((reader for magic, reader in READERS.items() if start.startswith(magic)), None)
            if reader is None:
                raise ValueError("neither JPEG nor TIFF nor PNG")
            return reader(file, start)
    except (OSError, ValueError, SyntaxError, struct.error, tifffile.TiffFileError) as error:
        raise CannotCreate(f"{shown(path)} does not open as a picture: {error}") from error


def _jpeg_header(file: BinaryIO, start: bytes) -> Header:
    _must_end_with(file, b"\xff\xd9")
    # the class, not Image.open: that one refuses pictures above 179 MP, which ours may be
    with JpegImageFile(file) as image:
        return Header("jpeg", *image.size, 8)


def _png_header(file: BinaryIO, start: bytes) -> Header:
    _must_end_with(file, b"IEND\xae\x42\x60\x82")
    width, height, bits = struct.unpack(">IIB", start[16:25])
    return Header("png", width, height, bits)


def _tiff_header(file: BinaryIO, start: bytes) -> Header:
    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages.first
        end = max(offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True))
        if end > file.seek(0, os.SEEK_END):
            raise ValueError("it ends before its pixels do")
        return Header("tiff", page.imagewidth, page.imagelength, page.bitspersample)


def _must_end_with(file: BinaryIO, tail: bytes) -> None:
    file.seek(-len(tail), os.SEEK_END)
    if file.read() != tail:
        raise ValueError("it ends before its pixels do")
    file.seek(0)


WRITERS: dict[Format, Callable[[NDArray[Any], Output, bytes], None]] = {
    "jpeg": write_jpeg,
    "tiff": write_tiff,
    "png": write_png,
}
READERS: dict[bytes, Callable[[BinaryIO, bytes], Header]] = {
    b"\xff\xd8\xff": _jpeg_header,
    b"\x89PNG\r\n": _png_header,
    b"II*\0": _tiff_header,
    b"II+\0": _tiff_header,
}
