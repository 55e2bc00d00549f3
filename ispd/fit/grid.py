"""Grid: a raw's light, and a reference's, as means over the same boxes of the sensor.

    stored codes ─ levels, the file's maps ▶ fine boxes (one repeat of the filter array) ─ warp ▶ cells

The stages of the render make the light; what is new here is only the averaging.  A color's sites do not lie in the
middle of their box (red of an RGGB array half a pixel up and left): each color is moved to the middle, by less than a
box.  What has clipped is averaged as the stage `highlights` would see it: a cell's ceiling is set so that the cell is
as far run out as its sites are on average, so a cell whose sites have all clipped lies at its ceiling.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ispd.isp.look import Corrections
from ispd.isp.pattern import planes_of_sites, repeat
from ispd.isp.stages.highlights import GONE, ONSET, run_out
from ispd.isp.stages.levels import levels
from ispd.isp.stages.opcodes import flatten, lens, warps
from ispd.isp.values import (
    Area,
    DeltaPerRow,
    GainMap,
    MapPolynomial,
    MapTable,
    Opcode,
    Raw,
    Shot,
    WarpRadial,
    WarpRectilinear,
    Window,
)

ROWS = 384  # of the sensor at once: the temporaries stay in the cache
LEAST_CEILING = 1e-4


@dataclass(frozen=True)
class Fine:
    """Means over fine boxes of the active area, (colors, h, w); `side` pixels a box, before white balance."""

    light: Tensor
    spent: Tensor  # how far run out, 0…1
    ceiling: Tensor  # the mean ceiling
    side: int
    place: Tensor  # (2, h, w) x and y of each box's center on the sensor, from the active area's center, in pixels


def fine_boxes(samples: Tensor, shot: Shot, hypotheses: Sequence[Corrections]) -> list[Fine]:
    """`samples` are stored codes after opcode list 1, (planes, H, W); the shot is surveyed.  One for each hypothesis.

    Rows and columns that fill no box are left out.  Opcode list 3 acts on the boxes: its vignetting as gains, its warp
    by moving them.
    """
    side = _side(shot)
    strips: dict[str, list[tuple[Tensor, Tensor, Tensor]]] = {corrections.shading: [] for corrections in hypotheses}
    by_shading = {corrections.shading: corrections for corrections in hypotheses}
    for raw, top in _strips(samples, shot, side):
        for shading, corrections in by_shading.items():
            strips[shading].append(_binned(raw, top, shot, side, corrections))
    found = []
    for corrections in hypotheses:
        light, spent, ceiling = (torch.cat(parts, dim=1) for parts in zip(*strips[corrections.shading], strict=True))
        boxes = Fine(_centered(light, shot), spent, ceiling, side, _places(light, side, shot))
        found.append(_lensed(boxes, shot, corrections))
    return found


def _side(shot: Shot) -> int:
    """Pixels of a fine box: one repeat of the filter array; of a file without one, two pixels, as of Bayer's."""
    return repeat(shot.cfa) if shot.cfa else 2


def _strips(samples: Tensor, shot: Shot, side: int) -> Iterator[tuple[Raw, int]]:
    """Light of the active area, whole boxes each, and the strip's first row."""
    active = shot.active
    rows = ROWS // side * side
    for top in range(0, active.height // side * side, rows):
        bottom = min(top + rows, active.height // side * side)
        codes = samples[:, active.top + top : active.top + bottom, active.left : active.right].to(torch.float32)
        yield levels(codes, shot.levels, Window(top, active.height, active.width)), top


def _binned(raw: Raw, top: int, shot: Shot, side: int, corrections: Corrections) -> tuple[Tensor, Tensor, Tensor]:
    """Light, how far run out, and ceiling of each color in each box.

    Each site of a box is a picture of its own, a `side`-th as large, and opcode list 2 acts on it as on any.
    """
    planes, height, width = raw.samples.shape
    height, width = height // side, width // side
    window = Window(top // side, shot.active.height // side, shot.active.width // side)
    sites = planes_of_sites(shot.cfa, shot.colors).numpy() if shot.cfa else np.zeros((side, side), np.int64)
    colors = len(shot.colors) if shot.cfa else planes
    sums = [raw.samples.new_zeros(colors, height, width) for _ in range(3)]
    for (row, column), color in np.ndenumerate(sites):
        parts = (
            plane[:, row : height * side : side, column : width * side : side] for plane in (raw.samples, raw.ceiling)
        )
        opcodes = tuple(on for opcode in shot.opcodes2 if (on := _on_site(opcode, row, column, side)) is not None)
        one = flatten(Raw(*parts), opcodes, window, corrections)
        spent = run_out(one) if bool(one.samples.amax() >= ONSET * one.ceiling.amin()) else None
        where = slice(color, color + 1) if shot.cfa else slice(None)
        for total, part in zip(sums, (one.samples, spent, one.ceiling), strict=True):
            if part is not None:
                total[where] += part
    counts = np.bincount(sites.ravel(), minlength=colors) if shot.cfa else np.full(colors, side**2)
    shares = torch.from_numpy(1.0 / counts).to(raw.samples)[:, None, None]
    light, spent_share, ceiling = (total.mul_(shares) for total in sums)
    return light, spent_share, ceiling


def _on_site(opcode: Opcode, row: int, column: int, side: int) -> Opcode | None:
    """The opcode as the picture of one site of every box sees it; None where it leaves that site alone."""
    if not isinstance(opcode, GainMap | MapTable | MapPolynomial | DeltaPerRow):
        return opcode
    region = opcode.region
    if (row - region.area.top) % max(1, min(region.row_pitch, side)):
        return None
    if (column - region.area.left) % max(1, min(region.col_pitch, side)):
        return None
    return _on_boxes(opcode, side, row, column)


def _places(light: Tensor, side: int, shot: Shot) -> Tensor:
    _, height, width = light.shape
    y = (torch.arange(height) + 0.5) * side - shot.active.height / 2
    x = (torch.arange(width) + 0.5) * side - shot.active.width / 2
    return torch.stack(torch.meshgrid(x, y, indexing="xy"))


def _centered(light: Tensor, shot: Shot) -> Tensor:
    """Every color moved to the middle of its boxes, linear between neighbors."""
    if not shot.cfa:
        return light
    sites = planes_of_sites(shot.cfa, shot.colors)
    side = len(sites)
    at = torch.arange(side) - (side - 1) / 2
    moved = []
    for color, plane in enumerate(light):
        mask = (sites == color).to(plane)
        down, right = ((mask.sum(dim) * at).sum() / mask.sum() / side for dim in (1, 0))
        moved.append(_fetched(_fetched(plane, -float(down), 0), -float(right), 1))
    return torch.stack(moved)


def _fetched(plane: Tensor, by: float, dim: int) -> Tensor:
    """Each value from `by` boxes further along `dim`, |by| < 1; beyond the edge the edge goes on."""
    if by == 0:
        return plane
    count = plane.shape[dim]
    neighbor = (torch.arange(count) + (1 if by > 0 else -1)).clamp(0, count - 1)
    return torch.lerp(plane, plane.index_select(dim, neighbor), abs(by))


def _lensed(fine: Fine, shot: Shot, corrections: Corrections) -> Fine:
    """Opcode list 3; light and ceiling alike, so that it stays known how far a box has run out."""
    window = Window(0, *fine.light.shape[-2:])
    opcodes = tuple(_on_boxes(opcode, fine.side, fine.side // 2, fine.side // 2) for opcode in shot.opcodes3)
    light = lens(fine.light, opcodes, window, corrections)
    if light is fine.light:
        return fine
    ceiling = lens(fine.ceiling, opcodes, window, corrections)
    if not warps(opcodes, corrections):
        return replace(fine, light=light, ceiling=ceiling)
    moves = tuple(opcode for opcode in opcodes if isinstance(opcode, WarpRectilinear | WarpRadial))
    spent, place = (lens(planes, moves, window, corrections) for planes in (fine.spent, fine.place))
    return replace(fine, light=light, ceiling=ceiling, spent=spent.clamp(0, 1), place=place)


def _on_boxes(opcode: Opcode, side: int, row: int, column: int) -> Opcode:
    """The opcode as a picture sees it that has one pixel of every box, there; what is relative stays."""
    if not isinstance(opcode, GainMap | MapTable | MapPolynomial | DeltaPerRow):
        return opcode
    region, area = opcode.region, opcode.region.area
    boxes = Area(area.top // side, area.left // side, -(-area.bottom // side), -(-area.right // side))
    if isinstance(opcode, DeltaPerRow):
        along_row = opcode.along == "row"
        first, last, offset = (
            (boxes.top, boxes.bottom, row - area.top) if along_row else (boxes.left, boxes.right, column - area.left)
        )
        pitch = max(1, region.row_pitch if along_row else region.col_pitch)
        neutral = 0.0 if opcode.operation == "add" else 1.0
        at = [(number * side + offset) // pitch for number in range(first, last)]
        values = tuple(opcode.values[index] if 0 <= index < len(opcode.values) else neutral for index in at)
        opcode = msgspec.structs.replace(opcode, values=values)
    return msgspec.structs.replace(opcode, region=replace(region, area=boxes, row_pitch=1, col_pitch=1))


@dataclass(frozen=True)
class Cells:
    """Means over `times` × `times` fine boxes; the raw half of a sample."""

    light: Tensor  # (colors, h, w)
    ceiling: Tensor
    sunk: Tensor  # (h, w): the share of its boxes' colors that noise has taken to black or below
    cv: Tensor  # (h, w): standard deviation over mean of the boxes' luminance, how busy a cell is
    place: Tensor  # (2, h, w) in pixels
    pixels: int  # of a cell's side


def cells(fine: Fine, times: int, balance: Tensor) -> Cells:
    """`balance`: a factor a color, as white balance has it, for judging how busy a cell is."""
    light = F.avg_pool2d(fine.light[None], times)[0]
    spent = F.avg_pool2d(fine.spent[None], times)[0]
    ceiling = F.avg_pool2d(fine.ceiling[None], times)[0]
    luminance = (fine.light * balance[:, None, None]).mean(0)
    mean = F.avg_pool2d(luminance[None, None], times)[0, 0]
    square = F.avg_pool2d(luminance.square()[None, None], times)[0, 0]
    cv = (square - mean.square()).clamp(min=0).sqrt() / mean.clamp(min=1e-6)
    place = F.avg_pool2d(fine.place[None], times)[0]
    sunk = F.avg_pool2d((fine.light <= 0).float().mean(0)[None, None], times)[0, 0]
    return Cells(light, _ceiling(light, spent, ceiling), sunk, cv, place, fine.side * times)


def _ceiling(light: Tensor, spent: Tensor, ceiling: Tensor) -> Tensor:
    """The ceiling under which a cell's mean is as far run out as its sites are on average."""
    eased = 0.5 - torch.sin(torch.asin((1 - 2 * spent).clamp(-1, 1)) / 3)  # the inverse of 3t² - 2t³
    filled = torch.where(spent > 0.999, 1.0, ONSET + (GONE - ONSET) * eased)
    return torch.where(spent > 0, light / filled, ceiling).clamp(min=LEAST_CEILING)
