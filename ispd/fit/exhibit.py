"""Exhibit: one photo that a fit had not seen, as pictures: before, ours, what was wanted, and how far apart they are.

On the cells that looks are fitted on, through the stages of the render: small, and made in a moment.  Errors are those
of boxes of 8 pixels or of cells, whichever are larger, averaged in linear light.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ispd.fit.judge import BOX, Judged, difference, on_cells, shown
from ispd.fit.sample import Sample
from ispd.fit.samples import as_seen
from ispd.isp.color.lab import lab_from_rec2020
from ispd.isp.color.mix import mix
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.color.transfer import decode
from ispd.isp.look import Look
from ispd.isp.stages.orient import orient
from ispd.isp.survey.bases import bases

HUES, LIGHTNESSES = 12, 10
COLORFUL = 8.0  # chroma from which on a color has a hue worth naming


@dataclass(frozen=True)
class Exhibit:
    """Pictures are sRGB code values (3, h, w), upright, of what both pictures show."""

    name: str
    before: Tensor  # the same raw through the profile `neutral`
    ours: Tensor
    wanted: Tensor
    difference: Tensor  # (rows, columns) ΔE2000 of boxes; NaN where nothing is compared
    colors: Tensor  # (3, rows, columns) Lab of what was wanted there
    mean: float
    p95: float


@dataclass(frozen=True)
class Bin:
    """Cells whose wanted color is of one kind."""

    error: float  # their mean ΔE2000; NaN: there are none
    share: float  # of all cells


def exhibit(sample: Sample, look: Look) -> Exhibit:
    """Of a look that has not learned from this sample."""
    ours = shown(_through(sample, look), look, sample.space)
    times = max(1, round(BOX / sample.cell))
    known = (sample.trust > 0).float()[None]
    boxes = [_boxes(picture, times) for picture in (ours, sample.wanted, known)]
    apart = torch.where(boxes[2][0] > 0.99, difference(boxes[0], boxes[1]), math.nan)
    top, bottom, left, right = _inside(known[0])
    shows = [as_seen(picture)[:, top:bottom, left:right] for picture in (ours, sample.wanted)]
    return _exhibit(sample, shows[0], shows[1], apart, boxes[1], (top, bottom, left, right))


def from_judged(judged: Judged, sample: Sample) -> Exhibit:
    """The same of a full render that has been judged, a pixel a box."""
    to_rec2020 = np.linalg.inv(rgb_from_rec2020("srgb"))
    wanted = mix(to_rec2020, decode(judged.wanted, "srgb"))
    inside = _inside((sample.trust > 0).float())
    return _exhibit(sample, judged.ours, judged.wanted, judged.map, wanted, inside)


def _exhibit(
    sample: Sample, ours: Tensor, wanted: Tensor, apart: Tensor, light: Tensor, inside: tuple[int, int, int, int]
) -> Exhibit:
    """`light` is what was wanted where `apart` is; `inside` are the rows and columns of cells that both show."""
    some = apart[~apart.isnan()]
    top, bottom, left, right = inside
    before = as_seen(_through(sample, Look()))[:, top:bottom, left:right]
    return Exhibit(
        name=sample.name,
        before=_upright(before, sample),
        ours=_upright(ours, sample),
        wanted=_upright(wanted, sample),
        difference=_upright(apart[None], sample)[0],
        colors=_upright(lab_from_rec2020(light), sample),
        mean=float(some.mean()) if len(some) else math.nan,
        p95=float(some.quantile(0.95)) if len(some) else math.nan,
    )


def _inside(known: Tensor) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of the cells that are compared at all; all of them where none is."""
    rows, columns = (known.amax(dim=axis).nonzero().flatten().tolist() for axis in (1, 0))
    if not rows or not columns:
        return 0, known.shape[0], 0, known.shape[1]
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1


def _boxes(picture: Tensor, times: int) -> Tensor:
    """Means of `times` × `times` cells; what fills no box is left out."""
    return torch.nn.functional.avg_pool2d(picture[None], times)[0] if min(picture.shape[1:]) >= times else picture


def _through(sample: Sample, look: Look) -> Tensor:
    """The sample's cells as that look has them; surroundings are counted in cells."""
    around = bases(sample.light.numpy(), 1.0, sample.shot)
    known = replace(sample, shot=replace(sample.shot, bases=around))
    with torch.inference_mode():
        return on_cells(known, look)


def _upright(picture: Tensor, sample: Sample) -> Tensor:
    turned = orient(picture.movedim(0, -1).numpy(), sample.placement.orientation)
    return torch.from_numpy(turned.copy()).movedim(-1, 0)


def by_hue(exhibits: list[Exhibit]) -> list[Bin]:
    """Errors of HUES kinds of color, from red on towards yellow; what has hardly a hue is in none."""
    lab, apart = _colors(exhibits)
    turn = torch.atan2(lab[2], lab[1]) / (2 * math.pi) % 1
    return _bins(turn, apart, torch.hypot(lab[1], lab[2]) > COLORFUL, HUES)


def by_lightness(exhibits: list[Exhibit]) -> list[Bin]:
    """Errors from black to white, in LIGHTNESSES steps of L*."""
    lab, apart = _colors(exhibits)
    return _bins(lab[0] / 100, apart, torch.ones_like(apart, dtype=torch.bool), LIGHTNESSES)


def _colors(exhibits: list[Exhibit]) -> tuple[Tensor, Tensor]:
    """Lab of every compared cell of what was wanted, (3, n), and its ΔE2000."""
    labs, aparts = [torch.empty(3, 0)], [torch.empty(0)]
    for one in exhibits:
        known = ~one.difference.isnan()
        labs.append(one.colors[:, known])
        aparts.append(one.difference[known])
    return torch.cat(labs, dim=1), torch.cat(aparts)


def _bins(place: Tensor, apart: Tensor, counted: Tensor, count: int) -> list[Bin]:
    number = (place * count).long().clamp(0, count - 1)
    kinds = [apart[counted & (number == each)] for each in range(count)]
    return [Bin(float(kind.mean()) if len(kind) else math.nan, len(kind) / max(1, len(apart))) for kind in kinds]
