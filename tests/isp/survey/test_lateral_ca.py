from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ispd.isp.look import Camera, Corrections, Exposure, Look
from ispd.isp.survey import survey
from ispd.isp.survey.lateral_ca import lateral_ca
from ispd.isp.values import Levels, WarpRectilinear
from tests.isp.shots import shot

LEVELS = Levels((500.0,), (1, 1, 1), (15500.0,))
HEIGHT, WIDTH = 800, 1200
NOISE = (1e-4, 1e-6)
LOOK = Look(exposure=Exposure(auto="none"))


def leaves(scale: float, seed: int) -> NDArray[np.float64]:
    """(HEIGHT, WIDTH) of overlapping discs with soft edges, wider by `scale` than they are."""
    rng = np.random.default_rng(seed)
    picture = np.full((HEIGHT, WIDTH), 0.2)
    for _ in range(600):
        y, x = (rng.uniform(0, 1, 2) - 0.5) * (HEIGHT, WIDTH) * (1 + scale)
        radius, shade = rng.uniform(6, 40) * (1 + scale), rng.uniform(0.02, 0.6)
        y, x = y + HEIGHT / 2 - 0.5, x + WIDTH / 2 - 0.5
        top, left = max(0, int(y - radius - 2)), max(0, int(x - radius - 2))
        part = picture[top : int(y + radius + 3), left : int(x + radius + 3)]
        rows, columns = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
        cover = np.clip((radius - np.hypot(rows - y, columns - x)) / 1.5 + 0.5, 0, 1)
        part += cover * (shade - part)
    return picture


def photo(red: float, blue: float, cfa: str = "RGGB", scene: Any = leaves, seed: int = 3) -> NDArray[np.uint16]:
    planes = {"R": 0.5 * scene(red, seed), "G": scene(0.0, seed), "B": 0.7 * scene(blue, seed)}
    sites = np.empty((HEIGHT, WIDTH))
    for index, color in enumerate(cfa):
        row, column = divmod(index, 2)
        sites[row::2, column::2] = planes[color][row::2, column::2]
    noise = np.random.default_rng(seed + 1).normal(size=sites.shape) * np.sqrt(NOISE[0] * sites + NOISE[1])
    return np.rint((sites + noise) * 15000 + 500).clip(0, 16383).astype(np.uint16)


@pytest.mark.parametrize("cfa", ["RGGB", "GRBG", "GBRG", "BGGR"])
def test_the_sizes_of_red_and_blue_are_found(cfa: str) -> None:
    red, blue = lateral_ca(photo(0.0005, -0.001, cfa), LEVELS, cfa)
    assert red == pytest.approx(0.0005, abs=1e-4)
    assert blue == pytest.approx(-0.001, abs=1e-4)


def test_a_lens_that_draws_all_colors_alike_is_left_alone() -> None:
    assert lateral_ca(photo(0.0, 0.0), LEVELS, "RGGB") == (0.0, 0.0)


def test_a_scene_without_detail_tells_nothing() -> None:
    def sky(scale: float, seed: int) -> NDArray[np.float64]:
        return np.linspace(0.2, 0.5, HEIGHT)[:, None].repeat(WIDTH, axis=1)

    assert lateral_ca(photo(0.001, -0.001, scene=sky), LEVELS, "RGGB") == (0.0, 0.0)


def test_things_of_other_colors_are_no_fringes() -> None:
    """Red, green and blue show different scenes: what they have in common is chance."""
    codes = photo(0.0, 0.0)
    codes[::2, ::2] = photo(0.0, 0.0, seed=8)[::2, ::2]
    codes[1::2, 1::2] = photo(0.0, 0.0, seed=15)[1::2, 1::2]
    assert lateral_ca(codes, LEVELS, "RGGB") == (0.0, 0.0)


def test_clipped_places_are_not_asked() -> None:
    assert lateral_ca(np.full((HEIGHT, WIDTH), 15500, np.uint16), LEVELS, "RGGB") == (0.0, 0.0)


def test_the_look_and_the_files_own_correction_go_first() -> None:
    codes = photo(0.0005, -0.001)[None]
    plain = shot(HEIGHT, WIDTH, levels=LEVELS)
    same, apart = (1.0, 0.01, 0.0, 0.0, 0.0, 0.0), (1.001, 0.01, 0.0, 0.0, 0.0, 0.0)
    assert any(survey(codes, plain, LOOK).lateral_ca)
    off = replace(LOOK, camera=Camera(corrections=Corrections(lateral_ca="none")))
    assert not any(survey(codes, plain, off).lateral_ca)
    for planes, found in (((same,), True), ((same, apart, same), False)):
        warped = replace(plain, opcodes3=(WarpRectilinear(planes, (0.5, 0.5)),))
        assert any(survey(codes, warped, LOOK).lateral_ca) == found


@pytest.mark.parametrize("shape", [(1, 1), (7, 9), (255, 400)])
def test_a_small_picture_has_no_corners(shape: tuple[int, int]) -> None:
    assert lateral_ca(np.zeros(shape, np.uint16), LEVELS, "RGGB") == (0.0, 0.0)
