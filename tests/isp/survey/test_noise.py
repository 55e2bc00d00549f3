from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ispd.isp.look import Denoise, Look
from ispd.isp.survey import survey
from ispd.isp.survey.noise import noise_profile
from ispd.isp.values import GainMap, Levels, MapPolynomial, Region, Shot
from ispd.simulate.camera import KESTREL, MERIDIAN, SimulatedCamera
from ispd.simulate.photograph import Moment, expose, noise
from ispd.simulate.pictures import photograph_named
from tests.isp.shots import shot

NAMES = ["astronaut", "coffee", "chelsea", "motorcycle"]
BAYER = replace(KESTREL, shot_noise=4e-5, read_noise=2e-7)
X_TRANS = replace(MERIDIAN, shot_noise=4e-5, read_noise=2e-7)


def taken(name: str, camera: SimulatedCamera, iso: int) -> tuple[np.ndarray, Shot]:
    """The codes and the shot of a photo whose file says nothing about its noise."""
    negative = expose(photograph_named(name, 900), camera, Moment(iso=iso, ev=-0.5), seed=iso)
    area, codes = negative.active, negative.samples
    assert area is not None
    levels = Levels(negative.black, (1, 1, 1), (float(negative.white),), full=(1.0,))
    codes = codes[area.top : area.bottom, area.left : area.right][None]
    return codes, shot(*codes.shape[1:], cfa=negative.cfa, levels=levels)


def variance(law: tuple[float, float], light: float) -> float:
    shot_noise, read_noise = law
    return shot_noise * light + read_noise


@pytest.mark.parametrize("camera", [BAYER, X_TRANS], ids=["Bayer", "X-Trans"])
@pytest.mark.parametrize("iso", [1600, 6400, 12800])
@pytest.mark.parametrize("name", NAMES)
def test_noise_is_found_as_it_was_made(name: str, iso: int, camera: SimulatedCamera) -> None:
    """In dark, middling and bright tones, though these pictures have textures, and some noise, of their own."""
    laws = noise_profile(*taken(name, camera, iso))
    assert len(laws) == 3
    for light in (0.02, 0.1, 0.3):
        found = variance(laws[0], light) / variance(noise(camera, iso), light)
        assert 0.7 < found < (1.35 if camera is BAYER else 1.55)  # X-Trans: six sites to the next of the same color


def test_a_linear_file_has_a_law_for_each_plane() -> None:
    rng = np.random.default_rng(1)
    light = np.linspace(0.05, 0.6, 256)[None, None].repeat(3, 0).repeat(256, 1)
    true = [(1e-3, 1e-5), (4e-3, 1e-5), (2e-3, 1e-4)]
    codes = np.stack([rng.normal(plane, np.sqrt(s * plane + o)) for plane, (s, o) in zip(light, true, strict=True)])
    for found, made in zip(noise_profile(codes, shot(256, 256, cfa="")), true, strict=True):
        assert variance(found, 0.1) == pytest.approx(variance(made, 0.1), rel=0.2)


def test_curves_of_the_file_come_first_and_gain_maps_do_not() -> None:
    """Samples that a curve squares scatter twice their root as much; a gain map is the stage denoise's affair."""
    rng = np.random.default_rng(2)
    codes = rng.normal(0.25, 0.01, (3, 256, 256))
    everywhere = Region(shot(256, 256).active, planes=3)
    square = MapPolynomial(everywhere, (0.0, 0.0, 1.0))
    double = GainMap(everywhere, spacing=(1.0, 1.0), origin=(0.0, 0.0), gains=(((2.0,),),))
    laws = noise_profile(codes, shot(256, 256, cfa="", opcodes2=(square, double)))
    assert variance(laws[0], 0.0625) == pytest.approx((2 * 0.25 * 0.01) ** 2, rel=0.2)


def test_what_the_file_says_holds_unless_less_is_measured() -> None:
    codes, photo = taken("coffee", KESTREL, 1600)
    true = (noise(KESTREL, 1600),) * 3
    louder = tuple((10 * s, 10 * o) for s, o in true)
    assert noise_profile(codes, replace(photo, noise_profile=true)) == true
    assert noise_profile(codes, replace(photo, noise_profile=louder)) == noise_profile(codes, photo)
    faint = ((1e-5, 1e-8),) * 3  # nobody sees it: it is not worth a look
    assert noise_profile(codes, replace(photo, noise_profile=faint)) == faint


@pytest.mark.parametrize("codes", [np.zeros((1, 256, 256)), np.ones((1, 256, 256)), np.full((1, 99, 99), np.nan)])
def test_a_photo_that_shows_no_noise_has_no_law(codes: np.ndarray) -> None:
    assert noise_profile(codes, shot(*codes.shape[1:])) == ()


@pytest.mark.parametrize("size", [(1, 1), (15, 400), (30, 30)])
def test_a_photo_too_small_to_tell_has_no_law(size: tuple[int, int]) -> None:
    assert noise_profile(np.random.default_rng(3).random((1, *size)), shot(*size)) == ()


def test_a_look_that_leaves_noise_does_not_ask() -> None:
    codes, photo = taken("coffee", KESTREL, 1600)
    silent = replace(photo, levels=replace(photo.levels, full=()))
    assert survey(codes, silent, Look(denoise=Denoise(0.0, 0.0))).noise_profile == ()
    assert survey(codes, silent, Look()).noise_profile
