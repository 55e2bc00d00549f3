import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ispd.errors import IspdError
from ispd.nets.train.hdr_unet import Habits, Lesson, Recipe, Training, crop, lesson, run
from tests.nets.train.scenes import world

TINY = Recipe(steps=4, batch=1, warming=1, averaged=3, widths=(4, 4, 4, 4, 4), blocks=(0, 0, 0, 0, 0), seed=3)


def test_a_killed_training_ends_as_one_that_was_not(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    whole = run(TINY, [world()], tmp_path / "whole", Habits(told=1))
    run(TINY, [world()], tmp_path / "killed", Habits(told=1, until=2))
    resumed = run(TINY, [world()], tmp_path / "killed", Habits(told=1, workers=1))
    assert resumed.step == 4
    for name, value in whole.net.state_dict().items():
        assert torch.equal(value, resumed.net.state_dict()[name])
        assert torch.equal(whole.kept[name], resumed.kept[name])
    told = [(tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("whole", "killed")]
    losses = [[json.loads(line)["loss"] for line in lines if "loss" in line] for lines in told]
    assert losses[0] == losses[1]


def test_another_recipe_does_not_go_on_from_a_checkpoint(tmp_path: Path) -> None:
    run(replace(TINY, steps=1), [world()], tmp_path, Habits())
    with pytest.raises(IspdError, match="another training"):
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
