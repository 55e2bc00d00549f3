import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ispd.errors import IspdError
from ispd.nets.train.radiance import Scene, decode_rgbe, maps, perspective, view
from ispd.nets.train.simulation import Chance

WIDTH, HEIGHT, HORIZON = 720, 240, 110.0  # half a degree a pixel


def brightest(picture: Tensor) -> tuple[float, float]:
    """Row and column of the middle of the light."""
    weight = picture.sum(dim=0).double()
    rows, columns = (torch.arange(length) + 0.5 for length in weight.shape)
    return float((weight.sum(1) * rows).sum() / weight.sum()), float((weight.sum(0) * columns).sum() / weight.sum())


def spot(longitude_deg: float, latitude_deg: float) -> Tensor:
    """A band that is black but for a spot, 2 × 2 pixels wide."""
    band = torch.zeros(3, HEIGHT, WIDTH)
    row, column = round(HORIZON - 2 * latitude_deg), round(WIDTH / 2 + 2 * longitude_deg)
    band[:, row - 1 : row + 1, [(column - 1) % WIDTH, column % WIDTH]] = 1.0
    return band


@pytest.mark.parametrize(("yaw", "pitch"), [(0.0, 0.0), (40.0, 0.0), (180.0, 0.0), (-100.0, 12.0), (359.0, -9.0)])
def test_a_camera_has_what_it_looks_at_in_the_middle(yaw: float, pitch: float) -> None:
    seen = perspective(spot(yaw, pitch), HORIZON, 96, 60.0, yaw, pitch, roll_deg=0.0)
    assert brightest(seen) == pytest.approx((48, 48), abs=0.5)


def test_an_angle_lies_at_its_tangent() -> None:
    seen = perspective(spot(20.0, 0.0), HORIZON, 96, 80.0, 0.0, 0.0, 0.0)
    expected = 48 + 48 * math.tan(math.radians(20)) / math.tan(math.radians(40))
    assert brightest(seen) == pytest.approx((48, expected), abs=0.5)


def test_what_is_higher_lies_higher_and_a_roll_turns_it() -> None:
    up = perspective(spot(0.0, 20.0), HORIZON, 96, 80.0, 0.0, 0.0, 0.0)
    turned = perspective(spot(0.0, 20.0), HORIZON, 96, 80.0, 0.0, 0.0, 90.0)
    from_middle = 48 * math.tan(math.radians(20)) / math.tan(math.radians(40))
    assert brightest(up) == pytest.approx((48 - from_middle, 48), abs=0.5)
    row, column = brightest(turned)
    assert row == pytest.approx(48, abs=0.5)
    assert abs(column - 48) == pytest.approx(from_middle, abs=0.5)


def test_a_flat_world_is_flat_from_everywhere() -> None:
    world = Scene("flat", torch.full((3, HEIGHT, WIDTH), 0.25), HORIZON)
    for number in range(4):
        assert torch.allclose(view(world, 48, Chance(number)), torch.tensor(0.25))


def test_run_lengths_and_exponents_are_read() -> None:
    row = b"\2\2\0\x08" + b"\x88\x80" + b"\x88\x40" + b"\x08" + bytes(range(8)) + b"\x88\x81"
    light = decode_rgbe(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 8\n" + row, "a.hdr")
    assert np.array_equal(light[0, :, 0], np.full(8, 1.0))  # 128 · 2^(129 - 136)
    assert np.array_equal(light[0, :, 2], np.arange(8) / 128)


def test_a_map_that_ends_early_is_named() -> None:
    with pytest.raises(IspdError, match=r"a\.hdr ends"):
        decode_rgbe(b"#?RADIANCE\n\n-Y 4 +X 8\n\2\2\0\x08\x88", "a.hdr")
    with pytest.raises(IspdError, match=r"a\.hdr is not"):
        decode_rgbe(b"\x89PNG", "a.hdr")


def test_a_large_panorama_is_the_same_world(tmp_path: Path) -> None:
    fine = np.full((512, 2048, 4), 128, np.uint8)
    fine[256:300, 1024:1100, 0] = 255
    coarse = fine[::2, ::2]
    for name, rgbe in (("fine", fine), ("coarse", coarse)):
        height, width, _ = rgbe.shape
        head = f"#?RADIANCE\n\n-Y {height} +X {width}\n".encode()
        (tmp_path / f"{name}.hdr").write_bytes(head + rgbe.tobytes())
    small, large = maps(tmp_path)
    assert torch.allclose(view(small, 32, Chance(1)), view(large, 32, Chance(1)))
