from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ispd.isp.factors import automatic, gain, matrix_delta, warmth
from ispd.isp.look import Exposure, MatrixDelta

six = st.tuples(*[st.floats(-0.5, 0.5)] * 6)
DAYLIGHT, TUNGSTEN = (0.5, 1.0, 0.625), (1.25, 1.0, 0.4)
COOL, WARM = warmth(DAYLIGHT, "RGB"), warmth(TUNGSTEN, "RGB")


def test_warm_light_has_more_red_over_blue() -> None:
    assert WARM > COOL
    assert warmth((2.0, 1.0, 0.5), "RGB") == 2
    assert warmth((1.0,), "W") == 0


@given(cool=six, warm=six, red=st.floats(0.2, 2), blue=st.floats(0.2, 2))
def test_neutral_stays_neutral(cool: tuple[float, ...], warm: tuple[float, ...], red: float, blue: float) -> None:
    delta = matrix_delta(MatrixDelta(cool, warm, (COOL, WARM)), (red, 1.0, blue), "RGB")
    assert delta is not None
    assert [float(sum(row)) for row in delta] == pytest.approx([1, 1, 1])


@given(cool=six, warm=six)
def test_each_light_has_its_matrix_and_beyond_nothing_goes_on(cool: tuple[float, ...], warm: tuple[float, ...]) -> None:
    p = MatrixDelta(cool, warm, (COOL, WARM))
    assert matrix_delta(p, DAYLIGHT, "RGB") == matrix_delta(MatrixDelta(cool), DAYLIGHT, "RGB")
    found = matrix_delta(p, (1.6, 1.0, 0.3), "RGB")
    assert torch.allclose(torch.tensor(found), torch.tensor(matrix_delta(MatrixDelta(warm), TUNGSTEN, "RGB")))


def test_a_slope_follows_the_scenes_light_within_what_it_was_learned_on() -> None:
    p = Exposure(slope=0.25, slope_range=(8.0, 12.0))
    stops = [math.log2(gain(p, 0.0, 0.0, ev)) for ev in (10.0, 12.0, 13.0, 20.0, -5.0)]
    assert stops == pytest.approx([0, 0.5, 0.75, 0.75, -0.75])
    assert gain(p, 0.0, 0.0, None) == 1  # a file that does not say is left alone


def test_an_exposure_that_adapts_evens_out_the_key_of_scenes_within_what_it_was_learned_on() -> None:
    p = Exposure(key_slope=-0.5, key_range=(-2.0, 2.0))
    stops = [math.log2(gain(p, 0.0, 0.0, None, key)) for key in (0.0, 2.0, 3.0, 9.0, -9.0)]
    assert stops == pytest.approx([0, -1.0, -1.5, -1.5, 1.5])
    assert gain(p, 0.0, 0.0) == 1  # not surveyed
    assert automatic(replace(p, ev=2.0, slope=0.3, slope_range=(0.0, 1.0)), 0.25, 1.0) == pytest.approx(0.25 - 0.5)
    assert automatic(replace(p, auto="none"), 0.25, 1.0) == pytest.approx(-0.5)
    both = Exposure(slope=0.25, slope_range=(8.0, 12.0), key_slope=-0.5, key_range=(-2.0, 2.0))
    assert math.log2(gain(both, 0.5, 0.0, 12.0, 1.0)) == pytest.approx(0.5 + 0.5 - 0.5)
