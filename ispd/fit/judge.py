"""Judge: how far a look is from a reference, the way it will be seen: rendered at full size, by the render itself.

    raw ─ the whole render ▶ picture ─┐ linear light, boxes of 8 × 8 pixels ▶ ΔE2000 ▶ their mean over the photo
    reference, laid on it ────────────┘

Boxes are the sensor's pixels, more where a box would have fewer than 4 × 4 of the reference's.  All of them count,
clipped ones too.  Only boxes that lie wholly in both pictures are compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from ispd.decode.cell import Cell, Decoded
from ispd.decode.icc import meaning_of_space
from ispd.fit.pairs import Candidate
from ispd.fit.reference import Boxes, Laid, Reference, on_boxes
from ispd.fit.register import in_pixels
from ispd.fit.sample import Sample
from ispd.fit.samples import as_seen, read_raw, read_reference
from ispd.isp import render as pipeline
from ispd.isp.color.lab import delta_e, lab_from_rec2020
from ispd.isp.color.mix import mix
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.color.transfer import encode
from ispd.isp.factors import ceiling, gains
from ispd.isp.look import Look
from ispd.isp.size import picture as picture_area
from ispd.isp.stages.gamut import gamut
from ispd.isp.stages.highlights import highlights
from ispd.isp.stages.shading import shading
from ispd.isp.stages.white_balance import white_balance
from ispd.isp.values import CameraRGB, DisplayRGB, Shot, Window
from ispd.metadata.exiftool import ExifTool
from ispd.orders import Output, Space
from ispd.runner import picture
from ispd.runner.frame import Pixels
from ispd.runner.picture import Rendered

BOX = 8  # pixels of the sensor
LEAST = 4  # pixels of the reference
FLOOR_ROWS = 640  # of a photo's middle
WORKING = 2000  # pixels of the long edge at least kept: a box then has 3 × 3 or more


Render: TypeAlias = Callable[[Decoded, Look, Output], Rendered]


def by_the_isp(decoded: Decoded, look: Look, output: Output, device: str = "cpu") -> Rendered:
    """One picture, by the pipeline."""
    return picture.render(decoded.samples, decoded.shot, look, (output,), device, lambda: None)


@dataclass(frozen=True)
class Judged:
    """How one photo fares; `ours` and `wanted` are small pictures as sRGB code values, (3, h, w), a pixel a box."""

    name: str
    mean: float  # of ΔE2000 over the boxes
    median: float
    p95: float
    psnr: float  # dB, of sRGB code values of the boxes
    map: Tensor  # (h, w) ΔE2000, NaN where nothing is compared; as the sensor lay, like both pictures
    ours: Tensor
    wanted: Tensor
    gap: float  # mean ΔE2000 of the fit's path, on its cells, against this render; each counts as it is trusted


def judge(
    sample: Sample, look: Look, cell: Cell, door: ExifTool, render: Render = by_the_isp, among: Sample | None = None
) -> Judged:
    """Decode, render, compare; by the boxes alone that lie in trusted cells of `among`, where it is given.

    Raises PhotoError, MachineError where the files are no longer what they were.
    """
    (judged,) = judge_each(sample, (look,), cell, door, render, among)
    return judged


def judge_each(
    sample: Sample, looks: Sequence[Look], cell: Cell, door: ExifTool, render: Render, among: Sample | None = None
) -> list[Judged]:
    """The same for several looks of one photo, whose files are read once."""
    decoded, _ = read_raw(sample.raw_path, cell, door)
    reference = read_reference(Candidate(sample.raw_path, sample.reference_path), cell, door)
    with torch.inference_mode():
        laid = reference.laid(sample.placement.orientation, WORKING)
        center, half = _boxes(decoded.shot, _side(sample, laid))
        theirs = on_boxes(laid, *_in_reference(sample, laid, decoded.shot, center, half))
        if among is not None:
            theirs = replace(theirs, inside=theirs.inside & _trusted(among, decoded.shot, center))
        judged = []
        for look in looks:
            look = seen_as(sample, look)
            ours, shot = _rendered(decoded, look, laid.space, render)
            mine = on_boxes(ours, *_in_render(ours, decoded.shot, center, half))
            gap = _gap(sample, look, laid.space, ours, shot)
            judged.append(_judged(sample.name, mine, theirs, gap))
        return judged


def _judged(name: str, mine: Boxes, theirs: Boxes, gap: float) -> Judged:
    inside = theirs.inside & mine.inside
    off = difference(mine.light, theirs.light)
    some = off[inside] if bool(inside.any()) else off.new_full((1,), math.nan)
    return Judged(
        name=name,
        mean=float(some.mean()),
        median=float(some.median()),
        p95=float(some.quantile(0.95)),
        psnr=_psnr(mine.light[:, inside], theirs.light[:, inside]),
        map=torch.where(inside, off, math.nan),
        ours=as_seen(mine.light),
        wanted=as_seen(theirs.light),
        gap=gap,
    )


def noise_floor(sample: Sample, look: Look, cell: Cell, door: ExifTool, render: Render = by_the_isp) -> float:
    """Mean ΔE2000 of the look against itself through another demosaicer: what no fit can be expected to reach.

    Of the middle of the photo.  0 after a network, which has no other.
    """
    look = seen_as(sample, look)
    decoded = _middle(read_raw(sample.raw_path, cell, door)[0])
    other = replace(look, demosaic=replace(look.demosaic, method="bilinear"))
    with torch.inference_mode():
        center, half = _boxes(decoded.shot, BOX)
        one, two = (
            on_boxes(laid, *_in_render(laid, decoded.shot, center, half))
            for laid in (_rendered(decoded, each, "rec2020", render)[0] for each in (look, other))
        )
        inside = one.inside & two.inside
        return float(difference(one.light, two.light)[inside].mean())


def _middle(decoded: Decoded) -> Decoded:
    """What becomes a picture of FLOOR_ROWS: whole, the slower way of another demosaicer takes seconds for 12 MP."""
    area = picture_area(decoded.shot)
    top = area.top + max(0, area.height - FLOOR_ROWS) // 2
    crop = replace(area, top=top, bottom=min(area.bottom, top + FLOOR_ROWS))
    return replace(decoded, shot=replace(decoded.shot, crop=crop))


def difference(one: Tensor, other: Tensor) -> Tensor:
    """ΔE2000 of display-linear Rec.2020, (3, …) each; what lies outside [0, 1] is cut, as on a screen."""
    return delta_e(lab_from_rec2020(one.clamp(0, 1)), lab_from_rec2020(other.clamp(0, 1)))


def rendered_on_cells(sample: Sample, decoded: Decoded, look: Look, render: Render) -> Boxes:
    """The whole render, averaged in linear light onto the sample's cells: display-linear Rec.2020."""
    ours, shot = _rendered(decoded, look, "rec2020", render)
    return _on_sample(sample, ours, shot)


def on_cells(sample: Sample, look: Look) -> Tensor:
    """(3, h, w) display-linear: the sample's cells through the stages of the render, as a picture of planes.

    Where its shot has bases of local tone, they are counted in cells.
    """
    shot = replace(sample.shot, cfa="", opcodes2=(), opcodes3=())
    window = Window(0, *sample.shape)
    balance = gains(look.camera.white_balance, shot.neutral, shot.colors)
    raw = shading(sample.raw, look.camera.shading, window, "", shot.colors)
    raw = white_balance(raw, balance, "", shot.colors)
    rgb = CameraRGB(highlights(raw, look.highlights, min(balance), "", shot.colors))
    return pipeline.grade(pipeline.light(rgb, shot, look), look, ceiling(shot, look), shot.camera_profile)


def _gap(sample: Sample, look: Look, space: Space, ours: Laid, shot: Shot) -> float:
    """`ours` is the full render in `space`, `shot` the one that was surveyed for it."""
    full = _on_sample(sample, ours, shot)
    surroundings = shot.bases and replace(shot.bases, cell_px=shot.bases.cell_px / sample.cell)
    known = replace(sample.shot, exposure_shift=shot.exposure_shift, scene_key=shot.scene_key, bases=surroundings)
    path = shown(on_cells(replace(sample, shot=known), look), look, space)  # what the render has cut is no gap
    trust = sample.trust * full.inside
    return float((difference(path, full.light) * trust).sum() / trust.sum()) if bool(trust.any()) else math.nan


def shown(rgb: Tensor, look: Look, space: Space) -> Tensor:
    """Display-linear Rec.2020 as a file in `space` has it."""
    return mix(np.linalg.inv(rgb_from_rec2020(space)), gamut(DisplayRGB(rgb), look.gamut, space).clamp(0, 1))


def _on_sample(sample: Sample, ours: Laid, shot: Shot) -> Boxes:
    """A full render on the sample's cells."""
    height, width = sample.shape
    x = (torch.arange(width) + 0.5) * sample.cell - shot.active.width / 2
    y = (torch.arange(height) + 0.5) * sample.cell - shot.active.height / 2
    center = torch.stack(torch.meshgrid(x, y, indexing="xy"))
    return on_boxes(ours, *_in_render(ours, shot, center, sample.cell / 2))


def seen_as(sample: Sample, look: Look) -> Look:
    """The look with the geometry that the pair was registered under: another would move every edge."""
    corrections = replace(look.camera.corrections, geometry=sample.corrections.geometry)
    return replace(look, camera=replace(look.camera, corrections=corrections))


def _rendered(decoded: Decoded, look: Look, space: Space, render: Render) -> tuple[Laid, Shot]:
    """The look's picture as the sensor lay, and the surveyed shot."""
    output = Output(format="tiff", bits=16, space=space)
    rendered = render(decoded, look, output)
    laid = as_reference(rendered.pictures[0], space).laid(decoded.shot.orientation, WORKING)
    return laid, rendered.shot


def as_reference(pixels: Pixels, space: Space) -> Reference:
    """A rendered picture, read as a finished one is."""
    meaning = meaning_of_space(space)
    at, entries = np.linspace(0, 1, np.iinfo(pixels.dtype).max + 1), np.linspace(0, 1, meaning.curves.shape[1])
    tables = tuple(np.interp(at, entries, curve).astype(np.float32) for curve in meaning.curves)
    rec2020 = torch.tensor(meaning.rec2020, dtype=torch.float32)
    return Reference(pixels.transpose(2, 0, 1), tables, rec2020)


def _side(sample: Sample, laid: Laid) -> int:
    """Pixels of a box's side."""
    shot, (a, _), (_, d) = sample.shot, *sample.placement.matrix
    unit = math.hypot(laid.height, laid.width) / math.hypot(shot.active.height, shot.active.width)
    return max(BOX, math.ceil(LEAST / max(min(abs(a), abs(d)) * unit, 1e-3) - 0.05))


def _boxes(shot: Shot, side: int) -> tuple[Tensor, float]:
    """Boxes from the picture's top left corner on: centers (2, h, w) from the active area's, and half a side."""
    area = picture_area(shot)
    x = area.left + (torch.arange(max(1, area.width // side)) + 0.5) * side - shot.active.width / 2
    y = area.top + (torch.arange(max(1, area.height // side)) + 0.5) * side - shot.active.height / 2
    return torch.stack(torch.meshgrid(x, y, indexing="xy")), side / 2


def _trusted(sample: Sample, shot: Shot, center: Tensor) -> Tensor:
    """Whether each box's center lies in a cell that counts."""
    rows, columns = sample.shape
    column = ((center[0] + shot.active.width / 2) / sample.cell).long().clamp(0, columns - 1)
    row = ((center[1] + shot.active.height / 2) / sample.cell).long().clamp(0, rows - 1)
    return sample.trust[row, column] > 0


def _in_reference(sample: Sample, laid: Laid, shot: Shot, center: Tensor, half: float) -> tuple[Tensor, Tensor]:
    unit = math.hypot(shot.active.height, shot.active.width) / 2
    return in_pixels(sample.placement, laid, center / unit, 2 * half / unit)


def _in_render(laid: Laid, shot: Shot, center: Tensor, half: float) -> tuple[Tensor, Tensor]:
    """The picture is the crop, with square pixels."""
    area = picture_area(shot)
    scale = center.new_tensor([laid.width / area.width, laid.height / area.height])[:, None, None]
    corner = center.new_tensor([shot.active.width / 2 - area.left, shot.active.height / 2 - area.top])
    return (center + corner[:, None, None]) * scale, (half * scale).expand_as(center)


def _psnr(one: Tensor, other: Tensor) -> float:
    error = (encode(one.clamp(0, 1), "srgb") - encode(other.clamp(0, 1), "srgb")).square().mean()
    return float(-10 * error.clamp(min=1e-10).log10())
