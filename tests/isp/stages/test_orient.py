from __future__ import annotations

import numpy as np
import pytest

from ispd.isp.stages.orient import orient

# EXIF 2.32, tag 274, read off the letter F: what is stored, and how it is seen
SEEN = {
    1: ["##", "# "],
    2: ["##", " #"],
    3: [" #", "##"],
    4: ["# ", "##"],
}


def stored(rows: list[str]) -> np.ndarray:
    return np.array([list(row) for row in rows])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_the_camera_turned_away_is_turned_back(orientation: int) -> None:
    """Pillow's `exif_transpose` is the witness."""
    from PIL import Image, ImageOps

    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    image = Image.fromarray(pixels)
    image.getexif()[274] = orientation
    np.testing.assert_array_equal(orient(pixels, orientation), np.asarray(ImageOps.exif_transpose(image)))


@pytest.mark.parametrize("orientation", SEEN)
def test_mirrors_and_half_turns(orientation: int) -> None:
    np.testing.assert_array_equal(orient(stored(["##", "# "]), orientation), stored(SEEN[orientation]))


@pytest.mark.parametrize(("orientation", "back"), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 8), (7, 7), (8, 6)])
def test_each_has_one_that_undoes_it(orientation: int, back: int) -> None:
    pixels = np.arange(12).reshape(3, 4)
    np.testing.assert_array_equal(orient(orient(pixels, orientation), back), pixels)


def test_turns_add_up() -> None:
    pixels = np.arange(12).reshape(3, 4)
    np.testing.assert_array_equal(orient(orient(pixels, 6), 6), orient(pixels, 3))
    np.testing.assert_array_equal(orient(orient(pixels, 2), 4), orient(pixels, 3))
    np.testing.assert_array_equal(orient(orient(pixels, 6), 2), orient(pixels, 5))


@pytest.mark.parametrize("nonsense", [0, 9, 77, -1])
def test_nonsense_turns_nothing(nonsense: int) -> None:
    pixels = np.arange(12).reshape(3, 4)
    np.testing.assert_array_equal(orient(pixels, nonsense), pixels)
