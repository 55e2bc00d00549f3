from __future__ import annotations

import pytest
import torch

from ispd.isp.stages.levels import levels
from ispd.isp.survey.wells import full_wells
from ispd.isp.values import Levels, Window

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
    (full,) = full_wells(codes.numpy(), TWELVE_BITS)
    assert full == pytest.approx(end, rel=0.01)
    raw = levels(codes, Levels((100.0,), (1, 1, 1), (4095.0,), full=(full,)), Window(0, 300, 300))
    assert float(raw.ceiling[0, 0, 0]) == pytest.approx(end, rel=0.01)
    assert float(raw.samples.max()) == pytest.approx(float(wells.max()), rel=0.01)  # the light itself is not rescaled


@pytest.mark.parametrize("brightest", [0.2, 0.75, 0.95])
def test_a_scene_that_clips_nowhere_ends_at_white(brightest: float) -> None:
    codes = sky(brightest)
    codes[0, 3, 7:9] = 4095.0  # hot pixels are no sky
    assert full_wells(codes.numpy(), TWELVE_BITS) == (1.0,)


def test_a_sensor_that_ends_at_white_ends_there() -> None:
    assert full_wells(sky(2.0).clamp(max=4095).numpy(), TWELVE_BITS)[0] == pytest.approx(1.0, abs=0.01)


def test_where_planes_end_is_seen_after_the_table_plane_by_plane() -> None:
    """A table of squares; the second plane's codes stop at 230 of 255, which is 0.81 of its white."""
    codes = (sky(2.0) / 4095 * 255).clamp(max=255).round()
    p = Levels((0.0, 0.0), (1, 1, 2), (65025.0, 65025.0), table=tuple(code * code for code in range(256)))
    full = full_wells(torch.cat([codes, codes.clamp(max=230)]).numpy(), p)
    assert full == pytest.approx((1.0, (230 / 255) ** 2), abs=0.01)


def test_numbers_that_are_none_say_nothing_of_the_sensor() -> None:
    codes = sky(0.5)
    codes[0, ::5] = torch.nan
    assert full_wells(codes.numpy(), TWELVE_BITS) == (1.0,)
