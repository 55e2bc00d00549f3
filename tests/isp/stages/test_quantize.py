from __future__ import annotations

import numpy as np
import pytest
import torch

from ispd.isp.stages.quantize import quantize


def test_black_and_white_stay_pure() -> None:
    for value, code in ((0.0, 0), (1.0, 255), (-3.0, 0), (7.0, 255)):
        assert np.unique(quantize(torch.full((3, 64, 64), value), 8)).tolist() == [code]


def test_a_whole_code_is_that_code_everywhere() -> None:
    assert np.unique(quantize(torch.full((3, 64, 64), 100 / 255), 8)).tolist() == [100]


def test_between_two_codes_the_mean_is_right_and_grey_stays_grey() -> None:
    codes = quantize(torch.full((3, 128, 128), 100.3 / 255), 8)
    assert codes.mean() == pytest.approx(100.3, abs=0.02)
    assert set(np.unique(codes)) == {100, 101}
    assert (codes[..., 0] == codes[..., 1]).all()
    assert (codes[..., 0] == codes[..., 2]).all()


def test_a_strip_continues_the_pattern() -> None:
    sky = torch.linspace(0.4, 0.45, 3 * 40 * 30).reshape(3, 40, 30)
    np.testing.assert_array_equal(quantize(sky[:, 13:], 8, top=13), quantize(sky, 8)[13:])


def test_sixteen_bits_are_rounded() -> None:
    codes = quantize(torch.tensor([0.25, 0.5, 1.0]).reshape(3, 1, 1), 16)
    assert codes.dtype == np.uint16
    assert codes.flatten().tolist() == [16384, 32768, 65535]
