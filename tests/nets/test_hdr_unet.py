from dataclasses import replace

import pytest
import torch

from ispd.errors import BadModel, PhotoError
from ispd.isp.color.transfer import encode
from ispd.isp.values import Mosaic
from ispd.nets.hdr_unet import (
    TOLD,
    HdrUNet,
    Seen,
    answered,
    compressed,
    develop,
    expanded,
    knee,
    multiplications,
    packed,
    unpacked,
)
from ispd.nets.train.evaluate import psnr
from ispd.nets.train.radiance import Scene
from ispd.nets.train.sensor import expose
from ispd.nets.train.simulation import Chance
from ispd.nets.train.target import target
from tests.nets.train.scenes import world


def network(seed: int = 0) -> HdrUNet:
    """With corrections as large as those that training finds."""
    torch.manual_seed(seed)
    net = HdrUNet()
    for name, value in net.named_parameters():
        if "second" in name or name.startswith("head"):
            torch.nn.init.normal_(value, std=0.3 / max(1.0, float(value[0].numel())) ** 0.5)
    return net.eval()


def mosaic(side: int, seed: int, scene: Scene | None = None, cfa: str = "RGGB") -> Mosaic:
    chance = Chance(seed)
    light = (scene or world()).light
    grown = torch.nn.functional.interpolate(light[None], (side, side), mode="bilinear")[0]
    return expose(grown, chance, cfa).mosaic


def test_compression_has_a_way_back() -> None:
    light = torch.tensor([-0.05, 0.0, 0.18, 1.0, 40.0])
    for bend in (0.02, 0.5):
        assert torch.allclose(expanded(compressed(light, bend), bend), light, rtol=1e-4)
        assert torch.allclose(compressed(torch.tensor([0.0, 1.0]), bend), torch.tensor([0.0, 1.0]))


def test_the_darkest_noise_keeps_its_mean() -> None:
    shot = replace(mosaic(64, 1).shot, neutral=(1.0, 1.0, 1.0), noise_profile=((0.0, 1e-2),) * 3)
    light = 0.05 + 0.1 * torch.randn(100_000, generator=torch.Generator().manual_seed(1))
    bend = knee(shot, 1.0)
    assert float(expanded(compressed(light, bend).mean(), bend)) == pytest.approx(0.05, rel=0.1)


def test_tiles_agree_with_the_whole() -> None:
    one, net = mosaic(448, 1), network()
    with torch.inference_mode():
        whole, tiles = (encode(develop(net, one, tile=tile), "srgb") for tile in (448, 128))
        plain = encode(develop(HdrUNet().eval(), one, tile=448), "srgb")
    assert float((plain - whole).abs().mean()) > 0.01  # there is something to differ in
    assert float((whole - tiles).abs().max()) < 1 / 512


@pytest.mark.parametrize(("cfa", "down", "right"), [("GRBG", 0, 1), ("GBRG", 1, 0), ("BGGR", 1, 1)])
def test_another_phase_of_the_array_is_the_same_picture(cfa: str, down: int, right: int) -> None:
    one, net = mosaic(192, 2), network()
    shot = one.shot
    active = replace(shot.active, bottom=192 - down, right=192 - right)
    assert shot.bases is not None
    less = replace(
        shot, cfa=cfa, active=active, crop=active, opcodes2=(), bases=replace(shot.bases, maps=flat(shot.bases.maps))
    )
    with torch.inference_mode():
        there = develop(net, Mosaic(one.samples[:, down:, right:], less))
        here = develop(net, replace(one, shot=replace(shot, opcodes2=(), bases=less.bases)))[:, down:, right:]
    inside = (slice(None), slice(100, 180), slice(100, 180))
    assert float((encode(there, "srgb") - encode(here, "srgb"))[inside].abs().max()) < 1 / 512


def flat(maps: bytes) -> bytes:
    """The bases of surroundings without a place: the pixel's own."""
    count = len(maps) // 16
    return torch.cat((torch.ones(count), torch.zeros(count), torch.ones(count), torch.zeros(count))).numpy().tobytes()


def test_cameras_agree_on_a_scene() -> None:
    """As it begins, the network leaves color to each camera's matrix."""
    net, found = HdrUNet().eval(), []
    for seed in range(60):
        taken = expose(world().light[:, :128, :128].clamp(max=1), Chance(seed))
        if taken.noise < 0.06 and taken.clipped < 0.001:
            with torch.inference_mode():
                found.append(psnr(encode(develop(net, taken.mosaic), "srgb"), encode(target(taken), "srgb")))
    assert len(found) >= 3
    assert min(found) > 32


def test_weights_come_back_and_others_are_refused() -> None:
    net = network()
    again = unpacked(packed(net.state_dict()))
    for name, value in net.state_dict().items():
        assert torch.equal(value.half().float(), again.state_dict()[name])
    with pytest.raises(BadModel, match="no weights"):
        unpacked(b"PK\x03\x04 a pickle")
    with pytest.raises(BadModel, match=r"head\.bias"):
        unpacked(packed({name: value for name, value in net.state_dict().items() if name != "head.bias"}))
    with pytest.raises(BadModel, match="no finite"):
        unpacked(packed({**net.state_dict(), "head.bias": torch.full((12,), torch.nan)}))


def test_other_arrays_are_refused() -> None:
    one = mosaic(64, 1)
    with pytest.raises(PhotoError, match="Bayer"):
        develop(HdrUNet(), replace(one, shot=replace(one.shot, cfa="GBGGRGRGRBGBGBGGRGGRGGBGBGBRGRGRGGBG")))


@pytest.mark.parametrize(("height", "width"), [(4, 4), (33, 70)])
def test_small_and_odd_pictures_have_no_holes(height: int, width: int) -> None:
    one = mosaic(96, 3)
    area = replace(one.shot.active, bottom=height, right=width)
    small = Mosaic(one.samples[:, :height, :width], replace(one.shot, active=area, crop=area))
    with torch.inference_mode():
        display = develop(network(), small)
    assert display.shape == (3, height, width)
    assert bool(display.isfinite().all())


def test_it_is_as_small_as_it_says() -> None:
    net = HdrUNet()
    assert multiplications(net) < 50_000
    assert 2 * sum(value.numel() for value in net.parameters()) < 8e6  # bytes, in float16
    with torch.inference_mode():
        assert net(torch.rand(1, 4, 16, 16), torch.rand(1, TOLD, 16, 16)).shape == (1, 3, 32, 32)


def test_what_has_run_out_is_white_and_never_pink() -> None:
    pink = torch.tensor([1.6, 1.0, 1.4])[:, None, None].expand(3, 8, 8)
    told = torch.zeros(1, TOLD, 4, 4)
    asked = compressed(pink, 0.02)[None]
    assert torch.allclose(answered(asked, Seen(told, told), 0.02, 1.0), pink, rtol=1e-4)  # nothing has: as it is
    greens_are_full, all_are_full = told.clone(), told.clone()
    greens_are_full[:, 7:9] = all_are_full[:, 6:10] = 1
    red, green, blue = answered(asked, Seen(told, greens_are_full), 0.02, 1.0)[:, 4, 4]
    assert green == pytest.approx(float(red + blue) / 2, rel=1e-4)
    assert answered(asked, Seen(told, all_are_full), 0.02, 1.0)[:, 4, 4].tolist() == pytest.approx([1.6] * 3, rel=1e-4)
