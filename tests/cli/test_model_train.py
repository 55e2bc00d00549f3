"""`ispd model train CONFIG.toml` on simulated shots: our recipe, for our network and for a published one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from ispd.nets.hdr_unet import unpacked
from tests.cli.conftest import Ispd
from tests.nets.threads import one_thread
from tests.nets.train.scenes import world
from tests.nets.train.test_exr import ZIP, exr

__all__ = ["one_thread"]
pytestmark = pytest.mark.usefixtures("one_thread")

RIVAL = "raw-to-tonemapped-hdr"
Recipe: TypeAlias = Callable[..., Path]


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """Writes a file with one map and one photograph beside it: `recipe("a", "hdr-unet", steps=3)`."""
    light = world().light
    for folder in ("maps", "photos"):
        (tmp_path / folder).mkdir()
    (tmp_path / "maps/room.exr").write_bytes(exr(light.permute(1, 2, 0).contiguous().numpy(), ZIP, "<f4"))
    codes = (light / light.max()).clamp(0, 1).sqrt().mul(255).byte().permute(1, 2, 0)
    Image.fromarray(np.ascontiguousarray(codes.numpy())).save(tmp_path / "photos/wall.png")

    def write(name: str, architecture: str, **keys: Any) -> Path:
        said = {"maps": "maps", "photos": "photos", "out": name, "batch": 1, "device": "cpu", **keys}
        lines = (f"{key} = {json.dumps(value)}\n" for key, value in {"architecture": architecture, **said}.items())
        (tmp_path / f"{name}.toml").write_text("".join(lines))
        return tmp_path / f"{name}.toml"

    return write


def lines(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines()]


def losses(out: Path) -> list[tuple[int, float]]:
    return [(line["step"], line["loss"]) for line in lines((out / "log.jsonl").read_text()) if "loss" in line]


@pytest.mark.timeout(300)
def test_a_process_that_was_killed_goes_on_to_the_very_same_weights(ispd: Ispd, recipe: Recipe, tmp_path: Path) -> None:
    whole = ispd("model", "train", recipe("whole", "hdr-unet", steps=5, checkpoint_steps=2))
    assert whole.code == 0, whole.err
    told = [line for line in lines(whole.out) if "loss" in line]
    assert [line["step"] for line in told] == [1, 2, 3, 4, 5]
    assert all("seconds_left" in line for line in lines(whole.out))
    assert told[-1]["seconds_left"] == 0

    words = ("model", "train", str(recipe("killed", "hdr-unet", steps=5, checkpoint_steps=2, workers=1)))
    with subprocess.Popen(
        [sys.executable, "-m", "ispd", *words], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."}
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["step"] == 3:  # a step after the checkpoint
                process.kill()  # -9
    assert process.returncode == -9
    killed = tmp_path / "killed"
    assert json.loads((killed / "log.jsonl").read_text().splitlines()[-1])["step"] >= 3
    resumed = ispd(*words)
    assert resumed.code == 0, resumed.err
    assert lines(resumed.out)[0]["step"] in (3, 5)  # after a checkpoint; 5 where the kill came late
    assert (killed / "weights.safetensors").read_bytes() == (tmp_path / "whole/weights.safetensors").read_bytes()
    assert losses(killed) == losses(tmp_path / "whole")
    assert unpacked((killed / "weights.safetensors").read_bytes())
    assert ispd(*words).out == ""  # nothing is left to do


def test_a_disk_that_is_full_leaves_the_last_checkpoint(ispd: Ispd, recipe: Recipe, tmp_path: Path) -> None:
    file, out = recipe("full", RIVAL, steps=3, seed=3), tmp_path / "full"
    assert ispd("model", "train", file, "--until", 1).code == 0
    (out / "checkpoint.pt.new").symlink_to("/dev/full")
    printed = ispd("model", "train", file, "--until", 2)
    assert printed.code == 73
    assert printed.err == f"ispd: {out} cannot be written: No space left on device; the last checkpoint stands\n"
    assert ispd("model", "train", file).code == 0
    assert ispd("model", "train", recipe("whole", RIVAL, steps=3, seed=3)).code == 0
    ours, theirs = (load_file(tmp_path / name / "level_0.safetensors") for name in ("full", "whole"))
    assert all(bool((ours[name] == value).all()) for name, value in theirs.items())
    assert losses(out) == losses(tmp_path / "whole")
    assert [step for step, _ in losses(out)] == [1, 2, 3]


def test_a_checkpoint_that_was_cut_is_named(ispd: Ispd, recipe: Recipe, tmp_path: Path) -> None:
    file, checkpoint = recipe("cut", RIVAL, steps=2), tmp_path / "cut/checkpoint.pt"
    assert ispd("model", "train", file, "--until", 1).code == 0
    for size in (0, 100, checkpoint.stat().st_size // 2):
        os.truncate(checkpoint, size)
        printed = ispd("model", "train", file)
        assert printed.code == 65
        assert f"{checkpoint} cannot be gone on from" in printed.err
        assert "remove it to begin anew" in printed.err
    checkpoint.unlink()
    assert ispd("model", "train", file, "--until", 1).code == 0


def test_a_checkpoint_of_another_recipe_is_left_alone(ispd: Ispd, recipe: Recipe, tmp_path: Path) -> None:
    assert ispd("model", "train", recipe("first", RIVAL, steps=2)).code == 0
    other = ispd("model", "train", recipe("first", RIVAL, steps=2, seed=9))
    assert (other.code, "another recipe (seed = 1)" in other.err) == (78, True)
    ours = ispd("model", "train", recipe("first", "hdr-unet", steps=1))
    assert (ours.code, "another recipe" in ours.err) == (78, True)
    assert "give `out` another folder" in ours.err


def test_keys_that_do_not_act_are_told(ispd: Ispd, recipe: Recipe) -> None:
    rival = ispd("model", "train", recipe("rival", RIVAL, workers=1, histogram=0.1))
    assert rival.code == 78
    assert f"rival.toml: histogram does not act where architecture is {RIVAL}" in rival.err
    assert f"rival.toml: workers does not act where architecture is {RIVAL}" in rival.err
    ours = ispd("model", "train", recipe("ours", "hdr-unet", cpu_minutes=3))
    assert (ours.code, "cpu_minutes does not act where architecture is hdr-unet" in ours.err) == (78, True)
    pairs = ispd("model", "train", recipe("pairs", "hdr-unet", data="set", rate=7))
    assert pairs.code == 78
    assert "data is unknown" in pairs.err
    assert "rate = 7 must lie in 1e-08 to 1" in pairs.err


def test_scenes_that_are_missing_or_broken_are_named(ispd: Ispd, recipe: Recipe, tmp_path: Path) -> None:
    file = recipe("scenes", "hdr-unet", steps=1)
    (tmp_path / "maps/torn.hdr").write_bytes(b"#?RADIANCE\n\n-Y 64 +X 64\n\2\2\0\1")
    printed = ispd("model", "train", file)
    assert (printed.code, "torn.hdr" in printed.err) == (65, True)
    for path in (tmp_path / "maps").iterdir():
        path.unlink()
    printed = ispd("model", "train", file)
    assert (printed.code, "there is no radiance map" in printed.err) == (66, True)
    (tmp_path / "maps").rmdir()
    printed = ispd("model", "train", file)
    assert (printed.code, "maps cannot be read: No such file" in printed.err) == (66, True)


def test_photographs_that_are_missing_or_broken_are_named(ispd: Ispd, recipe: Recipe, tmp_path: Path) -> None:
    file = recipe("scenes", "hdr-unet", steps=1)
    picture = tmp_path / "photos/wall.png"
    picture.write_bytes(picture.read_bytes()[:900])
    printed = ispd("model", "train", file)
    assert (printed.code, "wall.png cannot be read as a photograph" in printed.err) == (65, True)
    picture.unlink()
    printed = ispd("model", "train", file)
    assert (printed.code, "there is no photograph (.jpg, .png)" in printed.err) == (66, True)
    picture.parent.rmdir()
    printed = ispd("model", "train", file)
    assert (printed.code, "photos cannot be read: No such file" in printed.err) == (66, True)


def test_scenes_that_are_all_held_out_teach_nothing(ispd: Ispd, recipe: Recipe, tmp_path: Path) -> None:
    file = recipe("none", "hdr-unet", steps=1)
    (tmp_path / "maps/room.exr").rename(tmp_path / "maps/tree.exr")
    (tmp_path / "photos/wall.png").rename(tmp_path / "photos/astronaut.png")
    printed = ispd("model", "train", file)
    assert (printed.code, "holds out every scene" in printed.err) == (66, True)


def test_a_folder_that_cannot_be_written_is_told(ispd: Ispd, recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    printed = ispd("model", "train", recipe("out", "hdr-unet", steps=1))
    assert (printed.code, f"{tmp_path / 'out'} cannot be written" in printed.err) == (73, True)
