from __future__ import annotations

import math
from typing import Literal, TypeAlias

import pytest
import torch
from torch import Tensor

from ispd.isp.stages.demosaic import demosaic
from ispd.isp.stages.demosaic.detailed import detailed
from ispd.isp.stages.demosaic.kriged import fits
from ispd.isp.stages.demosaic.malvar import filtered
from ispd.isp.stages.demosaic.overshoot import guided
from tests.isp.shots import XTRANS, seen_through

Method: TypeAlias = Literal["bilinear", "malvar", "directional", "best"]
METHODS: tuple[Method, ...] = ("bilinear", "malvar", "directional", "best")
RULES: tuple[Method, ...] = ("malvar", "directional")  # sharp by rule
BAYER = ["RGGB", "GRBG", "GBRG", "BGGR"]
QUAD = "RRGGRRGGGGBBGGBB"


def scene(height: int = 24, width: int = 26) -> Tensor:
    """Soft, gray-scale detail with slow color: what demosaicing assumes of the world."""
    rows, columns = torch.meshgrid(torch.arange(height).double(), torch.arange(width).double(), indexing="ij")
    grey = 0.5 + 0.2 * torch.sin(rows / 3) * torch.cos(columns / 4)
    return torch.stack([grey * 0.9, grey, grey * 0.8])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cfa", BAYER)
def test_measured_samples_stay(cfa: str, method: Method) -> None:
    mosaic = torch.rand(10, 12, dtype=torch.float64)
    planes = demosaic(mosaic, cfa, method)
    torch.testing.assert_close(seen_through(planes, cfa), mosaic)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cfa", [*BAYER, XTRANS])
def test_a_soft_scene_comes_back(cfa: str, method: Method) -> None:
    """X-Trans has its nearest red two sites away, so the same scene loses a little more."""
    planes = demosaic(seen_through(scene(), cfa), cfa, method)
    inside = (slice(None), slice(3, -3), slice(3, -3))
    torch.testing.assert_close(planes[inside], scene()[inside], atol=0.06 if cfa == XTRANS else 0.035, rtol=0)


@pytest.mark.parametrize("method", RULES)
@pytest.mark.parametrize("cfa", BAYER)
def test_a_grey_ramp_comes_back(cfa: str, method: Method) -> None:
    """All filters sum to 1 and are symmetric, so a plane through grey values is its own interpolation."""
    rows, columns = torch.meshgrid(torch.arange(22).double(), torch.arange(24).double(), indexing="ij")
    ramp = 0.1 + 0.01 * rows + 0.02 * columns
    planes = demosaic(ramp, cfa, method)
    inside = planes[:, 8:-8, 8:-8]
    torch.testing.assert_close(inside, ramp[8:-8, 8:-8].expand_as(inside))


@pytest.mark.parametrize("cfa", [XTRANS, QUAD])
def test_other_arrays_keep_what_they_measured(cfa: str) -> None:
    mosaic = torch.rand(13, 15, dtype=torch.float64)
    torch.testing.assert_close(seen_through(demosaic(mosaic, cfa), cfa), mosaic)


@pytest.mark.parametrize("cfa", [XTRANS, QUAD])
def test_a_colored_wall_and_a_grey_ramp_come_back_from_other_arrays(cfa: str) -> None:
    """What the rules on the weights say: sums of 1 and 0, and no drift."""
    wall = torch.tensor([0.7, 0.4, 0.1])[:, None, None].expand(-1, 24, 24)
    torch.testing.assert_close(demosaic(seen_through(wall, cfa), cfa), wall, atol=1e-5, rtol=0)
    rows, columns = torch.meshgrid(torch.arange(26).float(), torch.arange(28).float(), indexing="ij")
    ramp = 0.1 + 0.01 * rows + 0.02 * columns
    inside = slice(9, -9), slice(9, -9)
    for plane in demosaic(ramp, cfa):
        torch.testing.assert_close(plane[inside], ramp[inside], atol=1e-5, rtol=0)


@pytest.mark.parametrize("cfa", [XTRANS, QUAD])
def test_no_dots_beside_an_edge_of_other_arrays(cfa: str) -> None:
    """As above, of a pale color: the end of a saturated bar two sites high may have no blue sample at all."""
    edge = torch.zeros(24, 24)
    edge[8:, :11] = 1.0
    edge[3:5, 14:] = 1.0
    colors = torch.tensor([1.0, 0.9, 0.8])[:, None, None]
    planes = demosaic(seen_through(edge * colors, cfa), cfa)
    assert (planes >= -0.1 * colors - 1e-6).all()
    assert (planes <= 1.15 * colors + 1e-6).all()


@pytest.mark.parametrize("cfa", [*BAYER, XTRANS, QUAD])
def test_the_border_is_as_calm_as_the_middle(cfa: str) -> None:
    """A dark strip along the top, three sites high, and a bright floor: no color appears in either."""
    strip = torch.full((24, 24), 0.8)
    strip[:3] = 0.1
    for plane in demosaic(strip, cfa):
        assert float((plane - strip)[:, 4:-4].abs().max()) < 0.15


@pytest.mark.parametrize("cfa", [XTRANS, QUAD])
def test_a_slanted_edge_has_no_zipper(cfa: str) -> None:
    """Half the error of `detailed`, and a tenth of a step is the most that a color leaves grey by."""
    rows, columns = torch.meshgrid(torch.arange(48).double(), torch.arange(48).double(), indexing="ij")
    edge = (0.5 + (rows - 24 - 0.3 * (columns - 24)) / 2).clamp(0.1, 0.9)  # two sites wide, as lenses draw them
    inside = (slice(None), slice(9, -9), slice(9, -9))
    ours, plain = (way[inside] for way in (demosaic(edge, cfa), detailed(edge, cfa, "RGB")))
    truth = edge.expand(3, -1, -1)[inside]
    assert (ours - truth).abs().mean() < 0.5 * (plain - truth).abs().mean()
    assert float((ours[::2] - ours[1:2]).abs().max()) < 0.1


@pytest.mark.parametrize("cfa", [XTRANS, QUAD])
def test_wherever_the_array_begins_the_scene_is_the_same(cfa: str) -> None:
    """The frame moved by a few sites: its flat, ramped middle is the same picture."""
    side = math.isqrt(len(cfa))
    rows, columns = torch.meshgrid(torch.arange(48).double(), torch.arange(48).double(), indexing="ij")
    texture = 0.4 + 0.1 * torch.sin(rows / 2) * torch.cos(columns / 3)
    seen = seen_through(torch.stack([texture * 0.8, texture, texture * 1.1]), cfa)
    whole = demosaic(seen, cfa)[:, 16:-16, 16:-16]
    for down, right in ((1, 0), (0, 1), (2, side - 1)):
        moved = "".join(cfa[(y + down) % side * side + (x + right) % side] for y in range(side) for x in range(side))
        part = demosaic(seen[down:, right:], moved)[:, 16 - down : -16, 16 - right : -16]
        torch.testing.assert_close(part, whole)


def test_which_arrays_are_kriged() -> None:
    assert all(fits(cfa) for cfa in (XTRANS, QUAD, "RGBRGBRGB", "RGGB"))
    assert not any(fits(cfa) for cfa in ("GMYC", "GGGG", "G" * 36, "RGBG" * 64))


def test_the_filters_are_the_papers() -> None:
    """Malvar 2004, figure 2: what one lit red site of an RGGB array gives its neighbors, in eighths."""
    mosaic = torch.zeros(13, 13)
    mosaic[6, 6] = 8.0
    red, green, blue = filtered(mosaic, "RGGB")
    assert red[6, 6] == 8
    assert green[6, 6] == 4
    assert blue[6, 6] == 6
    assert green[6, 8] == green[4, 6] == -1
    assert blue[6, 8] == blue[8, 6] == -1.5
    assert red[6, 5] == red[7, 6] == 4
    assert red[5, 5] == 2


@pytest.mark.parametrize("method", RULES)
@pytest.mark.parametrize("cfa", [*BAYER, "GMYC"])
def test_no_dots_beside_an_edge(cfa: str, method: Method) -> None:
    """Where white meets black, every color stays (nearly) between both: an overshoot shows as a row of dots."""
    edge = torch.zeros(24, 24)
    edge[8:, :11] = 1.0
    edge[3:5, 14:] = 1.0
    colors = torch.tensor([1.0, 0.6, 0.2, 0.9])[: len(set(cfa))]
    order = "RGB" if set(cfa) == set("RGB") else "GMCY"
    planes = demosaic(seen_through(edge * colors[:, None, None], cfa, order), cfa, method, order)
    assert (planes >= -0.1 * colors[:, None, None] - 1e-6).all()
    assert (planes <= 1.1 * colors[:, None, None] + 1e-6).all()


@pytest.mark.parametrize("turned", ["upright", "lying"])
@pytest.mark.parametrize("cfa", BAYER)
def test_a_fence_stays_grey(cfa: str, turned: str) -> None:
    """Pickets two sites wide, with gaps as wide: an array sees colors in them where one averages across."""
    fence = (torch.arange(40) // 2 % 2 * 0.8 + 0.1).double().expand(36, -1)
    fence = fence if turned == "upright" else fence.T.contiguous()
    inside = (slice(None), slice(8, -8), slice(8, -8))
    red, green, blue = demosaic(fence, cfa, "directional")[inside]
    assert float((red - green).abs().max()) < 0.02
    assert float((blue - green).abs().max()) < 0.02
    assert float((green - fence[inside[1:]]).abs().max()) < 0.02


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("light", [1e-4, 1e3])
def test_more_light_is_the_same_picture(light: float, method: Method) -> None:
    mosaic = torch.rand(16, 18, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    torch.testing.assert_close(
        demosaic(mosaic * light, "RGGB", method) / light,
        demosaic(mosaic, "RGGB", method),
        rtol=1e-4,
        atol=1e-5,
    )


def test_a_guess_stands_out_no_farther_than_its_guide() -> None:
    """The guide lies 0.1 above its own neighbors, which are twice as bright: half as much is believed."""
    near = torch.tensor([0.2]), torch.tensor([0.4])
    guides = torch.tensor([0.5]), torch.tensor([0.8])
    torch.testing.assert_close(guided(torch.tensor([0.7]), near, torch.tensor([0.9]), guides), torch.tensor([0.45]))
    torch.testing.assert_close(guided(torch.tensor([0.0]), near, torch.tensor([0.9]), guides), torch.tensor([0.2]))


@pytest.mark.parametrize("cfa", [XTRANS, "GMYC"])
def test_detail_of_the_measured_color_sharpens_the_others(cfa: str) -> None:
    """A fine grey texture comes back nearer than by bilinear."""
    rows, columns = torch.meshgrid(torch.arange(36).double(), torch.arange(36).double(), indexing="ij")
    texture = (0.5 + 0.2 * torch.sin(1.3 * rows + 0.4 * columns)).expand(len(set(cfa)), -1, -1)
    seen = seen_through(texture, cfa, "GMCY" if "M" in cfa else "RGB")
    inside = (slice(None), slice(4, -4), slice(4, -4))
    soft, rich = (demosaic(seen, cfa, method)[inside] for method in ("bilinear", "malvar"))
    assert (rich - texture[inside]).abs().mean() < 0.8 * (soft - texture[inside]).abs().mean()


def test_bilinear_is_the_mean_of_the_nearest() -> None:
    mosaic = torch.zeros(8, 8)
    mosaic[2, 2] = 1.0  # a red site of RGGB
    red, green, _ = demosaic(mosaic, "RGGB", "bilinear")
    assert red[2, 3] == red[1, 2] == 0.5
    assert red[3, 3] == 0.25
    assert float(green.abs().max()) == 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cfa", [*BAYER, XTRANS, "GMYC", QUAD])
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 5), (7, 1), (1, 7), (4, 3), (5, 4), (9, 11)])
def test_any_size_of_any_array(size: tuple[int, int], cfa: str, method: Method) -> None:
    """Grey comes back as grey, even where a picture is too small to hold every color."""
    planes = demosaic(torch.full(size, 0.4), cfa, method)
    torch.testing.assert_close(planes, torch.full((len(set(cfa)), *size), 0.4))


def test_a_leading_plane_is_welcome() -> None:
    mosaic = torch.rand(6, 6)
    torch.testing.assert_close(demosaic(mosaic[None], "RGGB"), demosaic(mosaic, "RGGB"))


def test_four_colors_come_in_the_order_asked_for() -> None:
    flat = torch.tensor([1.0, 2.0, 3.0, 4.0])[:, None, None].expand(-1, 8, 8)
    seen = seen_through(flat, "GMYC", "GMCY")
    torch.testing.assert_close(demosaic(seen, "GMYC", "bilinear", "GMCY"), flat)


def test_a_color_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="substring not found"):
        demosaic(torch.zeros(4, 4), "RGGX", "bilinear", "RGB")
