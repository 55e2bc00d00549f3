"""Samples: candidates become samples, or are refused with the reason.

    decode both ─ look at them ─ register ─ average onto the grid ─ look again ─▶ Sample | Refused
    all of them: black and white among color, the same raw twice

Many candidates are thinned: a look is learned from a few dozen.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias

import torch
from torch import Tensor

from ispd import lens
from ispd.decode.cell import Cell, Decoded
from ispd.errors import ChangedPhoto, NoInput, NotPermitted, PhotoError
from ispd.fit import grid, register
from ispd.fit.pairs import Candidate
from ispd.fit.previews import preview_of
from ispd.fit.reference import Boxes, Laid, Reference, clipped_on_boxes, on_boxes
from ispd.fit.retouch import retouched
from ispd.fit.sample import LONGEST, Placement, Refused, Sample, keyed
from ispd.fit.workers import side_by_side
from ispd.isp import render
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.color.transfer import encode
from ispd.isp.factors import gains
from ispd.isp.look import Camera, Corrections, Denoise, Exposure, Look, WhiteBalance
from ispd.isp.stages.opcodes import warps
from ispd.isp.survey import survey
from ispd.isp.values import FixVignetteRadial, GainMap, Mosaic, Raw, Shot
from ispd.metadata.exiftool import ExifTool
from ispd.orders import Facts
from ispd.photo import digest_of, facts_of, identity_of
from ispd.runner.frame import Beat
from ispd.sentences import shown

MOST = 40  # pairs that are learned from
LEAST_EDGE = 300  # pixels of a reference's long edge: a thumbnail is no reference
PIXELS_A_CELL = 3  # of the reference at least, where the sensor allows
BUSY = 0.1  # a cell of this coefficient of variation counts half
SUNK, HARDLY = 0.3, 0.1  # a cell with so many of its colors at black counts so little, as does one with more
CLIPPED, SHARE = 0.8, 0.7  # a cell is clipped where so many of its pixels are, a pair where so many of its cells are
DARK, WHITE = 0.002, 0.98  # of white: a picture without anything brighter, or darker, shows nothing
OWN_LENS = 0.1  # cells that a fit without lens terms of our own may be worse
THUMBNAIL = 320

# what the survey is asked for: nothing that only a picture at full size shows
PLAIN = Look(
    camera=Camera(corrections=Corrections(lateral_ca="none")),
    denoise=Denoise(luminance=0.0, color=0.0),
    exposure=Exposure(auto="none"),
)

Outcome: TypeAlias = Sample | Refused


def gather(
    candidates: Sequence[Candidate], cell: Cell, door: ExifTool, seed: int = 0, beat: Beat = lambda: None
) -> tuple[list[Sample], list[Refused]]:
    """Samples of at most MOST candidates, spread over all of them; the same for the same seed.

    `beat` is called once a candidate.  Raises MachineError where the machine, not a photo, is at fault.
    """
    samples: list[Sample] = []
    refused: list[Refused] = []
    waiting = _spread(list(candidates), seed)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with side_by_side(len(os.sched_getaffinity(0))) as pool:
            while waiting and len(samples) < MOST:
                now, waiting = waiting[: MOST - len(samples)], waiting[MOST - len(samples) :]
                for outcome in pool.map(lambda candidate: _outcome(candidate, cell, door), now):
                    beat()
                    if isinstance(outcome, Sample):
                        samples.append(outcome)
                    else:
                        refused.append(outcome)
    finally:
        torch.set_num_threads(threads)
    samples.sort(key=lambda sample: sample.raw_path)
    return _together(samples, refused)


def _spread(candidates: list[Candidate], seed: int) -> list[Candidate]:
    """All of them; the first MOST are one from each of as many equal stretches of their names, which cameras count up
    as time goes on."""
    if len(candidates) <= MOST:
        return candidates
    chance = random.Random(seed)
    edges = [round(number * len(candidates) / MOST) for number in range(MOST + 1)]
    first = [candidates[chance.randrange(low, high)] for low, high in pairwise(edges)]
    rest = [candidate for candidate in candidates if candidate not in first]
    chance.shuffle(rest)
    return first + rest[:MOST]  # for those that are refused


def _together(samples: list[Sample], refused: list[Refused]) -> tuple[list[Sample], list[Refused]]:
    """What only the whole set tells."""
    kept: list[Sample] = []
    known: dict[str, str] = {}
    for sample in samples:
        if sample.digest in known:
            refused.append(_refusal(sample, f"the same raw as {known[sample.digest]}, under another name"))
        else:
            known[sample.digest] = sample.name
            kept.append(sample)
    grey = [sample for sample in kept if sample.grey]
    odd = grey if 2 * len(grey) <= len(kept) else [sample for sample in kept if not sample.grey]
    if grey and len(grey) < len(kept):
        reason = "black and white among color" if odd is grey else "color among black and white"
        refused += [_refusal(sample, f"{reason}: one look cannot be both") for sample in odd]
        kept = [sample for sample in kept if sample not in odd]
    refused.sort(key=lambda each: each.path)
    return kept, refused


def _refusal(sample: Sample, reason: str) -> Refused:
    return Refused(sample.raw_path, sample.reference_path, reason, as_seen(sample.wanted))


# --- one pair ---------------------------------------------------------------------------------------------------------


class _No(Exception):
    """This pair teaches nothing; the text says why."""


def _outcome(candidate: Candidate, cell: Cell, door: ExifTool) -> Outcome:
    reference: Reference | None = None
    try:
        with torch.inference_mode():
            reference = read_reference(candidate, cell, door)
            return _sample(candidate, reference, cell, door)
    except (_No, PhotoError, NoInput, NotPermitted, ChangedPhoto) as error:  # this pair's fault, not the machine's
        return Refused(candidate.raw, candidate.reference, str(error), _thumbnail(reference))


def read_reference(candidate: Candidate, cell: Cell, door: ExifTool) -> Reference:
    """The pair's picture; links are followed, as by everything that one names by hand.  Raises PhotoError, NoInput."""
    if candidate.reference is None:
        return Reference.of(preview_of(os.path.realpath(candidate.raw), cell, door))
    try:
        return Reference.of(cell.finished(os.path.realpath(candidate.reference)))
    except (PhotoError, NoInput, NotPermitted) as error:  # a pair is two files, so say which of them
        raise PhotoError(f"{shown(os.path.basename(candidate.reference))}: {error}") from error


def read_raw(path: bytes, cell: Cell, door: ExifTool) -> tuple[Decoded, Facts]:
    """The raw as it is developed, with lensfun's corrections; a link is followed.

    Raises PhotoError, NoInput, NotPermitted.
    """
    path = os.path.realpath(path)
    decoded, facts = cell.decode(path), facts_of(path, door)
    corrections = Corrections()
    if lens.is_wanted(decoded.shot, corrections):
        decoded = replace(decoded, shot=lens.correct(decoded.shot, facts, corrections).shot)
    return decoded, facts


def _sample(candidate: Candidate, reference: Reference, cell: Cell, door: ExifTool) -> Sample:
    _look_at_reference(reference)
    decoded, facts = read_raw(candidate.raw, cell, door)
    mosaic = render.mended(Mosaic(torch.from_numpy(decoded.samples), decoded.shot))
    shot = survey(mosaic.samples.numpy(), mosaic.shot, PLAIN)
    fit = _fitted(mosaic.samples, shot, reference)
    times = fit.times
    balance = torch.tensor(gains(WhiteBalance(), shot.neutral, shot.colors))
    cells = grid.cells(fit.fine, times, balance)
    center, half_box = _boxes(fit.registered.placement, fit.registered.laid, cells, shot)
    boxes = on_boxes(fit.registered.laid, center, half_box)
    low, high = clipped_on_boxes(fit.registered.laid, center, half_box)
    trust = boxes.inside * _trust(cells)
    _look_at_cells(cells, boxes, low, high)
    half = float(torch.tensor([shot.active.height, shot.active.width], dtype=torch.float32).norm()) / 2
    place = cells.place / half
    if share := retouched(cells.light, balance, boxes.light, trust, place):
        raise _No(f"a part of the reference ({max(share, 0.01):.0%}) was changed by itself, unlike the rest of it")
    bare = None if fit.bare is None else grid.cells(fit.bare, times, balance)
    raw = os.path.realpath(candidate.raw)
    identity = identity_of(os.lstat(raw))
    return Sample(
        name=os.fsdecode(os.path.basename(candidate.raw)),
        raw_path=candidate.raw,
        reference_path=candidate.reference,
        digest=(digest_of(raw, identity) if identity else None) or "",
        model=facts.camera,
        serial=facts.serial,
        captured=facts.captured,
        shot=keyed(shot, cells.light),
        corrections=fit.corrections,
        placement=fit.registered.placement,
        cell=cells.pixels,
        grey=fit.registered.laid.is_grey,
        light=cells.light,
        ceiling=cells.ceiling,
        wanted=boxes.light,
        low=low >= CLIPPED,
        high=high >= CLIPPED,
        trust=trust,
        place=place,
        scale=register.scale(fit.registered.placement, fit.registered.laid, shot.active.height, shot.active.width),
        space=fit.registered.laid.space,
        bare=Raw(bare.light, bare.ceiling) if bare is not None else None,
    )


@dataclass(frozen=True)
class _Fit:
    """The hypothesis about the lens that fits best."""

    corrections: Corrections
    fine: grid.Fine
    bare: grid.Fine | None  # without the file's shading maps, where it has some
    registered: register.Registered
    times: int  # fine boxes of a cell's side


def _fitted(samples: Tensor, shot: Shot, reference: Reference) -> _Fit:
    """Registered with the file's warp and, where it has one, without."""
    hypotheses = _hypotheses(shot)
    without = [replace(corrections, shading="none") for corrections in hypotheses] if _shades(shot) else []
    boxes = grid.fine_boxes(samples, shot, [*hypotheses, *without])
    fits = []
    for number, (corrections, fine) in enumerate(zip(hypotheses, boxes, strict=False)):
        times = _times(fine, reference)
        balance = torch.tensor(gains(WhiteBalance(), shot.neutral, shot.colors))
        luminance = (fine.light * balance[:, None, None]).mean(0)
        if float(luminance.amax()) < DARK:
            raise _No("the raw is black")
        height, width = (side * fine.side for side in luminance.shape)
        view = register.View(luminance, shot.active.height, shot.active.width, height, width, shot.pixel_aspect)
        areas = ((shot.active.height, shot.active.width), (shot.crop.height, shot.crop.width))
        found = register.register(view, reference, shot.orientation, areas, times * fine.side)
        bare = boxes[len(hypotheses) + number] if without else None
        fits.append(_Fit(corrections, fine, bare, found, times))
    best = min(fits, key=_doubt)
    if reason := register.trouble(best.registered):
        raise _No(reason)
    return best


def _doubt(fit: _Fit) -> tuple[bool, float]:
    """Less is better; lens terms of our own may only undo a warp that should not have been done."""
    placement = fit.registered.placement
    return bool(register.trouble(fit.registered)), placement.residual + OWN_LENS * any(placement.radial)


def _hypotheses(shot: Shot) -> tuple[Corrections, ...]:
    as_filed = Corrections()
    return (as_filed, Corrections(geometry="none")) if warps(shot.opcodes3, as_filed) else (as_filed,)


def _times(fine: grid.Fine, reference: Reference) -> int:
    """Fine boxes of a cell's side: the grid fits into LONGEST, and a cell has some pixels of the reference."""
    height, width = fine.light.shape[-2:]
    by_size = -(-max(height, width) // LONGEST)
    pixels = max(reference.size) / (max(height, width) * fine.side)
    by_reference = -(-PIXELS_A_CELL // max(pixels * fine.side, 0.1))
    return max(2, by_size, min(int(by_reference), max(height, width) // 100))


def _boxes(placement: Placement, laid: Laid, cells: grid.Cells, shot: Shot) -> tuple[Tensor, Tensor]:
    """The cells of the (corrected) active area, center and half size, in pixels of the reference."""
    _, rows, columns = cells.light.shape
    half = float(torch.tensor([shot.active.height, shot.active.width], dtype=torch.float32).norm()) / 2
    x = ((torch.arange(columns) + 0.5) * cells.pixels - shot.active.width / 2) / half
    y = ((torch.arange(rows) + 0.5) * cells.pixels - shot.active.height / 2) / half
    points = torch.stack(torch.meshgrid(x, y, indexing="xy"))
    return register.in_pixels(placement, laid, points, cells.pixels / half)


def _shades(shot: Shot) -> bool:
    return any(isinstance(opcode, GainMap | FixVignetteRadial) for opcode in (*shot.opcodes2, *shot.opcodes3))


def _look_at_reference(reference: Reference) -> None:
    height, width = reference.size
    if max(height, width) < LEAST_EDGE:
        raise _No(f"the reference has only {width} × {height} pixels: it must have {LEAST_EDGE} on its long edge")
    small = reference.laid(1, working=200)
    if float(small.light.amax()) < DARK:
        raise _No("the reference is all black")
    if float(small.light.amin()) > WHITE:
        raise _No("the reference is all white")


def _trust(cells: grid.Cells) -> Tensor:
    """Less where a cell is busy: a curve of the mean is not the mean of the curve.

    And where noise reaches below black: renders and references have cut it there, and are brighter than a mean tells.
    """
    return (1 - cells.sunk / SUNK).clamp(min=HARDLY) / (1 + (cells.cv / BUSY).square())


def _look_at_cells(cells: grid.Cells, boxes: Boxes, low: Tensor, high: Tensor) -> None:
    inside = boxes.inside
    for share, what in ((high, "white"), (low, "black")):
        clipped = float(((share >= CLIPPED).all(0) & inside).sum() / inside.sum().clamp(min=1))
        if clipped > SHARE:
            raise _No(f"{clipped:.0%} of the reference is pure {what}: it shows no look")
    spent = float(((cells.light >= 0.98 * cells.ceiling).all(0) & inside).sum() / inside.sum().clamp(min=1))
    if spent > SHARE:
        raise _No(f"{spent:.0%} of the raw is overexposed")


def _thumbnail(reference: Reference | None) -> Tensor | None:
    """sRGB-encoded (3, h, w)."""
    if reference is None:
        return None
    with torch.inference_mode():
        laid = reference.laid(1, working=THUMBNAIL)
        return as_seen(torch.einsum("kc,chw->khw", laid.rec2020, laid.light))


def as_seen(rec2020: Tensor) -> Tensor:
    """Display-linear Rec.2020 as sRGB code values, cut where sRGB ends."""
    matrix = torch.tensor(rgb_from_rec2020("srgb"), dtype=torch.float32)
    return encode(torch.einsum("kc,chw->khw", matrix, rec2020).clamp(0, 1), "srgb")
