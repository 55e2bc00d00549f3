from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from ispd.decode.dng.codes import Tag
from ispd.decode.dng.jpeg import damage, zeros_mean_flat
from ispd.decode.dng.layout import read_layout
from ispd.decode.dng.tags import read_tiff
from ispd.simulate.tiff import Kind
from tests.decode.dng.build import encode


def jpeg(*, optimize: bool, flat: bool) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), np.uint8)
    picture = np.full_like(noise, 255) if flat else noise
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=92, optimize=optimize)
    return file.getvalue()


def tile(data: bytes) -> tuple[str, ...]:
    file = encode({Tag.Compression: (Kind.SHORT, 34892)}, (data,))
    tiff = read_tiff(file)
    assert tiff.raw is not None
    return damage(tiff.source, read_layout(tiff.raw))


def test_usual_tables_have_no_flat_area_of_zeros_and_those_made_for_one_have() -> None:
    assert zeros_mean_flat(jpeg(optimize=False, flat=False)) is False
    assert zeros_mean_flat(jpeg(optimize=True, flat=True)) is True
    assert zeros_mean_flat(b"no JPEG") is None
    assert zeros_mean_flat(b"\xff\xd8\xff") is None


def test_a_hole_of_zeros_in_a_tile_is_damage() -> None:
    data = bytearray(jpeg(optimize=False, flat=False))
    assert tile(bytes(data)) == ()
    data[len(data) // 2 : len(data) // 2 + 4000] = bytes(4000)
    assert "looks damaged" in tile(bytes(data))[0]


def test_zeros_of_a_flat_area_are_none() -> None:
    head, data = jpeg(optimize=True, flat=True), bytes(8000)
    assert tile(head + data) == ()


@pytest.mark.parametrize("cut", range(2, 700, 37))
def test_a_header_that_is_cut_says_what_the_whole_says_or_nothing(cut: int) -> None:
    assert zeros_mean_flat(jpeg(optimize=True, flat=True)[:cut]) in (True, None)
