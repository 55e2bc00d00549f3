from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ispd.decode.dng.light import temperature_and_tint, white_of_illuminant, xy_from_temperature


@pytest.mark.parametrize(
    ("xy", "kelvin"),  # CIE 15
    [((0.44757, 0.40745), 2856), ((0.3457, 0.3585), 5003), ((0.3127, 0.3290), 6504), ((0.2990, 0.3149), 7504)],
)
def test_standard_illuminants_have_their_temperatures(xy: tuple[float, float], kelvin: float) -> None:
    assert temperature_and_tint(xy)[0] == pytest.approx(kelvin, rel=0.004)


def test_daylight_is_a_little_greener_than_the_black_body_and_illuminant_a_is_one() -> None:
    assert temperature_and_tint((0.3127, 0.3290))[1] == pytest.approx(0.0032, abs=0.0005)
    assert temperature_and_tint((0.44757, 0.40745))[1] == pytest.approx(0, abs=0.0005)


@given(st.floats(1500, 15000))
def test_the_black_bodys_curve_is_there_and_back(kelvin: float) -> None:
    back, tint = temperature_and_tint(xy_from_temperature(kelvin))
    assert back == pytest.approx(kelvin, rel=1e-3)
    assert abs(tint) < 1e-5


@given(st.floats(0.05, 0.8), st.floats(0.05, 0.9))
def test_any_chromaticity_has_a_finite_temperature(x: float, y: float) -> None:
    kelvin, tint = temperature_and_tint((x, y))
    assert 900 < kelvin < 26_000
    assert math.isfinite(tint)


def test_exifs_lights_are_known_and_others_are_not() -> None:
    for code in (*range(1, 5), *range(9, 25)):
        white = white_of_illuminant(code)
        assert white is not None
        assert 0.25 < white[0] < 0.5
    assert white_of_illuminant(0) is None
    assert white_of_illuminant(77) is None


def test_a_light_of_its_own_is_described_by_its_chromaticity() -> None:
    data = struct.pack("<H4I", 0, 31, 100, 33, 100)
    assert white_of_illuminant(255, data) == (0.31, 0.33)
    assert white_of_illuminant(255, b"") is None
    assert white_of_illuminant(255, struct.pack("<H4I", 0, 31, 0, 33, 0)) is None


@pytest.mark.parametrize("order", ["<", ">"])
def test_its_description_is_in_the_files_byte_order(order: str) -> None:
    data = struct.pack(order + "H4I", 0, 31_270, 100_000, 32_900, 100_000)
    assert white_of_illuminant(255, data, order) == pytest.approx((0.3127, 0.329))


def planck(kelvin: float) -> list[int]:
    """Relative power at 380, 390 … 780 nm, in thousandths of the greatest."""
    power = [nm**-5 / math.expm1(1.4388e7 / (nm * kelvin)) for nm in range(380, 790, 10)]
    return [round(1000 * value / max(power)) for value in power]


@pytest.mark.parametrize(
    ("power", "xy"), [(planck(2856), (0.4476, 0.4075)), (planck(6500), (0.3135, 0.3237)), ([1] * 41, (1 / 3, 1 / 3))]
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_light_of_its_own_is_described_by_its_spectrum(power: list[int], xy: tuple[float, float], order: str) -> None:
    """CIE 15: the black body of illuminant A, that of 6500 K, equal energy."""
    head = struct.pack(order + "HI4I", 1, len(power), 380, 1, 10, 1)
    data = head + b"".join(struct.pack(order + "2I", value, 1) for value in power)
    assert white_of_illuminant(255, data, order) == pytest.approx(xy, abs=0.004)
    assert white_of_illuminant(255, data[:-1], order) is None
    assert white_of_illuminant(255, head[:2] + struct.pack(order + "I", 2**32 - 1) + data[6:], order) is None
