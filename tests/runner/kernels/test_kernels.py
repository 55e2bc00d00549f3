"""What holds the kernels to the torch stages, which define the picture."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ispd.isp import render as pipeline
from ispd.isp.look import (
    Camera,
    CaptureSharpen,
    Corrections,
    Curve,
    Demosaic,
    Denoise,
    Exposure,
    Finish,
    Gamut,
    Highlights,
    HotPixels,
    Lattice,
    LocalTone,
    Look,
    MatrixDelta,
    Shading,
    Sharpen,
    WhiteBalance,
)
from ispd.isp.noise import REACH
from ispd.isp.params import Cube
from ispd.isp.stages.orient import orient
from ispd.isp.stages.quantize import quantize
from ispd.isp.stages.resize import resize
from ispd.isp.survey import survey
from ispd.isp.values import (
    Area,
    DisplayRGB,
    FixBadPixelsConstant,
    FixBadPixelsList,
    FixVignetteRadial,
    GainMap,
    Levels,
    Mosaic,
    Region,
    Shot,
    WarpRadial,
    WarpRectilinear,
)
from ispd.orders import Output, Space
from ispd.profile.library import shipped_profiles
from ispd.profile.profile import read_profile
from ispd.runner import frame as torch_frame
from ispd.runner import kernels
from tests.isp.shots import DAYLIGHT, XTRANS, shot

pytest.importorskip("numba")

from ispd.runner.kernels import codes, demosaic, mend, sensor
from ispd.runner.kernels import frame as kernel_frame

PHASES = ("RGGB", "BGGR", "GRBG", "GBRG")
CAMERA = ((0.80, 0.15, 0.05), (0.10, 0.85, 0.05), (0.02, 0.18, 0.80))
SIXTEEN = Output(format="tiff", bits=16)
DIFFERENT = 1e-4  # of the samples may differ by more than 1/255


def silent() -> None:
    """A heartbeat nobody listens to."""


def lit(height: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    """(1, H, W) codes of a scene with everything in it: soft light, edges, noise, clipped lamps, black."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    light = 0.5 + 0.6 * np.sin(y / 17 + seed) * np.cos(x / 11) + 0.2 * (((x + 2 * y) // 23) % 3 == 0)
    light = light + 0.05 * random.standard_normal((height, width))
    return np.asarray(light.clip(-0.01, 1), np.float32)[None]


def spoiled(samples: NDArray[Any], dead: float = 0.0, hot: float = 1.0) -> NDArray[Any]:
    """With defects of both kinds, at the edges too, on sites of all colors, some of them next to each other."""
    bad = samples.copy()
    bad[:, ::13, ::11] = bad[:, 5::17, 6::13] = hot
    bad[:, 3::13, 4::11] = bad[:, 40::41, 38::40] = dead
    bad[:, -1, -1] = bad[:, -1, 0] = bad[:, 0, -2] = hot
    return np.asarray(bad)


def both(samples: NDArray[Any], facts: Shot, look: Look, output: Output) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """By torch and by the kernels."""
    assert kernels.uncovered(facts, look, (output,)) == ""
    by_torch = torch_frame.render(Mosaic(torch.from_numpy(samples), facts), look, (output,), "cpu", silent)[0]
    samples, facts = kernels.mended(samples, facts)
    facts = survey(samples, facts, look)
    assert kernels.uncovered(facts, look, (output,)) == ""
    by_kernels = kernels.render(samples, facts, look, (output,), 2, silent)[0]
    assert by_kernels.shape == by_torch.shape
    assert by_kernels.dtype == by_torch.dtype
    assert by_kernels.flags.c_contiguous
    return by_torch.astype(int), by_kernels.astype(int)


def hold(samples: NDArray[Any], facts: Shot, look: Look = Look(), output: Output = Output()) -> None:  # noqa: B008
    """At most 1/255 between the two, but for a sample in 10⁴ that a hard decision turned."""
    by_torch, by_kernels = both(samples, facts, look, output)
    step = 257 if output.bits == 16 and output.format != "jpeg" else 1
    apart = np.abs(by_torch - by_kernels)
    assert float((apart > step).mean()) <= DIFFERENT
    assert float((apart > 0).mean()) < (0.2 if step == 257 else 5e-3)  # and most are the same


MAP = GainMap(
    Region(Area(0, 0, 9999, 9999), row_pitch=2, col_pitch=2),
    spacing=(0.5, 1.0),
    origin=(0.0, 0.0),
    gains=(((2.0,), (1.5,)), ((1.0,), (1.1,)), ((1.8,), (1.2,))),
)
CORNER = GainMap(Region(Area(1, 1, 90, 70)), MAP.spacing, MAP.origin, MAP.gains)
VIGNETTE = FixVignetteRadial((0.4, 0.1, 0.0, 0.0, 0.0), (0.4, 0.5))
REPEAT = Levels(
    (0.0, 0.01, 0.02, 0.03, 0.0, 0.01), (3, 2, 1), (1.0,),
    delta_h=tuple(i / 1e5 for i in range(90)), delta_v=tuple(i / 1e5 for i in range(140)),
)  # fmt: skip
WARP = WarpRectilinear(((1.01, -0.05, 0.02, 0.001, 0.002, 0.003),), (0.5, 0.48))
WARPS = WarpRectilinear(
    ((1.01, -0.05, 0, 0, 0, 0), (1.0, -0.05, 0, 0, 0, 0), (0.99, -0.05, 0, 0, 0, 0)), (0.5, 0.5)
)  # fmt: skip
RADIAL = WarpRadial(((1.0, 0.01, -0.03, 0.004),), (0.5, 0.5))
DEFECTS = FixBadPixelsList(((0, 0), (64, 5), (63, 6), (129, 99), (64, 3)), (Area(60, 10, 75, 14), Area(-3, 90, 4, 200)))
SURVEYED = Levels((0.0,), (1, 1, 1), (1.0,), full=(0.98,))
FACTS: dict[str, dict[str, Any]] = {
    **{cfa: {"cfa": cfa} for cfa in PHASES},
    **{f"orientation {number}": {"orientation": number} for number in range(2, 9)},
    "borders and crop": {"cfa": "GBRG", "active": Area(5, 3, 126, 95), "crop": Area(7, 9, 100, 80)},
    "blacks of their own": {"levels": REPEAT},
    "a sensor that ends early": {"levels": Levels((0.0,), (1, 1, 1), (1.2,))},
    "gain maps": {"opcodes2": (MAP, CORNER)},
    "vignetting": {"opcodes2": (VIGNETTE,), "opcodes3": (VIGNETTE,)},
    "fringes": {"lateral_ca": (0.02, -0.015), "levels": SURVEYED},
    "fringes in a crop": {
        "lateral_ca": (-0.02, 0.03),
        "levels": SURVEYED,
        "cfa": "BGGR",
        "active": Area(5, 3, 126, 95),
        "crop": Area(7, 9, 100, 80),
    },
    "a warp": {"opcodes3": (WARP, VIGNETTE)},
    "vignetting before a warp of each color": {"opcodes3": (VIGNETTE, WARPS), "crop": Area(20, 10, 100, 80)},
    "a radial warp": {"opcodes3": (RADIAL,), "active": Area(5, 3, 126, 95), "crop": Area(30, 40, 60, 70)},
    "all at once": {
        "lateral_ca": (-0.02, 0.03),
        "levels": SURVEYED,
        "opcodes3": (RADIAL, VIGNETTE),
        "opcodes2": (MAP,),
        "active": Area(5, 3, 126, 95),
        "crop": Area(40, 40, 70, 60),
    },
    "defects": {"opcodes1": (DEFECTS, FixBadPixelsConstant(1))},
    "wide pixels": {"pixel_aspect": 1.5},
    "tall pixels": {"pixel_aspect": 0.7},
    "much light": {"baseline_exposure": 3.0},
    "little light": {"baseline_exposure": -4.0},
}
FAINT_NOISE = ((4e-5, 2e-7), (4e-5, 2e-7), (4e-5, 2e-7))
NOISE = ((2e-3, 3e-4), (3e-3, 2e-4), (2e-3, 1e-4))


@pytest.mark.parametrize("case", FACTS)
def test_a_shot_comes_out_as_by_torch(case: str) -> None:
    facts = {"neutral": DAYLIGHT, "rec2020_from_camera": CAMERA, **FACTS[case]}
    hold(lit(130, 100), shot(130, 100, **facts))


@pytest.mark.parametrize("case", FACTS)
def test_a_noisy_shot_comes_out_as_by_torch(case: str) -> None:
    facts = {"neutral": DAYLIGHT, "rec2020_from_camera": CAMERA, "noise_profile": NOISE, **FACTS[case]}
    hold(lit(130, 100), shot(130, 100, **facts))


@pytest.mark.parametrize("noise", [(), FAINT_NOISE, NOISE])
@pytest.mark.parametrize("case", FACTS)
def test_defects_are_mended_as_by_torch(case: str, noise: tuple[tuple[float, float], ...]) -> None:
    facts = shot(130, 100, **{"neutral": DAYLIGHT, "rec2020_from_camera": CAMERA, "noise_profile": noise} | FACTS[case])
    hold(spoiled(lit(130, 100)), facts)


@pytest.mark.parametrize("noise", [(), NOISE])
def test_defects_are_gone(noise: tuple[tuple[float, float], ...]) -> None:
    y, x = np.mgrid[0:90, 0:700]
    clean = np.asarray(0.2 + 0.1 * np.sin(y / 30) * np.cos(x / 25), np.float32)[None]
    facts = survey(clean, shot(90, 700, cfa="BGGR", neutral=DAYLIGHT, noise_profile=noise), Look())
    bad = clean.copy()
    bad[:, 2::13, ::11], bad[:, 6::13, 5::11] = 1.0, 0.0
    calm, mended = (
        kernels.render(samples, facts, Look(), (Output(),), 2, silent)[0].astype(int) for samples in (clean, bad)
    )
    assert np.abs(calm - mended).max() <= 4


def test_defects_of_a_file_with_a_table_are_mended_as_by_torch() -> None:
    table = Levels((0.0,), (1, 1, 1), (65025.0,), table=tuple(i * i for i in range(256)))
    codes = (lit(60, 60).clip(0) * 255).round().astype(np.uint8)
    hold(spoiled(codes, 0, 255), shot(60, 60, levels=table, neutral=DAYLIGHT))


def test_a_look_that_wants_no_defect_mended_leaves_them() -> None:
    samples = spoiled(lit(60, 60))
    facts = survey(samples, shot(60, 60), Look())
    mended = kernels.render(samples, facts, Look(), (Output(),), 1, silent)[0]
    look = Look(hot_pixels=HotPixels("none"))
    hold(samples, shot(60, 60), look)
    assert (kernels.render(samples, facts, look, (Output(),), 1, silent)[0] != mended).any()


@pytest.mark.parametrize("strength", [0.0, 0.5, 2.0])
def test_luminance_and_color_lose_their_noise_as_by_torch(strength: float) -> None:
    facts = shot(90, 700, cfa="BGGR", neutral=DAYLIGHT, noise_profile=NOISE)
    for p in (Denoise(luminance=strength), Denoise(color=strength)):
        hold(lit(90, 700), facts, Look(denoise=p), SIXTEEN)


@pytest.mark.parametrize("profile", sorted(path.name for path in shipped_profiles().glob("*.toml")))
def test_every_shipped_profile_is_covered_and_comes_out_as_by_torch(profile: str) -> None:
    look = read_profile(shipped_profiles() / profile).look
    hold(lit(130, 100), shot(130, 100, neutral=DAYLIGHT, rec2020_from_camera=CAMERA), look)


def any_learned_look(random: np.random.Generator) -> Look:
    """What a fit might find, and some that it would not; nearly every part of it."""

    def some(count: int, most: float) -> tuple[float, ...]:
        return tuple(random.uniform(-most, most, count).tolist()) if random.random() < 0.8 else ()

    size = int(random.choice([2, 9, 17]))
    identity = np.stack(np.meshgrid(*[np.linspace(0, 1, size)] * 3, indexing="ij")[::-1], axis=-1)
    nodes = identity + random.uniform(0, 0.05) * random.standard_normal(identity.shape)
    cube = Cube(size, nodes.astype("<f4").tobytes())
    heights = tuple(np.sort(random.uniform(-0.02, 1.05, 33)).tolist())
    learned = Curve("learned", heights=heights, red=some(9, 0.05), green=some(9, 0.05), blue=some(9, 0.05))
    warm = some(6, 0.2)
    return Look(
        camera=Camera(
            shading=Shading(some(int(random.integers(4)), 0.5), some(3, 0.5), some(1, 0.5)),
            white_balance=WhiteBalance(0.1, -0.1),
            matrix=MatrixDelta(some(6, 0.2), warm, (-1.0, 1.0))
            if warm and random.random() < 0.5
            else MatrixDelta(warm),
        ),
        exposure=Exposure(
            0.3,
            auto="none",
            slope=float(random.uniform(-0.3, 0.3)),
            slope_range=(2.0, 9.0),
            key_slope=float(random.uniform(-1, 0)),
            key_range=(-1.0, 1.0) if random.random() < 0.5 else (),
        ),
        local_tone=LocalTone(some(7, 1.0), *(float(random.choice([0, random.uniform(-0.5, 1)])) for _ in range(2))),
        curve=learned if random.random() < 0.7 else Curve(),
        lattice=Lattice(cube if random.random() < 0.7 else None),
        finish=Finish(1.1, 0.02) if random.random() < 0.3 else Finish(),
    )


@pytest.mark.parametrize("seed", range(12))
def test_any_learned_look_comes_out_as_by_torch(seed: int) -> None:
    random = np.random.default_rng(100 + seed)
    height, width = (int(length) for length in random.integers(40, 180, 2))
    more = list(FACTS.values())[int(random.integers(len(FACTS)))] if min(height, width) > 129 else {}
    facts = {
        "neutral": DAYLIGHT,
        "rec2020_from_camera": CAMERA,
        "noise_profile": NOISE if seed % 3 == 0 else (),
        **more,
    }
    hold(
        lit(height, width, seed),
        shot(height, width, scene_ev=float(random.uniform(0, 12)), **facts),
        any_learned_look(random),
    )


@pytest.mark.parametrize("space", ["srgb", "display-p3", "adobe-rgb", "rec2020"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("size", [None, 61])
def test_every_output_comes_out_as_by_torch(space: Space, bits: Any, size: int | None) -> None:
    output = Output(format="tiff", bits=bits, space=space, size=size)
    hold(lit(130, 100), shot(130, 100, neutral=DAYLIGHT, rec2020_from_camera=CAMERA), Look(), output)


@pytest.mark.parametrize("seed", range(16))
def test_any_look_of_any_photo_comes_out_as_by_torch(seed: int) -> None:
    random = np.random.default_rng(seed)
    height, width = (int(length) for length in random.integers(20, 180, 2))
    samples = lit(height, width, seed)
    if random.random() < 0.5:
        samples = spoiled(samples)
    kind = random.choice(["float32", "uint16", "int32"])
    white = 1.0
    if kind != "float32":
        white = float(random.integers(1000, 65000))
        samples = (samples.clip(0, 1) * white).round().astype(kind)
    facts = shot(
        height,
        width,
        cfa=str(random.choice(PHASES)),
        levels=Levels((float(random.uniform(0, 0.02)) * white,), (1, 1, 1), (white,)),
        neutral=(float(random.uniform(0.3, 1.2)), 1.0, float(random.uniform(0.3, 1.2))),
        rec2020_from_camera=CAMERA,
        baseline_exposure=float(random.uniform(-2, 3)),
        exposure_shift=float(random.uniform(-1, 1)),
        orientation=int(random.integers(1, 9)),
        opcodes2=(MAP,) if random.random() < 0.3 else (),
        noise_profile=any_noise(random) if random.random() < 0.6 else (),
    )
    output = Output(
        format="tiff",
        bits=int(random.choice([8, 16])),  # type: ignore[arg-type]
        space=str(random.choice(["srgb", "display-p3", "adobe-rgb", "rec2020"])),  # type: ignore[arg-type]
        size=None if random.random() < 0.6 else int(random.integers(16, 200)),
    )
    hold(samples, facts, any_look(random), output)


def any_noise(random: np.random.Generator) -> tuple[tuple[float, float], ...]:
    """From what is hardly seen to what is hardly a picture."""
    scale = 10 ** random.uniform(-1, 1)
    return tuple((scale * 2e-3 * random.uniform(0.5, 1), scale * 3e-4 * random.uniform(0, 1)) for _ in range(3))


def any_look(random: np.random.Generator) -> Look:
    """A look that an owner might write, with every covered key somewhere."""

    def within(low: float, high: float, default: float) -> float:
        return default if random.random() < 0.5 else float(random.uniform(low, high))

    points = ((0.0, 0.03), (0.25, 0.2), (0.7, 0.75), (1.0, 0.98))
    return Look(
        camera=Camera(white_balance=WhiteBalance(within(-0.3, 0.3, 0), within(-0.3, 0.3, 0))),
        hot_pixels=HotPixels("repair" if random.random() < 0.7 else "none"),
        denoise=Denoise(within(0, 2, 1), within(0, 2, 1)),
        highlights=Highlights("desaturate" if random.random() < 0.7 else "clip"),
        capture_sharpen=CaptureSharpen(within(0, 2, 0.8), within(0.4, 0.8, 0.6)),
        exposure=Exposure(within(-2, 2, 0)),
        curve=Curve(
            method="filmic" if random.random() < 0.7 else "none",
            contrast=within(0.5, 2.5, 1.3),
            white_ev=within(2.6, 12, 7),
            black_ev=within(-16, -3, -10),
            points=() if random.random() < 0.7 else points,
        ),
        finish=Finish(within(0, 2, 1), *(within(-0.1, 0.1, 0) for _ in range(4))),
        sharpen=Sharpen(within(0, 2, 0.3), within(0.3, 3, 0.7)),
        gamut=Gamut("compress" if random.random() < 0.7 else "clip"),
    )


def test_codes_of_any_kind_and_a_table_come_out_as_by_torch() -> None:
    codes = (lit(60, 60).clip(0) * 255).round()
    table = Levels((0.0,), (1, 1, 1), (65025.0,), table=tuple(i * i for i in range(256)))
    for kind in (np.uint8, np.uint16, np.int32, np.float32, np.float64):
        hold(codes.astype(kind), shot(60, 60, levels=table, neutral=DAYLIGHT))


@pytest.mark.parametrize(
    "more", [{}, {"noise_profile": NOISE}, {"lateral_ca": (0.01, -0.01), "levels": SURVEYED}, {"opcodes3": (RADIAL,)}]
)
@pytest.mark.parametrize("size", [None, 150])
@pytest.mark.parametrize("look", [Look(), any_learned_look(np.random.default_rng(3))], ids=["plain", "learned"])
def test_neither_strips_nor_threads_change_a_byte(look: Look, size: int | None, more: dict[str, Any]) -> None:
    facts = shot(150, 400, cfa="GRBG", opcodes2=(MAP,), crop=Area(3, 50, 141, 400), **more)
    facts = replace(facts, neutral=DAYLIGHT, rec2020_from_camera=CAMERA)
    samples = spoiled(lit(150, 400))
    facts = survey(samples, facts, look)
    output = Output(size=size)
    first, *others = (
        kernel_frame.render(samples, facts, look, (output,), threads, silent, rows=rows)[0]
        for threads, rows in ((1, 96), (2, 64), (3, 17), (3, 5), (1, 500))
    )
    for other in others:
        np.testing.assert_array_equal(first, other)


def test_the_heart_beats_with_every_strip() -> None:
    beats: list[int] = []
    facts = survey(lit(300, 20), shot(300, 20), Look())
    kernels.render(lit(300, 20), facts, Look(), (Output(),), 1, lambda: beats.append(1))
    assert len(beats) >= 300 // kernel_frame.ROWS


@pytest.mark.parametrize(("noise", "reach"), [((), 16), (NOISE, 16 + REACH)])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_a_wild_number_spoils_its_own_neighborhood_alone(
    value: float, noise: tuple[tuple[float, float], ...], reach: int
) -> None:
    samples = lit(120, 250)
    facts = survey(samples, shot(120, 250, neutral=DAYLIGHT, noise_profile=noise), Look())
    calm = kernels.render(samples, facts, Look(), (Output(),), 1, silent)[0]
    samples[0, 60, 60] = value
    wild = kernels.render(samples, facts, Look(), (Output(),), 1, silent)[0]
    changed = np.argwhere((calm != wild).any(axis=2))
    assert len(changed)
    assert (np.abs(changed - 60) <= reach).all()


@pytest.mark.parametrize("noise", [(), NOISE])
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 5), (7, 1), (1, 7), (16, 16), (17, 31)])
def test_the_smallest_photos_are_left_to_torch_or_right(
    size: tuple[int, int], noise: tuple[tuple[float, float], ...]
) -> None:
    facts = survey(np.full((1, *size), 0.2, np.float32), shot(*size, noise_profile=noise), Look())
    if min(size) < 16:
        assert kernels.uncovered(facts, Look(), (Output(),))
    else:
        hold(lit(*size), facts)


@pytest.mark.parametrize(
    ("facts", "look"),
    [
        ({"cfa": XTRANS}, Look()),
        ({"cfa": "", "colors": "RGB"}, Look()),
        ({"cfa": "GMYC", "colors": "GMCY", "neutral": (1.0,) * 4}, Look()),
        ({"levels": Levels((2.0,), (1, 1, 1), (1.0,))}, Look()),
        ({"opcodes1": (MAP,)}, Look()),
        ({"opcodes3": (WARP, RADIAL)}, Look()),
        ({"opcodes3": (WarpRadial(((1.0, 0.5, -0.9, 0.9),), (0.5, 0.5)),)}, Look()),
        ({}, Look(demosaic=Demosaic("malvar"))),
    ],
)
def test_what_is_not_covered_says_why(facts: dict[str, Any], look: Look) -> None:
    assert kernels.uncovered(shot(40, 40, **facts), look, (Output(),))


def test_a_warp_that_the_look_does_not_want_is_none() -> None:
    look = Look(camera=Camera(Corrections(geometry="none")))
    hold(lit(60, 60), shot(60, 60, opcodes3=(WARP,)), look)


def script(text: str, **environment: str) -> str:
    """What another Python prints."""
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, env={**os.environ, **environment}, check=True
    )
    return done.stdout


def test_the_kernels_never_load_torch() -> None:
    text = "import sys; from ispd.runner import kernels; kernels.warm(print); assert 'torch' not in sys.modules"
    script(text)


def test_without_numba_nothing_is_covered_and_nothing_breaks() -> None:
    text = """
import sys
sys.modules["numba"] = None
from ispd.runner import kernels
from tests.isp.shots import shot
from ispd.isp.look import Look
print(kernels.uncovered(shot(40, 40), Look(), ()))
"""
    assert "numba" in script(text)


def test_warming_forgets_what_no_one_has_loaded_for_long(tmp_path: Path) -> None:
    for name, days in (("kernels-old", 40), ("kernels-new", 3), ("photos", 400)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - days * 86400.0,) * 2)
    kernels._forget_old(tmp_path / "kernels-ours")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kernels-new", "photos"]


FOLDER = "from ispd.runner.kernels.compiler import folder; print(folder())"


def test_machine_code_is_kept_where_systemd_or_the_user_keeps_such_things(tmp_path: Path) -> None:
    places = {"NUMBA_CACHE_DIR": "", "CACHE_DIRECTORY": "", "XDG_CACHE_HOME": "", "HOME": str(tmp_path / "home")}
    assert script(FOLDER, **places).startswith(str(tmp_path / "home/.cache/ispd/kernels-"))
    places["XDG_CACHE_HOME"] = str(tmp_path / "xdg")
    assert script(FOLDER, **places).startswith(str(tmp_path / "xdg/ispd/kernels-"))
    places["CACHE_DIRECTORY"] = str(tmp_path / "systemd")
    assert script(FOLDER, **places).startswith(str(tmp_path / "systemd/kernels-"))


def test_where_nothing_can_be_kept_there_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    blocked = str(tmp_path / "file")
    places = {"NUMBA_CACHE_DIR": blocked, "CACHE_DIRECTORY": blocked, "XDG_CACHE_HOME": blocked}
    assert script(FOLDER, **places).strip() == "None"


def test_warm_is_warm() -> None:
    kernels.warm(lambda _: None)
    assert kernels.is_warm()


@pytest.mark.parametrize(
    ("kernel", "stage", "names"),
    [
        (sensor, "levels", "MOST"),
        (sensor, "highlights", "ONSET GONE WHOLE SURELY SWEEPS"),
        (demosaic, "demosaic.directional", "CALM NOTHING"),
        (codes, "sharpen", "LEAST"),
        (mend, "opcodes.bad_pixels", "RINGS"),
    ],
)
def test_a_number_that_stands_twice_is_the_same(kernel: Any, stage: str, names: str) -> None:
    """Those that stand in modules that load torch."""
    for name in names.split():
        there = getattr(import_module(f"ispd.isp.stages.{stage}"), name)
        assert getattr(kernel, name) == pytest.approx(there, rel=1e-7)


@pytest.mark.parametrize("output", [Output(), Output(size=70), Output(format="png", bits=16, space="display-p3")])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_networks_picture_is_finished_as_the_stages_do_it(output: Output, orientation: int) -> None:
    facts = shot(96, 132, orientation=orientation)
    light = np.random.default_rng(3).uniform(-0.1, 1.2, (3, 96, 132)).astype(np.float32)
    look, bits = Look(), 8 if output.format == "jpeg" else output.bits
    sized = resize(DisplayRGB(torch.from_numpy(light)), output.size, facts.pixel_aspect)
    wanted = orient(quantize(pipeline.codes(DisplayRGB(sized), look, output.space), bits, 0), orientation)
    (made,) = kernels.finished(light, facts, look, (output,), 2, silent)
    assert made.shape == wanted.shape
    apart = np.abs(made.astype(int) - np.asarray(wanted).astype(int)) > (1 if bits == 8 else 257)
    assert apart.mean() <= DIFFERENT
