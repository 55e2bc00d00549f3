"""The camera profile inside a DNG: its hue tables, tone curve, exposure offset and black.

Only the file's first profile is read; further ones (ExtraCameraProfiles) are for people to choose from.  A table or
curve that makes no sense is left out with a warning.

Source  DNG 1.7.1 chapter 4, the tags Profile…, BaselineExposureOffset, DefaultBlackRender; chapter 6
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ispd.decode.dng.codes import Tag
from ispd.decode.dng.color import CameraColor
from ispd.decode.dng.tags import Tiff
from ispd.isp.values import CameraProfile, HueTable, Knots

MOST_NODES = 1 << 17  # of a table; Adobe's have up to 90 × 30 × 30
MOST_POINTS = 4096  # of a tone curve; Adobe's have up to 256
MOST_TURN, MOST_FACTOR = 360.0, 100.0  # degrees; of saturation and value
MOST_OFFSET = 10.0  # stops
AUTO = 0  # DefaultBlackRender: the renderer chooses; 1: it subtracts nothing

Floats = NDArray[np.float64]


def read_camera_profile(tiff: Tiff, color: CameraColor, warnings: list[str]) -> CameraProfile | None:
    """What the file's profile asks for beyond its matrix; None where that is nothing."""
    of_color = len(color.rec2020_from_camera[0]) >= 3
    hue_sat_map = _hue_sat_map(tiff, color, warnings) if of_color else None
    profile = CameraProfile(
        # each was made for the other
        rec2020_from_camera=color.profile_matrix if hue_sat_map and color.profile_matrix else color.rec2020_from_camera,
        hue_sat_map=hue_sat_map,
        look_table=_look_table(tiff, warnings) if of_color else None,
        tone_curve=_tone_curve(tiff, warnings),
        exposure_offset=_exposure_offset(tiff, warnings),
        black="auto" if _integer(tiff, Tag.DefaultBlackRender) == AUTO else "none",
    )
    return None if profile == CameraProfile(color.rec2020_from_camera) else profile


def _hue_sat_map(tiff: Tiff, color: CameraColor, warnings: list[str]) -> HueTable | None:
    """The table for the photo's light: mixed of those of the calibrations, as their matrices are."""
    dims = Tag.ProfileHueSatMapDims
    if dims not in tiff.holder(dims):
        return None
    known = []
    for number, share in color.shares or ((1, 1.0),):
        tag = Tag[f"ProfileHueSatMapData{number}"]
        nodes = _nodes(tiff, dims, tag, warnings) if tag in tiff.holder(tag) else None
        if nodes is not None:
            known.append((nodes, share))
    total = sum(share for _, share in known)
    if total <= 0:
        if not any(dims.name in warning for warning in warnings):
            warnings.append(f"{dims.name}: the table for this light is missing, and so left out")
        return None
    mixed: Floats = sum((nodes * (share / total) for nodes, share in known), np.zeros(()))
    return _table(tiff, dims, mixed, Tag.ProfileHueSatMapEncoding)


def _look_table(tiff: Tiff, warnings: list[str]) -> HueTable | None:
    dims = Tag.ProfileLookTableDims
    if dims not in tiff.holder(dims):
        return None
    nodes = _nodes(tiff, dims, Tag.ProfileLookTableData, warnings)
    return None if nodes is None else _table(tiff, dims, nodes, Tag.ProfileLookTableEncoding)


def _nodes(tiff: Tiff, dims: Tag, data: Tag, warnings: list[str]) -> Floats | None:
    """(values, hues, saturations, 3), checked."""
    shape = _shape(tiff, dims)
    count = math.prod(shape)
    nodes = tiff.holder(data).array(data, 3 * count + 1) if 2 <= count <= MOST_NODES else np.empty(0)
    if len(nodes) != 3 * count or not len(nodes):
        warnings.append(f"{dims.name}: the table is left out: its size {'×'.join(map(str, shape))} cannot be meant")
        return None
    turn, factors = nodes[0::3], np.concatenate([nodes[1::3], nodes[2::3]])
    fits = np.isfinite(nodes).all() and np.abs(turn).max() <= MOST_TURN and factors.max() <= MOST_FACTOR
    if not fits or factors.min() < 0:
        warnings.append(f"{dims.name}: the table is left out: its numbers cannot be meant")
        return None
    hues, saturations, values = shape
    return nodes.reshape(values, hues, saturations, 3)


def _shape(tiff: Tiff, dims: Tag) -> tuple[int, int, int]:
    """Divisions of hue, saturation and value; the last may be left out.  (0, 0, 0) where there is no such table."""
    stated = tiff.holder(dims).integers(dims, 3)
    hues, saturations, values = (*stated, 1)[:3] if len(stated) >= 2 else (0, 0, 0)
    return (hues, saturations, values) if hues >= 1 and saturations >= 2 and values >= 1 else (0, 0, 0)


def _table(tiff: Tiff, dims: Tag, nodes: Floats, encoding: Tag) -> HueTable:
    hues, saturations, values = _shape(tiff, dims)
    packed = nodes.astype("<f4").tobytes()
    return HueTable(hues, saturations, values, packed, "srgb" if _integer(tiff, encoding) == 1 else "linear")


def _tone_curve(tiff: Tiff, warnings: list[str]) -> Knots:
    tag = Tag.ProfileToneCurve
    if tag not in tiff.holder(tag):
        return ()
    points = tiff.holder(tag).array(tag, 2 * MOST_POINTS + 1)
    x, y = points[0::2], points[1::2]
    if len(points) % 2 or not 2 <= len(x) <= MOST_POINTS or not _is_curve(x, y):
        warnings.append(f"{tag.name} is no curve from black to white: it is left out")
        return ()
    return tuple(zip(x.tolist(), y.tolist(), _spline_slopes(x.tolist(), y.tolist()), strict=True))


def _is_curve(x: Floats, y: Floats) -> bool:
    inside = bool(np.isfinite(x).all() and np.isfinite(y).all() and y.min() >= 0 and y.max() <= 1)
    ends = math.isclose(x[0], 0, abs_tol=1e-6) and math.isclose(x[-1], 1, abs_tol=1e-6) and y[-1] > y[0]
    return inside and ends and bool((np.diff(x) > 1e-9).all())


def _spline_slopes(x: Sequence[float], y: Sequence[float]) -> list[float]:
    """Slopes at the points of the natural cubic spline: two smooth derivatives, no bend at the ends.

    Its tridiagonal system, for the pieces' widths w and secants s: w₁·m₀ + 2(w₀+w₁)·m₁ + w₀·m₂ = 3(w₁·s₀ + w₀·s₁)
    inside, 2m₀ + m₁ = 3s₀ and 2mₙ + mₙ₋₁ = 3sₙ₋₁ at the ends; solved by elimination, forth and back.
    """
    widths = [b - a for a, b in pairwise(x)]
    secants = [(b - a) / width for (a, b), width in zip(pairwise(y), widths, strict=True)]
    rows = [(0.0, 2.0, 1.0, 3 * secants[0])]
    for (w0, w1), (s0, s1) in zip(pairwise(widths), pairwise(secants), strict=True):
        rows.append((w1, 2 * (w0 + w1), w0, 3 * (w1 * s0 + w0 * s1)))
    rows.append((1.0, 2.0, 0.0, 3 * secants[-1]))
    above, right = [0.0], [0.0]
    for below, middle, beyond, value in rows:
        pivot = middle - below * above[-1]
        above.append(beyond / pivot)
        right.append((value - below * right[-1]) / pivot)
    slopes = [0.0]
    for factor, value in zip(reversed(above[1:]), reversed(right[1:]), strict=True):
        slopes.append(value - factor * slopes[-1])
    return slopes[:0:-1]


def _exposure_offset(tiff: Tiff, warnings: list[str]) -> float:
    tag = Tag.BaselineExposureOffset
    offset = tiff.holder(tag).number(tag, 0.0)
    if math.isnan(offset):
        return 0.0
    if abs(offset) > MOST_OFFSET:
        warnings.append(f"the file's profile asks for {offset:+g} stops of exposure: left out")
        return 0.0
    return offset


def _integer(tiff: Tiff, tag: Tag) -> int:
    return tiff.holder(tag).integer(tag, 0)
