"""The certificate of a learned profile: what it was learned from, how well it holds on photos it had not seen, and
within which domain.  Its `[fit]` table, written by `ispd fit`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from ispd.isp.params import Bounds, Counts, Rising
from ispd.orders import Facts

Span: TypeAlias = Annotated[tuple[float, ...], Counts((0, 2)), Rising()]  # from, to; (): not known
Error: TypeAlias = Annotated[float, Bounds(0, 1000, unit="ΔE2000")]

# what a photo may lie beyond a span before that is worth a word
STOP = 1.0
WARMTH_MARGIN = 0.3  # stops of red over blue: about 500 K in daylight


@dataclass(frozen=True)
class Certificate:
    """What the profile was learned from, and how well it holds: errors are of photos that the fit had not seen."""

    version: Annotated[int, Bounds(1, 99_999)] = 1  # counts the profile's own fits
    pairs: Annotated[int, Bounds(0, 1_000_000)] = 0  # raws with their finished picture that took part
    held_out_mean: Error = 0.0  # over the cells of a photo, then over photos
    held_out_median: Error = 0.0
    held_out_p95: Error = 0.0
    held_out_psnr: Annotated[float, Bounds(0, 200, unit="dB")] = 0.0
    worst: Error = 0.0  # the mean of the worst photo
    noise_floor: Error = 0.0  # what another demosaicing and JPEG alone would cost
    grid_gap: Error = 0.0  # between what the fit saw and the full render, cells counting as they were trusted
    split: Literal["photos", "blocks"] = "photos"  # what was held out: whole photos, or with too few, parts of them
    family: str = ""  # how much may be learned, as `ispd fit` chose it
    seed: int = 0
    ispd: str = ""  # version that made it
    iso: Annotated[Span, Bounds(0, 1e8)] = ()
    ev: Annotated[Span, Bounds(-40, 40, unit="EV")] = ()  # how bright the scenes were, at ISO 100
    warmth: Annotated[Span, Bounds(-20, 20, unit="stops")] = ()  # red over blue of a neutral, as the sensor saw it
    hues: Annotated[tuple[float, ...], Counts((0, 12)), Bounds(0, 1)] = ()  # share of the colors that lie in each
    lightness: Annotated[tuple[float, ...], Counts((0, 10)), Bounds(0, 1)] = ()
    photos: tuple[str, ...] = ()  # SHA-256 of each raw
    models: tuple[str, ...] = ()  # make and model of each camera


def how_far_off(certificate: Certificate, digits: int = 1) -> str:
    """How far off the look is, as words within a sentence; parts of a photo are no measure for other photos.

    >>> how_far_off(Certificate(held_out_mean=1.54))
    'ΔE 1.5 on photos it had not seen'
    >>> how_far_off(Certificate(pairs=2, held_out_mean=0.45, split="blocks"), digits=2)
    'ΔE 0.45 between parts of its own photos; others usually show 2 to 4 times that'
    """
    error = f"ΔE {certificate.held_out_mean:.{digits}f}"
    if certificate.split == "photos":
        return f"{error} on photos it had not seen"
    return f"{error} between parts of its own photos; others usually show {others_show(certificate)} times that"


def others_show(certificate: Certificate) -> str:
    """How many times the error between parts of a look's own photos other photos show, four fifths of the time.

    By random draws of training photos, seven looks: decision 31.
    """
    return "3 to 10" if certificate.pairs == 1 else "2 to 4"


def outside(certificate: Certificate, facts: Facts) -> str:
    """Where a photo lies outside of what the profile was learned on, as words for a sentence; "": nowhere."""
    return ", ".join(_outside(certificate, facts))


def _outside(certificate: Certificate, facts: Facts) -> Iterator[str]:
    if certificate.iso and facts.iso:
        low, high = certificate.iso
        if not low / 2**STOP <= facts.iso <= high * 2**STOP:
            yield f"ISO {facts.iso} (learned on {_span(certificate.iso)})"
    ev = facts.scene_ev
    if certificate.ev and ev is not None and not _within(ev, certificate.ev, STOP):
        yield f"a scene of {ev:.1f} EV (learned on {_span(certificate.ev)})"
    if certificate.warmth and facts.warmth is not None and not _within(facts.warmth, certificate.warmth, WARMTH_MARGIN):
        low, high = certificate.warmth
        light = "bluer" if facts.warmth < low else "redder"
        yield f"a {light} light by {max(low - facts.warmth, facts.warmth - high):.1f} stops"


def _within(value: float, span: tuple[float, ...], margin: float) -> bool:
    return span[0] - margin <= value <= span[1] + margin


def _span(span: tuple[float, ...]) -> str:
    low, high = (f"{round(end, 1):g}" for end in span)
    return low if low == high else f"{low} to {high}"
