"""Levels: which stored codes are black and white.

Where a file states no black level but has masked borders, black is what those recorded: `masked_areas` names them and
`black_from_masked` measures them once the samples are there.

Source  DNG 1.7.1 chapter 4: LinearizationTable, BlackLevel…, WhiteLevel, MaskedAreas; chapter 5: black by masked pixels
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ispd.decode.dng.codes import Tag
from ispd.decode.dng.layout import Layout
from ispd.decode.dng.tags import Ifd
from ispd.errors import PhotoError
from ispd.isp.values import Area, Levels, Shot

MOST_REPEAT = 16  # sides of a black level pattern; real ones have 1, 2 or 6
MOST_MASKS = 4  # DNG 1.7.1: readers need not support more
MOST_TABLE = 65_536


def read_levels(raw: Ifd, layout: Layout, active: Area, warnings: list[str]) -> Levels:
    """The levels of the stored codes, checked to make sense together.

    Adds a sentence to `warnings` for what had to be replaced.  Raises PhotoError where black is not below white, or
    where the linearization table makes everything one value.
    """
    table = _table(raw, layout)
    white = _white(raw, layout, table, warnings)
    black, shape = _black(raw, layout, warnings)
    delta_h = _deltas(raw, Tag.BlackLevelDeltaH, active.width, warnings)
    delta_v = _deltas(raw, Tag.BlackLevelDeltaV, active.height, warnings)
    highest = max(black) + max(delta_h, default=0.0) + max(delta_v, default=0.0)
    if highest >= min(white):
        raise PhotoError(f"the file calls {highest:g} black and {min(white):g} white: no picture lies between them")
    return Levels(black, shape, white, delta_h, delta_v, table)


def masked_areas(raw: Ifd, layout: Layout) -> tuple[Area, ...]:
    """The borders that saw no light, where black must be measured there: the file states no black level."""
    if Tag.BlackLevel in raw or Tag.MaskedAreas not in raw:
        return ()
    edges = raw.integers(Tag.MaskedAreas, 4 * MOST_MASKS)
    areas = (Area(*edges[i : i + 4]) for i in range(0, len(edges) // 4 * 4, 4))
    whole = Area(0, 0, layout.height, layout.width)
    return tuple(area for area in areas if _inside(area, whole))


def black_from_masked(shot: Shot, samples: NDArray[np.generic], areas: tuple[Area, ...]) -> Shot:
    """The shot with black measured in its masked borders: the median of each site of the mosaic's repeat.

    `samples` (planes, H, W) is the whole stored image.  The shot is given back as it is where a site has no masked
    sample, or where what was measured is not below white.
    """
    side = math.isqrt(len(shot.cfa)) or 1
    planes = samples.shape[0]
    measured = [
        _median(plane, areas, (shot.active.top + row) % side, (shot.active.left + column) % side, side)
        for row in range(side)
        for column in range(side)
        for plane in samples
    ]
    if not measured or any(math.isnan(m) for m in measured) or max(measured) >= min(shot.levels.white):
        return shot
    levels = replace(shot.levels, black=tuple(measured), black_shape=(side, side, planes))
    return replace(shot, levels=levels)


def _median(plane: NDArray[np.generic], areas: tuple[Area, ...], row: int, column: int, side: int) -> float:
    """Of the masked samples at that phase of the stored image; NaN where there are none."""
    parts = []
    for area in areas:
        top = area.top + (row - area.top) % side
        left = area.left + (column - area.left) % side
        parts.append(plane[top : area.bottom : side, left : area.right : side].ravel())
    joined = np.concatenate(parts) if parts else np.empty(0)
    return float(np.median(joined)) if joined.size else math.nan


def _inside(area: Area, whole: Area) -> bool:
    return 0 <= area.top < area.bottom <= whole.bottom and 0 <= area.left < area.right <= whole.right


def _table(raw: Ifd, layout: Layout) -> tuple[int, ...]:
    if Tag.LinearizationTable not in raw or layout.floating:
        return ()
    table = raw.integers(Tag.LinearizationTable, MOST_TABLE)
    if len(set(table)) < 2 or not all(0 <= v <= 65_535 for v in table):
        raise PhotoError("the file's linearization table makes every sample the same: nothing of the picture is left")
    return table


def _white(raw: Ifd, layout: Layout, table: tuple[int, ...], warnings: list[str]) -> tuple[float, ...]:
    """One a plane; by the specification 2^bits - 1 where it is not stated, 1.0 for floating point."""
    usual = 1.0 if layout.floating else float(2**layout.bits - 1)
    if table and Tag.WhiteLevel not in raw:
        usual = float(max(table))  # the specification's default counts stored codes, which a table has left behind
    if Tag.WhiteLevel not in raw:
        return (usual,) * layout.planes
    values = raw.numbers(Tag.WhiteLevel, layout.planes)
    if not values or not all(math.isfinite(v) and v > 0 for v in values):
        warnings.append(f"the file's white level makes no sense: {usual:g} is taken")
        return (usual,) * layout.planes
    return values if len(values) == layout.planes else (values[0],) * layout.planes


def _black(raw: Ifd, layout: Layout, warnings: list[str]) -> tuple[tuple[float, ...], tuple[int, int, int]]:
    """The repeating pattern (rows, columns, planes), flattened row by row, and its shape."""
    plain = (0.0,) * layout.planes, (1, 1, layout.planes)
    if Tag.BlackLevel not in raw:
        return plain
    rows, columns = (*raw.integers(Tag.BlackLevelRepeatDim, 2), 1, 1)[:2] if Tag.BlackLevelRepeatDim in raw else (1, 1)
    if not (1 <= rows <= MOST_REPEAT and 1 <= columns <= MOST_REPEAT):
        warnings.append(f"the file's black level repeats every {rows} × {columns} sites: black is taken as 0")
        return plain
    count = rows * columns * layout.planes
    values = raw.numbers(Tag.BlackLevel, count)
    if not all(math.isfinite(v) and abs(v) < 2**32 for v in values):
        warnings.append("the file's black level is no number: black is taken as 0")
        return plain
    if len(values) == count:
        return values, (rows, columns, layout.planes)
    if len(values) in (1, rows * columns):  # one for all planes: not as specified, but meant
        spread = tuple(v for v in values for _ in range(layout.planes))
        return spread, (rows, columns, layout.planes) if len(values) > 1 else (1, 1, layout.planes)
    warnings.append(f"the file has {len(values)} black levels for {count} sites: the first is taken for all")
    return (values[0],) * layout.planes, (1, 1, layout.planes)


def _deltas(raw: Ifd, tag: Tag, lines: int, warnings: list[str]) -> tuple[float, ...]:
    if tag not in raw:
        return ()
    values = raw.numbers(tag, lines)
    if len(values) == lines and all(math.isfinite(v) for v in values):
        return values if any(values) else ()
    warnings.append(f"{tag.name} does not fit the picture: it is left out")
    return ()
