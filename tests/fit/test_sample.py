"""The two hypotheses of one sample."""

from __future__ import annotations

from dataclasses import replace

import torch

from ispd.fit.sample import Placement, Sample
from ispd.isp.look import Corrections
from ispd.isp.values import Area, Levels, Raw, Shot

SHOT = Shot(
    cfa="",
    colors="RGB",
    levels=Levels((0.0,), (1, 1, 1), (1.0,)),
    active=Area(0, 0, 4, 6),
    crop=Area(0, 0, 4, 6),
    neutral=(1.0, 1.0, 1.0),
    rec2020_from_camera=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
)


def _sample(bare: Raw | None) -> Sample:
    planes = torch.full((3, 4, 6), 0.5)
    mask = torch.zeros(3, 4, 6, dtype=torch.bool)
    return Sample(
        name="a.dng",
        raw_path=b"/a.dng",
        reference_path=b"/a.jpg",
        digest="0" * 64,
        model="Lumora Lantern 7",
        serial="",
        captured="",
        shot=SHOT,
        corrections=Corrections(),
        placement=Placement(1, ((1.0, 0.0), (0.0, 1.0)), (0.0, 0.0)),
        cell=2,
        grey=False,
        light=planes,
        ceiling=torch.ones_like(planes),
        wanted=planes,
        low=mask,
        high=mask,
        trust=torch.ones(4, 6),
        place=torch.zeros(2, 4, 6),
        bare=bare,
    )


def test_without_shading_the_planes_are_the_bare_ones_and_the_hypothesis_says_so() -> None:
    bare = Raw(torch.full((3, 4, 6), 0.4), torch.full((3, 4, 6), 0.9))
    other = _sample(bare).unshaded()
    assert other.raw.samples is bare.samples
    assert other.raw.ceiling is bare.ceiling
    assert other.corrections == replace(Corrections(), shading="none")


def test_a_file_without_shading_maps_has_one_hypothesis() -> None:
    sample = _sample(None)
    assert sample.unshaded() is sample
