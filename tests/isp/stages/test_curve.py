from __future__ import annotations

import pytest
import torch

from ispd.isp.color.oklab import oklab_from_rec2020
from ispd.isp.color.tone import GREY_IN
from ispd.isp.color.transfer import encode
from ispd.isp.look import Curve
from ispd.isp.stages.curve import curve
from ispd.isp.values import SceneRGB


def grey(*values: float) -> SceneRGB:
    return SceneRGB(torch.tensor(values, dtype=torch.float64).expand(3, 1, -1))


def toned(p: Curve, *values: float, ceiling: float = float("inf")) -> list[float]:
    tones: list[float] = curve(grey(*values), p, ceiling)[0, 0].tolist()
    return tones


def test_a_metered_grey_card_is_mid_grey_on_the_screen() -> None:
    assert toned(Curve(), GREY_IN)[0] == pytest.approx(0.18, abs=2e-3)  # less the black point's trace


@pytest.mark.parametrize("contrast", [0.7, 1.0, 1.3, 1.8, 2.5])
@pytest.mark.parametrize("white_ev", [3.7, 4.0, 4.5])
def test_contrast_is_the_slope_at_mid_grey_in_log_log(contrast: float, white_ev: float) -> None:
    p = Curve(contrast=contrast, white_ev=white_ev, black_ev=-16)
    below, above = toned(p, GREY_IN * 2**-0.01, GREY_IN * 2**0.01)
    slope = (torch.tensor(above).log2() - torch.tensor(below).log2()) / 0.02
    assert float(slope) == pytest.approx(contrast, rel=0.02)


def test_a_wide_range_keeps_drawing_in_the_sky() -> None:
    """Of 6.7 stops above grey, as BaselineExposure +2.65 leaves them, the upper four get a tenth of the codes."""
    low, high = encode(torch.tensor(toned(Curve(), 13.8 / 16, 13.8, ceiling=13.8)), "srgb")
    assert float(high - low) > 0.11
    assert toned(Curve(), GREY_IN, ceiling=13.8)[0] == pytest.approx(0.18, abs=2e-3)


@pytest.mark.parametrize("contrast", [0.5, 1.0, 1.2, 2.5])
@pytest.mark.parametrize("white_ev", [2.6, 3.0, 4.0, 12.0])
@pytest.mark.parametrize("black_ev", [-3.0, -10.0])
def test_tones_rise_from_black_to_white(contrast: float, white_ev: float, black_ev: float) -> None:
    p = Curve(contrast=contrast, white_ev=white_ev, black_ev=black_ev)
    tones = torch.tensor(toned(p, *torch.linspace(0, 2000, 5001).tolist()))
    assert bool((tones.diff() >= -1e-12).all())
    assert float(tones[0]) == 0
    assert float(tones[-1]) == 1


def test_a_sensor_that_has_run_out_is_white() -> None:
    """Without the ceiling, 1.0 would be a light grey: white is asked for 4 stops above mid grey."""
    assert toned(Curve(), 1.0, ceiling=1.0)[0] == pytest.approx(1)
    assert toned(Curve(), 1.0)[0] < 0.95


def test_hues_stay() -> None:
    scene = SceneRGB(torch.rand(3, 500, 1, generator=torch.Generator().manual_seed(2), dtype=torch.float64) * 0.3)
    before, after = oklab_from_rec2020(scene), oklab_from_rec2020(curve(scene, Curve()))
    colored = (after[1:] ** 2).sum(dim=0).sqrt() > 0.02
    turn = torch.atan2(after[2], after[1]) - torch.atan2(before[2], before[1])
    assert float(torch.atan2(turn.sin(), turn.cos())[colored].abs().max()) < 0.05


@pytest.mark.parametrize(
    "color", [(1.0, 0.45, 0.08), (1.0, 0.7, 0.2), (0.3, 1.0, 0.2), (0.2, 0.9, 1.0), (1.0, 0.4, 0.7)]
)
def test_on_the_way_to_white_hues_stay(color: tuple[float, float, float]) -> None:
    """An ember must not turn salmon: by the eye's measure its hue turns less than three degrees until it is white."""
    light = torch.tensor(color, dtype=torch.float64)[:, None, None] * torch.linspace(0.5, 6, 100)[None, :, None]
    after = oklab_from_rec2020(curve(SceneRGB(light), Curve(), 2.0))
    before = oklab_from_rec2020(light)
    colored = (after[1:] ** 2).sum(dim=0).sqrt() > 0.01
    turn = torch.atan2(after[2], after[1]) - torch.atan2(before[2], before[1])
    assert float(torch.atan2(turn.sin(), turn.cos())[colored].abs().max()) < 0.05


def test_ratios_of_channels_stay_below_the_shoulder() -> None:
    scene = SceneRGB(torch.tensor([0.05, 0.1, 0.02], dtype=torch.float64).reshape(3, 1, 1))
    after = curve(scene, Curve()).flatten()
    assert (after / after[1]).tolist() == pytest.approx([0.5, 1.0, 0.2], rel=0.05)


def test_brightness_beyond_white_ends_in_white() -> None:
    lamp = SceneRGB(torch.tensor([1.0, 0.3, 0.1], dtype=torch.float64).reshape(3, 1, 1) * 1e4)
    assert float(curve(lamp, Curve()).min()) > 0.99


def test_none_cuts_at_one_and_changes_nothing_below() -> None:
    assert toned(Curve(method="none"), -0.1, 0.5, 3.0) == [-0.1, 0.5, 1.0]


def points_at(p: Curve, code: float) -> float:
    """Which code a code becomes."""
    light = torch.tensor([[[code]]], dtype=torch.float64).expand(3, 1, 1)
    linear = torch.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
    return float(encode(curve(SceneRGB(linear), p), "srgb")[0, 0, 0])


def test_points_are_met_on_encoded_values() -> None:
    p = Curve(method="none", points=((0.0, 0.0), (0.25, 0.2), (0.75, 0.85), (1.0, 1.0)))
    assert [points_at(p, x) for x in (0.25, 0.75, 1.0)] == pytest.approx([0.2, 0.85, 1.0], abs=1e-6)


def test_a_straight_row_of_points_changes_nothing() -> None:
    p = Curve(method="none", points=((0.0, 0.0), (0.3, 0.3), (0.4, 0.4), (1.0, 1.0)))
    codes = [0.01, 0.1, 0.35, 0.77, 0.99]
    assert [points_at(p, x) for x in codes] == pytest.approx(codes, abs=1e-6)


@pytest.mark.parametrize(
    "points", [((0.0, 0.0), (0.4, 0.1), (0.45, 0.9), (1.0, 1.0)), ((0.1, 0.2), (0.5, 0.2), (0.9, 1.0))]
)
def test_rising_points_never_make_the_curve_fall(points: tuple[tuple[float, float], ...]) -> None:
    codes = torch.linspace(0, 1, 300).tolist()
    tones = torch.tensor([points_at(Curve(method="none", points=points), x) for x in codes])
    assert bool((tones.diff() >= -1e-6).all())


def test_one_point_is_one_tone() -> None:
    assert points_at(Curve(method="none", points=((0.5, 0.25),)), 0.9) == pytest.approx(0.25)
