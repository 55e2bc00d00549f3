from __future__ import annotations

import pytest
import torch

from ispd.errors import PhotoError
from ispd.isp.stages.levels import levels
from ispd.isp.values import Levels, Window


def test_each_site_loses_its_own_black_and_the_greatest_divides() -> None:
    """The same light of 500 counts on four sites with four blacks gives the same value: 500 / (1150 - 150)."""
    blacks = (0.0, 50.0, 100.0, 150.0)
    codes = torch.tensor(blacks).reshape(2, 2).repeat(2, 2)[None] + 500
    raw = levels(codes, Levels(blacks, (2, 2, 1), (1150.0,)), Window(0, 4, 4))
    torch.testing.assert_close(raw.samples, torch.full((1, 4, 4), 0.5))
    assert raw.ceiling[0, 0, 0] == pytest.approx(1.15)  # its black is 0, so it clips later
    assert raw.ceiling[0, 1, 1] == pytest.approx(1.0)


def test_rows_and_columns_have_blacks_of_their_own() -> None:
    rows, columns = torch.tensor([0.0, 10, 20]), torch.tensor([0.0, 1, 2, 3])
    codes = 100 + rows[:, None] + columns[None, :] + 250
    p = Levels((100.0,), (1, 1, 1), (623.0,), delta_h=(0, 1, 2, 3), delta_v=(0, 10, 20))
    torch.testing.assert_close(levels(codes[None], p, Window(0, 3, 4)).samples, torch.full((1, 3, 4), 0.5))


def test_a_strip_sees_the_black_of_its_own_rows() -> None:
    codes = torch.arange(5 * 4).float().reshape(1, 5, 4)
    p = Levels((1.0, 2.0, 3.0, 4.0, 5.0, 6.0), (3, 2, 1), (500.0,), delta_v=(0, 1, 2, 3, 4))
    whole = levels(codes, p, Window(0, 5, 4)).samples
    torch.testing.assert_close(levels(codes[:, 2:], p, Window(2, 5, 4)).samples, whole[:, 2:])


def test_planes_of_a_linear_file_have_levels_of_their_own() -> None:
    codes = torch.tensor([10.0, 20.0, 30.0])[:, None, None] + torch.tensor([50.0, 100.0, 200.0])[:, None, None]
    p = Levels((10.0, 20.0, 30.0), (1, 1, 3), (110.0, 220.0, 430.0))
    torch.testing.assert_close(levels(codes, p, Window(0, 1, 1)).samples, torch.full((3, 1, 1), 0.5))


def test_the_table_comes_before_black() -> None:
    p = Levels((100.0,), (1, 1, 1), (900.0,), table=(100, 500, 900))
    codes = torch.tensor([[[0.0, 1.0, 2.0, 7.0]]])
    torch.testing.assert_close(levels(codes, p, Window(0, 1, 4)).samples, torch.tensor([[[0.0, 0.5, 1.0, 1.0]]]))


def test_values_above_white_and_below_black_stay() -> None:
    raw = levels(torch.tensor([[[0.0, 300.0]]]), Levels((100.0,), (1, 1, 1), (200.0,)), Window(0, 1, 2))
    assert raw.samples.flatten().tolist() == [-1.0, 2.0]


def test_black_above_white_is_the_photos_fault() -> None:
    with pytest.raises(PhotoError, match="black level"):
        levels(torch.zeros(1, 2, 2), Levels((5000.0,), (1, 1, 1), (4095.0,)), Window(0, 2, 2))
