from __future__ import annotations

import pytest
import torch

from ispd.errors import PhotoError
from ispd.isp.stages.levels import full_wells, levels
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


TWELVE_BITS = Levels((100.0,), (1, 1, 1), (4095.0,))


def sky(brightest: float) -> torch.Tensor:
    """Codes of a scene that thins out towards its brightest, linear, black and white as TWELVE_BITS has them."""
    light = torch.linspace(0, 1, 90_000) ** 3 * brightest
    return (100 + 3995 * light)[torch.randperm(90_000, generator=torch.Generator().manual_seed(4))].reshape(1, 300, 300)


@pytest.mark.parametrize("end", [0.8, 0.9, 0.97])
@pytest.mark.parametrize("spread", [0.0, 0.004])
def test_a_sensor_that_ends_below_the_white_level_is_found_out(end: float, spread: float) -> None:
    wells = end * (1 + spread * torch.randn(1, 300, 300, generator=torch.Generator().manual_seed(5)))
    codes = torch.minimum(sky(2.0), 100 + 3995 * wells)
    (full,) = full_wells(codes, TWELVE_BITS)
    assert full == pytest.approx(end, rel=0.01)
    raw = levels(codes, Levels((100.0,), (1, 1, 1), (4095.0,), full=(full,)), Window(0, 300, 300))
    assert float(raw.ceiling[0, 0, 0]) == pytest.approx(end, rel=0.01)
    assert float(raw.samples.max()) == pytest.approx(float(wells.max()), rel=0.01)  # the light itself is not rescaled


@pytest.mark.parametrize("brightest", [0.2, 0.75, 0.95])
def test_a_scene_that_clips_nowhere_ends_at_white(brightest: float) -> None:
    codes = sky(brightest)
    codes[0, 3, 7:9] = 4095.0  # hot pixels are no sky
    assert full_wells(codes, TWELVE_BITS) == (1.0,)


def test_a_sensor_that_ends_at_white_ends_there() -> None:
    assert full_wells(sky(2.0).clamp(max=4095), TWELVE_BITS)[0] == pytest.approx(1.0, abs=0.01)


def test_where_planes_end_is_seen_after_the_table_plane_by_plane() -> None:
    """A table of squares; the second plane's codes stop at 230 of 255, which is 0.81 of its white."""
    codes = (sky(2.0) / 4095 * 255).clamp(max=255).round()
    p = Levels((0.0, 0.0), (1, 1, 2), (65025.0, 65025.0), table=tuple(code * code for code in range(256)))
    full = full_wells(torch.cat([codes, codes.clamp(max=230)]), p)
    assert full == pytest.approx((1.0, (230 / 255) ** 2), abs=0.01)


def test_numbers_that_are_none_say_nothing_of_the_sensor() -> None:
    codes = sky(0.5)
    codes[0, ::5] = torch.nan
    assert full_wells(codes, TWELVE_BITS) == (1.0,)
