"""Reference: a finished picture as light, and its means over boxes of the sensor.

Takes   code values as stored, and what they mean (ispd.decode.pictures); everything else is linear light
Gives   display-linear Rec.2020: the profile's curves and primaries are undone, and a mean is a mean of light
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ispd.decode.cell import Finished
from ispd.decode.pictures import Codes
from ispd.isp.color.spaces import PRIMARIES, rgb_from_rec2020
from ispd.isp.color.transfer import encode
from ispd.isp.stages.orient import MOVES, orient
from ispd.orders import Space

WORKING = 1500  # pixels of the long edge at least kept: a cell then has about 3 × 3
TINGE = 0.02  # of the brightest channel: less is JPEG's rounding
NEARLY = 1 / 255  # of the scale: JPEG's noise around a clipped value
LUMINANCE = (0.2627, 0.6780, 0.0593)  # ITU-R BT.2020 table 4


@dataclass(frozen=True)
class Reference:
    """A reference as it is stored; `upright` turns it as its tag says."""

    codes: Codes  # (channels, H, W) upright
    tables: tuple[NDArray[np.float32], ...]  # each channel's light at every code
    rec2020: Tensor  # (3, channels): takes light

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, upright."""
        return self.codes.shape[1], self.codes.shape[2]

    def laid_size(self, orientation: int) -> tuple[int, int]:
        """Height and width as the sensor lay."""
        return _turned_back(self.codes, orientation).shape[1:]

    @classmethod
    def of(cls, finished: Finished) -> Reference:
        """The picture upright, by its own tag."""
        upright = orient(finished.codes.transpose(1, 2, 0), finished.meaning.orientation).transpose(2, 0, 1)
        rec2020 = torch.tensor(finished.meaning.rec2020, dtype=torch.float32)
        return cls(upright, _tables(finished), rec2020)

    def laid(self, orientation: int, working: int = WORKING) -> Laid:
        """As the sensor lay whose upright picture this is; reduced by whole pixels to no less than `working`."""
        codes = _turned_back(self.codes, orientation)
        _, height, width = codes.shape
        times = max(1, max(height, width) // working)
        light = [_reduced(plane, table, times) for plane, table in zip(codes, self.tables, strict=True)]
        some = codes[:, : height // times * times : times, : width // times * times : times]  # one of a box
        top = np.iinfo(codes.dtype).max
        low, high = some <= round(top * NEARLY), some >= round(top * (1 - NEARLY))
        return Laid(
            torch.stack(light), torch.from_numpy(low), torch.from_numpy(high), self.rec2020, times, height, width
        )

    def windows(self, orientation: int, left_top: NDArray[np.int64], side: int) -> Tensor:
        """(n, side, side) lightness (encoded luminance) of windows of the picture as the sensor lay, pixel by pixel.

        `left_top`: (n, 2) their corners.
        """
        codes = _turned_back(self.codes, orientation)
        light = torch.zeros(len(left_top), side, side)
        for plane, table, weight in zip(codes, self.tables, _weights(self.rec2020).tolist(), strict=True):
            cut = [table.take(plane[top : top + side, left : left + side]) for left, top in left_top]
            light += weight * torch.from_numpy(np.stack(cut))
        return encode(light.clamp(0, 1), "srgb")


@dataclass(frozen=True)
class Laid:
    """A reference as the sensor lay: linear in its own primaries, `times` × `times` pixels of the file averaged."""

    light: Tensor  # (channels, h, w)
    low: Tensor  # (channels, h, w) bool: the code is the least, as far as JPEG tells …
    high: Tensor  # … or the greatest
    rec2020: Tensor
    times: int
    height: int  # in pixels of the file
    width: int

    @cached_property
    def sums(self) -> Tensor:
        """(channels, h + 1, w + 1) float64: light from the top left corner to every corner of pixels."""
        return _sums(self.light)

    @cached_property
    def luminance_sums(self) -> Tensor:
        """(1, h + 1, w + 1)"""
        return torch.einsum("c,chw->hw", self.weights.to(self.sums), self.sums)[None]

    @property
    def luminance(self) -> Tensor:
        """(h, w)"""
        return torch.einsum("c,chw->hw", self.weights, self.light)

    @property
    def weights(self) -> Tensor:
        """What each channel's light adds to luminance."""
        return _weights(self.rec2020)

    @property
    def space(self) -> Space:
        """The output space whose primaries are nearest to its own: what it could not show, no look needs to."""
        if self.rec2020.shape[1] == 1:
            return "srgb"
        mine = self.rec2020.numpy()
        return min(PRIMARIES, key=lambda space: float(np.abs(np.linalg.inv(rgb_from_rec2020(space)) - mine).sum()))

    @property
    def is_grey(self) -> bool:
        """Black and white, stored as one channel or as three that are alike; a toned picture is color."""
        if len(self.light) == 1:
            return True
        spread = self.light.amax(0) - self.light.amin(0)
        return bool((spread > TINGE * self.light.amax(0).clamp(min=TINGE)).float().mean() < 0.002)


def _weights(rec2020: Tensor) -> Tensor:
    return rec2020.new_tensor(LUMINANCE) @ rec2020


def _turned_back(planes: Codes, orientation: int) -> Codes:
    """The inverse of the stage `orient`, on (channels, H, W)."""
    swapped, rows, columns = MOVES.get(orientation, MOVES[1])
    laid = planes[:, :: -1 if rows else 1, :: -1 if columns else 1]
    return laid.swapaxes(1, 2) if swapped else laid


def _tables(finished: Finished) -> tuple[NDArray[np.float32], ...]:
    count = np.iinfo(finished.codes.dtype).max + 1
    at = np.linspace(0, 1, count)
    entries = np.linspace(0, 1, finished.curves.shape[1])
    return tuple(np.interp(at, entries, curve).astype(np.float32) for curve in finished.curves)


def _reduced(plane: Codes, table: NDArray[np.float32], times: int) -> Tensor:
    """Means of `times` × `times` pixels' light; a rest at the right and bottom edge is left out."""
    height, width = plane.shape[0] // times * times, plane.shape[1] // times * times
    total = np.zeros((height // times, width // times), np.float32)
    for row in range(times):
        for column in range(times):
            total += table.take(plane[row:height:times, column:width:times])
    return torch.from_numpy(total / times**2)


@dataclass(frozen=True)
class Boxes:
    """A reference's means over boxes: the wanted half of a sample."""

    light: Tensor  # (3, h, w) display-linear Rec.2020
    inside: Tensor  # (h, w) bool: the whole box lies in the reference


def on_boxes(laid: Laid, center: Tensor, half: Tensor) -> Boxes:
    """Means over the boxes center ± half, (2, h, w) each: x and y in pixels of the file from its top left corner.

    Exact for boxes that lie straight, by sums from the top left corner (F. Crow, SIGGRAPH 1984).
    """
    first, last = (center - half) / laid.times, (center + half) / laid.times
    _, height, width = laid.light.shape
    sums = laid.sums
    left, top = first[0].clamp(0, width), first[1].clamp(0, height)
    right, bottom = last[0].clamp(0, width), last[1].clamp(0, height)
    total = _within(sums, left, top, right, bottom)
    means = (total / ((right - left) * (bottom - top)).clamp(min=1e-3)).to(torch.float32)
    slack = 0.25  # of a pixel: the very edge is in the picture, however it was registered
    inside = (first.amin(0) >= -slack) & (last[0] <= width + slack) & (last[1] <= height + slack)
    light = torch.einsum("kc,chw->khw", laid.rec2020, means)
    return Boxes(light, inside)


def clipped_on_boxes(laid: Laid, center: Tensor, half: Tensor) -> tuple[Tensor, Tensor]:
    """(3, h, w) each: the share of the same boxes' pixels at the least code, and at the greatest."""
    first, last = (center - half) / laid.times, (center + half) / laid.times
    low, high = (_share(mask, first, last).expand(3, -1, -1) for mask in (laid.low, laid.high))
    return low, high


def on_luminance(laid: Laid, center: Tensor, half: Tensor) -> tuple[Tensor, Tensor]:
    """(h, w) luminance means over such boxes, and which of them the reference holds at least half of."""
    at = center / laid.times
    _, height, width = laid.light.shape
    inside = (at.amin(0) >= 0) & (at[0] <= width) & (at[1] <= height)
    first, last = (center - half) / laid.times, (center + half) / laid.times
    left, right = (edge[0].clamp(0, width) for edge in (first, last))
    top, bottom = (edge[1].clamp(0, height) for edge in (first, last))
    sums = laid.luminance_sums
    total = _within(sums, left, top, right, bottom)
    means = total[0] / ((right - left) * (bottom - top)).clamp(min=1e-3)
    return means.to(torch.float32), inside


def _sums(planes: Tensor) -> Tensor:
    """(channels, h + 1, w + 1) float64, by numpy, whose running sums are many times as fast; down, row upon row is."""
    channels, height, width = planes.shape
    sums = np.zeros((channels, height + 1, width + 1))
    for plane, summed in zip(planes.numpy(), sums, strict=True):
        np.cumsum(plane, axis=1, dtype=np.float64, out=summed[1:, 1:])
        for above, row in pairwise(summed):
            row += above
    return torch.from_numpy(sums)


def _within(sums: Tensor, left: Tensor, top: Tensor, right: Tensor, bottom: Tensor) -> Tensor:
    """The sums inside boxes; those that lie in straight rows and columns go one direction after the other."""
    if bool((left == left[:1]).all() and (top == top[:, :1]).all()):
        rows = _along(sums, bottom[:, 0], 1) - _along(sums, top[:, 0], 1)
        return _along(rows, right[0], 2) - _along(rows, left[0], 2)
    return _at(sums, right, bottom) - _at(sums, left, bottom) - _at(sums, right, top) + _at(sums, left, top)


def _along(sums: Tensor, edges: Tensor, dim: int) -> Tensor:
    """The sums up to edges along one dimension, linear between pixels' own."""
    lower = edges.floor().long().clamp(max=sums.shape[dim] - 2)
    part = (edges - lower).to(sums)[:, None] if dim == 1 else (edges - lower).to(sums)
    return torch.lerp(sums.index_select(dim, lower), sums.index_select(dim, lower + 1), part)


def _at(sums: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The sums up to points between pixels' corners: bilinear, which is exact for pixels that are flat squares."""
    column, row = x.floor().long().clamp(max=sums.shape[2] - 2), y.floor().long().clamp(max=sums.shape[1] - 2)
    right, down = (x - column).to(sums), (y - row).to(sums)
    flat, width = sums.flatten(1), sums.shape[2]
    index = (row * width + column).flatten()
    corners = [flat[:, index + shift].reshape(len(sums), *x.shape) for shift in (0, 1, width, width + 1)]
    above, below = torch.lerp(corners[0], corners[1], right), torch.lerp(corners[2], corners[3], right)
    return torch.lerp(above, below, down)


def _share(mask: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """(channels, h, w): how many of a box's nine points lie on a pixel of the mask."""
    _, height, width = mask.shape
    total = torch.zeros(len(mask), *first.shape[1:])
    for down in (1, 3, 5):
        for right in (1, 3, 5):
            column = torch.lerp(first[0], last[0], right / 6).long().clamp(0, width - 1)
            row = torch.lerp(first[1], last[1], down / 6).long().clamp(0, height - 1)
            total += mask[:, row, column]
    return total / 9
