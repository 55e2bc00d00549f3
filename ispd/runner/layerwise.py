"""A network on a frame that is too large to be run at once, in bounded memory, and yet as if it were.

The published networks take statistics of the whole frame at every layer, and where their samples lie depends on its
size.  Tiles that are run by themselves therefore show seams and other colors.  Here every layer is run over the whole
frame, in strips of rows, before the next one begins: maps are kept as they come out of the convolution, their mean and
deviation are gathered on the way, and applied when the next layer reads.  Nothing is computed twice, no statistic is
guessed, and the picture is the whole frame's but for rounding.  Maps that find no room in memory lie in a file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ispd.nets.blocks import IEM, SLOPE, Conv, Multi, Run, SimAM, Up, simam
from ispd.nets.checkpoint import Network
from ispd.runner.store import Memory, Room, Shape, Store

ROOM = 1700 << 20  # bytes of maps: with the libraries, the weights and a strip, 2.5 GiB in all
STRIP = 12 << 20  # bytes of a strip as a convolution reads it: larger ones leave the cache between two passes
FEWEST_ROWS = 16  # as many as the largest filter looks away, twice

Change: TypeAlias = Callable[[Tensor], Tensor]  # of values, place by place


class Map(Protocol):
    """A feature map, (1, channels, height, width), that is read in strips of rows."""

    @property
    def shape(self) -> Shape:
        """Channels, height, width."""

    def rows(self, top: int, bottom: int) -> Tensor:
        """(1, channels, bottom - top, width), in the precision that is computed in; not to be changed."""


@dataclass(frozen=True)
class Stored:
    """Kept; `changes` are made to what is read."""

    store: Store
    changes: tuple[Change, ...] = ()

    @property
    def shape(self) -> Shape:
        return self.store.shape

    def rows(self, top: int, bottom: int) -> Tensor:
        strip = self.store.read(top, bottom)
        for change in self.changes:
            strip = change(strip)
        return strip

    def changed(self, change: Change) -> Stored:
        return Stored(self.store, (*self.changes, change))


@dataclass(frozen=True)
class Joined:
    """Maps of one size, one after the other in the channels."""

    parts: tuple[Map, ...]

    @property
    def shape(self) -> Shape:
        shapes = [part.shape for part in self.parts]
        return sum(channels for channels, _, _ in shapes), *shapes[0][1:]

    def rows(self, top: int, bottom: int) -> Tensor:
        return torch.cat([part.rows(top, bottom) for part in self.parts], 1)


@dataclass(frozen=True)
class Doubled:
    """Twice as large, bilinear; the corners of the whole map stay where they are."""

    source: Map

    @property
    def shape(self) -> Shape:
        channels, height, width = self.source.shape
        return channels, 2 * height, 2 * width

    def rows(self, top: int, bottom: int) -> Tensor:
        _, height, width = self.source.shape
        place = torch.arange(top, bottom, dtype=torch.float64) * ((height - 1) / (2 * height - 1))
        above = place.floor().long()
        below = (above + 1).clamp(max=height - 1)
        first, last = int(above[0]), int(below[-1])
        source = self.source.rows(first, last + 1)
        wide = F.interpolate(source, size=(last + 1 - first, 2 * width), mode="bilinear", align_corners=True)
        share = (place - above).to(wide)[:, None]
        lines = wide.permute(0, 2, 3, 1).reshape(wide.shape[2], -1)  # whole rows, which are moved at once
        above, below = ((index - first).to(wide.device) for index in (above, below))
        mixed = torch.lerp(lines.index_select(0, above), lines.index_select(0, below), share)
        return mixed.view(1, bottom - top, 2 * width, -1).permute(0, 3, 1, 2)


@dataclass
class Tally:
    """Mean and variance of channels, put together from strips (T. Chan et al., 1979), in float64."""

    count: int = 0
    mean: Tensor = field(default_factory=lambda: torch.zeros(()))
    squares: Tensor = field(default_factory=lambda: torch.zeros(()))  # of the deviations from the mean

    def add(self, strip: Tensor) -> None:
        """(1, channels, rows, width)."""
        pixels = strip.permute(0, 2, 3, 1).flatten(0, 2)
        count = self.count + len(pixels)
        mean = pixels.mean(0)
        squares = (pixels - mean).square_().sum(0).double()
        mean = mean.double()
        off = mean - self.mean.to(mean)
        self.squares = self.squares.to(mean) + squares + off**2 * (self.count * len(pixels) / count)
        self.mean = self.mean.to(mean) + off * (len(pixels) / count)
        self.count = count

    def variance(self, correction: int = 0) -> Tensor:
        return self.squares / (self.count - correction)


@dataclass
class Strips(Run[Map]):
    """Runs a network's modules over maps of the precision and on the device of `like`; `beat` shows life."""

    like: Tensor
    beat: Callable[[], None]
    room: Room
    strip: int = STRIP

    def __call__(self, module: nn.Module, *maps: Map) -> Map:
        source = self.join(*maps)
        del maps
        match module:
            case Multi():
                firsts = self._convolved([first for first, _ in module.pairs()], source)
                del source
                seconds = [second for _, second in module.pairs()]
                # each over its first: a layer's maps need no more room than its input and its output have
                return self.join(*(self._over(second, first) for second, first in zip(seconds, firsts, strict=True)))
            case Conv():
                return self._convolved([module], source)[0]
            case Up():
                return self._convolved([module], Doubled(source))[0]
            case nn.MaxPool2d():
                return self._pooled(source)
            case nn.Sigmoid():
                return _stored(source).changed(torch.sigmoid)
            case IEM():
                return self._gated(module, _stored(source))
            case SimAM():
                parts = source.parts if isinstance(source, Joined) else (source,)
                return self.join(*(self._outstanding(_stored(part)) for part in parts))
            case _:  # attention at the deep levels, whose maps are small
                return self._kept(module(source.rows(0, source.shape[1])))

    def join(self, *maps: Map) -> Map:
        parts = tuple(part for each in maps for part in (each.parts if isinstance(each, Joined) else (each,)))
        return parts[0] if len(parts) == 1 else Joined(parts)

    def sum(self, one: Map, other: Map) -> Map:
        """Written over `one`."""
        parts = [_stored(part) for part in (one.parts if isinstance(one, Joined) else (one,))]
        for top, bottom in self._cuts(other):
            total = torch.split(other.rows(top, bottom), [part.shape[0] for part in parts], 1)
            for part, more in zip(parts, total, strict=True):
                part.store.write(top, part.rows(top, bottom) + more)
            self.beat()
        return self.join(*(Stored(part.store) for part in parts))

    def _convolved(self, convs: Sequence[Conv | Up], source: Map) -> list[Map]:
        """What each of these convolutions makes of the source, which is read once."""
        _, height, width = source.shape
        made = [self.room.new((conv.conv2d.out_channels, height, width), self.like) for conv in convs]
        tallies = [Tally() for _ in convs]
        widest = max(conv.conv2d.kernel_size[0] for conv in convs) // 2
        for top, bottom in self._cuts(source):
            padded = _padded(source, top, bottom, widest)
            for conv, store, tally in zip(convs, made, tallies, strict=True):
                store.write(top, _filtered(conv, padded, widest, tally))
            self.beat()
        return [_finished(conv, store, tally) for conv, store, tally in zip(convs, made, tallies, strict=True)]

    def _over(self, conv: Conv, source: Map) -> Map:
        """What a convolution makes of a kept map of as many channels, written over it."""
        store, tally = _stored(source).store, Tally()
        late: tuple[int, Tensor] | None = None  # a strip is written when the next one has been read
        for top, bottom in self._cuts(source):
            padded = _padded(source, top, bottom, conv.pad)
            if late is not None:
                store.write(*late)
            late = top, _filtered(conv, padded, conv.pad, tally)
            self.beat()
        if late is not None:
            store.write(*late)
        return _finished(conv, store, tally)

    def _pooled(self, source: Map) -> Map:
        channels, height, width = source.shape
        store = self.room.new((channels, height // 2, width // 2), self.like)
        for top, bottom in self._cuts(source):
            store.write(top // 2, F.max_pool2d(source.rows(top, bottom), 2))
            self.beat()
        return Stored(store)

    def _gated(self, module: IEM, source: Stored) -> Map:
        """Written over the source, as `_over`."""
        gate = module.gate(self._tally(source).mean[None].to(self.like))
        late: tuple[int, Tensor] | None = None
        for top, bottom in self._cuts(source):
            padded = _padded(source, top, bottom, 1)
            if late is not None:
                source.store.write(*late)
            late = top, padded[:, :, 1:-1, 1:-1] * torch.sigmoid_(module.conv1(padded)) * gate
            self.beat()
        if late is not None:
            source.store.write(*late)
        return Stored(source.store)

    def _outstanding(self, source: Stored) -> Map:
        tally = self._tally(source)
        mean, variance = (each.to(self.like)[:, None, None] for each in (tally.mean, tally.variance(1)))
        return source.changed(lambda strip: simam(strip, mean, variance))

    def _tally(self, source: Map) -> Tally:
        tally = Tally()
        for top, bottom in self._cuts(source):
            tally.add(source.rows(top, bottom))
            self.beat()
        return tally

    def _kept(self, whole: Tensor) -> Map:
        _, channels, height, width = whole.shape
        store = self.room.new((channels, height, width), self.like)
        store.write(0, whole)
        self.beat()
        return Stored(store)

    def _cuts(self, source: Map) -> list[tuple[int, int]]:
        """Where strips begin and end, an even number of rows each."""
        channels, height, width = source.shape
        rows = max(FEWEST_ROWS, self.strip // (4 * channels * width)) // 2 * 2
        return [(top, min(top + rows, height)) for top in range(0, height, rows)]


def _stored(source: Map) -> Stored:
    assert isinstance(source, Stored)
    return source


def _padded(source: Map, top: int, bottom: int, pad: int) -> Tensor:
    """Rows with `pad` more on all sides, mirrored only where the frame ends."""
    channels, height, width = source.shape
    first, last = max(0, top - pad), min(height, bottom + pad)
    parts = [part.rows(first, last) for part in (source.parts if isinstance(source, Joined) else (source,))]
    # each part is copied once, to where the convolution reads it: joining and padding would be a copy each
    padded = parts[0].new_empty((1, bottom - top + 2 * pad, width + 2 * pad, channels)).permute(0, 3, 1, 2)
    above, at = first - (top - pad), 0
    for part in parts:
        padded[:, at : at + part.shape[1], above : above + last - first, pad : pad + width] = part
        at += part.shape[1]
    for step in range(1, pad + 1):
        padded[:, :, :, pad - step] = padded[:, :, :, pad + step]
        padded[:, :, :, pad + width - 1 + step] = padded[:, :, :, pad + width - 1 - step]
    below = above + last - first - 1
    for step in range(1, above + 1):
        padded[:, :, above - step] = padded[:, :, above + step]
    for step in range(1, bottom + pad - last + 1):
        padded[:, :, below + step] = padded[:, :, below - step]
    return padded


def _filtered(conv: Conv | Up, padded: Tensor, pad: int, tally: Tally) -> Tensor:
    """One strip's convolution: tallied where a norm follows, else activated."""
    spare = pad - conv.conv2d.kernel_size[0] // 2
    height, width = padded.shape[2:]
    made: Tensor = conv.conv2d(padded[:, :, spare : height - spare, spare : width - spare])
    if isinstance(conv, Conv) and conv.instance is not None:
        tally.add(made)
        return made
    return F.leaky_relu_(made, SLOPE) if isinstance(conv, Up) or conv.act else made


def _finished(conv: Conv | Up, store: Store, tally: Tally) -> Map:
    """With the norm and the activation that had to wait for the whole frame's statistics."""
    norm = conv.instance if isinstance(conv, Conv) else None
    if norm is None:
        return Stored(store)
    scale = norm.weight.double() / (tally.variance() + norm.eps).sqrt()
    shift = (norm.bias.double() - tally.mean * scale).to(norm.bias)[:, None, None]
    scale = scale.to(norm.bias)[:, None, None]
    return Stored(store, (lambda strip: F.leaky_relu_(torch.addcmul(shift, strip, scale), SLOPE),))


def picture(network: Network, packed: Tensor, beat: Callable[[], None], room: int = ROOM, strip: int = STRIP) -> Map:
    """(1, 3, 2H/2^level, 2W/2^level), sRGB-encoded, of planes (4, H, W) in the network's precision, on its device.

    The sides of `packed` must be what the network takes.  Maps take at most `room` bytes of memory.
    Raises CannotCreate where the disk has no room for the others.
    """
    run = Strips(packed, beat, Room(room), strip)
    return network.flow(run.join(Stored(Memory(packed[None]))), run)
