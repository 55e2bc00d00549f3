from __future__ import annotations

import pytest
import torch

from ispd.isp.size import scaled
from ispd.isp.stages.resize import resize
from ispd.isp.values import DisplayRGB


@pytest.mark.parametrize(
    ("size", "aspect", "expected"),
    [
        (None, 1.0, (300, 400)),
        (200, 1.0, (150, 200)),
        (401, 1.0, (300, 400)),
        (None, 1.5, (300, 600)),
        (None, 0.5, (600, 400)),
        (300, 1.5, (150, 300)),
        (1, 1.0, (1, 1)),
    ],
)
def test_sizes(size: int | None, aspect: float, expected: tuple[int, int]) -> None:
    assert scaled(300, 400, size, aspect) == expected
    assert resize(DisplayRGB(torch.zeros(3, 300, 400)), size, aspect).shape[1:] == expected


def test_full_size_is_the_same_picture() -> None:
    rgb = DisplayRGB(torch.rand(3, 5, 7))
    assert resize(rgb, 7) is rgb


def test_light_is_mixed_as_light() -> None:
    """A board of black and white pixels, seen from afar, is half as bright as white."""
    board = (torch.arange(64)[:, None] + torch.arange(64)) % 2
    small = resize(DisplayRGB(board.float().expand(3, -1, -1)), 8)
    torch.testing.assert_close(small[:, 1:-1, 1:-1], torch.full((3, 6, 6), 0.5), atol=0.01, rtol=0)


def test_nothing_leaves_the_range_it_had() -> None:
    lamp = torch.zeros(3, 40, 40)
    lamp[:, 20, 20] = 50.0
    small = resize(DisplayRGB(lamp), 13)
    assert float(small.min()) >= 0
    assert float(small.max()) <= 50
