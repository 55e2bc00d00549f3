from __future__ import annotations

import pytest
import torch

from ispd.isp.pattern import colors_of, repeat, shifted, spread
from tests.isp.shots import XTRANS, seen_through


def test_a_letter_too_many_is_no_square() -> None:
    with pytest.raises(ValueError, match="no square"):
        repeat("RGGBG")
    with pytest.raises(ValueError, match="no square"):
        repeat("")


def test_shifting_by_the_repeat_changes_nothing() -> None:
    assert shifted(XTRANS, 6) == shifted(XTRANS, 0) == XTRANS
    assert shifted("RGGB", 3) == "GBRG"


def test_planes_of_rgb_are_in_that_order_whatever_comes_first() -> None:
    assert colors_of("BGGR") == "RGB"
    assert colors_of("GMYC") == "GMYC"


@pytest.mark.parametrize(
    ("cfa", "colors"), [("RGGB", "RGB"), (XTRANS, "RGB"), ("GMYC", "GMCY"), ("RRGGRRGGGGBBGGBB", "RGB")]
)
def test_flat_colors_come_back_from_any_array(cfa: str, colors: str) -> None:
    flat = torch.arange(1, len(colors) + 1).float()[:, None, None].expand(-1, 13, 17)
    torch.testing.assert_close(spread(seen_through(flat, cfa, colors), cfa, colors), flat)


def test_own_samples_stay() -> None:
    mosaic = torch.rand(9, 11, generator=torch.Generator().manual_seed(0))
    planes = spread(mosaic, XTRANS, "RGB")
    torch.testing.assert_close(seen_through(planes, XTRANS), mosaic, atol=0, rtol=0)


def test_what_a_neighborhood_knows_is_not_blurred_by_a_corner_that_knows_nothing() -> None:
    mosaic = torch.rand(24, 24, generator=torch.Generator().manual_seed(3))
    whole, inner = spread(mosaic, XTRANS, "RGB"), spread(mosaic[6:], XTRANS, "RGB")
    torch.testing.assert_close(whole[:, 8:], inner[:, 2:])
