from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from ispd.isp.color.tone import CURVE_FLOOR, CURVE_TOP
from ispd.isp.color.transfer import encode
from ispd.isp.look import Curve
from ispd.isp.stages.learned_curve import OCTAVES, learned_curve
from ispd.isp.values import SceneRGB

heights = st.lists(st.floats(0, 1), min_size=33, max_size=33).map(lambda values: tuple(sorted(values)))
STEPS = torch.linspace(0, 1, 33, dtype=torch.float64)
KNOTS = CURVE_FLOOR * (2 ** (STEPS * OCTAVES) - 1)  # the light at each knot, by the definition of the axis


def of_greys(p: Curve, light: torch.Tensor) -> torch.Tensor:
    return encode(learned_curve(SceneRGB(light.expand(3, 1, -1)), p), "srgb")[:, 0]


def test_the_axis_goes_from_black_to_the_top() -> None:
    assert float(KNOTS[0]) == 0
    assert abs(float(KNOTS[-1]) - CURVE_TOP) < 1e-9


@given(values=heights)
def test_a_knot_has_its_height(values: tuple[float, ...]) -> None:
    shown = of_greys(Curve(method="learned", heights=values), KNOTS)
    torch.testing.assert_close(shown[0], torch.tensor(values, dtype=torch.float64), atol=1e-6, rtol=0)


@given(values=heights)
def test_more_light_is_never_darker(values: tuple[float, ...]) -> None:
    light = torch.cat([torch.linspace(-0.1, 12, 3001, dtype=torch.float64), torch.linspace(0, 0.02, 501).double()])
    tones = of_greys(Curve(method="learned", heights=values), light.sort().values)
    assert bool((tones.diff(dim=1) >= -1e-12).all())


def test_a_channels_own_curve_is_added_to_its_code() -> None:
    plain = Curve(method="learned", heights=tuple(STEPS.tolist()))
    bent = Curve(method="learned", heights=plain.heights, red=(0.0, 0.1, 0.0))
    at_half = KNOTS[16:17]  # here the plain curve gives 0.5, and the delta's middle knot lies
    difference = of_greys(bent, at_half) - of_greys(plain, at_half)
    torch.testing.assert_close(difference[:, 0], torch.tensor([0.1, 0, 0], dtype=torch.float64))
