from __future__ import annotations

import numpy as np
import pytest

from ispd.decode.dng.codes import Tag
from ispd.decode.dng.layout import read_layout
from ispd.decode.dng.levels import black_from_masked, masked_areas
from ispd.decode.dng.shot import shot_from_dng
from ispd.decode.readers import read
from ispd.errors import PhotoError
from ispd.isp.values import Area, Levels
from ispd.simulate.tiff import Kind
from tests.decode.dng.build import HEIGHT, NOTHING, WIDTH, Tags, encode, tiff


def levels(tags: Tags) -> tuple[Levels, tuple[str, ...]]:
    shot, warnings = shot_from_dng(tiff(tags))
    return shot.levels, warnings


def test_black_and_white_are_read() -> None:
    assert levels({}) == (Levels((64.0,), (1, 1, 1), (4095.0,)), ())


def test_a_repeating_black_level_has_one_value_a_site() -> None:
    repeat: Tags = {
        Tag.BlackLevelRepeatDim: (Kind.SHORT, (2, 2)),
        Tag.BlackLevel: (Kind.RATIONAL, (60.5, 61.0, 62.0, 63.0)),
    }
    found, _ = levels(repeat)
    assert (found.black, found.black_shape) == ((60.5, 61.0, 62.0, 63.0), (2, 2, 1))


def test_deltas_are_kept_and_those_of_another_length_are_left_out() -> None:
    columns, rows = tuple(range(WIDTH)), tuple(range(HEIGHT))
    found, warnings = levels(
        {Tag.BlackLevelDeltaH: (Kind.SRATIONAL, columns), Tag.BlackLevelDeltaV: (Kind.SRATIONAL, rows)}
    )
    assert (found.delta_h, found.delta_v, warnings) == (columns, rows, ())
    found, warnings = levels({Tag.BlackLevelDeltaH: (Kind.SRATIONAL, columns[:-1])})
    assert found.delta_h == ()
    assert "BlackLevelDeltaH" in warnings[0]


@pytest.mark.parametrize(("bits", "white"), [(16, 65535), (12, 4095), (8, 255)])
def test_without_a_white_level_it_is_the_largest_code(bits: int, white: float) -> None:
    assert levels({Tag.WhiteLevel: None, Tag.BitsPerSample: (Kind.SHORT, bits)})[0].white == (white,)


def test_floating_point_has_white_at_one() -> None:
    floating: Tags = {Tag.WhiteLevel: None, Tag.SampleFormat: (Kind.SHORT, 3), Tag.BlackLevel: None}
    assert levels(floating)[0].white == (1.0,)


def test_a_white_level_of_zero_becomes_the_largest_code_with_a_warning() -> None:
    found, warnings = levels({Tag.WhiteLevel: (Kind.LONG, 0)})
    assert found.white == (65535.0,)
    assert "white level" in warnings[0]


def test_a_black_level_that_is_no_number_becomes_zero_with_a_warning() -> None:
    found, warnings = levels({Tag.BlackLevel: (Kind.RATIONAL, NOTHING)})
    assert found.black == (0.0,)
    assert "black" in warnings[0]


@pytest.mark.parametrize("black", [5000, 4095])
def test_black_at_or_above_white_refuses_the_photo(black: int) -> None:
    with pytest.raises(PhotoError, match="no picture lies between"):
        levels({Tag.BlackLevel: (Kind.RATIONAL, black)})


def test_the_linearization_table_is_kept_and_one_that_ends_the_picture_refuses_it() -> None:
    table = tuple(range(0, 4096, 4))
    assert levels({Tag.LinearizationTable: (Kind.SHORT, table)})[0].table == table
    for useless in ((0,), (7, 7, 7)):
        with pytest.raises(PhotoError, match="linearization"):
            levels({Tag.LinearizationTable: (Kind.SHORT, useless)})


MASKED: Tags = {
    Tag.BlackLevel: None,
    Tag.ActiveArea: (Kind.LONG, (8, 3, HEIGHT, WIDTH)),
    Tag.MaskedAreas: (Kind.LONG, (0, 0, 8, WIDTH)),
}


def test_masked_borders_count_only_where_no_black_level_is_stated() -> None:
    without = tiff(MASKED)
    assert without.raw is not None
    assert masked_areas(without.raw, read_layout(without.raw)) == (Area(0, 0, 8, WIDTH),)
    stated = tiff({**MASKED, Tag.BlackLevel: (Kind.RATIONAL, 64)})
    assert stated.raw is not None
    assert masked_areas(stated.raw, read_layout(stated.raw)) == ()


def test_black_is_measured_in_the_masked_border_site_by_site() -> None:
    shot, _ = shot_from_dng(tiff(MASKED))
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    sites = 100 + 10 * ((rows - 8) % 2) + ((columns - 3) % 2)  # counted from the active area's corner
    samples = np.where(rows < 8, sites, 3000)[None].astype(np.uint16)
    measured = black_from_masked(shot, samples, (Area(0, 0, 8, WIDTH),))
    assert measured.levels.black == (100.0, 101.0, 110.0, 111.0)
    assert measured.levels.black_shape == (2, 2, 1)


def test_a_masked_border_brighter_than_white_is_not_believed() -> None:
    shot, _ = shot_from_dng(tiff(MASKED))
    samples = np.full((1, HEIGHT, WIDTH), 60000, np.uint16)
    assert black_from_masked(shot, samples, (Area(0, 0, 8, WIDTH),)) == shot


def test_a_decoded_photo_without_a_black_level_has_its_borders_one() -> None:
    samples = np.full((HEIGHT, WIDTH), 3000, "<u2")
    samples[:8] = 77
    data = encode({**MASKED, Tag.WhiteLevel: (Kind.LONG, 4095)}, (samples.tobytes(),))
    picture = read(data, (), trying=lambda _: None, sized=lambda *_: None)
    assert picture.shot.levels.black == (77.0,) * 4
