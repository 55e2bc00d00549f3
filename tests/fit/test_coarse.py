from __future__ import annotations

from dataclasses import replace

import torch

from ispd.fit.coarse import coarse
from ispd.fit.sample import Sample
from tests.fit import planted
from tests.fit.test_recovery import PLAIN


def fine_sample() -> Sample:
    """A sample of 2-pixel cells, four times as many a side."""
    sample = planted.sample(PLAIN, 1)
    large = {
        name: getattr(sample, name).repeat_interleave(4, -1).repeat_interleave(4, -2)
        for name in ("light", "ceiling", "wanted", "low", "high", "trust", "place")
    }
    return replace(sample, cell=2, **large)


def test_cells_are_joined_until_they_are_as_large_as_the_judge_s() -> None:
    sample = fine_sample()
    joined = coarse(sample)
    assert joined.cell == 4  # 8 would leave fewer than it takes
    assert joined.shape == tuple(side // 2 for side in sample.shape)
    assert torch.allclose(joined.light, sample.light[:, ::2, ::2])


def test_large_cells_stay_as_they_are() -> None:
    sample = replace(planted.sample(PLAIN, 1), cell=8)
    assert coarse(sample) is sample


def test_a_cell_is_trusted_less_where_its_parts_differ_and_not_at_all_where_one_lies_outside() -> None:
    sample = fine_sample()
    light, trust = sample.light.clone(), sample.trust.clone()
    light[:, 0, 0] *= 3
    trust[0, 2] = 0
    joined = coarse(replace(sample, light=light, trust=trust)).trust
    assert 0 < float(joined[0, 0]) < 0.2
    assert float(joined[0, 1]) == 0
    assert float(joined[5, 5]) > 0.9
