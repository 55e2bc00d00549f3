import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ispd.errors import ConfigError, MachineError
from ispd.nets.train.hdr_unet import Habits, Lesson, Recipe, Training, crop, lesson, run
from tests.nets.train.scenes import world
from tests.runner.test_devices import DEVICES

SMALL = Recipe(steps=4, batch=1, warming=1, averaged=3, widths=(4, 4, 4, 4, 4), blocks=(0, 0, 0, 0, 0), seed=3)
TINY = replace(SMALL, bfloat16=False)


def test_a_killed_training_ends_as_one_that_was_not(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    whole = run(TINY, [world()], tmp_path / "whole", Habits())
    run(TINY, [world()], tmp_path / "killed", Habits(until=2))
    resumed = run(TINY, [world()], tmp_path / "killed", Habits(workers=1))
    assert resumed.step == 4
    for name, value in whole.net.state_dict().items():
        assert torch.equal(value, resumed.net.state_dict()[name])
        assert torch.equal(whole.kept[name], resumed.kept[name])
    told = [(tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("whole", "killed")]
    losses = [[json.loads(line)["loss"] for line in lines if "loss" in line] for lines in told]
    assert losses[0] == losses[1]


def test_another_recipe_does_not_go_on_from_a_checkpoint(tmp_path: Path) -> None:
    run(replace(TINY, steps=1), [world()], tmp_path, Habits())
    with pytest.raises(ConfigError, match=r"another recipe \(seed = 3\)"):
        run(replace(TINY, steps=1, seed=4), [world()], tmp_path, Habits())


def noisy() -> Lesson:
    """A crop with visible noise."""
    return next(
        one
        for one in (lesson(crop([world()], (number,))) for number in range(50))
        if one.seen.told[0, 3:6].mean() > 0.03
    )


def test_one_crop_is_learned_by_heart() -> None:
    torch.set_num_threads(1)
    training = Training(
        replace(TINY, steps=400, warming=5, rate=4e-3, widths=(16, 16, 16, 16, 16), similarity=0.0, histogram=0.0)
    )
    one = noisy()
    first = training.learn([one])["psnr"]
    for _ in range(40):
        last = training.learn([one])["psnr"]
    assert last > first + 2


def test_every_weight_learns() -> None:
    training = Training(replace(TINY, blocks=(1, 1, 1, 1, 1)))
    for _ in range(3):  # zeros at the start keep gradients from what lies behind them
        training.learn([noisy()])
    assert all(value.grad is not None and bool(value.grad.abs().sum() > 0) for value in training.net.parameters())


def test_a_network_that_is_lost_is_told_and_nothing_of_it_is_kept(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="no numbers; try a lower rate"):
        run(replace(TINY, steps=40, rate=1e30), [world()], tmp_path, Habits())
    assert not (tmp_path / "checkpoint.pt").exists()


@pytest.mark.parametrize("device", DEVICES)
def test_a_device_learns_as_the_cpu_does(device: str, tmp_path: Path) -> None:
    mine, cpus = (Training(TINY, torch.device(each)) for each in (device, "cpu"))
    for number in range(2):
        lessons = [lesson(crop([world()], (number,)))]
        assert mine.learn(lessons)["loss"] == pytest.approx(cpus.learn(lessons)["loss"], abs=2e-3)
    assert {value.device.type for value in (*mine.kept.values(), *mine.net.parameters())} == {device}
    mine.save(tmp_path / "checkpoint.pt")
    cpus.resume(tmp_path / "checkpoint.pt")  # what one device has begun another can go on with
    for name, value in mine.kept.items():
        assert torch.equal(value.cpu(), cpus.kept[name])


@pytest.mark.parametrize("device", DEVICES)
def test_mixed_precision_keeps_statistics_in_single(device: str, tmp_path: Path) -> None:
    trained = run(SMALL, [world()], tmp_path, Habits(torch.device(device)))
    assert trained.recipe.bfloat16
    assert {value.dtype for value in (*trained.kept.values(), *trained.net.parameters())} == {torch.float32}
    learned = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert all(line["loss"] is not None for line in learned if "loss" in line)
