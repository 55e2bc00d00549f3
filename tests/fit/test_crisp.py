"""A look is as crisp as its references: planted sharpening is found again, softness stays, noise is not made."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest
import torch
from torch import Tensor

from ispd.decode.cell import Cell
from ispd.encode.picture import encode
from ispd.fit.crisp import NOISIER, Spectra, as_wanted, nearest, spectra_of
from ispd.fit.families import Family
from ispd.fit.judge import by_the_isp
from ispd.fit.learn import Held, Learned
from ispd.fit.pairs import Candidate
from ispd.fit.samples import gather
from ispd.fit.workers import side_by_side
from ispd.isp.color.transfer import decode as light_of
from ispd.isp.color.transfer import encode as codes_of
from ispd.isp.look import CaptureSharpen, Exposure, Look, Sharpen
from ispd.isp.stages.sharpen import sharpen
from ispd.isp.values import DisplayRGB
from ispd.metadata.exiftool import ExifTool
from ispd.orders import Output
from ispd.runner import picture
from ispd.simulate.camera import KESTREL
from ispd.simulate.photograph import Moment
from tests.conftest import Dng
from tests.fit.scenes import scene

LOOK = Look(exposure=Exposure(auto="none"))
Found: TypeAlias = Callable[..., Learned]


@pytest.fixture
def found(dng: Dng, tmp_path: Path, cell: Cell, door: ExifTool) -> Found:
    """What is learned of LOOK's crispness from a photo whose JPEG another look has made."""

    def find(wanted: Look, size: int | None = None, iso: int = 100) -> Learned:
        raw, finished = dng("a.dng", scene(40, 400, 640), KESTREL, Moment(iso=iso)), tmp_path / "a.jpg"
        output, decoded = Output(quality=92, size=size), cell.decode(os.fsencode(raw))
        pixels = picture.render(decoded.samples, decoded.shot, wanted, (output,), "cpu", lambda: None).pictures[0]
        encode(pixels, output, os.fsencode(finished))
        (sample,), _ = gather([Candidate(os.fsencode(raw), os.fsencode(finished))], cell, door)
        held = Held(sample, LOOK, 1.0, 1.0, 1.0, 30.0)
        learned = Learned(LOOK, (), Family(), (), "photos", (held,), (sample,), seed=0)
        with side_by_side(2) as judges:
            return as_wanted(learned, cell, door, by_the_isp, judges)

    return find


@pytest.mark.parametrize("amount", [0.0, 0.5, 1.2])
def test_planted_sharpening_is_found_again(found: Found, amount: float) -> None:
    learned = found(replace(LOOK, sharpen=Sharpen(amount)))
    assert learned.look.sharpen.amount == pytest.approx(amount, abs=0.15)
    assert learned.look.sharpen.radius_px == Sharpen().radius_px
    assert learned.look.capture_sharpen == CaptureSharpen()
    assert learned.held[0].look == learned.look


def test_also_where_photos_are_noisy(found: Found) -> None:
    assert found(replace(LOOK, sharpen=Sharpen(0.5)), iso=1600).look.sharpen.amount == pytest.approx(0.5, abs=0.15)


def test_a_wider_radius_is_told_where_it_is_clear(found: Found) -> None:
    learned = found(replace(LOOK, sharpen=Sharpen(0.8, radius_px=1.4)))
    assert learned.look.sharpen.radius_px == 1.4
    assert learned.look.sharpen.amount == pytest.approx(0.8, abs=0.2)


def test_a_soft_reference_makes_no_crisp_look(found: Found) -> None:
    learned = found(replace(LOOK, capture_sharpen=CaptureSharpen(0.0), sharpen=Sharpen(0.0)))
    assert learned.look.sharpen.amount == 0
    assert learned.look.capture_sharpen.amount < 0.2


def test_a_small_reference_says_nothing(found: Found) -> None:
    assert found(replace(LOOK, sharpen=Sharpen(2.0)), size=310).look == LOOK


def test_a_reduced_one_says_it_in_pixels_of_full_size(found: Found) -> None:
    """Sharpened by 1.0 within 0.7 of its own pixels, of which there are 7 for 10: within 1.0 of full size."""
    learned = found(replace(LOOK, sharpen=Sharpen(1.0)), size=448)
    assert learned.look.sharpen.radius_px == pytest.approx(1.0, abs=0.05)
    assert learned.look.sharpen.amount == pytest.approx(1.0, abs=0.2)


# --- spectra ----------------------------------------------------------------------------------------------------------


def edges(count: int = 200) -> Tensor:
    """(n, 32, 32) lightness: soft edges of all directions, every other window flat."""
    chance = torch.Generator().manual_seed(1)
    turn, shift = torch.rand(count, generator=chance) * 6.3, torch.rand(count, generator=chance) * 16 - 8
    down, across = torch.meshgrid(torch.arange(32) - 15.5, torch.arange(32) - 15.5, indexing="ij")
    place = turn.cos()[:, None, None] * across + turn.sin()[:, None, None] * down + shift[:, None, None]
    steps = 0.5 + 0.2 * torch.erf(place / 1.2)
    steps[::2] = 0.5
    return steps


def crisper(lightness: Tensor, p: Sharpen) -> Tensor:
    """By the stage itself."""
    light = light_of(lightness, "srgb")[:, None].expand(-1, 3, -1, -1)
    return torch.stack([codes_of(sharpen(DisplayRGB(each), p)[0], "srgb") for each in light])


def noise(windows: Tensor, amount: float, seed: int) -> Tensor:
    return windows + amount * torch.randn(windows.shape, generator=torch.Generator().manual_seed(seed))


def seen_in(ours: Tensor, theirs: Tensor) -> Spectra:
    seen = spectra_of(ours, theirs)
    assert seen is not None
    return seen


@pytest.mark.parametrize("amount", [0.0, 0.7, 2.0])
def test_an_amount_is_what_it_does_to_spectra(amount: float) -> None:
    ours = noise(edges(), 1e-4, 0)
    found = nearest([seen_in(ours, crisper(ours, Sharpen(amount)))], 0.7)
    assert found is not None
    assert found.amount == pytest.approx(amount, abs=0.05)


def test_noise_of_the_reference_is_not_taken_for_crispness() -> None:
    ours = edges()
    found = nearest([seen_in(noise(ours, 1e-4, 0), noise(ours, 0.01, 1))], 0.7)
    assert found is not None
    assert found.amount == pytest.approx(0, abs=0.15)


def test_crisp_edges_are_not_bought_with_noise() -> None:
    """A reference without noise, sharpened by 3: ours, which has some, may get half as much again, and no more."""
    ours = noise(edges(), 0.01, 0)
    found = nearest([seen_in(ours, crisper(edges(), Sharpen(3.0)))], 0.7)
    assert found is not None
    flat = ours[::2]
    assert 0 < found.amount < 3
    assert float(crisper(flat, found).std()) == pytest.approx(NOISIER * float(flat.std()), rel=0.1)


def test_windows_that_show_other_things_say_nothing() -> None:
    assert spectra_of(edges(), edges().roll(11, 0)) is None
