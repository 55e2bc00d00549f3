from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.style import models
from bench.style.__main__ import Row, at_center, table
from bench.style.measure import Error, apart, boxes, over_photos
from bench.style.models import FiveStages, ThreeCurves
from bench.style.programs import looked_up, read_cube
from bench.style.scenes import SCENES, WHITE_REC709, encoded, light, read_radiance
from ispd.isp.color.lab import delta_e, lab_from_rec2020
from ispd.isp.color.transfer import encode


def test_boxes_are_averaged_in_linear_light() -> None:
    stripes = torch.tensor([0.0, 1.0]).repeat(8)[None, None].expand(3, 16, 16)
    assert torch.allclose(boxes(stripes), torch.full((3, 2, 2), 0.5))


def test_a_picture_is_no_way_from_itself_and_a_grey_step_is_what_the_formula_says() -> None:
    grey, darker = torch.full((3, 16, 24), 0.3), torch.full((3, 16, 24), 0.2)
    assert float(apart(grey, grey).max()) < 1e-6
    step = delta_e(*(lab_from_rec2020(picture[:, :1, :1]) for picture in (grey, darker)))
    assert torch.allclose(apart(grey, darker), step.expand(2, 3).double(), atol=1e-3)


def test_no_photo_counts_for_more_because_it_is_larger() -> None:
    error = over_photos([torch.full((2, 2), 4.0), torch.full((50, 50), 2.0)])
    assert error.mean == pytest.approx(3.0)
    assert error.worst == pytest.approx(4.0)


def test_pictures_of_two_sizes_are_not_compared() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        apart(torch.zeros(3, 16, 16), torch.zeros(3, 16, 24))


def test_the_center_is_what_a_program_that_drops_a_border_shows() -> None:
    whole = torch.arange(20.0 * 24).reshape(1, 20, 24)
    assert torch.equal(at_center(whole, torch.zeros(1, 12, 16)), whole[:, 4:16, 4:20])


def test_a_radiance_map_is_read_run_by_run(tmp_path: Path) -> None:
    width = 8
    row = bytes([2, 2, 0, width])
    red = bytes([128 + width, 128])  # a run
    green = bytes([width, *range(width)])  # as they are
    blue = bytes([128 + 3, 7, 5, 1, 2, 3, 4, 5])  # both
    exponent = bytes([128 + width, 129])
    path = tmp_path / "a.hdr"
    path.write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 8\n" + row + red + green + blue + exponent)
    picture = read_radiance(path)
    assert picture.shape == (1, width, 3)
    assert picture[0, :, 0] == pytest.approx(np.full(width, 1.0))  # 128 · 2^(129 - 136)
    assert picture[0, :, 1] == pytest.approx(np.arange(width) / 128)
    assert picture[0, :, 2] == pytest.approx(np.array([7, 7, 7, 1, 2, 3, 4, 5]) / 128)


@given(st.floats(0, 16))
def test_what_is_brighter_than_white_is_encoded_along_the_same_curve(value: float) -> None:
    assert float(encoded(np.array(value))) == pytest.approx(
        float(encode(torch.tensor(value).double(), "srgb")), abs=1e-6
    )


def test_scenes_are_as_many_as_the_table_says_and_named_apart() -> None:
    assert len(SCENES) == len({scene.name for scene in SCENES}) == 30


@pytest.mark.parametrize("name", ["park", "still-life", "astronaut"])
def test_a_scene_has_an_average_luminance_of_one(name: str) -> None:
    scene = next(scene for scene in SCENES if scene.name == name)
    picture = light(scene, 96, 64)
    assert picture.shape == ((96, 64, 3) if scene.upright else (64, 96, 3))
    luminance = picture @ WHITE_REC709
    assert np.isfinite(picture).all()
    assert 0.1 < np.exp(np.log(luminance.clip(1e-9)).mean()) <= 1.0 + 1e-9  # less by what is black


@pytest.mark.parametrize("new", [FiveStages, ThreeCurves])
def test_a_planted_exposure_and_balance_is_found(new: type[models.Model], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "STEPS", 120)
    torch.manual_seed(3)
    seen = torch.rand(3, 64, 96).kron(torch.ones(1, 8, 8)) * 0.4
    wanted = (seen * torch.tensor([1.5, 1.2, 0.9])[:, None, None]).clamp(0, 1)
    model = models.fit(new(), [models.cells(seen, wanted)])
    assert float(apart(models.apply(model, seen), wanted).mean()) < 1.0
    assert float(apart(seen, wanted).mean()) > 5.0


def test_a_cube_says_where_red_green_and_blue_go(tmp_path: Path) -> None:
    path = tmp_path / "swap.cube"
    corners = [(r, g, b) for b in (0, 1) for g in (0, 1) for r in (0, 1)]  # red runs fastest
    path.write_text("TITLE x\nLUT_3D_SIZE 2\n" + "".join(f"{g} {r} {b}\n" for r, g, b in corners))
    color = torch.tensor([0.2, 0.7, 0.4])[:, None, None]
    assert looked_up(read_cube(path), color).flatten().tolist() == pytest.approx([0.7, 0.2, 0.4], abs=1e-6)


def test_the_table_has_a_line_a_way_and_a_column_a_number_of_pairs() -> None:
    rows = [Row("film", count, "ispd", Error(1.4, 3.5, 2.8), 60.0, {}) for count in (1, 8)]
    text = table(rows)
    assert "| set | way | 1 pairs | 8 pairs |" in text
    assert "| film | ispd | 1.40 / 3.5 / 2.0 | 1.40 / 3.5 / 2.0 |" in text
