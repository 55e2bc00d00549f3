"""The shipped weights of `hdr-unet`, at work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
import torch
from torch import Tensor

from ispd.errors import BadModel, PhotoError
from ispd.isp import render as pipeline
from ispd.isp.color.transfer import encode
from ispd.isp.look import Finish, Look
from ispd.isp.values import Mosaic
from ispd.models import OWN, Model, find
from ispd.nets.hdr_look import LOOK
from ispd.nets.hdr_unet import REACH, develop
from ispd.nets.train.evaluate import developing, entries, measured
from ispd.nets.train.sensor import expose
from ispd.nets.train.simulation import Chance
from ispd.orders import Output
from ispd.runner import frame, hdr, network
from tests.isp.shots import XTRANS, shot
from tests.nets.train.scenes import world
from tests.runner.test_devices import DEVICES

pytestmark = pytest.mark.usefixtures("one_thread")

HERE = Path("/nowhere")


@pytest.fixture(scope="module")
def own() -> Model:
    return find(HERE, OWN)


def mosaic(side: int = 256, seed: int = 1, light: Tensor | None = None) -> Mosaic:
    scene = world().light if light is None else light
    grown = torch.nn.functional.interpolate(scene[None], (side, side), mode="bilinear")[0]
    return expose(grown, Chance(seed)).mosaic


def test_it_is_above_the_pipeline_on_a_scene_that_it_has_not_seen(own: Model) -> None:
    shown = entries([world()], seed=0, views=12)
    results = measured({OWN: developing(hdr.load_network(own, "cpu"))}, shown)
    gains = [(one.stratum, one.psnr[OWN] - one.psnr["rival"]) for one in results]
    assert fmean(gain for _, gain in gains) > 1.5
    assert all(gain > 0 for stratum, gain in gains if "whole" in stratum)


def test_grey_stays_grey(own: Model) -> None:
    for seed in range(6):
        one = mosaic(160, seed, torch.full((3, 8, 8), 0.5))
        display, _ = hdr.displayed(one.samples.numpy(), one.shot, own, "cpu", lambda: None, 1 << 28)
        middle = encode(display, "srgb")[:, 40:-40, 40:-40].mean(dim=(1, 2))
        assert float(middle.max() - middle.min()) < 0.01


def test_tiles_of_trained_weights_agree_with_the_whole(own: Model) -> None:
    one = mosaic(512)
    with torch.inference_mode():
        net = hdr.load_network(own, "cpu")
        whole, tiles = (encode(develop(net, one, tile=tile).clamp(0, 1), "srgb") for tile in (512, 160))
    assert float((whole - tiles).abs().max()) < 1 / 512


def test_light_is_balanced_in_strips_as_in_the_whole() -> None:
    one = mosaic(256, 5)
    made, whole = frame.balanced(one, LOOK, lambda: None), pipeline.balanced(one, LOOK)[0]
    assert torch.equal(made.samples, whole.samples)
    assert torch.equal(made.ceiling, whole.ceiling.expand_as(whole.samples))


def test_bfloat16_is_the_same_picture(own: Model) -> None:
    one = mosaic(256, 3)
    net = hdr.load_network(own, "cpu")

    def halved(*seen: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            light: Tensor = net(*seen)
        return light

    with torch.inference_mode():
        full, half = (encode(develop(run, one).clamp(0, 1), "srgb") for run in (net, halved))
    assert float((full - half).abs().mean()) < 1 / 255


def test_a_picture_is_made_and_the_rest_of_the_look_acts(own: Model) -> None:
    one = mosaic(128)
    output = Output(format="tiff", bits=16)
    pictures = [
        network.render(one.samples.numpy(), one.shot, look, (output,), own, "cpu", lambda: None).pictures[0]
        for look in (Look(), Look(finish=Finish(saturation=0.0)))
    ]
    assert pictures[0].shape == (128, 128, 3)
    spread = [float((picture.max(axis=2) - picture.min(axis=2)).mean()) for picture in pictures]
    assert spread[1] < 0.1 * spread[0]


@pytest.mark.parametrize("device", DEVICES)
def test_a_device_makes_the_cpus_picture(own: Model, device: str) -> None:
    one = mosaic(256, 4)
    output = Output(format="tiff", bits=16)
    made, expected = (
        network.render(one.samples.numpy(), one.shot, Look(), (output,), own, where, lambda: None).pictures[0]
        for where in (device, "cpu")
    )
    assert np.abs(made.astype(float) - expected.astype(float)).mean() < 65535 / 255


def test_what_the_survey_finds_is_told(own: Model) -> None:
    one = mosaic(128)
    bare = replace(one.shot, bases=None, levels=replace(one.shot.levels, full=()))
    rendered = network.render(one.samples.numpy(), bare, Look(), (Output(),), own, "cpu", lambda: None)
    assert rendered.shot.levels.full
    assert rendered.shot.bases is not None


@pytest.mark.parametrize(("cfa", "planes"), [(XTRANS, 1), ("", 3)])
def test_other_sensors_are_refused(own: Model, cfa: str, planes: int) -> None:
    with pytest.raises(PhotoError, match="Bayer"):
        hdr.displayed(np.ones((planes, 36, 36), np.uint16), shot(36, 36, cfa=cfa), own, "cpu", lambda: None, 1 << 28)


def test_broken_weights_are_named(own: Model, tmp_path: Path) -> None:
    broken = replace(own, folder=tmp_path)
    with pytest.raises(BadModel, match=r"weights\.safetensors"):
        hdr.load_network(broken, "cpu")


def test_tiles_are_as_large_as_there_is_room() -> None:
    assert hdr.tile_side(1 << 20) == 32
    side = hdr.tile_side(1 << 30)
    assert (side + 2 * REACH) ** 2 * hdr.KEPT <= 1 << 30
