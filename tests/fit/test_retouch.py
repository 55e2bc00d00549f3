"""A look is the same everywhere; a retouch is not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from ispd.fit.retouch import retouched
from ispd.isp.color.transfer import decode
from tests.fit.scenes import graded, scene

ONE = torch.ones(3)


def halves(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Light, the reference, the place of cells."""
    picture = scene(seed, 150, 225)
    light, wanted = (
        decode(torch.from_numpy(p / 255.0).float(), "srgb").permute(2, 0, 1) for p in (picture, graded(picture))
    )
    x, y = np.meshgrid(np.linspace(-0.83, 0.83, 225), np.linspace(-0.55, 0.55, 150))
    return light, wanted, torch.from_numpy(np.stack([x, y])).float()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_even_look_is_no_retouch_and_neither_is_what_a_lens_does(seed: int) -> None:
    light, wanted, place = halves(seed)
    trust = torch.ones(150, 225)
    assert retouched(light, ONE, wanted, trust, place) == 0
    shaded = light / (1 + 0.8 * place.square().sum(0))
    assert retouched(shaded, ONE, wanted, trust, place) == 0
    assert retouched(light * 0.1, ONE, wanted, trust, place) == 0  # an exposure is a look


@pytest.mark.parametrize("factor", [(0.35, 0.35, 0.35), (1.6, 0.8, 0.5)])
def test_a_region_darker_or_of_another_color_is_found_with_its_size(factor: tuple[float, float, float]) -> None:
    light, wanted, place = halves(4)
    changed = wanted.clone()
    changed[:, 40:90, 60:130] *= torch.tensor(factor)[:, None, None]
    share = retouched(light, ONE, changed, torch.ones(150, 225), place)
    assert 0.5 < share / (50 * 70 / (150 * 225)) < 1.5


def test_specks_and_distrusted_cells_are_overlooked() -> None:
    light, wanted, place = halves(5)
    changed = wanted.clone()
    changed[:, 40:46, 60:66] *= 0.3
    assert retouched(light, ONE, changed, torch.ones(150, 225), place) == 0
    changed[:, 40:90, 60:130] *= 0.3
    trust = torch.ones(150, 225)
    trust[38:92, 58:132] = 0
    assert retouched(light, ONE, changed, trust, place) == 0
