"""What holds for every look and every photo."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import hypothesis.extra.numpy as npst
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ispd.isp.factors import ceiling
from ispd.isp.look import (
    Camera,
    Curve,
    Demosaic,
    Exposure,
    Finish,
    Gamut,
    Highlights,
    HotPixels,
    LocalTone,
    Look,
    MatrixDelta,
    Shading,
    Sharpen,
)
from ispd.isp.params import Bounds
from ispd.isp.render import codes, grade, scene, surveyed
from ispd.isp.values import Area, GainMap, Levels, Mosaic, Region
from tests.isp.shots import DAYLIGHT, XTRANS, mosaic, seen_through

CFAS = ["RGGB", "GRBG", "GBRG", "BGGR", XTRANS]
TUNGSTEN = (1.25, 1.0, 0.4)
NOISES = [(), ((4e-3, 1e-4),) * 3]  # of a file that says nothing, and of a small sensor at a high ISO


def scalars() -> list[tuple[tuple[str, ...], Bounds]]:
    """The path and the bounds of every parameter of a look that is a number."""
    return [
        (path, next(extra for extra in get_args(kind)[1:] if isinstance(extra, Bounds)))
        for path, kind in _parameters(Look)
        if get_origin(kind) is Annotated and get_args(kind)[0] == float | Tensor
    ]


def _parameters(kind: Any) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    hints = get_type_hints(kind, localns={"Tensor": Tensor}, include_extras=True)
    for field in fields(kind):
        if is_dataclass(hints[field.name]):
            found += [((field.name, *path), inner) for path, inner in _parameters(hints[field.name])]
        else:
            found.append(((field.name,), hints[field.name]))
    return found


def test_the_looks_numbers_are_found() -> None:
    """Or the laws below would say nothing."""
    assert {("exposure", "ev"), ("curve", "contrast"), ("camera", "white_balance", "red")} <= {
        path for path, _ in scalars()
    }


def with_parameter(look: Any, path: tuple[str, ...], value: Any) -> Any:
    inner = value if len(path) == 1 else with_parameter(getattr(look, path[0]), path[1:], value)
    return replace(look, **{path[0]: inner})


def shown(photo: Mosaic, look: Look) -> Tensor:
    """(3, H, W) sRGB code values in [0, 1]."""
    photo = surveyed(photo, look)
    return codes(grade(scene(photo, look), look, ceiling(photo.shot, look)), look, "srgb")


@st.composite
def looks(draw: st.DrawFn) -> Look:
    """Any look inside the bounds but for tints and saturation, which color by intent."""
    look = Look(
        highlights=Highlights(draw(st.sampled_from(["desaturate", "clip"]))),
        demosaic=Demosaic(draw(st.sampled_from(["bilinear", "malvar", "directional", "best"]))),
        curve=Curve(method=draw(st.sampled_from(["filmic", "file", "none"]))),
        gamut=Gamut(draw(st.sampled_from(["compress", "clip"]))),
    )
    for path, bounds in scalars():
        if path[0] in ("capture_sharpen", "exposure", "curve", "sharpen"):
            look = with_parameter(look, path, draw(st.floats(bounds.low, bounds.high)))
    return look


def neutral_mosaic(light: Tensor, cfa: str, neutral: tuple[float, ...], **facts: Any) -> Mosaic:
    """A sensor before a grey scene (H, W), clipping at 1."""
    seen = seen_through(light * torch.tensor(neutral, dtype=light.dtype)[:, None, None], cfa)
    return mosaic(seen.clamp(max=1), cfa=cfa, neutral=neutral, **facts)


@given(
    look=looks(),
    cfa=st.sampled_from(CFAS),
    level=st.floats(0.001, 3),
    balance=st.sampled_from([DAYLIGHT, TUNGSTEN]),
    noise=st.sampled_from(NOISES),
)
@settings(max_examples=60, deadline=None)
def test_a_flat_neutral_field_stays_flat_and_neutral(
    look: Look, cfa: str, level: float, balance: tuple[float, ...], noise: Any
) -> None:
    light = torch.full((24, 25), level, dtype=torch.float64)  # a survey of less is of too few samples
    picture = shown(neutral_mosaic(light, cfa, balance, noise_profile=noise), look)
    assert float(picture.amax() - picture.amin()) < 1.5 / 255


@given(
    samples=npst.arrays(np.float32, (9, 10), elements=st.floats(allow_nan=False, allow_infinity=False, width=32)),
    look=looks(),
    cfa=st.sampled_from(CFAS),
    noise=st.sampled_from([*NOISES, ((1e-3, 0.0),) * 3, ((0.0, 1e-3),) * 3]),
)
@settings(max_examples=60, deadline=None)
def test_finite_samples_never_give_nan(samples: np.ndarray, look: Look, cfa: str, noise: Any) -> None:
    picture = shown(mosaic(torch.from_numpy(samples), cfa=cfa, neutral=DAYLIGHT, noise_profile=noise), look)
    assert bool(picture.isfinite().all())


@pytest.mark.parametrize("method", ["desaturate", "clip"])
@pytest.mark.parametrize("neutral", [DAYLIGHT, TUNGSTEN, (1.0, 1.0, 1.0)])
@pytest.mark.parametrize("cfa", CFAS)
def test_a_sensor_full_of_light_is_pure_white(cfa: str, neutral: tuple[float, ...], method: Any) -> None:
    photo = mosaic(torch.ones(12, 13), cfa=cfa, neutral=neutral)
    picture = shown(photo, Look(highlights=Highlights(method)))
    torch.testing.assert_close(picture, torch.ones(3, 12, 13), atol=1e-4, rtol=0)


@pytest.mark.parametrize("value", [0.0, -1.0])
@pytest.mark.parametrize("cfa", CFAS)
def test_a_sensor_without_light_is_black(cfa: str, value: float) -> None:
    picture = shown(mosaic(torch.full((12, 13), value), cfa=cfa, neutral=DAYLIGHT), Look())
    torch.testing.assert_close(picture, torch.zeros(3, 12, 13), atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("path", "bounds"), scalars(), ids=lambda value: ".".join(value) if isinstance(value, tuple) else ""
)
def test_a_gradient_reaches_every_parameter(path: tuple[str, ...], bounds: Bounds) -> None:
    """From a value inside its bounds, through the whole camera; so that `fit` can learn it."""
    start = bounds.low + 0.45 * (bounds.high - bounds.low)
    parameter = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    rgb = torch.rand(3, 24, 160, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    seen = seen_through(rgb * 0.3 + 0.02, "RGGB")
    photo = mosaic(seen, neutral=DAYLIGHT, noise_profile=NOISES[1], scene_ev=11.0)
    adapting = Look(exposure=Exposure(slope_range=(8.0, 12.0), key_range=(-9.0, -8.0)))
    picture = shown(photo, with_parameter(adapting, path, parameter))
    weights = torch.rand(picture.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    (slope,) = torch.autograd.grad((picture * weights).sum(), parameter)
    assert bool(slope.isfinite())
    assert abs(float(slope)) > 1e-9


LEARNED = Look(  # with something in every list of numbers
    camera=Camera(
        shading=Shading((0.3, 0.1), (0.2, 0.05), (0.1, 0.02)),
        matrix=MatrixDelta((0.05,) * 6, (0.1,) * 6, (-1.0, 2.0)),
    ),
    exposure=Exposure(auto="none", slope=0.1, slope_range=(8.0, 12.0), key_slope=-0.5, key_range=(-2.0, 3.0)),
    local_tone=LocalTone((1.0, 0.6, 0.3, 0.1, 0.0, -0.3, -0.6), 0.2, 0.1),
    curve=Curve(
        method="learned",
        heights=tuple(float(number / 32) ** 0.8 for number in range(33)),
        red=(0.0, 0.01, 0.02, 0.03, 0.03, 0.02, 0.01, 0.0, 0.0),
        green=(0.0, -0.01, -0.02, 0.0, 0.01, 0.02, 0.01, 0.0, 0.0),
        blue=(0.01, 0.02, 0.02, -0.01, -0.03, -0.02, -0.01, 0.0, 0.0),
    ),
)


RANGES = ("warmth", "slope_range", "key_range")  # of what was seen: facts, not parameters


def lists() -> list[tuple[str, ...]]:
    """The path of every parameter of a look that is several numbers which can learn."""
    return [
        path
        for path, kind in _parameters(Look)
        if get_origin(kind) is Annotated and get_args(kind)[0] == tuple[float, ...] | Tensor
    ]


@pytest.mark.parametrize("path", [path for path in lists() if path[-1] not in RANGES], ids=".".join)
def test_a_gradient_reaches_every_list_of_parameters(path: tuple[str, ...]) -> None:
    start: Any = LEARNED
    for name in path:
        start = getattr(start, name)
    assert start, "the look above has nothing there"
    parameter = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    rgb = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    stops = torch.linspace(-11, 5, 16, dtype=torch.float64)  # so that every knot has light that is near it
    photo = mosaic(seen_through((rgb * 0.5 + 0.5) * 2**stops, "RGGB"), neutral=DAYLIGHT, scene_ev=11.0)
    look = with_parameter(replace(LEARNED, highlights=Highlights("clip")), path, parameter)
    picture = grade(scene(photo, look), look)
    weights = torch.rand(picture.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    (slope,) = torch.autograd.grad((picture * weights).sum(), parameter)
    assert bool(slope.isfinite().all())
    assert int((slope.abs() > 1e-9).sum()) > 0.6 * len(start)


@given(samples=npst.arrays(np.float32, (17, 18), elements=st.floats(allow_nan=False, allow_infinity=False, width=32)))
@settings(max_examples=40, deadline=None)
def test_a_learned_look_gives_no_nan_either(samples: np.ndarray) -> None:
    picture = shown(mosaic(torch.from_numpy(samples), neutral=DAYLIGHT, scene_ev=3.0), LEARNED)
    assert bool(picture.isfinite().all())


@pytest.mark.parametrize("noise", [(), ((1.5e-4, 1e-6),) * 3])
@pytest.mark.parametrize("method", ["bilinear", "malvar", "directional", "best"])
def test_the_four_bayer_phases_show_the_same_scene(method: Any, noise: Any) -> None:
    """One scene, the frame moved by a pixel: what is common to all is the same picture.

    Noise is told from the scene by blocks, and these move too: then it is the same to less than the noise there was.
    """
    rows, columns = torch.meshgrid(torch.arange(40).double(), torch.arange(40).double(), indexing="ij")
    grey = 0.3 + 0.1 * torch.sin(rows / 5) * torch.cos(columns / 4)
    whole = torch.stack([grey * 0.5, grey, grey * 0.6])
    measured = seen_through(whole, "RGGB")
    look = Look(demosaic=Demosaic(method), sharpen=Sharpen(amount=0.0))
    pictures = []
    for down, right, cfa in ((0, 0, "RGGB"), (0, 1, "GRBG"), (1, 0, "GBRG"), (1, 1, "BGGR")):
        picture = shown(mosaic(measured[down:, right:], cfa=cfa, neutral=DAYLIGHT, noise_profile=noise), look)
        pictures.append(picture[:, 14 - down : 27 - down, 14 - right : 27 - right])  # no method looks farther
    for picture in pictures[1:]:
        torch.testing.assert_close(picture, pictures[0], atol=0.03 if noise else 1e-7, rtol=0)


def test_a_gain_map_undoes_the_shading_it_was_measured_from() -> None:
    """A lens darkens a white wall to the left; the map that the file carries makes it even again."""
    height, width = 16, 24
    centers = (torch.arange(width, dtype=torch.float64) + 0.5) / width
    gain = 3 - 2 * centers  # at the map's points: 3 at the left edge, 1 at the right edge
    wall = (0.3 / gain).expand(height, -1)
    everywhere = Region(Area(0, 0, height, width))
    opcode = GainMap(everywhere, spacing=(1.0, 1.0), origin=(0.0, 0.0), gains=(((3.0,), (1.0,)), ((3.0,), (1.0,))))
    even = shown(mosaic(wall, opcodes2=(opcode,)), Look())
    assert float(even.amax() - even.amin()) < 1e-6
    shaded = shown(mosaic(wall), Look())
    assert float(shaded.amax() - shaded.amin()) > 0.1


@given(first=st.floats(-3, 3), second=st.floats(-3, 3))
@settings(max_examples=20, deadline=None)
def test_light_and_exposure_are_the_same_thing(first: float, second: float) -> None:
    """A sensor that got twice the light, and a look that doubles it, cannot be told apart: but by its defects."""
    light = torch.rand(10, 10, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 0.01
    brighter, lifted = (
        Look(hot_pixels=HotPixels("none"), exposure=Exposure(ev=stops)) for stops in (first, first + second)
    )  # a site that shines by itself does so in any light
    torch.testing.assert_close(scene(mosaic(light * 2.0**second), brighter), scene(mosaic(light), lifted))


@given(scale=st.integers(2, 64), pedestal=st.integers(0, 500))
@settings(max_examples=20, deadline=None)
def test_levels_are_a_matter_of_counting(scale: int, pedestal: int) -> None:
    """The same light counted in other units above another black is the same picture."""
    light = torch.rand(8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    counted = mosaic(light * scale + pedestal, levels=Levels((float(pedestal),), (1, 1, 1), (float(pedestal + scale),)))
    torch.testing.assert_close(shown(counted, Look()), shown(mosaic(light), Look()))


def test_saturation_and_tints_at_their_defaults_leave_grey_alone() -> None:
    photo = neutral_mosaic(torch.linspace(0, 1, 256, dtype=torch.float64).reshape(16, 16), "RGGB", (1.0, 1.0, 1.0))
    smooth = photo.samples[0].sort().values[None]
    plain = shown(Mosaic(smooth.expand(3, -1, -1), replace(photo.shot, cfa="")), Look(finish=Finish()))
    assert float((plain.amax(dim=0) - plain.amin(dim=0)).max()) < 1e-6


@pytest.mark.parametrize("end", [0.75, 0.85, 0.94, 1.0])
def test_a_blown_sky_is_white_where_the_sensor_ends_below_the_white_level(end: float) -> None:
    """Clipped samples of all channels, balanced for daylight, are magenta until somebody notices."""
    light = torch.linspace(0, 3, 64)[None, None, :] * torch.tensor([0.45, 1.0, 0.7])[:, None, None]
    photo = mosaic(seen_through(light.expand(3, 48, 64).clamp(max=end), "RGGB"), neutral=(0.45, 1.0, 0.7))
    red, green, blue = shown(photo, Look())[:, 24, 60]
    assert min(red, green, blue) > 0.97
