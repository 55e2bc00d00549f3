from __future__ import annotations

import numpy as np
import pytest
import torch

from ispd.nets import pack_bayer
from ispd.nets.bayer import BAYER, SCALE, reflected
from tests.isp.shots import XTRANS

pytestmark = pytest.mark.usefixtures("one_thread")


def numbered(height: int, width: int) -> torch.Tensor:
    return torch.arange(height * width, dtype=torch.int32).reshape(height, width)


@pytest.mark.parametrize("cfa", BAYER)
def test_planes_are_blue_green_of_red_rows_red_green_of_blue_rows(cfa: str) -> None:
    greens = {(row, column) for row in (0, 1) for column in (0, 1) if cfa[2 * row + column] == "G"}
    red = divmod(cfa.index("R"), 2)
    mosaic = torch.zeros(6, 8)
    for row in range(6):
        for column in range(8):
            site = (row % 2, column % 2)
            green = 2.0 if site[0] == red[0] else 4.0
            mosaic[row, column] = green if site in greens else {"R": 3.0, "B": 1.0}[cfa[2 * site[0] + site[1]]]
    packed = pack_bayer(mosaic, cfa) * SCALE
    for plane, code in enumerate((1.0, 2.0, 3.0, 4.0)):
        torch.testing.assert_close(packed[plane], torch.full((3, 4), code))


@pytest.mark.parametrize(("cfa", "top", "left"), [("GRBG", 0, 1), ("GBRG", 1, 0), ("BGGR", 1, 1)])
def test_another_phase_is_the_same_sensor_looked_at_from_elsewhere(cfa: str, top: int, left: int) -> None:
    sensor = numbered(14, 18)
    inside = sensor[2 - top : 10 - top, 2 - left : 12 - left]  # the same RGGB sensor, seen from a site before
    packed, plain = pack_bayer(inside, cfa), pack_bayer(sensor[2:10, 2:12], "RGGB")
    assert packed.shape == plain.shape == (4, 4, 5)
    assert torch.equal(packed[:, : 4 - top, : 5 - left], plain[:, : 4 - top, : 5 - left])


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.uint16, torch.float32, torch.float64])
def test_any_kind_of_codes(dtype: torch.dtype) -> None:
    packed = pack_bayer(torch.tensor([[1, 2], [3, 4]]).to(dtype), "BGGR")
    assert packed.dtype == torch.float32
    assert packed.shape == (4, 1, 1)


def test_odd_sides_are_rounded_up() -> None:
    assert pack_bayer(numbered(5, 7), "RGGB").shape == (4, 3, 4)


@pytest.mark.parametrize("cfa", ["", XTRANS, "RGBW", "CYGM"])
def test_other_sensors_are_refused(cfa: str) -> None:
    with pytest.raises(ValueError, match="Bayer"):
        pack_bayer(numbered(6, 6), cfa)


def test_mirroring_is_numpys_and_keeps_the_phase() -> None:
    for length in (2, 3, 4, 7):
        wanted = np.pad(np.arange(length), 9, mode="reflect")
        assert reflected(-9, length + 9, length).tolist() == wanted.tolist()
        assert all((here - there) % 2 == 0 for here, there in enumerate(wanted.tolist(), start=-9))
