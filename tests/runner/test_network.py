from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from ispd.errors import BadModel, PhotoError
from ispd.isp.look import Finish, Look
from ispd.isp.values import Area, Levels, Mosaic
from ispd.models import Manifest, Model
from ispd.nets import from_state_dict
from ispd.orders import Output
from ispd.runner.network import as_trained, displayed, load_network, render, where_there_is_room
from tests.isp.shots import XTRANS, shot
from tests.nets import seeded, shelf

pytestmark = pytest.mark.usefixtures("one_thread")

HDR = Manifest("raw-to-tonemapped-hdr", "", "")
TEN_BITS = Levels((64.0,), (1, 1, 1), (1023.0,))
QUAD = "RRGGRRGGGGBBGGBB"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return shelf.model(tmp_path_factory.mktemp("models"), black=64)


def codes(height: int, width: int) -> NDArray[np.uint16]:
    noise = np.random.default_rng(6).random((height, width))
    ramp = np.linspace(0.1, 0.9, width)
    return (64 + 900 * ramp * (0.7 + 0.3 * noise)).astype(np.uint16)[None]


def by_hand(samples: NDArray[np.uint16], top: int, left: int) -> Tensor:
    """sRGB-encoded (3, H, W), by the whole network on a frame that numpy has mirrored."""
    _, height, width = samples.shape
    below, right = -(top + height) % 16, -(left + width) % 16
    frame = np.pad(samples[0].astype(np.float32), ((top, below), (left, right)), mode="reflect") / 1020
    planes = torch.from_numpy(np.stack([frame[1::2, 1::2], frame[0::2, 1::2], frame[0::2, 0::2], frame[1::2, 0::2]]))
    made: Tensor = from_state_dict("raw-to-tonemapped-hdr", seeded.state("hdr"))(planes[None])[0]
    return made[:, top : top + height, left : left + width]


@pytest.mark.parametrize(("cfa", "top", "left"), [("RGGB", 0, 0), ("GRBG", 0, 1), ("GBRG", 1, 0), ("BGGR", 1, 1)])
@pytest.mark.parametrize(("height", "width"), [(64, 48), (41, 53)])
def test_any_phase_and_any_size(model: Model, cfa: str, top: int, left: int, height: int, width: int) -> None:
    samples = codes(height, width)
    display = displayed(samples, shot(height, width, cfa=cfa, levels=TEN_BITS), model, "cpu", lambda: None)
    encoded = by_hand(samples, top, left)
    srgb = torch.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)  # IEC 61966-2-1
    rec2020_from_srgb = torch.tensor(  # ITU-R BT.2087
        [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
    )
    torch.testing.assert_close(display, torch.einsum("ij,jhw->ihw", rec2020_from_srgb, srgb), rtol=0, atol=2e-4)


def test_the_files_crop_is_cut_from_the_whole_frames_picture(model: Model) -> None:
    samples = codes(60, 50)
    whole = shot(60, 50, cfa="BGGR", levels=TEN_BITS)
    cropped = replace(whole, crop=Area(3, 5, 33, 45))
    display = displayed(samples, whole, model, "cpu", lambda: None)
    part = displayed(samples, cropped, model, "cpu", lambda: None)
    torch.testing.assert_close(part, display[:, 3:33, 5:45])


@pytest.mark.parametrize("side", [2, 3, 16])
def test_tiny_frames_are_mirrored_as_often_as_it_takes(model: Model, side: int) -> None:
    display = displayed(codes(side, side), shot(side, side, levels=TEN_BITS), model, "cpu", lambda: None)
    assert display.shape == (3, side, side)
    assert display.isfinite().all()


def test_codes_become_those_of_the_camera_that_the_network_knows() -> None:
    fourteen = shot(2, 2, levels=Levels((512.0, 512.0, 512.0, 600.0), (2, 2, 1), (16383.0,)))
    samples = torch.tensor([[[512, 16383], [512 + 15783 // 2, 600]]], dtype=torch.int32)
    known = as_trained(Mosaic(samples, fourteen), replace(HDR, black=64.0, white=1023.0))
    wanted = torch.tensor([[64, 1023], [64 + 959 / 2, 64]])  # what lies above white is cut
    torch.testing.assert_close(known, wanted, rtol=0, atol=0.1)


def test_a_pedestal_that_nobody_knows_stays_as_it_is() -> None:
    samples = torch.tensor([[[64, 500], [1023, 0]]], dtype=torch.int32)
    kept = as_trained(Mosaic(samples, shot(2, 2, levels=TEN_BITS)), HDR)
    torch.testing.assert_close(kept, samples[0].float())


def test_codes_go_through_the_files_linearization_table_first() -> None:
    table = tuple(4 * code for code in range(256))
    eight = shot(2, 2, levels=Levels((0.0,), (1, 1, 1), (1020.0,), table=table))
    kept = as_trained(Mosaic(torch.tensor([[[0, 100], [200, 255]]], dtype=torch.int32), eight), HDR)
    torch.testing.assert_close(kept, torch.tensor([[0.0, 400], [800, 1020]]) * 1023 / 1020)


@pytest.mark.parametrize(
    ("cfa", "words"), [("", "linear or monochrome"), (XTRANS, "an X-Trans sensor"), (QUAD, "a Quad-Bayer sensor")]
)
def test_other_sensors_are_refused_in_words(model: Model, cfa: str, words: str) -> None:
    with pytest.raises(PhotoError, match=words):
        displayed(codes(36, 36), shot(36, 36, cfa=cfa), model, "cpu", lambda: None)


def test_a_coarser_level_is_enlarged(tmp_path: Path) -> None:
    coarse = shelf.model(tmp_path, level=2)
    display = displayed(codes(50, 70), shot(50, 70, levels=TEN_BITS), coarse, "cpu", lambda: None)
    assert display.shape == (3, 50, 70)


def test_of_the_look_acts_what_comes_after_the_network(model: Model) -> None:
    samples, facts = codes(48, 64), shot(48, 64, levels=TEN_BITS, orientation=6)
    outputs = (Output(), Output("png", bits=16, size=32))
    plain = render(samples, facts, Look(), outputs, model, "cpu", lambda: None).pictures
    assert [(picture.shape, str(picture.dtype)) for picture in plain] == [
        ((64, 48, 3), "uint8"),
        ((32, 24, 3), "uint16"),
    ]
    grey = render(samples, facts, Look(finish=Finish(saturation=0)), outputs, model, "cpu", lambda: None).pictures
    assert np.ptp(grey[0].astype(int), axis=2).max() <= 1
    assert np.ptp(plain[0].astype(int), axis=2).max() > 20


def test_the_first_use_says_the_license(model: Model, capsys: pytest.CaptureFixture[str]) -> None:
    load_network.cache_clear()
    load_network(model, "cpu")
    load_network(model, "cpu")
    assert capsys.readouterr().err == 'ispd: pictures by the network "tonemapped": for tests alone\n'


def test_a_manifest_that_does_not_fit_its_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="the tensors do not fit the network"):
        load_network(shelf.model(tmp_path, architecture="pynet"), "cpu")


def test_a_card_without_room_gets_smaller_pieces_and_then_the_cpu_renders(capsys: pytest.CaptureFixture[str]) -> None:
    tried: list[tuple[str, int, int]] = []

    def make(*attempt: Any) -> str:
        tried.append(attempt)
        if attempt[0] == "cuda":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return "a picture"

    attempts = [("cuda", 6, 8), ("cuda", 3, 1), ("cpu", 2, 1)]
    assert where_there_is_room(make, attempts) == "a picture"
    assert tried == attempts
    assert capsys.readouterr().err.count("no room") == 2
