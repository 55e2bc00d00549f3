"""A door for the whole module, and pictures to be tagged, fresh from our encoders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from ispd.encode.picture import bits_of, encode
from ispd.metadata.exiftool import ExifTool
from ispd.metadata.tags import Provenance
from ispd.orders import Output
from tests.metadata.photo import write_photo

PROVENANCE = Provenance(
    source_digest="a" * 64,
    recipe_digest="b" * 64,
    profile="summer",
    profile_digest="c" * 64,
    version="0.1.0",
    backend="isp",
    reader="LibRaw 0.22.2",
    device="cpu",
    lens_correction="lensfun 0.3.4: Canon EF 50mm f/1.8 STM (distortion)",
    note="",
)

Picture = Callable[[Output], bytes]


@pytest.fixture(scope="module")
def door() -> Iterator[ExifTool]:
    with ExifTool() as door:
        yield door


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The photo that says everything, stored on its side."""
    return os.fsencode(write_photo(tmp_path_factory.mktemp("photo") / "IMG_1.dng"))


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    """Writes an untagged picture of 24×18 pixels under a staging name, and returns its path."""

    def write(output: Output) -> bytes:
        path = os.fsencode(tmp_path / f"7.{len(list(tmp_path.iterdir()))}.{output.extension}")
        grey = np.full((18, 24, 3), 99)
        encode(grey.astype(np.uint8) if bits_of(output) == 8 else grey.astype(np.uint16), output, path)
        return path

    return write
