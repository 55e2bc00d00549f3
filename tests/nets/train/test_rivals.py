import hashlib
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from ispd.errors import ConfigError, MachineError
from ispd.models import Manifest, find, new_folder
from ispd.nets.bayer import pack_bayer
from ispd.nets.train.evaluate import code
from ispd.nets.train.hdr_unet import crop
from ispd.nets.train.rivals import Habits, Recipe, Training, batches, developing, given, resized, run, stretches, wanted
from ispd.runner.network import as_trained, displayed
from tests.nets.train.scenes import world
from tests.runner.test_devices import DEVICES

SHORT = Recipe(steps=3, batch=1, rate=1e-3, seed=3)  # a step each of levels 3, 1 and 0


def test_it_sees_a_shot_as_photos_are_put_before_an_imported_model_without_pedestal() -> None:
    manifest = Manifest("raw-to-tonemapped-hdr", sha256="", license="", black=0.0)
    for seed in range(3):
        mosaic = crop([world()], (seed,)).mosaic
        assert torch.allclose(given(mosaic), pack_bayer(as_trained(mosaic, manifest), mosaic.shot.cfa), atol=1e-6)


def test_it_learns_from_the_crops_of_hdr_unet() -> None:
    scenes = [world(), world("other")]
    (mosaics, pictures), (later, _) = batches(scenes, replace(SHORT, steps=6, batch=2), first=4, last=6)
    shots = [crop(scenes, (3, 4, number)) for number in range(2)]
    assert torch.equal(mosaics, torch.stack([given(one.mosaic) for one in shots]))
    assert torch.equal(pictures, torch.stack([wanted(one) for one in shots]))
    assert not torch.equal(mosaics, later)


def test_levels_have_their_published_shares() -> None:
    assert [(each.level, each.last - each.first) for each in stretches(Recipe(steps=1530))] == [
        *((4, 150), (3, 200), (2, 250), (1, 330), (0, 600))
    ]
    pynet = stretches(Recipe("pynet", steps=125))
    assert [(each.level, each.last - each.first) for each in pynet] == [
        (5, 8),
        (4, 8),
        (3, 17),
        (2, 17),
        (1, 25),
        (0, 50),
    ]


def test_the_histogram_counts_as_much_as_in_the_published_batches() -> None:
    """The published distance of N pairs, each D apart, is D / √N."""
    for each, published in zip(stretches(Recipe(batch=4)), (50, 35, 25, 15, 10), strict=True):
        assert each.histogram_share / math.sqrt(4) == pytest.approx(1 / math.sqrt(published))


def test_a_coarser_picture_is_the_same_picture() -> None:
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    assert resized(picture, 0) is picture
    assert resized(picture, 2).shape == (1, 3, 16, 16)
    assert float(resized(picture, 4).mean()) == pytest.approx(float(picture.mean()), abs=0.01)


def test_a_killed_training_ends_as_one_that_was_not_and_its_weights_can_be_imported(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    whole = run(SHORT, [world()], tmp_path / "whole", Habits())
    run(SHORT, [world()], tmp_path / "killed", Habits(cpu_seconds=0.0))  # stops after its first step
    resumed = run(SHORT, [world()], tmp_path / "killed", Habits())
    for name, value in whole.kept.items():
        assert torch.equal(value, resumed.kept[name])
    logs = [(tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("whole", "killed")]
    losses = [[(line["step"], line["level"], line["loss"]) for line in map(json.loads, lines)] for lines in logs]
    assert losses[0] == losses[1]
    assert [level for _, level, _ in losses[0]] == [3, 1, 0]
    with pytest.raises(ConfigError, match=r"another recipe \(seed = 3\)"):
        run(replace(SHORT, seed=4), [world()], tmp_path / "killed", Habits())

    with new_folder(tmp_path / "models", "learned") as hidden:
        weights = (tmp_path / "whole/level_0.safetensors").read_bytes()
        (hidden / "weights.safetensors").write_bytes(weights)
        said = {"architecture": SHORT.architecture, "license": "MIT", "black": 0.0}
        said["sha256"] = hashlib.sha256(weights).hexdigest()
        (hidden / "manifest.json").write_text(json.dumps(said))
    mosaic = crop([world()], (5,)).mosaic
    by_backend = displayed(
        mosaic.samples.numpy(), mosaic.shot, find(tmp_path / "models", "learned"), "cpu", lambda: None
    )
    assert torch.allclose(developing(whole.averaged())(mosaic), code(by_backend), atol=2e-3)
    assert load_file(tmp_path / "whole/level_0.safetensors").keys() == whole.net.state_dict().keys()


def test_it_learns() -> None:
    training = Training(replace(SHORT, steps=200, rate=3e-4))
    (one, *_) = batches([world()], replace(SHORT, steps=1, batch=2), first=0, last=1)
    first = training.learn(*one)["psnr"]
    for _ in range(16):
        last = training.learn(*one)["psnr"]
    assert training.net.level == 4
    assert last > first + 1


def test_a_loss_that_is_no_number_ends_it(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="try a lower rate"):
        run(replace(SHORT, rate=1e30), [world()], tmp_path, Habits())


@pytest.mark.parametrize("device", DEVICES)
def test_a_device_learns_as_the_cpu_does(device: str, tmp_path: Path) -> None:
    mine, cpus = (Training(SHORT, torch.device(each)) for each in (device, "cpu"))
    (both,) = batches([world()], SHORT, first=0, last=1)
    assert mine.learn(*both)["loss"] == pytest.approx(cpus.learn(*both)["loss"], abs=2e-3)
    assert {value.device.type for value in (*mine.kept.values(), *mine.net.parameters())} == {device}
    mine.save(tmp_path / "checkpoint.pt")
    cpus.resume(tmp_path / "checkpoint.pt")
    for name, value in mine.kept.items():
        assert torch.equal(value.cpu(), cpus.kept[name])


def test_held_out_views_are_shown_at_the_end_of_a_level(tmp_path: Path) -> None:
    run(replace(SHORT, steps=2), [world(), world("tree")], tmp_path, Habits())
    with Image.open(tmp_path / "samples/0-2.png") as picture:
        assert picture.size == (2 * 192, 192)
    last = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])
    assert set(last["psnr"]) == {"raw-to-tonemapped-hdr", "rival"}


def test_every_network_has_a_step_of_its_finest_level(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="steps = 1 leaves none for the finest level"):
        run(replace(SHORT, steps=1), [world()], tmp_path, Habits())
