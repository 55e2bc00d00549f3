from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ispd.isp.look import Corrections
from ispd.isp.stages.opcodes import flatten, lens, mend
from ispd.isp.values import (
    Area,
    DeltaPerRow,
    FixBadPixelsConstant,
    FixBadPixelsList,
    FixVignetteRadial,
    GainMap,
    MapPolynomial,
    MapTable,
    Opcode,
    Raw,
    Region,
    WarpRectilinear,
    Window,
)

FILE = Corrections()
EVERYWHERE = Region(Area(0, 0, 100000, 100000))


def flattened(x: Tensor, opcode: Opcode, window: Window | None = None) -> Tensor:
    window = window or Window(0, x.shape[-2], x.shape[-1])
    return flatten(Raw(x, torch.ones_like(x)), (opcode,), window, FILE).samples


def slope_map(region: Region = EVERYWHERE) -> GainMap:
    """Gain 1 at the left edge, 3 at the right one."""
    return GainMap(region, spacing=(1.0, 1.0), origin=(0.0, 0.0), gains=(((1.0,), (3.0,)), ((1.0,), (3.0,))))


def test_a_gain_map_is_bilinear_over_the_relative_place_of_pixel_centers() -> None:
    gained = flattened(torch.ones(1, 2, 4), slope_map())
    torch.testing.assert_close(gained[0, 0], torch.tensor([1.25, 1.75, 2.25, 2.75]))


def test_a_gain_map_of_one_color_touches_only_its_sites() -> None:
    area = Area(0, 1, 4, 4)
    gained = flattened(torch.ones(1, 4, 4), slope_map(Region(area, row_pitch=2, col_pitch=2)))
    touched = gained[0] != 1
    assert touched.nonzero().tolist() == [[0, 1], [0, 3], [2, 1], [2, 3]]


def test_a_map_with_a_plane_each_gives_each_its_own() -> None:
    opcode = GainMap(Region(Area(0, 0, 9, 9), planes=3), (1.0, 1.0), (0.0, 0.0), gains=(((2.0, 3.0, 4.0),),))
    assert flattened(torch.ones(3, 1, 1), opcode).flatten().tolist() == [2.0, 3.0, 4.0]


def test_ceilings_go_the_same_way_as_samples() -> None:
    raw = flatten(Raw(torch.ones(1, 2, 4), torch.ones(1, 2, 4)), (slope_map(),), Window(0, 2, 4), FILE)
    torch.testing.assert_close(raw.samples, raw.ceiling)


def test_shading_can_be_left_out() -> None:
    raw = Raw(torch.ones(1, 2, 4), torch.ones(1, 2, 4))
    assert flatten(raw, (slope_map(),), Window(0, 2, 4), Corrections(shading="none")) is raw


@pytest.mark.parametrize(
    "opcode",
    [
        slope_map(),
        slope_map(Region(Area(1, 2, 9, 8), row_pitch=3, col_pitch=2)),
        DeltaPerRow(Region(Area(2, 0, 9, 9), row_pitch=2), (0.1, 0.2, 0.3, 0.4), "row", "add"),
        DeltaPerRow(Region(Area(2, 1, 9, 9), col_pitch=2), (0.1, 0.2, 0.3, 0.4), "column", "multiply"),
        MapPolynomial(Region(Area(3, 3, 9, 9), row_pitch=2, col_pitch=2), (0.1, 0.5, 0.2)),
        FixVignetteRadial((0.5, 0.2, 0.0, 0.0, 0.1), (0.4, 0.6)),
    ],
)
@pytest.mark.parametrize("top", [1, 2, 3, 5])
def test_a_strip_gets_what_the_whole_frame_gets(opcode: Opcode, top: int) -> None:
    x = torch.rand(1, 10, 12, generator=torch.Generator().manual_seed(0))
    strip = flattened(x[:, top : top + 4], opcode, Window(top, 10, 12))
    torch.testing.assert_close(strip, flattened(x, opcode)[:, top : top + 4])


@pytest.mark.parametrize("area", [Area(1000, 0, 2000, 10), Area(0, 50, 10, 60), Area(5, 5, 5, 5), Area(8, 8, 2, 2)])
def test_a_region_outside_the_picture_does_nothing(area: Area) -> None:
    x = torch.rand(1, 6, 7)
    torch.testing.assert_close(flattened(x, slope_map(Region(area))), x)


@pytest.mark.parametrize(
    "opcode",
    [
        GainMap(EVERYWHERE, (0.5, 0.5), (0.0, 0.0), gains=(((math.nan,), (math.inf,)), ((-math.inf,), (math.nan,)))),
        GainMap(EVERYWHERE, (0.0, math.nan), (math.nan, 0.0), gains=(((1.0,), (1.0,)), ((1.0,), (1.0,)))),
        GainMap(EVERYWHERE, (1.0, 1.0), (0.0, 0.0), gains=()),
        MapPolynomial(EVERYWHERE, (0.0, math.nan)),
        MapTable(EVERYWHERE, ()),
        DeltaPerRow(EVERYWHERE, (math.nan, math.inf), "row", "add"),
        FixVignetteRadial((math.nan, 0.0, 0.0, 0.0, 0.0), (0.5, 0.5)),
        WarpRectilinear(((math.nan,) * 6,), (0.5, 0.5)),
    ],
)
def test_an_opcode_that_is_not_finite_changes_nothing(opcode: Opcode) -> None:
    x = torch.rand(3, 6, 7)
    torch.testing.assert_close(flattened(x, opcode), x)
    torch.testing.assert_close(lens(x, (opcode,), Window(0, 6, 7), FILE), x)


def test_a_polynomial_maps_the_range_and_does_not_run_away_beyond_it() -> None:
    squared = flattened(torch.tensor([[[0.5, 1.0, 1.5, -0.25]]]), MapPolynomial(EVERYWHERE, (0.0, 0.0, 1.0)))
    assert squared.flatten().tolist() == [0.25, 1.0, 1.5, -0.25]


def test_a_table_is_looked_up_and_its_last_entry_repeated() -> None:
    table = tuple(range(0, 60001, 2))
    mapped = flattened(torch.tensor([[[100 / 65535, 1.0]]]), MapTable(EVERYWHERE, table))
    torch.testing.assert_close(mapped, torch.tensor([[[200 / 65535, 60000 / 65535]]]))


def test_vignetting_is_undone_most_in_the_farthest_corner() -> None:
    """r = 1 in the corner, so the gain there is 1 + the sum of all coefficients."""
    opcode = FixVignetteRadial((0.5, 0.2, 0.1, 0.1, 0.1), (0.5, 0.5))
    gained = lens(torch.ones(3, 1001, 1001), (opcode,), Window(0, 1001, 1001), FILE)
    assert float(gained[0, 500, 500]) == pytest.approx(1.0)
    assert float(gained[0, 0, 0]) == pytest.approx(2.0, abs=0.01)


def test_bad_pixels_are_mended_from_their_own_color() -> None:
    rows, columns = torch.meshgrid(torch.arange(10), torch.arange(10), indexing="ij")
    codes = torch.where((rows % 2 == 0) & (columns % 2 == 0), 100.0, 900.0)[None]
    broken = codes.clone()
    broken[0, 4, 4], broken[0, 0, 0], broken[0, 5, 5] = 0, 0, 0
    torch.testing.assert_close(mend(broken, (FixBadPixelsConstant(0),), "RGGB"), codes)
    listed = FixBadPixelsList(((4, 4), (0, 0), (5, 5), (-3, 2), (99, 99)), ())
    torch.testing.assert_close(mend(broken, (listed,), "RGGB"), codes)


def test_a_block_of_bad_pixels_is_filled_from_its_rim() -> None:
    codes = torch.full((1, 16, 16), 40.0)
    broken = codes.clone()
    broken[:, 4:10, 4:10] = 9999
    torch.testing.assert_close(mend(broken, (FixBadPixelsList((), (Area(4, 4, 10, 10),)),), "RGGB"), codes)


def test_a_picture_of_nothing_but_defects_stays() -> None:
    codes = torch.zeros(1, 4, 4)
    torch.testing.assert_close(mend(codes, (FixBadPixelsConstant(0),), "RGGB"), codes)


def test_a_warp_of_one_changes_nothing() -> None:
    rgb = torch.rand(3, 20, 30)
    warp = WarpRectilinear(((1.0, 0, 0, 0, 0, 0),), (0.5, 0.5))
    torch.testing.assert_close(lens(rgb, (warp,), Window(0, 20, 30), FILE), rgb, atol=1e-4, rtol=0)


def test_a_warp_fetches_from_where_the_lens_has_put_it() -> None:
    """kr0 = 0.5 looks half as far from the center: the picture is enlarged twice, here a ramp of columns."""
    ramp = torch.arange(41).float().expand(3, 31, 41)
    warp = WarpRectilinear(((0.5, 0, 0, 0, 0, 0),), (0.5, 0.5))
    enlarged = lens(ramp, (warp,), Window(0, 31, 41), FILE)
    torch.testing.assert_close(enlarged[0, 15], 20 + 0.5 * (torch.arange(41) - 20), atol=1e-3, rtol=0)


def test_planes_warp_apart_where_their_coefficients_do() -> None:
    ramp = torch.arange(41).float().expand(3, 31, 41)
    warp = WarpRectilinear(((1.0, 0, 0, 0, 0, 0), (0.5, 0, 0, 0, 0, 0), (1.0, 0, 0, 0, 0, 0)), (0.5, 0.5))
    moved = lens(ramp, (warp,), Window(0, 31, 41), FILE)
    torch.testing.assert_close(moved[0], moved[2])
    assert float(moved[0, 15, 0]) == pytest.approx(0, abs=0.01)
    assert float(moved[1, 15, 0]) == pytest.approx(10, abs=0.01)


def test_geometry_can_be_left_out() -> None:
    rgb = torch.rand(3, 6, 6)
    warp = WarpRectilinear(((0.5, 0, 0, 0, 0, 0),), (0.5, 0.5))
    torch.testing.assert_close(lens(rgb, (warp,), Window(0, 6, 6), Corrections(geometry="none")), rgb)


def test_a_wild_warp_stays_finite() -> None:
    rgb = torch.rand(3, 6, 6)
    warp = WarpRectilinear(((1e30, 1e30, 0, 0, 1e30, 0),), (0.5, 0.5))
    assert bool(lens(rgb, (warp,), Window(0, 6, 6), FILE).isfinite().all())
