"""References in wide color spaces: what their codes can say is learned, also where sRGB ends before."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ispd.decode.cell import Cell
from ispd.encode.picture import encode
from ispd.fit import model
from ispd.fit.cells import draw, every, together
from ispd.fit.families import Family, grow
from ispd.fit.judge import judge
from ispd.fit.keep import profile
from ispd.fit.learn import Learned, frame_of
from ispd.fit.loss import residual, shown_difference, target
from ispd.fit.pairs import Candidate
from ispd.fit.sample import Sample
from ispd.fit.samples import gather
from ispd.fit.settle import settled
from ispd.isp.color.lab import delta_e, lab_from_rec2020
from ispd.isp.color.mix import mix
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.look import Exposure, Finish, Gamut, Look
from ispd.metadata.exiftool import ExifTool
from ispd.orders import Facts, Output, Space
from ispd.profile.certificate import Certificate
from ispd.runner import picture
from ispd.simulate.camera import KESTREL
from tests.conftest import Dng
from tests.fit import planted
from tests.fit.scenes import Picture, scene

VIVID = Look(
    curve=planted.film(), exposure=Exposure(ev=-0.6, auto="none"), gamut=Gamut("clip"), finish=Finish(saturation=1.2)
)
MORE_VIVID = replace(VIVID, finish=Finish(saturation=1.4))
OUTSIDE = -0.01  # of a linear sRGB channel
FLAT = 0.8  # of trust: where edges run through a cell, its mean's look is not the mean of its look


def colorful(seed: int) -> Picture:
    """A scene of paint rather than of stone."""
    plain = scene(seed, 240, 360).astype(float)
    grey = plain.mean(axis=2, keepdims=True)
    painted: Picture = np.rint((grey + 2 * (plain - grey)).clip(0, 235)).astype(np.uint8)
    return painted


def pair(dng: Dng, folder: Path, seed: int, output: Output, cell: Cell) -> Candidate:
    raw, finished = dng(f"{seed}.dng", colorful(seed), KESTREL, seed=seed), folder / f"{seed}.{output.extension}"
    decoded = cell.decode(os.fsencode(raw))
    pixels = picture.render(decoded.samples, decoded.shot, MORE_VIVID, (output,), "cpu", lambda: None).pictures[0]
    encode(pixels, output, os.fsencode(finished))
    return Candidate(os.fsencode(raw), os.fsencode(finished))


def cut_to_srgb(rec2020: Tensor) -> Tensor:
    return mix(np.linalg.inv(rgb_from_rec2020("srgb")), mix(rgb_from_rec2020("srgb"), rec2020).clamp(0, 1))


def fitted(seen: list[Sample], cells_each: int) -> Look:
    frame, cells = frame_of(seen, (seen[0].model,)), together([draw(sample, cells_each, 0) for sample in seen])
    return settled(model.look(grow(Family(lattice=9), cells, frame, {}), frame, 0))


def beyond(rec2020: Tensor) -> Tensor:
    """(N) which colors sRGB has not."""
    return mix(rgb_from_rec2020("srgb"), rec2020).amin(0) < OUTSIDE


@pytest.mark.parametrize("spaces", [("adobe-rgb",), ("display-p3",), ("adobe-rgb", "srgb")], ids="+".join)
def test_colors_beyond_srgb_are_found_again_on_unseen_pictures(spaces: tuple[Space, ...]) -> None:
    learned = fitted([planted.sample(VIVID, seed, spaces[seed % len(spaces)]) for seed in range(8)], 700)
    unseen = [planted.sample(VIVID, seed, spaces[0]) for seed in range(40, 44)]
    assert planted.difference(learned, unseen) < 0.3
    found, cut = [], []
    for photo in map(planted.whole, unseen):
        wide, aim = beyond(photo.wanted), planted.aim_of(photo)
        found.append(shown_difference(planted.rendered(photo, learned), aim)[wide])
        cut.append(shown_difference(cut_to_srgb(photo.wanted), aim)[wide])
    assert float(torch.cat(found).mean()) < 0.3
    assert float(torch.cat(cut).mean()) > 2.0  # which is what a screen of sRGB would lose


@pytest.mark.parametrize(
    "output",
    [Output(format="tiff", bits=16, space="adobe-rgb"), Output(format="jpeg", quality=98, space="display-p3")],
    ids=["adobe-rgb", "display-p3"],
)
def test_files_in_wide_spaces_teach_colors_beyond_srgb(
    dng: Dng, tmp_path: Path, cell: Cell, door: ExifTool, output: Output
) -> None:
    (*seen, unseen), refused = gather([pair(dng, tmp_path, seed, output, cell) for seed in range(5)], cell, door)
    assert not refused
    assert {sample.space for sample in (*seen, unseen)} == {output.space}
    learned = fitted(list(seen), 2000)
    assert judge(unseen, learned, cell, door).mean < 0.5
    photo = every(unseen, int((unseen.trust > 0).sum()))
    wide = beyond(photo.wanted) & (unseen.trust.flatten()[photo.where] > FLAT)
    assert float(wide.float().mean()) > 0.01
    aim = planted.aim_of(photo)
    found = shown_difference(planted.rendered(photo, learned), aim)[wide].mean()
    assert float(found) < float(shown_difference(cut_to_srgb(photo.wanted), aim)[wide].mean()) / 3


# --- the profile ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spaces", "written"),
    [(("adobe-rgb", "adobe-rgb"), "adobe-rgb"), (("srgb", "srgb"), "srgb"), (("display-p3", "srgb"), "srgb")],
)
def test_pictures_are_asked_for_in_the_space_of_the_finished_ones_where_they_agree(
    spaces: tuple[Space, ...], written: Space
) -> None:
    pairs = tuple(planted.sample(VIVID, seed, space) for seed, space in enumerate(spaces))
    learned = Learned(VIVID, (), Family(), (), "photos", (), pairs, seed=0)
    assert profile(learned, Certificate(), (Facts("Acme", "One"),), "look").outputs == (Output(space=written),)


# --- the loss ---------------------------------------------------------------------------------------------------------

GREEN = ((0.0,), (0.6,), (0.0,))  # in Adobe RGB, whose green sRGB has not
NOWHERE = torch.zeros(3, 1, dtype=torch.bool)


def adobe(color: tuple[tuple[float], ...]) -> Tensor:
    return mix(np.linalg.inv(rgb_from_rec2020("adobe-rgb")), torch.tensor(color))


def test_a_color_that_srgb_has_not_differs_from_what_it_would_be_there() -> None:
    wanted, cut = adobe(GREEN), cut_to_srgb(adobe(GREEN))
    assert float(shown_difference(cut, target(wanted, NOWHERE, NOWHERE, ("adobe-rgb",)))) == pytest.approx(
        float(delta_e(lab_from_rec2020(cut), lab_from_rec2020(wanted)))
    )
    assert float(shown_difference(cut, target(wanted, NOWHERE, NOWHERE, ("srgb",)))) == pytest.approx(0, abs=1e-3)


def test_a_clipped_color_is_told_in_its_own_space() -> None:
    """Red is at 0 in Adobe RGB: less red may have been meant, more may not."""
    low = torch.tensor([[True], [False], [False]])
    aim = target(adobe(GREEN), low, NOWHERE, ("adobe-rgb",))
    assert float(residual(adobe(((-0.1,), (0.6,), (0.0,))), aim).norm()) == pytest.approx(0, abs=1e-3)
    assert float(residual(adobe(((0.1,), (0.6,), (0.0,))), aim).norm()) > 1


def test_each_picture_is_compared_in_its_own_space() -> None:
    wanted = torch.cat([adobe(GREEN), adobe(GREEN)], dim=1)
    nowhere, cut = NOWHERE.expand(3, 2), cut_to_srgb(wanted)
    shown = shown_difference(cut, target(wanted, nowhere, nowhere, ("srgb", "adobe-rgb")))
    assert float(shown[0]) == pytest.approx(0, abs=1e-3)
    assert float(shown[1]) > 2
