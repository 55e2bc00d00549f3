"""What a JPEG stream's header says about runs of zero bytes in its data.

A copy with holes has zeros where data should be, and decoders read them without complaint.  Zeros may also be real: a
flat area, if the stream's Huffman tables give the codes of "no change" and "nothing more" the bits 0….  The tables say.

Source  ITU-T T.81 annexes B (markers), C (codes are given in order, the first is all zeros), F and H
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ispd.decode.dng.codes import LOSSLESS_JPEG, LOSSY_JPEG
from ispd.decode.dng.layout import Layout, chunks_of
from ispd.decode.dng.tags import Source

DAMAGED = 1024  # zero bytes in a row inside JPEG data that cannot mean a flat area
BLOCK = 512  # runs are found and counted by whole ones
HEAD = 4096  # of a tile: its tables stand there

START, END = b"\xff\xd8", b"\xff\xd9"
HUFFMAN_TABLES = 0xC4
START_OF_SCAN = 0xDA
MOST_SEGMENTS = 64
MOST_TILE = 256 << 20  # bytes
NO_MORE = 0  # the symbol: difference 0 in a DC or lossless table, end of block in an AC table


def damage(source: Source, layout: Layout) -> tuple[str, ...]:
    """A warning where JPEG tiles hold runs of zeros that their codes cannot mean.  Reads all image data."""
    if layout.compression not in (LOSSLESS_JPEG, LOSSY_JPEG):
        return ()
    for number, (offset, length) in enumerate(chunks_of(layout), start=1):
        data = source.read(offset, min(length, MOST_TILE))
        longest = _longest_zeros(data)
        if longest >= DAMAGED and zeros_mean_flat(data[:HEAD]) is not True:
            where = f"piece {number} of {len(layout.offsets)} of its image data"
            return (f"the file looks damaged: about {longest:,} bytes in a row are zero in {where}; check the picture",)
    return ()


def is_whole(source: Source, layout: Layout) -> bool:
    """Whether every piece of a lossless JPEG image begins and ends with the marks of a JPEG."""
    return layout.compression == LOSSLESS_JPEG and all(
        source.read(offset, 3) == START + b"\xff"
        and source.read(offset, min(length, MOST_TILE)).rstrip(b"\0").endswith(END)
        for offset, length in chunks_of(layout)
    )


def zeros_mean_flat(stream: bytes) -> bool | None:
    """Whether zero bits in this stream's scan stand for a flat area; None where the header is no JPEG's."""
    if not stream.startswith(START):
        return None
    first_symbols = [symbol for body in _tables(stream) for symbol in _first_symbols(body)]
    return all(symbol == NO_MORE for symbol in first_symbols) if first_symbols else None


def _tables(stream: bytes) -> Iterator[bytes]:
    """The bodies of the DHT segments before the first scan."""
    at = len(START)
    for _ in range(MOST_SEGMENTS):
        if at + 4 > len(stream) or stream[at] != 0xFF or stream[at + 1] == START_OF_SCAN:
            return
        length = int.from_bytes(stream[at + 2 : at + 4], "big")
        if stream[at + 1] == HUFFMAN_TABLES:
            yield stream[at + 4 : at + 2 + length]
        at += 2 + max(length, 2)


def _first_symbols(body: bytes) -> Iterator[int]:
    """Of each table in a DHT segment, the symbol whose code is all zeros: its first."""
    while len(body) > 17:
        yield body[17]
        body = body[17 + sum(body[1:17]) :]


def _longest_zeros(data: bytes) -> int:
    """The longest run of zero bytes, found and counted by whole blocks: 0 where no block is zero."""
    blocks = np.frombuffer(data, dtype=np.uint64, count=len(data) // BLOCK * (BLOCK // 8)).reshape(-1, BLOCK // 8)
    zero = np.flatnonzero(~blocks.any(axis=1))
    if not zero.size:
        return 0
    runs = np.split(zero, np.flatnonzero(np.diff(zero) > 1) + 1)
    return max(len(run) for run in runs) * BLOCK
