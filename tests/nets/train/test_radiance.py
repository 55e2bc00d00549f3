import math
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from ispd.errors import IspdError, NoInput
from ispd.nets.train.exr import BadMap
from ispd.nets.train.radiance import Scene, decode_rgbe, maps, perspective, radiance_map, view
from ispd.nets.train.simulation import Chance
from tests.nets.train.test_exr import NONE, exr

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


@pytest.mark.parametrize(
    ("head", "complaint"),
    [
        (b"#?RADIANCE\n\n-Y x +X 8\n", "is not a Radiance picture"),
        (b"#?RADIANCE\n\n+Y 8 +X 8\n", "is not a Radiance picture"),
        (b"#?RADIANCE\n\n", "is not a Radiance picture"),
        (b"#?RADIANCE\nFORMAT=32-bit_rle_xyze\n\n-Y 8 +X 8\n", "holds XYZ"),
        (b"#?RADIANCE\n\n-Y 999999999 +X 999999999\n", "says it is 999999999"),
        (b"#?RADIANCE\n\n-Y 0 +X 8\n", "says it is 8 × 0"),
        (b"#?RADIANCE\n\n-Y 1 +X 8\n\2\2\0\x08" + b"\x8c\x80" * 4, "its rows are broken"),
    ],
)
def test_a_head_that_makes_no_sense_is_refused(head: bytes, complaint: str) -> None:
    with pytest.raises(BadMap, match=complaint):
        decode_rgbe(head, "a.hdr")


def lit(height: int = 40, width: int = 50) -> NDArray[np.float32]:
    return np.random.default_rng(2).uniform(0.1, 4.0, (height, width, 3)).astype(np.float32)


def written(path: Path, picture: NDArray[np.float32]) -> Path:
    path.write_bytes(exr(picture, NONE, "<f4"))
    return path


def test_what_is_no_light_is_cleaned_and_told(tmp_path: Path) -> None:
    picture, told = lit(), list[str]()
    picture[0, 0], picture[0, 1], picture[0, 2, 1] = np.nan, -3.0, np.inf
    scene = radiance_map(written(tmp_path / "a.exr", picture), told.append)
    clean = np.where(np.isfinite(picture) & (picture > 0), picture, 0)
    clean[0, 2, 1] = clean.max()
    assert torch.equal(scene.light, radiance_map(written(tmp_path / "b.exr", clean), told.append).light)
    assert len(told) == 1
    assert told[0].startswith("a.exr: 7 samples")


def test_how_bright_the_unit_of_a_map_is_does_not_matter(tmp_path: Path) -> None:
    for name, stops in (("a", -90), ("b", 90)):
        written(tmp_path / f"{name}.exr", np.ldexp(lit(), stops))
    faint, glaring = maps(tmp_path)
    assert torch.equal(faint.light, glaring.light)
    assert 0.1 < float(faint.light.mean()) < 10


def test_a_map_without_light_or_of_a_few_pixels_is_refused(tmp_path: Path) -> None:
    for picture, complaint in ((lit() * 0, "holds no light"), (-lit(), "holds no light"), (lit(9, 700), "is 700 × 9")):
        with pytest.raises(BadMap, match=complaint):
            radiance_map(written(tmp_path / "a.exr", picture))


def test_what_lies_beside_maps_is_no_map(tmp_path: Path) -> None:
    (tmp_path / "._a.hdr").write_bytes(b"what another system left")
    (tmp_path / "notes.txt").write_bytes(b"")
    (tmp_path / "folder.exr").mkdir()
    with pytest.raises(NoInput, match="no radiance map"):
        maps(tmp_path)
    written(tmp_path / "a.EXR", lit())
    assert [scene.name for scene in maps(tmp_path)] == ["a"]
    with pytest.raises(NoInput, match="cannot be read"):
        maps(tmp_path / "nowhere")
