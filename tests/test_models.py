from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ispd.errors import BadModel, ChangedPhoto
from ispd.models import ordered, pinned
from ispd.orders import Output, Recipe, from_json, to_json
from tests.nets import shelf

ISP = Recipe("neutral", '{"name":"neutral","backend":"isp"}', (Output(),))
TONED = Recipe("toned", '{"name":"toned","backend":"tonemapped"}', (Output(),))


def test_a_recipe_without_a_network_is_what_it_always_was(tmp_path: Path) -> None:
    assert pinned(ISP, tmp_path) == ISP
    assert b"model" not in to_json(ISP)  # what older ledgers hold has the same digest
    assert Recipe("neutral", "{}", (Output(),)).backend == "isp"


def test_another_network_under_the_same_name_is_another_recipe(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match='no imported model "tonemapped"'):
        pinned(TONED, tmp_path)
    recipes = []
    for black in (0.0, 64.0, 0.0):
        recipes.append(pinned(TONED, shelf.model(tmp_path, black=black).folder.parent))
        shutil.rmtree(tmp_path / "tonemapped")
    assert recipes[0] == recipes[2]
    assert recipes[0].digest not in (recipes[1].digest, TONED.digest)
    assert recipes[0].profile_digest == recipes[1].profile_digest
    assert from_json(to_json(recipes[0]), Recipe) == recipes[0]


def test_a_photo_is_not_rendered_by_another_network_than_it_was_planned_with(tmp_path: Path) -> None:
    planned = pinned(TONED, shelf.model(tmp_path).folder.parent)
    assert ordered(planned, tmp_path).digest == planned.model
    shutil.rmtree(tmp_path / "tonemapped")
    shelf.model(tmp_path, black=64.0)
    with pytest.raises(ChangedPhoto, match='the model "tonemapped" is another one'):
        ordered(planned, tmp_path)
    assert ordered(TONED, tmp_path).manifest.black == 64.0  # planned before recipes said which
