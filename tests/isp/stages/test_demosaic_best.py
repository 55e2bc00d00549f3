"""What the network of `best` must do besides what every method does."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bench.demosaic import METHODS, SAMPLES, average, coded, pictures
from ispd.isp.stages.demosaic import demosaic
from ispd.isp.stages.demosaic.best import GUESSES, REACH, best, learned
from tests.isp.shots import seen_through

BAYER = ["RGGB", "GRBG", "GBRG", "BGGR"]
KODAK = SAMPLES / "kodak"


def noise(height: int, width: int) -> Tensor:
    return torch.rand(height, width, generator=torch.Generator().manual_seed(7), dtype=torch.float64)


def stained_glass() -> Tensor:
    """(3, 96, 96): discs of unrelated, saturated colors over each other, their edges as sharp as a good lens draws."""
    chance = torch.Generator().manual_seed(11)
    rows, columns = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    picture = torch.full((3, 96, 96), 0.5)
    for y, x, radius, *color in torch.rand(60, 6, generator=chance).tolist():
        inside = (4 + 16 * radius - torch.hypot(rows - 96 * y, columns - 96 * x) + 0.5).clamp(0, 1)
        picture = torch.lerp(picture, torch.tensor(color)[:, None, None].expand_as(picture), inside)
    return picture


@pytest.mark.parametrize("cfa", BAYER)
def test_saturated_edges_come_back_much_nearer_than_by_rule(cfa: str) -> None:
    by_rule, learned_ones = (coded(stained_glass(), cfa, METHODS[name]) for name in ("directional", "best"))
    assert learned_ones > by_rule + 1.5


def test_kodak_pictures_come_back_nearer_than_by_rule() -> None:
    """The fence, the caps, the parrots: fine grey detail, and color."""
    if not KODAK.is_dir():
        pytest.skip(f"no test pictures: {KODAK} is not there")
    chosen = [picture for number, picture in enumerate(pictures(KODAK), 1) if number in (3, 19, 23)]
    by_rule, learned_ones = (
        average([coded(one, "RGGB", METHODS[name]) for one in chosen]) for name in ("directional", "best")
    )
    assert by_rule is not None
    assert learned_ones is not None
    assert learned_ones > max(39.3, by_rule)


@pytest.mark.parametrize("cfa", BAYER)
def test_a_flat_colored_field_stays_flat(cfa: str) -> None:
    """Up to the borders: the filters that look at the mosaic see contrast alone."""
    color = torch.tensor([0.9, 0.3, 0.02], dtype=torch.float64)[:, None, None].expand(3, 20, 22)
    torch.testing.assert_close(best(seen_through(color, cfa), cfa), color, atol=1e-6, rtol=0)


def test_what_the_first_filters_see_is_contrast() -> None:
    """Each sums to zero over every color's sites; a guess's own color to one instead."""
    first = learned(torch.float64, torch.device("cpu"))[0]
    sums = first.sum(dim=(2, 3))
    red, green, blue = sums[:, 0], sums[:, 1] + sums[:, 2], sums[:, 3]
    expected = torch.zeros(len(sums), 3, dtype=torch.float64)
    expected[:GUESSES] = torch.eye(3, dtype=torch.float64).repeat_interleave(torch.tensor([3, 2, 3]), dim=0)
    torch.testing.assert_close(torch.stack([red, green, blue], dim=1), expected, atol=1e-5, rtol=0)


def test_nothing_farther_than_its_reach_is_looked_at() -> None:
    mosaic = noise(60, 62)
    other = mosaic.clone()
    other[30, 30] += 1.0
    changed = (best(mosaic, "GRBG") != best(other, "GRBG")).any(dim=0).nonzero()
    distance = (changed - 30).abs().amax()
    assert 4 < distance <= REACH


def test_no_color_is_darker_than_black_or_far_brighter_than_what_is_around() -> None:
    edge = torch.zeros(24, 24)
    edge[8:, :11] = 1.0
    edge[3:5, 14:] = 1.0
    planes = best(seen_through(edge.expand(3, -1, -1) * torch.tensor([1.0, 0.6, 0.2])[:, None, None], "RGGB"), "RGGB")
    assert float(planes.min()) >= 0
    assert float(planes.max()) <= 1.1 + 1e-6


def test_a_gradient_passes_even_if_a_picture_was_made_first() -> None:
    """The weights are loaded once, perhaps by a strip that needs no gradients."""
    learned.cache_clear()
    with torch.inference_mode():
        best(noise(12, 12), "RGGB")
    mosaic = noise(12, 12).requires_grad_()
    (slope,) = torch.autograd.grad(best(mosaic, "RGGB").sum(), mosaic)
    assert bool(slope.isfinite().all())
    assert float(slope.abs().sum()) > 1


def test_auto_is_the_rule_on_a_cpu() -> None:
    mosaic = noise(16, 18)
    assert torch.equal(demosaic(mosaic, "RGGB"), demosaic(mosaic, "RGGB", "directional"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no graphics card here")
def test_auto_is_the_network_on_a_graphics_card() -> None:
    mosaic = noise(16, 18).float()
    assert torch.equal(demosaic(mosaic.cuda(), "RGGB"), demosaic(mosaic.cuda(), "RGGB", "best"))
    torch.testing.assert_close(demosaic(mosaic.cuda(), "RGGB").cpu(), best(mosaic, "RGGB"), atol=1e-3, rtol=0)
