from __future__ import annotations

import hashlib
import json
import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from ispd import models
from ispd.cli.main import main
from ispd.errors import BadModel, CannotCreate, NoInput
from ispd.import_model import import_model
from ispd.models import LICENSES, Manifest
from tests.nets import seeded

WANTED = Manifest("raw-to-tonemapped-hdr", "", LICENSES["raw-to-tonemapped-hdr"])


@pytest.fixture(scope="module")
def state() -> OrderedDict[str, Tensor]:
    return OrderedDict(seeded.state("hdr"))


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return models.models_folder(tmp_path / "state")


def saved(path: Path, value: Any) -> Path:
    torch.save(value, path)
    return path


def nothing_is_left(shelf: Path) -> bool:
    return not shelf.is_dir() or not list(shelf.iterdir())


def test_a_published_file_becomes_a_model(
    tmp_path: Path, state: OrderedDict[str, Tensor], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = saved(tmp_path / "published.pth", OrderedDict((f"module.{name}", value) for name, value in state.items()))
    asked = ("model", "import", str(file), "--architecture", "raw-to-tonemapped-hdr", "--level", "1")
    assert main([*asked, "--black", "64", "-o", "tonemapped"]) == 0
    said = capsys.readouterr()
    folder = home / ".local/state/ispd/models/tonemapped"
    assert said.out == f"{folder}\n"
    assert "no license stated" in said.err
    tensors = load_file(folder / "weights.safetensors")
    assert set(tensors) == set(state)
    assert all(torch.equal(tensors[name], value) for name, value in state.items())
    assert json.loads((folder / "manifest.json").read_text()) == {
        "architecture": "raw-to-tonemapped-hdr",
        "sha256": hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest(),
        "license": LICENSES["raw-to-tonemapped-hdr"],
        "level": 1,
        "packing": "blue, green of red rows, red, green of blue rows",
        "scale": 1020.0,
        "black": 64.0,
        "white": 1023.0,
        "source": "published.pth",
        "source_sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "schema": 1,
    }
    assert main(["model", "list"]) == 0
    assert capsys.readouterr().out == (
        "hdr-unet    hdr-unet, level 0               MIT, as ispd\n"
        "tonemapped  raw-to-tonemapped-hdr, level 1  "
        "no license stated by its authors: all rights are theirs, ask them before any use\n"
    )
    assert main([*asked, "-o", "tonemapped"]) == CannotCreate.exit_code
    assert "already" in capsys.readouterr().err


class Hostile:
    """What runs a command where pickle is trusted."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("form", ["torch", "pickle"])
def test_a_hostile_pickle_is_refused_and_nothing_of_it_runs(tmp_path: Path, shelf: Path, form: str) -> None:
    file, mark = tmp_path / "hostile.pth", tmp_path / "it-ran"
    if form == "torch":
        saved(file, {"weight": Hostile(mark)})
    else:
        file.write_bytes(pickle.dumps(Hostile(mark)))
    with pytest.raises(BadModel, match="no checkpoint that holds tensors alone"):
        import_model(file, "evil", WANTED, shelf)
    assert not mark.exists()
    assert nothing_is_left(shelf)


def test_what_does_not_fit_is_named(tmp_path: Path, state: OrderedDict[str, Tensor], shelf: Path) -> None:
    wrong = state | {"conv_t2b.conv2d.bias": torch.zeros(65), "conv_l3_out.conv2d.bias": torch.full((3,), torch.nan)}
    del wrong["IEM_l2_1.fc1.bias"]
    with pytest.raises(BadModel) as refused:
        import_model(saved(tmp_path / "wrong.pth", wrong), "wrong", WANTED, shelf)
    for name in ("conv_t2b.conv2d.bias (65,) instead of (64,)", "conv_l3_out.conv2d.bias", "IEM_l2_1.fc1.bias"):
        assert name in str(refused.value)
    assert nothing_is_left(shelf)


def test_a_truncated_file_is_refused(tmp_path: Path, state: OrderedDict[str, Tensor], shelf: Path) -> None:
    file = saved(tmp_path / "short.pth", state)
    os.truncate(file, file.stat().st_size // 2)
    with pytest.raises(BadModel, match=r"short\.pth"):
        import_model(file, "short", WANTED, shelf)
    assert nothing_is_left(shelf)


@pytest.mark.parametrize("value", [[torch.zeros(1)], {"epoch": 3}])
def test_what_is_no_dict_of_tensors_is_refused(tmp_path: Path, shelf: Path, value: Any) -> None:
    with pytest.raises(BadModel, match="it holds a"):
        import_model(saved(tmp_path / "other.pth", value), "other", WANTED, shelf)


def test_names_levels_and_places_that_cannot_be(tmp_path: Path, shelf: Path) -> None:
    with pytest.raises(NoInput):
        import_model(tmp_path / "nothing.pth", "nothing", WANTED, shelf)
    for name in ("isp", "hdr-unet", "../out", ".hidden", ""):
        with pytest.raises(BadModel, match="cannot be called"):
            import_model(tmp_path / "nothing.pth", name, WANTED, shelf)


def test_a_full_disk_leaves_no_half_model(shelf: Path) -> None:
    def fill() -> None:
        with models.new_folder(shelf, "large") as hidden:
            (hidden / "weights.safetensors").write_bytes(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(CannotCreate, match="space"):
        fill()
    assert nothing_is_left(shelf)


def test_what_a_killed_import_left_goes_with_the_next(shelf: Path) -> None:
    (shelf / ".large.4194999").mkdir(parents=True)  # above any process id
    with models.new_folder(shelf, "small") as hidden:
        (hidden / "manifest.json").write_text("{}")
    assert [path.name for path in shelf.iterdir()] == ["small"]


def test_weights_that_are_not_the_manifests_are_refused(shelf: Path) -> None:
    with models.new_folder(shelf, "changed") as hidden:
        (hidden / "weights.safetensors").write_bytes(b"other")
        (hidden / "manifest.json").write_text(json.dumps({"architecture": "pynet", "sha256": "0" * 64, "license": ""}))
    with pytest.raises(BadModel, match="not the file that its manifest was written for"):
        models.read_weights(models.find(shelf, "changed"))


@pytest.mark.parametrize("text", ["", "{", '{"architecture": "unet", "sha256": "", "license": ""}', "\xff"])
def test_a_manifest_that_is_none_is_refused(shelf: Path, text: str) -> None:
    (shelf / "bad").mkdir(parents=True)
    (shelf / "bad/manifest.json").write_text(text, encoding="latin-1")
    with pytest.raises(BadModel, match="import the model again"):
        models.find(shelf, "bad")
