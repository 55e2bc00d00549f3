"""From an order to a report: what happens to the photo meanwhile does not come into its picture."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ispd import develop
from ispd.decode.cell import Cell
from ispd.errors import ChangedPhoto
from ispd.metadata.exiftool import ExifTool
from ispd.orders import Order, Output, Recipe
from ispd.photo import digest_of, identity_of
from ispd.profile import open_library, to_json


def order_for(photo: Path, target: Path) -> Order:
    profile = open_library().get("neutral")
    recipe = Recipe("neutral", to_json(profile), (Output("jpeg"),))
    identity = identity_of(os.stat(photo))
    assert identity is not None
    digest = digest_of(os.fsencode(photo), identity)
    assert digest is not None
    return Order(1, os.fsencode(photo), digest, identity, recipe, (os.fsencode(target),))


def replace(photo: Path) -> None:
    other = photo.with_name("other")
    other.write_bytes(photo.read_bytes())
    other.rename(photo)


@pytest.mark.parametrize("happens", [Path.unlink, replace])
def test_a_photo_that_goes_after_it_was_decoded_lends_no_tags(
    photo: Path, tmp_path: Path, happens: Callable[[Path], None]
) -> None:
    order = order_for(photo, tmp_path / "1.0.jpg")
    with Cell() as cell, ExifTool() as door:
        decoded = develop.decode(order, cell, door)
        developed = develop.render(order, decoded, "cpu", lambda: None)
        assert develop.finish(order, developed, door).files
        develop.discard(order)
        happens(photo)
        with pytest.raises(ChangedPhoto):
            develop.finish(order, developed, door)
