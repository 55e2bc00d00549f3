from __future__ import annotations

from typing import get_args

import pytest
import torch

from ispd.isp.color.transfer import decode, encode
from ispd.orders import Space

SPACES: tuple[Space, ...] = get_args(Space)


@pytest.mark.parametrize("space", SPACES)
def test_decoding_undoes_encoding_on_the_whole_line(space: Space) -> None:
    light = torch.linspace(-2, 4, 6001, dtype=torch.float64)
    torch.testing.assert_close(decode(encode(light, space), space), light, atol=2e-7, rtol=1e-6)


@pytest.mark.parametrize("space", SPACES)
def test_encoding_rises_and_meets_black_and_white(space: Space) -> None:
    light = torch.linspace(0, 1, 10001, dtype=torch.float64)
    code = encode(light, space)
    assert code[0] == 0
    assert code[-1] == pytest.approx(1, abs=1e-12)
    assert bool((code.diff() > 0).all())


@pytest.mark.parametrize("space", SPACES)
def test_slopes_are_finite_at_black(space: Space) -> None:
    light = torch.tensor([0.0, 1e-12, -1e-12], requires_grad=True)
    (slope,) = torch.autograd.grad(encode(light, space).sum(), light)
    assert bool(slope.isfinite().all())


def test_known_codes() -> None:
    """IEC 61966-2-1: code 128 of 255 is 21.586 % light; Adobe RGB (1998): a plain power of 2.19921875."""
    assert float(decode(torch.tensor(128 / 255, dtype=torch.float64), "srgb")) == pytest.approx(0.215861, abs=1e-6)
    assert float(encode(torch.tensor(0.5, dtype=torch.float64), "adobe-rgb")) == pytest.approx(0.5 ** (256 / 563))
    # BT.2020 for a 10-bit system: 1.099·L^0.45 - 0.099
    assert float(encode(torch.tensor(0.5, dtype=torch.float64), "rec2020")) == pytest.approx(
        1.099 * 0.5**0.45 - 0.099, abs=2e-4
    )
