"""Lens corrections by lensfun: what its lenses did is undone, but for what the file corrects itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ispd.decode.cell import Cell
from ispd.decode.facts import read_facts
from ispd.isp.look import Corrections, Exposure, Look
from ispd.isp.render import scene
from ispd.isp.values import Area, FixVignetteRadial, GainMap, Mosaic, Region, WarpRadial, WarpRectilinear
from ispd.orders import Facts
from ispd.simulate.camera import KESTREL
from ispd.simulate.dng import encode_dng
from ispd.simulate.photograph import expose
from tests.isp.shots import shot

lensfunpy = pytest.importorskip("lensfunpy", reason="lens corrections need the extra `lens`")

from ispd import lens  # noqa: E402

DATABASE = lensfunpy.Database(load_common=False)  # its lenses live as long as it does
HEIGHT, WIDTH = 400, 600
ZOOM = Facts(make="Canon", model="Canon EOS 6D", lens="EF24-70mm f/2.8L II USM", focal_length_mm=24.0, f_number=2.8)
FILE = Corrections()
LOOK = Look(exposure=Exposure(auto="none"))


def modifier(facts: Facts, wanted: str, *, reverse: bool, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Any:
    """lensfun's own maps for a photo, as lensfun's documents have it."""
    camera = DATABASE.find_cameras(facts.make, facts.model)[0]
    found = DATABASE.find_lenses(camera, None, facts.lens)[0]
    maps = lensfunpy.Modifier(found, camera.crop_factor, *size)
    flags = lensfunpy.ModifyFlags[wanted]
    maps.initialize(facts.focal_length_mm, facts.f_number, 1000.0, 1.0, found.type, np.float32, flags, reverse)
    return maps


def photo_of(picture: NDArray[np.float64], tmp_path: Path) -> tuple[Mosaic, Facts]:
    """A Canon's negative of a picture that the lens has already bent and darkened, decoded."""
    camera = replace(KESTREL, shot_noise=1e-9, read_noise=1e-12, shading=(0.0,) * 3, make=ZOOM.make, model=ZOOM.model)
    negative = expose(picture, replace(camera, lens=ZOOM.lens))
    capture = replace(negative.capture, focal_length_mm=24.0, f_number=2.8)
    path = tmp_path / "photo.dng"
    path.write_bytes(encode_dng(replace(negative, capture=capture)))
    facts = read_facts(bytes(path))
    assert facts is not None
    with Cell() as cell:
        decoded = cell.decode(bytes(path))
    return Mosaic(torch.from_numpy(decoded.samples), decoded.shot), facts


def rendered(photo: Mosaic, facts: Facts, p: Corrections = FILE) -> NDArray[np.float32]:
    """(3, H, W) scene light, cropped, with lensfun's corrections."""
    photo = replace(photo, shot=lens.correct(photo.shot, facts, p).shot)
    crop = photo.shot.crop
    whole = scene(photo, LOOK)[:, crop.top : crop.bottom, crop.left : crop.right]
    return np.asarray(whole)


def lines(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Grey with white vertical lines, 100 px apart, as soft as a lens draws them."""
    near = np.exp(-(((x - 9.5) % 100 - 50) ** 2) / 8)
    return np.repeat(near[..., None], 3, axis=-1) * 0.6 + 0.1


def bend_px(picture: NDArray[np.float32]) -> float:
    """How far the outermost line is from straight."""
    rows = picture[1, 10:-10, 30:90]
    weights = (rows - rows.min()).astype(np.float64) ** 2
    centers = (weights * np.arange(60)).sum(axis=1) / weights.sum(axis=1)
    at = np.arange(len(centers))
    return float(np.abs(centers - np.polyval(np.polyfit(at, centers, 1), at)).max())


def test_lines_that_the_lens_bent_come_straight(tmp_path: Path) -> None:
    bent = modifier(ZOOM, "DISTORTION", reverse=True).apply_geometry_distortion()
    photo, facts = photo_of(lines(bent[..., 0].astype(np.float64)), tmp_path)
    assert bend_px(rendered(photo, facts, Corrections(lens="none"))) > 0.7
    assert bend_px(rendered(photo, facts)) < 0.1


def test_light_that_the_lens_swallowed_comes_back(tmp_path: Path) -> None:
    grey = np.full((HEIGHT, WIDTH, 3), 0.2, np.float32)  # in linear light
    modifier(ZOOM, "VIGNETTING", reverse=True).apply_color_modification(grey)
    encoded = 1.055 * grey ** (1 / 2.4) - 0.055
    photo, facts = photo_of(encoded.astype(np.float64), tmp_path)
    dark, even = (rendered(photo, facts, p) for p in (Corrections(lens="none"), FILE))
    assert dark.min() < 0.3 * dark.max()
    np.testing.assert_allclose(even, 0.2, rtol=0.05)


def test_no_empty_border_shows() -> None:
    """Every pixel of the picture is fetched from inside the crop, but for what rounds."""
    photo = shot(4000, 6000)
    for found in DATABASE.lenses[::9]:
        facts = replace(ZOOM, focal_length_mm=found.min_focal)
        size = (photo.crop.width, photo.crop.height)
        maps = lens._modifier(found, found.crop_factor, found.min_focal, facts, size, "DISTORTION", "TCA", "SCALE")
        warp, off_px = lens._warp(photo, maps)
        assert off_px < lens.MOST_OFF_PX
        border = [(x, y) for x in np.linspace(0, 1, 41) for y in (0.0, 1.0)]
        border += [(x, y) for y in np.linspace(0, 1, 41) for x in (0.0, 1.0)]
        at = (np.array(border) - 0.5) * size / np.hypot(3000, 2000)
        r = np.hypot(*at.T)
        for plane in warp.planes:
            source = at * np.polynomial.polynomial.polyval(r, plane)[:, None] * np.hypot(3000, 2000)
            assert (np.abs(source) < np.array(size) / 2 + 2).all(), found.model


GAIN_MAP = GainMap(Region(Area(0, 0, 400, 600)), (1.0, 1.0), (0.0, 0.0), (((1.0,),),))


def test_what_the_file_corrects_is_left_to_it() -> None:
    warp = WarpRectilinear(((1.0, 0.0, 0.0, 0.0, 0.0, 0.0),), (0.5, 0.5))
    assert kinds(opcodes3=(warp,)) == [FixVignetteRadial, WarpRectilinear]
    assert kinds(opcodes2=(GAIN_MAP,)) == [WarpRadial]
    assert not lens.is_wanted(shot(400, 600, opcodes2=(GAIN_MAP,), opcodes3=(warp,)), FILE)


def test_what_the_look_does_not_want_is_not_added() -> None:
    assert kinds(p=Corrections(geometry="none")) == [FixVignetteRadial]
    assert kinds(p=Corrections(shading="none")) == [WarpRadial]
    assert not lens.is_wanted(shot(400, 600), Corrections(lens="none"))


@pytest.mark.parametrize(
    "facts",
    [
        Facts(),
        replace(ZOOM, lens=""),  # any lens may be on it
        replace(ZOOM, lens="Nobody 12-1200mm f/0.7"),
        replace(ZOOM, model="EOS of tomorrow"),
        replace(ZOOM, focal_length_mm=300.0),  # not that lens, whatever it calls itself
        replace(ZOOM, focal_length_mm=None),
    ],
)
def test_a_lens_that_is_not_known_for_sure_changes_nothing(facts: Facts) -> None:
    photo = shot(400, 600)
    assert lens.correct(photo, facts, FILE) == lens.Corrected(photo)


def test_a_lens_that_cannot_be_changed_needs_no_name() -> None:
    compact = Facts(make="Canon", model="Canon PowerShot G1", focal_length_mm=7.0, f_number=2.8)
    found = lens.correct(shot(400, 600), compact, FILE)
    assert found.sentence.startswith("lensfun ")
    assert "G1" in found.sentence


def test_without_an_aperture_the_light_stays_as_it_is() -> None:
    found = lens.correct(shot(400, 600), replace(ZOOM, f_number=None), FILE)
    assert [type(opcode) for opcode in found.shot.opcodes3] == [WarpRadial]


def kinds(p: Corrections = FILE, **lists: Any) -> list[type]:
    found = lens.correct(shot(400, 600, **lists), ZOOM, p)
    return [type(opcode) for opcode in found.shot.opcodes3]
