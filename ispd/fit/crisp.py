"""Crisp: how much must our edges be sharpened until they are as steep as those of the finished pictures?

Told at full size, by spectra: of windows full of structure that show the same in both pictures, how much more power
the finished ones have at each spatial frequency.  The stage `sharpen` lifts every frequency by a factor that its amount
and radius give, so the best are those whose factors are nearest.  Contrast, which acts on all frequencies alike, falls
out; noise, as far as flat windows show it, is taken off, and what noise the amount would make of ours limits it, since
`sharpen` cannot tell an edge from noise as other programs do.  Where finished pictures are softer than ours without any
sharpening, capture sharpening is taken back, too.

    raw ─ the whole render, nothing sharpened, as large as the reference ▶ lightness ─┐ windows ▶ power by frequency
    reference ─────────────────────────────────────────────────────────▶ lightness ─┘

Only photos whose reference has at least half the raw's width and height tell: in a smaller one the edges are those of
its reduction.  A radius is counted in pixels of full size.

Source  P. Welch, "The use of fast Fourier transform for the estimation of power spectra", IEEE Trans. Audio
        Electroacoust. 15 (1967): mean power of overlapping windows that fade out
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ispd.decode.cell import Cell, Decoded
from ispd.fit.judge import Render, as_reference, seen_as
from ispd.fit.learn import Held, Learned
from ispd.fit.pairs import Candidate
from ispd.fit.reference import Reference
from ispd.fit.register import located
from ispd.fit.sample import Sample
from ispd.fit.samples import read_raw, read_reference
from ispd.isp.look import CaptureSharpen, Look, Sharpen
from ispd.isp.size import picture as picture_area
from ispd.isp.stages.sharpen import taps
from ispd.metadata.exiftool import ExifTool
from ispd.orders import Output

MOST = 2  # photos: a full render takes its time
SMALLEST, LARGEST = 0.49, 1.05  # pixels of the reference for one of the sensor
SAME_SIZE = 0.02  # apart from 1: a crop by some pixels, no reduction

SIDE = 32  # pixels of a window
WINDOWS, LEAST_WINDOWS = 3000, 30  # spread over the picture; left to tell anything
RICH, FLAT = 0.3, 0.2  # of them have most structure; show noise
STRUCTURE = 20.0  # times the power of a flat one, that a rich one has at least
ENDS = (0.03, 0.97)  # of lightness: what lies beyond may have been cut
COARSE = (0.06, 0.2)  # cycles a pixel: what a window shows, whatever its edges
ALIKE = 0.7  # correlation of it in both pictures: less is another thing

BANDS = np.linspace(0.06, 0.42, 13)  # cycles a pixel; finer, there is more of demosaic and JPEG than of the photo
LEAST_BANDS = 5
TOLD = 0.5  # of a band's power, that is not noise
CONTRAST = 0.2  # of log power: more of a difference between both pictures is no contrast

AMOUNTS = np.linspace(-0.9, 3.0, 391)  # the last is the stage's own bound
RADII = (1.0, 1.4, 2.0)  # tried beside the look's own …
ENOUGH, CLEARER = 0.04, 0.5  # … where that leaves more (root mean square of log power); taken if so much of it is left
SLACK = 0.05  # of an amount: as good as none
NOISIER = 1.5  # times the noise of the finished picture, or of ours as it is, that sharpening may make of it
NOT_SHARPENED = Sharpen(amount=0.0)


@dataclass(frozen=True)
class Spectra:
    """Of one photo, mean power by frequency, (SIDE, SIDE // 2 + 1): of windows with structure, and of flat ones."""

    scale: float  # pixels of the pictures for one of full size
    ours: Tensor
    theirs: Tensor
    our_noise: Tensor
    their_noise: Tensor


def as_wanted(learned: Learned, cell: Cell, door: ExifTool, render: Render, judges: Executor) -> Learned:
    """As crisp as the finished pictures are; as it was where they do not tell.  Raises PhotoError, MachineError."""
    look = learned.look
    photos = list(judges.map(partial(_read, cell=cell, door=door), _sharpest(learned.held)))
    found = crispness(photos, look.capture_sharpen, look.sharpen, render, judges)
    if found is None:
        return learned
    capture, sharpen = found
    held = tuple(replace(one, look=replace(one.look, capture_sharpen=capture, sharpen=sharpen)) for one in learned.held)
    return replace(learned, look=replace(look, capture_sharpen=capture, sharpen=sharpen), held=held)


@dataclass(frozen=True)
class Photo:
    """One photo and its finished picture, in memory."""

    sample: Sample
    look: Look  # that its fit has found
    decoded: Decoded
    reference: Reference


def _read(held: Held, cell: Cell, door: ExifTool) -> Photo:
    sample = held.sample
    decoded, _ = read_raw(sample.raw_path, cell, door)
    reference = read_reference(Candidate(sample.raw_path, sample.reference_path), cell, door)
    return Photo(sample, seen_as(sample, held.look), decoded, reference)


def crispness(
    photos: Sequence[Photo], capture: CaptureSharpen, usual: Sharpen, render: Render, judges: Executor
) -> tuple[CaptureSharpen, Sharpen] | None:
    """What makes these photos as crisp as their finished pictures; None where they do not tell."""

    def seen(capture: CaptureSharpen) -> list[Spectra]:
        found = judges.map(lambda photo: spectra(photo, capture, render), photos)
        return [one for one in found if one is not None]

    found = nearest(seen(capture), usual.radius_px)
    if found is None:
        return None
    amount = float(found.amount)
    if amount >= -SLACK:
        return capture, replace(found, amount=max(amount, 0.0))
    without = nearest(seen(replace(capture, amount=0.0)), usual.radius_px)  # softer: how much of it is too much?
    if without is None:
        return None
    rest = max(float(without.amount), 0.0)
    share = rest / (rest - amount)
    return replace(capture, amount=round(float(capture.amount) * share, 2)), replace(usual, amount=0.0)


def _sharpest(held: Sequence[Held]) -> list[Held]:
    """Photos with most detail for their noise, whose references are about as large as their raws."""
    able = {one.sample.raw_path: one for one in held if SMALLEST <= one.sample.scale <= LARGEST}
    square = [one for one in able.values() if one.sample.shot.pixel_aspect == 1]
    return sorted(square, key=lambda one: -_detail(one.sample))[:MOST]


def _detail(sample: Sample) -> float:
    """How busy the cells are, for how noisy they may be."""
    return float((1 - sample.trust)[sample.trust > 0].mean()) / math.sqrt(max(sample.shot.iso or 100, 100))


# --- what both pictures show ------------------------------------------------------------------------------------------


def spectra(photo: Photo, capture: CaptureSharpen, render: Render) -> Spectra | None:
    """Of windows that show the same in the look's picture and in the reference; None where there are too few."""
    sample, decoded, reference = photo.sample, photo.decoded, photo.reference
    shot, area = decoded.shot, picture_area(decoded.shot)
    look = replace(photo.look, capture_sharpen=capture, sharpen=NOT_SHARPENED)
    is_whole = abs(sample.scale - 1) < SAME_SIZE
    size = None if is_whole else max(16, round(max(area.height, area.width) * sample.scale))
    output = Output(format="tiff", bits=16, space=sample.space, size=size)
    ours = as_reference(render(decoded, look, output).pictures[0], sample.space)
    height, width = ours.laid_size(shot.orientation)
    here = _corners(height, width)
    center = torch.from_numpy(here.T + SIDE / 2).float()
    factor = torch.tensor([[area.width / width], [area.height / height]])
    origin = torch.tensor([[area.left - shot.active.width / 2], [area.top - shot.active.height / 2]])
    there = _in_reference(sample, reference, center * factor + origin)
    inside = ((there >= 0) & (there <= np.array(reference.laid_size(sample.placement.orientation))[::-1] - SIDE)).all(1)
    if inside.sum() < LEAST_WINDOWS:
        return None
    mine = ours.windows(shot.orientation, here[inside], SIDE)
    wanted = reference.windows(sample.placement.orientation, there[inside], SIDE)
    return spectra_of(mine, wanted, 1.0 if is_whole else sample.scale)


def _corners(height: int, width: int) -> NDArray[np.int64]:
    """(n, 2) left and top of about WINDOWS windows, evenly spread; each overlaps the next by half where room is."""
    step = max(SIDE // 2, math.isqrt(height * width // WINDOWS))
    across, down = np.meshgrid(np.arange(0, width - SIDE + 1, step), np.arange(0, height - SIDE + 1, step))
    return np.stack([across.ravel(), down.ravel()], axis=1)


def _in_reference(sample: Sample, reference: Reference, center: Tensor) -> NDArray[np.int64]:
    """(n, 2) left and top of windows whose centers (2, n) are counted in pixels from the active area's."""
    height, width = reference.laid_size(sample.placement.orientation)
    unit = math.hypot(sample.shot.active.height, sample.shot.active.width) / 2
    there = located(sample.placement, center / unit) * math.hypot(height, width) / 2
    corner: NDArray[np.int64] = (there + torch.tensor([[width], [height]]) / 2 - SIDE / 2).round().long().T.numpy()
    return corner


def spectra_of(ours: Tensor, theirs: Tensor, scale: float = 1.0) -> Spectra | None:
    """Of lightness in windows (n, SIDE, SIDE) that lie on each other; None where too few show anything."""
    low, high = ENDS
    whole = (torch.minimum(ours, theirs).amin((1, 2)) > low) & (torch.maximum(ours, theirs).amax((1, 2)) < high)
    if int(whole.sum()) < LEAST_WINDOWS:
        return None
    ours, theirs = (torch.fft.rfft2(_faded(windows[whole])) for windows in (ours, theirs))
    frequency = _frequency()
    coarse = (frequency >= COARSE[0]) & (frequency < COARSE[1])
    structure = ((ours.abs() ** 2)[:, coarse].sum(1) * (theirs.abs() ** 2)[:, coarse].sum(1)).sqrt()
    alike = (ours.conj() * theirs).real[:, coarse].sum(1) / structure.clamp(min=1e-12)
    order = structure.argsort()
    flat, rich = order[: max(1, int(FLAT * len(order)))], order[int((1 - RICH) * len(order)) :]
    rich = rich[(structure[rich] > STRUCTURE * structure[flat].median()) & (alike[rich] > ALIKE)]
    if len(rich) < LEAST_WINDOWS:
        return None
    powers = ((spectrum[some].abs() ** 2).mean(0) for some in (rich, flat) for spectrum in (ours, theirs))
    return Spectra(scale, *powers)


def _faded(windows: Tensor) -> Tensor:
    """Without their mean, and fading out towards their edges, which are no structure."""
    fade = torch.hann_window(SIDE)
    fade = fade[:, None] * fade
    return (windows - (windows * fade).sum((1, 2), keepdim=True) / fade.sum()) * fade


def _frequency() -> Tensor:
    """(SIDE, SIDE // 2 + 1) cycles a pixel, whatever the direction."""
    return torch.hypot(torch.fft.fftfreq(SIDE)[:, None], torch.fft.rfftfreq(SIDE))


# --- what sharpening does to it ---------------------------------------------------------------------------------------


def nearest(seen: Sequence[Spectra], radius_px: float) -> Sharpen | None:
    """What makes ours of all photos theirs; its amount is below 0 where theirs are softer.  None: too much is noise."""
    radius_px = round(radius_px / min((one.scale for one in seen), default=1.0), 2)  # no finer than they show
    errors: dict[float, Tensor] = {}  # by radius: of each amount
    for radius in (radius_px, *RADII):
        parts = [error for error in (_error(one, radius) for one in seen) if error is not None]
        if not parts:
            return None
        errors[radius] = torch.stack(parts).mean(0)
    least = {radius: float(error.min()) for radius, error in errors.items()}
    best = min(least, key=least.__getitem__)
    is_clear = least[radius_px] > ENOUGH**2 and least[best] < CLEARER**2 * least[radius_px]
    radius = best if is_clear else radius_px
    amount = float(AMOUNTS[int(errors[radius].argmin())])
    limit = min(_limit(one, radius) for one in seen)
    return Sharpen(round(min(amount, limit), 2), radius)


def _error(seen: Spectra, radius_px: float) -> Tensor | None:
    """(amounts) mean square over bands of how far log power is apart; None where hardly a band is more than noise."""
    ours, theirs = (seen.ours - seen.our_noise).clamp(min=0), (seen.theirs - seen.their_noise).clamp(min=0)
    frequency, lift = _frequency(), _lift(radius_px * seen.scale)
    amounts = torch.from_numpy(AMOUNTS).float()
    apart = []
    for low, high in pairwise(BANDS):
        band = (frequency >= low) & (frequency < high)
        told = [clean[band].sum() / noisy[band].sum() for clean, noisy in ((ours, seen.ours), (theirs, seen.theirs))]
        if min(told) >= TOLD:
            sharpened = (ours[band] * (1 + amounts[:, None] * lift[band]) ** 2).sum(1)
            apart.append((theirs[band].sum() / sharpened).log())
    if len(apart) < LEAST_BANDS:
        return None
    off = torch.stack(apart)
    return (off - off.mean(0).clamp(-CONTRAST, CONTRAST)).square().mean(0)


def _limit(seen: Spectra, radius_px: float) -> float:
    """The greatest amount that makes no more noise than may be."""
    lift = _lift(radius_px * seen.scale)
    noise = (seen.our_noise * (1 + torch.from_numpy(AMOUNTS).float()[:, None, None] * lift) ** 2).sum((1, 2)).sqrt()
    may_be = NOISIER * float(max(seen.our_noise.sum(), seen.their_noise.sum()).sqrt())
    return float(AMOUNTS[(noise <= may_be).numpy()].max(initial=0.0))


def _lift(radius_px: float) -> Tensor:
    """(SIDE, SIDE // 2 + 1) how much of each frequency the stage's blur takes away."""
    line = taps(radius_px, torch.zeros(()))
    place = torch.arange(len(line)) - len(line) // 2
    down, across = (
        torch.cos(2 * math.pi * along[:, None] * place) @ line
        for along in (torch.fft.fftfreq(SIDE), torch.fft.rfftfreq(SIDE))
    )
    return 1 - down[:, None] * across
