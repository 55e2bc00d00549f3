"""PIZ, the compression that most OpenEXR files have: a wavelet, and a Huffman code of what it leaves.

Takes   a chunk's bytes; rows, width and the channels' bytes a sample, which are 2 or 4
Gives   its samples as without compression: row by row, channel by channel
Raises  ValueError, IndexError or struct.error where the bytes make no sense
Source  "Technical Introduction to OpenEXR" and "OpenEXR File Layout", openexr.com; the wavelet: two-point Haar of
        16 bit numbers, exact
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.int64]

LONGEST_CODE = 58  # bits; lengths above say how many symbols have none
SHORT_RUN, LONG_RUN = 59, 63
LOOKED_UP = 14  # bits of a code that are found at once
SMALL = 1 << 14  # with fewer values than this the wavelet's numbers have a sign


def unpacked_piz(body: bytes, rows: int, width: int, sample_bytes: Sequence[int]) -> bytes:
    """A chunk without its compression."""
    values, different, place = _values(body)
    (size,) = struct.unpack_from("<i", body, place)
    words_a_sample = [each // 2 for each in sample_bytes]
    codes = _decoded(body[place + 4 : place + 4 + size], rows * width * sum(words_a_sample))
    planes, start = [], 0
    for words in words_a_sample:
        plane = codes[start : start + rows * width * words].reshape(rows, width, words)
        for word in range(words):
            _waved_back(plane[:, :, word], different <= SMALL)
        planes.append(plane.reshape(rows, width * words))
        start += plane.size
    return values[np.concatenate(planes, axis=1)].astype("<u2").tobytes()


def _values(body: bytes) -> tuple[NDArray[np.uint16], int, int]:
    """The numbers that occur, of which codes are the places; how many there are; where what follows begins."""
    first, last = struct.unpack_from("<2H", body)
    marked = np.zeros(1 << 13, np.uint8)
    if first <= last:
        marked[first : last + 1] = np.frombuffer(body, np.uint8, last - first + 1, 4)
    occurs = np.unpackbits(marked, bitorder="little")
    occurs[0] = 1  # always
    there = np.flatnonzero(occurs)
    values = np.zeros(1 << 16, np.uint16)  # a broken code may be any place
    values[: len(there)] = there
    return values, len(there), 4 + max(0, last - first + 1)


def _decoded(code: bytes, count: int) -> Words:
    """So many symbols of a Huffman code."""
    if count == 0 or not code:
        return np.zeros(count, np.int64)
    first, last, _, bits, _ = struct.unpack_from("<5I", code)
    if not first <= last <= 1 << 16:
        raise ValueError("a code has symbols that cannot be")
    lengths, place = _lengths(code, first, last)
    table, longer = _table(lengths)
    stream = code[place : place + (bits + 7) // 8]
    found: list[int] = []
    window = held = at = 0  # bits that were taken from the stream, and how many of them are left
    left = bits
    while left > 0:
        if held <= LONGEST_CODE + 8:  # a code and the length of a run
            window = (window & ((1 << held) - 1)) << 64 | int.from_bytes(stream[at : at + 8].ljust(8, b"\0"))
            held, at = held + 64, at + 8
        known = table.get((window >> (held - LOOKED_UP)) & ((1 << LOOKED_UP) - 1))
        if known is None:
            known = _long(window, held, longer)
        length, symbol = known
        if at > len(stream) + 24:  # zeros that were read ahead
            raise ValueError("a code ends early")
        held, left = held - length, left - length
        if symbol == last:
            held, left = held - 8, left - 8
            found += found[-1:] * ((window >> held) & 255)
        else:
            found.append(symbol)
        if len(found) > count:
            raise ValueError("a code has more symbols than there are samples")
    if len(found) != count:
        raise ValueError("a code ends before the last sample")
    return np.array(found, np.int64)


def _long(window: int, held: int, longer: dict[tuple[int, int], int]) -> tuple[int, int]:
    for length in range(LOOKED_UP + 1, LONGEST_CODE + 1):
        symbol = longer.get((length, (window >> (held - length)) & ((1 << length) - 1)))
        if symbol is not None:
            return length, symbol
    raise ValueError("bits that are no code")


def _lengths(code: bytes, first: int, last: int) -> tuple[dict[int, int], int]:
    """How many bits each symbol has that occurs; where the symbols begin."""
    lengths: dict[int, int] = {}
    symbol, at = first, 20
    held = held_bits = 0

    def bits(number: int) -> int:
        nonlocal held, held_bits, at
        while held_bits < number:
            held, held_bits, at = (held << 8 | code[at]) & 0xFFFF, held_bits + 8, at + 1
        held_bits -= number
        return (held >> held_bits) & ((1 << number) - 1)

    while symbol <= last:
        length = bits(6)
        if length == LONG_RUN:
            symbol += bits(8) + LONG_RUN - SHORT_RUN + 2
        elif length >= SHORT_RUN:
            symbol += length - SHORT_RUN + 2
        else:
            if length:
                lengths[symbol] = length
            symbol += 1
    return lengths, at


def _table(lengths: dict[int, int]) -> tuple[dict[int, tuple[int, int]], dict[tuple[int, int], int]]:
    """Length and symbol by the next LOOKED_UP bits; symbol by length and code where that is longer."""
    if sum(1 << (LONGEST_CODE - length) for length in lengths.values()) > 1 << LONGEST_CODE:
        raise ValueError("more codes than there can be")
    counts = [0] * (LONGEST_CODE + 1)
    for length in lengths.values():
        counts[length] += 1
    following, code = [0] * (LONGEST_CODE + 1), 0
    for length in range(LONGEST_CODE, 0, -1):
        following[length] = code
        code = (code + counts[length]) >> 1
    table: dict[int, tuple[int, int]] = {}
    longer: dict[tuple[int, int], int] = {}
    for symbol, length in sorted(lengths.items()):
        code = following[length]
        following[length] += 1
        if length > LOOKED_UP:
            longer[length, code] = symbol
        else:
            rest = LOOKED_UP - length
            table.update(dict.fromkeys(range(code << rest, (code + 1) << rest), (length, symbol)))
    return table, longer


def _waved_back(plane: Words, has_sign: bool) -> None:
    """The inverse wavelet, in place, from the coarsest step to single pixels."""
    height, width = plane.shape
    both = _with_sign if has_sign else _modulo
    step = 1 << (min(height, width).bit_length() - 1)
    while step > 1:
        half = step // 2
        rows, columns = height // step, width // step
        top, bottom = slice(0, rows * step, step), slice(half, rows * step, step)
        left, right = slice(0, columns * step, step), slice(half, columns * step, step)
        upper_left, lower_left = both(plane[top, left], plane[bottom, left])
        upper_right, lower_right = both(plane[top, right], plane[bottom, right])
        plane[top, left], plane[top, right] = both(upper_left, upper_right)
        plane[bottom, left], plane[bottom, right] = both(lower_left, lower_right)
        if width & half:
            column = columns * step
            plane[top, column], plane[bottom, column] = both(plane[top, column], plane[bottom, column])
        if height & half:
            row = rows * step
            plane[row, left], plane[row, right] = both(plane[row, left], plane[row, right])
        step = half


def _with_sign(mean: Words, difference: Words) -> tuple[Words, Words]:
    mean, difference = ((each ^ 0x8000) - 0x8000 for each in (mean, difference))
    one = mean + (difference & 1) + (difference >> 1)
    return one & 0xFFFF, (one - difference) & 0xFFFF


def _modulo(mean: Words, difference: Words) -> tuple[Words, Words]:
    other = (mean - (difference >> 1)) & 0xFFFF
    return (difference + other - 0x8000) & 0xFFFF, other
