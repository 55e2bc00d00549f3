"""Scenes by their light alone, in stops above the meter's grey; what becomes of them is a photographer's opinion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ispd.isp.color.tone import GREY_IN
from ispd.isp.factors import gains
from ispd.isp.look import Exposure, Look, WhiteBalance
from ispd.isp.survey import survey
from ispd.isp.survey.metering import MOST, exposure_shift, scene_key
from ispd.isp.survey.overview import Overview
from ispd.isp.values import Shot
from tests.isp.shots import DAYLIGHT, shot

Stops = NDArray[np.floating]


def scene(*parts: tuple[float, float, float], blocks: int = 2000) -> Stops:
    """Parts of a frame: (share, mean, spread), in stops above grey."""
    rng = np.random.default_rng(5)
    return np.concatenate([rng.normal(mean, spread, round(share * blocks)) for share, mean, spread in parts])


DAY = scene((0.35, 1.6, 0.4), (0.5, -0.3, 0.9), (0.15, -2.2, 0.8))  # sky, land, shade
NIGHT = scene((0.93, -5.0, 0.8), (0.05, -1.5, 1.0), (0.02, 3.0, 0.5))  # dark, what lamps light, lamps
SNOW = scene((0.85, 2.0, 0.35), (0.15, -1.0, 1.0))
PAGE = scene((0.93, 2.2, 0.15), (0.07, -0.5, 0.5))
BACKLIT = scene((0.4, 2.7, 0.3), (0.6, -3.0, 0.8))


def shift(stops: Stops, baseline: float = 0.0, look: Look = Look()) -> float:  # noqa: B008
    grey = np.array(DAYLIGHT)[:, None, None] / max(DAYLIGHT) * GREY_IN / min(gains(WhiteBalance(), DAYLIGHT))
    light = np.minimum(grey * 2.0**stops, 1.0)
    photo = shot(8, 8 * len(stops), neutral=DAYLIGHT, baseline_exposure=baseline)
    return exposure_shift(Overview(light, np.zeros(light.shape[1:]), 8), photo, look)


@pytest.mark.parametrize("stops", [DAY, SNOW, PAGE, NIGHT, BACKLIT], ids=["day", "snow", "page", "night", "backlit"])
def test_a_well_exposed_photo_stays_as_it_is(stops: Stops) -> None:
    assert abs(shift(stops)) <= 0.3


@pytest.mark.parametrize("stops", [1.0, 1.5, 2.0])
def test_a_photo_that_was_held_back_is_lifted(stops: float) -> None:
    assert stops - 0.6 < shift(DAY - stops) <= MOST


def test_a_photo_that_was_exposed_too_long_is_lowered() -> None:
    assert -MOST <= shift(DAY + 2.0) < -0.6


def test_snow_that_was_metered_to_grey_gets_lighter() -> None:
    assert shift(SNOW - 2) > 0.4


def test_the_lights_of_a_darker_night_do_not_make_it_day() -> None:
    assert shift(NIGHT - 1) < 0.2
    assert shift(scene((1.0, -9.0, 0.7))) == pytest.approx(0, abs=0.01)  # nor does a lens cap become anything


def test_a_window_behind_is_not_blown_for_what_stands_before_it() -> None:
    assert shift(BACKLIT - 0.5) < 0.2


@pytest.mark.parametrize("level", [-3.0, 0.0, 2.5])
def test_a_flat_frame_says_nothing(level: float) -> None:
    assert shift(np.full(300, level)) == 0


@given(stops=st.floats(-2.4, -0.8), more=st.floats(-0.4, 0.4))
@settings(max_examples=30, deadline=None)
def test_the_same_scene_with_twice_the_light_gets_a_stop_less(stops: float, more: float) -> None:
    """Between taste, which leaves little errors alone, and the bound."""
    one, other = shift(DAY + stops), shift(DAY + stops + more)
    if max(one, other) < MOST:
        assert one - other == pytest.approx(more, abs=0.1 + 0.3 * abs(more))


@given(
    shares=st.lists(st.floats(0.05, 1), min_size=1, max_size=3),
    means=st.lists(st.floats(-10, 4), min_size=3, max_size=3),
    spread=st.floats(0, 2),
    step=st.floats(0, 0.05),
)
@settings(max_examples=100, deadline=None)
def test_a_little_more_light_moves_it_a_little(
    shares: list[float], means: list[float], spread: float, step: float
) -> None:
    parts = [(share / sum(shares), mean, spread) for share, mean in zip(shares, means, strict=False)]
    stops = scene(*parts)
    before, after = shift(stops), shift(stops + step)
    assert abs(before) <= MOST
    assert abs(after - before) <= 0.01 + (6 if spread >= 0.3 else 25) * step  # all of a flat part turns white at once


def test_the_files_own_stops_are_part_of_the_exposure_and_the_looks_come_on_top() -> None:
    assert shift(DAY - 2, baseline=2.0) == pytest.approx(shift(DAY), abs=0.01)
    asked = Look(exposure=Exposure(baseline="none"))
    assert shift(DAY - 2, baseline=2.0, look=asked) == pytest.approx(shift(DAY - 2))
    assert shift(DAY - 2, look=Look(exposure=Exposure(ev=3.0))) == pytest.approx(shift(DAY - 2))


def test_a_few_blocks_are_no_scene() -> None:
    assert shift((DAY - 2)[:20]) == 0


def photo(stops: Stops) -> tuple[NDArray[np.float32], Shot]:
    """A grey mosaic of 40 × 50 blocks."""
    light = np.minimum(GREY_IN * 2.0 ** stops.reshape(40, 50), 1.0)
    samples = light.repeat(8, axis=0).repeat(8, axis=1)[None].astype(np.float32)
    return samples, shot(*samples.shape[1:])


def test_a_survey_is_made_once_and_only_where_the_look_asks() -> None:
    samples, plain = photo(DAY - 2)
    surveyed = survey(samples, plain, Look())
    assert surveyed.exposure_shift == pytest.approx(shift(DAY - 2), abs=0.02)
    assert survey(samples / 2, surveyed, Look()) == surveyed
    assert survey(samples, plain, Look(exposure=Exposure(auto="none"))).exposure_shift == 0


@pytest.mark.parametrize("stops", [-3.0, -1.0, 0.5])
def test_the_key_of_a_scene_goes_with_its_light_stop_by_stop(stops: float) -> None:
    light = GREY_IN * 2.0 ** np.broadcast_to(DAY, (3, 1, len(DAY)))
    facts = shot(8, 8 * len(DAY))
    key = scene_key(light, facts, Look())
    assert scene_key(light * 2.0**stops, facts, Look()) == pytest.approx(key + stops, abs=0.1)
    brighter = replace(facts, baseline_exposure=stops)
    assert scene_key(light, brighter, Look()) == pytest.approx(scene_key(light * 2.0**stops, facts, Look()))
    assert scene_key(light, brighter, Look(exposure=Exposure(baseline="none"))) == key


def test_a_uniform_scene_has_its_own_light_as_key() -> None:
    assert scene_key(np.full((3, 8, 8), GREY_IN * 4.0), shot(64, 64), Look()) == pytest.approx(2.0)


def test_the_key_is_asked_for_by_a_look_that_adapts() -> None:
    samples, plain = photo(DAY - 2)
    adapting = Look(exposure=Exposure(auto="none", key_slope=-0.7, key_range=(-2.0, 2.0)))
    light = (GREY_IN * 2.0 ** (DAY - 2).reshape(1, 40, 50)).clip(max=1).repeat(3, axis=0)
    assert survey(samples, plain, adapting).scene_key == pytest.approx(scene_key(light, plain, adapting), abs=0.02)
    assert survey(samples, plain, Look()).scene_key is None
