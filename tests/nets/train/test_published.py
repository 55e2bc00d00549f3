from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from ispd.errors import BadModel, CannotCreate, ConfigError, NoInput
from ispd.nets import from_state_dict
from ispd.nets.checkpoint import build
from ispd.nets.train.compare import scored
from ispd.nets.train.pairs import find_pairs, load_pair
from ispd.nets.train.published import stretches_of, train
from ispd.nets.train.recipe import FOLDERS, Architecture, Level, Recipe, Terms, problems, terms

pytestmark = pytest.mark.usefixtures("one_thread")

HDR: Architecture = "raw-to-tonemapped-hdr"
CPU = torch.device("cpu")


def write_pairs(split: Path, count: int, side: int = 32, folders: tuple[str, str] = FOLDERS[HDR]) -> None:
    chance = np.random.default_rng(7)
    for name in folders:
        (split / name).mkdir(parents=True)
    for number in range(count):
        mosaic = chance.integers(64, 1023, (side, side)).astype(np.uint16)
        Image.fromarray(mosaic).save(split / folders[0] / f"{number}.png")
        picture = chance.integers(0, 90, (side // 4, side // 4, 3)).astype(np.uint8).repeat(4, 0).repeat(4, 1)
        Image.fromarray(picture).save(split / folders[1] / f"{number}.jpg")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_pairs(folder / "train", 5)
    write_pairs(folder / "test", 2)
    return folder


@pytest.fixture
def recipe(data: Path, tmp_path: Path) -> Recipe:
    levels = (Level(4, batch=2, epochs=2), Level(3, batch=2, epochs=1))
    return Recipe(HDR, data, tmp_path / "out", level=levels, features=0, checkpoint_steps=3, samples=1)


def learn(recipe: Recipe, until: int = 1 << 60) -> list[dict[str, float]]:
    lines: list[str] = []
    train(recipe, CPU, lines.append, until)
    return [json.loads(line) for line in lines]


def test_a_line_a_step_weights_a_level_and_pictures(recipe: Recipe) -> None:
    lines = learn(recipe)
    assert [(line["step"], line["level"], line["epoch"]) for line in lines] == [
        *((1, 4, 0), (2, 4, 0), (3, 4, 1), (4, 4, 1)),
        *((5, 3, 0), (6, 3, 0)),
    ]
    assert lines[-1]["seconds_left"] == 0
    for line in lines:
        weight = 1 if line["level"] == 4 else 10
        assert line["loss"] == pytest.approx(weight * line["mse"] + 0.25 * line["histogram"], abs=2e-5)
    assert [json.loads(line) for line in (recipe.out / "log.jsonl").read_text().splitlines()] == lines
    for level in (4, 3):
        assert from_state_dict(HDR, load_file(recipe.out / f"level_{level}.safetensors"), level)
    with Image.open(recipe.out / "samples/3-6.png") as sample:
        assert sample.size == (2 * 4, 4)
    assert learn(recipe) == []  # nothing is left to do


def test_a_killed_training_goes_on_to_the_same_weights(recipe: Recipe) -> None:
    whole = replace(recipe, out=recipe.out.with_name("whole"))
    learn(whole)
    learn(recipe, until=2)
    learn(recipe, until=5)
    with (recipe.out / "log.jsonl").open("a") as log:
        log.write('{"step": 6, "loss": 1}\n{"ste')  # steps after the checkpoint, the last cut by the kill
    learn(recipe)
    ours, theirs = (load_file(each.out / "level_3.safetensors") for each in (recipe, whole))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    logs = [
        [(line["step"], line["loss"]) for line in map(json.loads, (each.out / "log.jsonl").read_text().splitlines())]
        for each in (recipe, whole)
    ]
    assert logs[0] == logs[1]


def test_another_seed_is_another_training_and_another_folder(recipe: Recipe) -> None:
    learn(recipe, until=1)
    with pytest.raises(ConfigError, match="another recipe"):
        learn(replace(recipe, seed=1))


def test_it_learns(recipe: Recipe) -> None:
    lines = learn(replace(recipe, level=(Level(4, batch=5, epochs=12),), rate=3e-4, checkpoint_steps=1000, samples=0))
    assert lines[-1]["mse"] < 0.5 * lines[0]["mse"]


def test_mixed_precision_keeps_to_numbers(recipe: Recipe) -> None:
    lines = learn(replace(recipe, precision="mixed"))
    assert all(math.isfinite(line["loss"]) for line in lines)


@pytest.mark.parametrize("name", ["pynet", "raw-to-tonemapped-hdr"])
def test_statistics_are_single_precision_in_half_networks(name: str) -> None:
    """SimAM's sum of squares, and a norm's, of values that half precision has no room to add."""
    torch.manual_seed(0)
    network = build(name, 3)
    given = torch.rand(1, 4, 32, 32)
    with torch.inference_mode():
        wanted = network(given)
        with torch.autocast("cpu", torch.bfloat16):
            made = network(given)
    assert (made.float() - wanted).abs().mean() < 0.02


def test_a_checkpoint_that_is_none_is_refused(recipe: Recipe) -> None:
    recipe.out.mkdir()
    (recipe.out / "checkpoint.pt").write_bytes(b"half of one")
    with pytest.raises(BadModel, match=r"checkpoint\.pt cannot be gone on from"):
        learn(recipe)


def test_a_folder_that_cannot_be_written_is_told(recipe: Recipe) -> None:
    recipe.out.write_text("a file")
    with pytest.raises(CannotCreate, match="out cannot be written"):
        learn(recipe)


def test_pairs_that_are_missing_or_of_another_size_are_named(tmp_path: Path) -> None:
    write_pairs(tmp_path, 4)
    (tmp_path / "raw/1.png").unlink()
    (tmp_path / "groundtruth/2.jpg").unlink()
    Image.new("RGB", (32, 16)).save(tmp_path / "groundtruth/3.jpg")
    with pytest.raises(NoInput) as refused:
        find_pairs(tmp_path, FOLDERS[HDR], 16, 32)
    for words in ("groundtruth/1.jpg has no mosaic", "raw/2.png has no picture", "raw/3.png is 32 × 32, its picture"):
        assert words in str(refused.value)


def test_a_set_that_is_empty_or_of_impossible_sides_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoInput, match="there are no pairs"):
        find_pairs(tmp_path, FOLDERS[HDR], 16, 32)
    write_pairs(tmp_path, 1, side=24)
    with pytest.raises(NoInput, match="multiples of 16, 32 at least"):
        find_pairs(tmp_path, FOLDERS[HDR], 16, 32)


def test_pairs_come_in_the_order_of_their_numbers_and_at_the_size_of_a_level(tmp_path: Path) -> None:
    write_pairs(tmp_path, 12)
    pairs = find_pairs(tmp_path, FOLDERS[HDR], 16, 32)
    assert [pair.name for pair in pairs] == [str(number) for number in range(12)]
    given, wanted = load_pair(pairs[0], 2, Image.Resampling.BICUBIC)
    assert (given.shape, wanted.shape) == ((4, 16, 16), (3, 8, 8))
    mosaic = np.asarray(Image.open(pairs[0].mosaic))
    assert given[2, 0, 0].item() == pytest.approx(mosaic[0, 0] / 1020)


@pytest.mark.parametrize(
    ("architecture", "level", "wanted"),
    [
        (HDR, 4, Terms(1, 0, 0, 0.25)),
        (HDR, 3, Terms(10, 1, 0, 0.25)),
        (HDR, 2, Terms(10, 1, 0, 0.25)),
        (HDR, 1, Terms(10, 1, 0.4, 0.25)),
        (HDR, 0, Terms(10, 1, 0.4, 0.25)),
        ("pynet", 5, Terms(1)),
        ("pynet", 4, Terms(1)),
        ("pynet", 2, Terms(10, 1)),
        ("pynet", 1, Terms(10, 1)),
        ("pynet", 0, Terms(1, 1, 0.4)),
    ],
)
def test_losses_are_the_published_ones(architecture: Architecture, level: int, wanted: Terms) -> None:
    assert terms(Recipe(architecture, Path(), Path()), level) == wanted


def test_the_weight_that_code_and_documentation_disagree_on_has_two_names() -> None:
    recipe = Recipe(HDR, Path(), Path(), mse="code")
    assert [terms(recipe, level).mse for level in (4, 3, 2, 1, 0)] == [1, 10, 10, 1, 1]


def test_published_epochs_and_batches_hold_where_none_are_given() -> None:
    stretches = stretches_of(Recipe(HDR, Path(), Path()), pairs=12_600)
    assert [(each.level, each.batch, each.steps_an_epoch) for each in stretches] == [
        *((4, 50, 252), (3, 35, 360), (2, 25, 504), (1, 15, 840), (0, 10, 1260))
    ]
    assert stretches[-1].last == 15 * 252 + 20 * 360 + 25 * 504 + 33 * 840 + 60 * 1260


def test_recipes_that_cannot_be_are_told() -> None:
    plain = Recipe(HDR, Path(), Path())
    assert "name its weights" in problems(plain)[0]
    assert problems(replace(plain, features=0)) == []
    assert "in that order" in problems(replace(plain, features=0, level=(Level(3, 1, 1), Level(4, 1, 1))))[0]
    with pytest.raises(ConfigError, match="a batch of 50 is more than the 5 pairs"):
        stretches_of(plain, pairs=5)


def test_scores_of_the_same_picture_and_of_one_a_little_brighter() -> None:
    picture = torch.rand(3, 48, 48, generator=torch.Generator().manual_seed(8)) * 0.8
    same = scored(picture, picture)
    assert (same["psnr"], same["hellinger"]) == (120, 0)
    assert same["ssim"] == pytest.approx(1)
    assert same["ms_ssim"] == pytest.approx(1)
    assert same["delta_e"] == pytest.approx(0, abs=1e-3)
    brighter = scored(picture + 0.1, picture)
    assert brighter["psnr"] == pytest.approx(20, abs=1e-3)
    assert 3 < brighter["delta_e"] < 12
    assert 0 < brighter["hellinger"] < 1
