"""OpenEXR, as far as radiance maps use it: scan lines of one part, R, G, B (or Y), 16 or 32 bits a sample.

Takes   the file's bytes; no compression, RLE, ZIPS, ZIP, PIZ or PXR24
Gives   (H, W, 3) float32 of the data window
Raises  BadMap where the file is another kind of EXR, or broken; it says which
Source  "OpenEXR File Layout", openexr.com/en/latest/OpenEXRFileLayout.html, and "Technical Introduction": predictor and
        the halves of bytes
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ispd.errors import IspdError
from ispd.nets.train.piz import unpacked_piz

MAGIC = b"\x76\x2f\x31\x01"
TILED, DEEP, PARTS = 0x200, 0x800, 0x1000  # bits of the version
RLE, PIZ, PXR24 = 1, 4, 5
ROWS = {0: 1, RLE: 1, 2: 1, 3: 16, PIZ: 32, PXR24: 16}  # scan lines of a chunk, by compression; 2 and 3 are ZIP
NAMES = {6: "B44", 7: "B44A", 8: "DWAA", 9: "DWAB"}
TYPES = {0: "<u4", 1: "<f2", 2: "<f4"}
MOST = 1 << 28  # samples: a map is smaller


class BadMap(IspdError):
    """A radiance map cannot be read."""

    exit_code = 65


class Channel(NamedTuple):
    """One plane, as the file lists it."""

    name: str
    dtype: np.dtype[np.generic]


def decode_exr(code: bytes, name: str) -> NDArray[np.float32]:
    """The picture, rows from the top."""
    try:
        return _decoded(code, name)
    except (struct.error, zlib.error, ValueError, IndexError, OverflowError) as error:
        raise BadMap(f"{name} is broken: {error}.") from error
    except KeyError as error:
        raise BadMap(f"{name} is broken: it says nothing of {error}.") from error


def _decoded(code: bytes, name: str) -> NDArray[np.float32]:
    magic, version = code[:4], *struct.unpack_from("<I", code, 4)
    if magic != MAGIC:
        raise BadMap(f"{name} is no OpenEXR picture.")
    if version & (TILED | DEEP | PARTS):
        raise BadMap(f"{name} has tiles, depths or several parts; save it as one part of scan lines.")
    attributes, at = _attributes(code, 8)
    compression = attributes["compression"][0]
    if compression not in ROWS:
        raise BadMap(f"{name} is compressed by {NAMES.get(compression, compression)}; save it with ZIP, or as .hdr.")
    channels = _channels(attributes["channels"], name)
    left, top, right, bottom = struct.unpack("<4i", attributes["dataWindow"])
    height, width = bottom - top + 1, right - left + 1
    if min(height, width) < 1 or height * width * len(channels) > MOST:
        raise BadMap(f"{name} says it is {width} × {height} pixels.")
    colors = ["R", "G", "B"] if "R" in (names := {channel.name for channel in channels}) else ["Y"] * 3
    if not names.issuperset(colors):
        raise BadMap(f"{name} has neither R, G, B nor Y, but {', '.join(sorted(names)) or 'nothing'}.")
    planes = {channel.name: np.empty((height, width), np.float32) for channel in channels}
    offsets = struct.unpack_from(f"<{math.ceil(height / ROWS[compression])}Q", code, at)
    for number, offset in enumerate(offsets):
        row, size = struct.unpack_from("<2i", code, offset)
        if row != top + number * ROWS[compression] or size < 0:
            raise ValueError("a chunk lies where it should not")
        count = min(ROWS[compression], bottom + 1 - row)
        whole = sum(channel.dtype.itemsize for channel in channels) * width * count
        body = _unpacked(code[offset + 8 : offset + 8 + size], compression, whole, count, width, channels)
        place = 0
        for line in range(row - top, row - top + count):
            for channel in channels:
                planes[channel.name][line] = np.frombuffer(body, channel.dtype, width, place)
                place += width * channel.dtype.itemsize
    return np.stack([planes[color] for color in colors], axis=-1)


def _attributes(code: bytes, at: int) -> tuple[dict[str, bytes], int]:
    """The header's values by name, and where what follows it begins."""
    found: dict[str, bytes] = {}
    while code[at]:
        name, _, rest = code[at : at + 256].partition(b"\0")
        kind = rest.partition(b"\0")[0]
        at += len(name) + len(kind) + 2
        (size,) = struct.unpack_from("<I", code, at)
        found[name.decode("latin-1")] = code[at + 4 : at + 4 + size]
        at += 4 + size
    return found, at + 1


def _channels(text: bytes, name: str) -> list[Channel]:
    """All channels, which lie by name."""
    channels = []
    while text[0]:
        label, _, rest = text.partition(b"\0")
        kind, _, across, down = struct.unpack_from("<iIii", rest)
        if (across, down) != (1, 1):
            raise BadMap(f"{name} has channels of fewer samples than pixels.")
        channels.append(Channel(label.decode("latin-1"), np.dtype(TYPES[kind])))
        text = rest[16:]
    return channels


def _unpacked(body: bytes, compression: int, size: int, rows: int, width: int, channels: Sequence[Channel]) -> bytes:
    """A chunk's samples; one that compression would have made larger is stored as it is."""
    if compression == 0 or len(body) == size:
        return body
    if compression == PIZ:
        return unpacked_piz(body, rows, width, [channel.dtype.itemsize for channel in channels])
    if compression == PXR24:
        return _differences(body, rows, width, channels)
    packed = _run_lengths(body) if compression == RLE else zlib.decompressobj().decompress(body, size)
    if len(packed) != size:
        raise ValueError("a chunk has another size than it should")
    steps = np.frombuffer(packed, np.uint8).astype(np.int64)
    steps[1:] -= 128  # each byte is the difference to the one before
    sums = np.cumsum(steps).astype(np.uint8)
    whole = np.empty(size, np.uint8)
    whole[0::2], whole[1::2] = sums[: (size + 1) // 2], sums[(size + 1) // 2 :]
    return whole.tobytes()


def _differences(body: bytes, rows: int, width: int, channels: Sequence[Channel]) -> bytes:
    """PXR24: of each sample the difference to the one before, its bytes apart, the highest first; of a float three."""
    kept = [3 if channel.dtype == "<f4" else channel.dtype.itemsize for channel in channels]
    size = rows * width * sum(kept)
    packed = zlib.decompressobj().decompress(body, size)
    parts, place = [], 0
    for _ in range(rows):
        for channel, many in zip(channels, kept, strict=True):
            planes = np.frombuffer(packed, np.uint8, many * width, place).reshape(many, width).astype(np.uint32)
            shifts = 8 * (channel.dtype.itemsize - 1 - np.arange(many, dtype=np.uint32))[:, None]
            line = np.cumsum((planes << shifts).sum(axis=0, dtype=np.uint32), dtype=np.uint32)
            parts.append(line.astype(f"<u{channel.dtype.itemsize}").tobytes())
            place += many * width
    return b"".join(parts)


def _run_lengths(body: bytes) -> bytes:
    """Runs: a count below 0 says how many bytes follow as they are, any other how often the next byte comes, less 1."""
    parts, at = [], 0
    while at < len(body):
        count = body[at] - 256 if body[at] > 127 else body[at]
        if count < 0:
            parts.append(body[at + 1 : at + 1 - count])
            at += 1 - count
        else:
            parts.append(body[at + 1 : at + 2] * (count + 1))
            at += 2
    return b"".join(parts)
