"""Where feature maps lie that are read and written in strips of rows: in memory while there is room, else in a file.

A file without a name, written and read a strip at a time: the system keeps of it what memory it can spare, and no more
of it is ours than the strip at hand.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import torch
from torch import Tensor

from ispd.errors import CannotCreate

Shape: TypeAlias = tuple[int, int, int]  # channels, height, width


class Store(Protocol):
    """Room for one map."""

    @property
    def shape(self) -> Shape:
        """Channels, height, width."""

    def read(self, top: int, bottom: int) -> Tensor:
        """(1, channels, bottom - top, width).  Not to be changed."""

    def write(self, top: int, strip: Tensor) -> None:
        """(1, channels, rows, width), from row `top` on.  Raises CannotCreate where the disk is full."""


@dataclass(frozen=True)
class Memory:
    """As a tensor, its channels side by side."""

    data: Tensor

    @property
    def shape(self) -> Shape:
        _, channels, height, width = self.data.shape
        return channels, height, width

    def read(self, top: int, bottom: int) -> Tensor:
        return self.data[:, :, top:bottom]

    def write(self, top: int, strip: Tensor) -> None:
        self.data[:, :, top : top + strip.shape[2]] = strip


class Disk:
    """In a file, which is gone with the object."""

    def __init__(self, shape: Shape, like: Tensor) -> None:
        self.shape = shape
        self._dtype, self._device = like.dtype, like.device
        self._row = shape[0] * shape[2] * like.dtype.itemsize
        folder = "/var/tmp" if os.access("/var/tmp", os.W_OK) else None  # /tmp is often memory
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        except OSError as error:
            raise _no_room(error) from error

    def read(self, top: int, bottom: int) -> Tensor:
        channels, _, width = self.shape
        strip = torch.empty((1, bottom - top, width, channels), dtype=self._dtype)
        bytes_left, place = strip.numpy().data.cast("B"), top * self._row
        while bytes_left:
            if not (count := os.preadv(self._file.fileno(), [bytes_left], place)):
                raise CannotCreate("a temporary file for a large frame has become shorter")
            bytes_left, place = bytes_left[count:], place + count
        return strip.permute(0, 3, 1, 2).to(self._device)

    def write(self, top: int, strip: Tensor) -> None:
        dense = strip.permute(0, 2, 3, 1).to("cpu", self._dtype).contiguous()
        bytes_left, place = dense.numpy().data.cast("B"), top * self._row
        try:
            while bytes_left:
                count = os.pwrite(self._file.fileno(), bytes_left, place)
                bytes_left, place = bytes_left[count:], place + count
        except OSError as error:
            raise _no_room(error) from error


def _no_room(error: OSError) -> CannotCreate:
    return CannotCreate(f"a frame too large for memory needs room in /var/tmp: {error.strerror}")


class Room:
    """So many bytes of memory for maps; what does not fit goes to the disk."""

    def __init__(self, most: int) -> None:
        self._free = most

    def new(self, shape: Shape, like: Tensor) -> Store:
        """Room for a map of the precision and on the device of `like`."""
        channels, height, width = shape
        size = channels * height * width * like.dtype.itemsize
        if size > self._free:
            return Disk(shape, like)
        data = torch.empty((1, height, width, channels), dtype=like.dtype, device=like.device)
        store = Memory(data.permute(0, 3, 1, 2))
        self._free -= size
        weakref.finalize(store, self._give_back, size)
        return store

    def _give_back(self, size: int) -> None:
        self._free += size
