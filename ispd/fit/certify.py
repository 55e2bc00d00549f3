"""The certificate of a learned look: how well it holds on photos that no fit has seen, and what it was learned on.

Domain: sensitivity, how bright the scenes were, how warm their light, and which hues and lightnesses the finished
pictures have; a photo that lies outside may be rendered all the same, but it can be said so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

import ispd
from ispd.fit.learn import Learned
from ispd.fit.prove import Proof
from ispd.fit.sample import Sample
from ispd.isp.color.lab import lab_from_rec2020
from ispd.isp.factors import warmth
from ispd.profile.certificate import Certificate

HUES, LIGHTNESSES = 12, 10
COLORFUL = 8.0  # chroma from which on a color has a hue worth naming


def certificate(learned: Learned, proof: Proof) -> Certificate:
    """What `learned` is sure of, by full-size renders of what its fits have not seen."""
    samples = learned.samples
    lab = torch.cat([_lab(sample) for sample in samples], dim=1)
    return Certificate(
        pairs=len(samples),
        held_out_mean=_figure(proof.mean),
        held_out_median=_figure(proof.median),
        held_out_p95=_figure(proof.p95),
        held_out_psnr=_figure(proof.psnr),
        worst=_figure(proof.worst),
        noise_floor=_figure(proof.noise_floor),
        grid_gap=_figure(proof.grid_gap),
        split=learned.by,
        family=str(learned.family),
        seed=learned.seed,
        ispd=ispd.__version__,
        iso=_span([sample.shot.iso for sample in samples]),
        ev=_span([sample.shot.scene_ev for sample in samples]),
        warmth=_span([warmth(sample.shot.neutral, sample.shot.colors) for sample in samples]),
        hues=_shares(torch.atan2(lab[2], lab[1]) / (2 * math.pi) % 1, torch.hypot(lab[1], lab[2]) > COLORFUL, HUES),
        lightness=_shares(lab[0] / 100, torch.ones_like(lab[0], dtype=torch.bool), LIGHTNESSES),
        photos=tuple(sample.digest for sample in samples),
        models=tuple(sorted({sample.model for sample in samples})),
    )


def _figure(value: float) -> float:
    return round(value, 3)


def _span(values: Sequence[float | None]) -> tuple[float, ...]:
    known = [round(float(value), 3) for value in values if value is not None]
    return (min(known), max(known)) if known else ()


def _lab(sample: Sample) -> Tensor:
    """(3, cells) of the finished picture, where it is trusted at all."""
    return lab_from_rec2020(sample.wanted.reshape(3, -1)[:, sample.trust.flatten() > 0])


def _shares(place: Tensor, counted: Tensor, bins: int) -> tuple[float, ...]:
    """Of all cells, the share in each bin of [0, 1)."""
    number = (place[counted] * bins).long().clamp(0, bins - 1)
    shares = torch.bincount(number, minlength=bins) / max(len(place), 1)
    return tuple(round(share, 4) for share in shares.tolist())
