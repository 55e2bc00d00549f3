"""Rivals that are programs: what each makes of the held-out raws after it saw the same pairs."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from bench.style.measure import read
from bench.style.photos import Photo, photographed
from bench.style.references import rawtherapee, run
from ispd.isp.color.mix import mix
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.color.transfer import decode

AUTO_MATCHED = """\
[Exposure]
HistogramMatching=true
CurveFromHistogramMatching=false
"""
PREVIEW_EDGE = 1024


def lut_generator(venv: Path) -> Path | None:
    """The command of darktable-lut-generator in a virtual environment; None where it or darktable is missing.

    python3 -m venv WORK/lutgen; WORK/lutgen/bin/pip install darktable-lut-generator statsmodels colour-science
    """
    command = venv / "bin/darktable_lut_generator"
    return command if command.exists() and shutil.which("darktable-cli") else None


def through_a_lut(
    command: Path, work: Path, pairs: Sequence[tuple[Path, Path]], held_out: Sequence[tuple[Path, Path]]
) -> list[Tensor]:
    """What its LUT of `pairs` makes of the held-out raws, (3, H, W) in linear Rec.2020.

    The LUT takes what the program's own darktable export of a raw shows in Adobe RGB, so the held-out raws are exported
    by the very command that it prints, with the settings that it leaves behind.
    """
    shutil.rmtree(work, ignore_errors=True)
    nodes = read_cube(_generate(command, work, pairs))
    pictures = []
    for raw, _ in held_out:
        out = work / f"{raw.stem}.png"
        color = ["--width", "0", "--height", "0", "--icc-type", "ADOBERGB", "--style-overwrite"]
        core: list[str | Path] = ["--core", "--configdir", work / "exports/conf", "--library", ":memory:"]
        plain = ["--conf", "plugins/darkroom/sharpen/auto_apply=FALSE", "--conf", "opencl=FALSE"]
        run(["darktable-cli", raw, out, *color, *core, *plain])
        codes = imagecodecs.imread(out)
        full = 255 if codes.dtype == np.uint8 else 65535
        seen = torch.from_numpy(codes.astype(np.float32) / full).permute(2, 0, 1)
        adobe = decode(looked_up(nodes, seen).clamp(0, 1), "adobe-rgb")
        pictures.append(mix(np.linalg.inv(rgb_from_rec2020("adobe-rgb")), adobe))
    return pictures


def _generate(command: Path, work: Path, pairs: Sequence[tuple[Path, Path]]) -> Path:
    """The learned .cube, from pairs cropped to their common center: aligning freely takes minutes a pair."""
    images, exports, cube = work / "images", work / "exports", work / "learned.cube"
    for folder in (images, exports):
        folder.mkdir(parents=True)
    for pair in pairs:
        for file in pair:
            shutil.copyfile(file, images / file.name)
    options: list[str | Path] = ["--n_passes_alignment", "0", "--resize", "0", "--path_dir_intermediate", exports]
    run([command, images, cube, *options, "--n_samples", "10000"])
    return cube


def read_cube(path: Path) -> Tensor:
    """(3, blue, green, red) of a .cube file, whose red runs fastest."""
    lines = [line.split() for line in path.read_text().splitlines()]
    values = [[float(word) for word in words] for words in lines if len(words) == 3 and words[0][0] in "-.0123456789"]
    side = round(len(values) ** (1 / 3))
    return torch.tensor(values, dtype=torch.float32).T.reshape(3, side, side, side)


def looked_up(nodes: Tensor, codes: Tensor) -> Tensor:
    """Trilinear; codes (3, H, W) in [0, 1]."""
    grid = codes.permute(1, 2, 0)[None, None] * 2 - 1  # x, y, z are red, green, blue
    return torch.nn.functional.grid_sample(nodes[None], grid, align_corners=True)[0, :, 0]


def auto_matched(work: Path, held_out: Sequence[tuple[Photo, Path]], size: tuple[int, int], seed: int) -> list[Tensor]:
    """RawTherapee's auto-matched curve: for every photo anew, from the preview in the raw.

    The raws are taken again with the wanted picture as their preview: this rival sees what the others have to guess.
    """
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    raws = []
    for photo, reference in held_out:
        raws.append(work / photo.path.name)
        raws[-1].write_bytes(photographed(photo.scene, size, seed, _preview(reference, photo.scene.upright)))
    rawtherapee(AUTO_MATCHED)(raws, work)
    return [read(raw.with_suffix(".jpg")) for raw in raws]


def _preview(reference: Path, upright: bool) -> bytes:
    """A JPEG as it lies in a raw: as the sensor saw it, the tag turns it."""
    image = Image.open(reference).convert("RGB")
    image.thumbnail((PREVIEW_EDGE, PREVIEW_EDGE))
    if upright:
        image = image.transpose(Image.Transpose.ROTATE_90)
    file = BytesIO()
    image.save(file, "JPEG", quality=95)
    return file.getvalue()
