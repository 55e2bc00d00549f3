from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bench.demosaic import ARRAYS, BASE, METHODS, Figures, cpsnr, exposed, measured, pictures, table


def test_a_picture_off_by_one_code_everywhere_is_48_decibels_away() -> None:
    """10 · log10(255²) = 48.13; the border does not count."""
    truth = torch.full((3, 30, 30), 0.4)
    guess = truth + 1 / 255
    guess[:, :10] = 1.0
    assert cpsnr(guess, truth) == pytest.approx(48.13, abs=0.01)


def test_a_grey_wall_costs_only_its_noise() -> None:
    """On flat light every method is exact up to noise, and more of it takes decibels."""
    wall = torch.full((3, 64, 64), 0.5)
    quiet, loud = (exposed(wall, "RGGB", METHODS["directional"], iso) for iso in (100, 1600))
    assert quiet > loud + 9  # 16 times the variance is 12 dB, less rounding


def test_missing_pictures_leave_their_columns_empty(tmp_path: Path) -> None:
    assert pictures(tmp_path / "kodak") == []
    row = table({BASE: Figures((None, 36.5, None, None, None), 0.5)}).splitlines()[1]
    assert row.split() == ["bayer", "directional", "-", "36.50", "-", "-", "-", "0.50", "1.00"]


def test_every_method_of_every_array_gets_a_line() -> None:
    figures = measured([torch.rand(3, 32, 32)], [], rounds=1)
    assert set(figures) == {(array, method) for array, (_, methods) in ARRAYS.items() for method in methods}
    assert all(row.decibels[0] is not None and row.cpu_seconds > 0 for row in figures.values())
