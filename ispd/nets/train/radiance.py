"""Scenes as radiance, and what a camera in them would have before its lens.

A scene is a panorama band (latitude and longitude, all around), a perspective picture of radiance, or a photograph
whose highlights are spread as they were before somebody printed them.

Takes   `.hdr` (Radiance RGBE), `.exr`, and sRGB photographs; linear Rec. 709
Gives   (3, side, side) linear Rec.2020, relative
Raises  NoInput where a file cannot be read; BadMap where it is broken, of another kind, too small or without light
Source  RGBE with run lengths: G. Ward, "Real pixels", Graphics Gems II, 1991, and the Radiance file format
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ispd.errors import NoInput
from ispd.isp.color.mix import mix
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.color.transfer import decode
from ispd.nets.train.exr import MOST, BadMap, decode_exr
from ispd.nets.train.simulation import SIMULATION, Chance
from ispd.sentences import shown

WIDEST = 1024  # pixels all around: in a larger panorama a view would fall between them
PANORAMA = 2.0  # times as wide as high, or wider: it goes all around
REC2020_FROM_SRGB = np.linalg.inv(rgb_from_rec2020("srgb"))
SRGB_PEAK_POWER = 3  # only a photograph's highlights are spread
SMALLEST = 32  # pixels of a map's shorter side: of less there is nothing to see
PICTURES = (".jpg", ".png")  # what photographs are
FAR = 20  # stops from 1.0: a map whose mean lies farther away is brought back, so that single precision has room

Tell: TypeAlias = Callable[[str], None]


@dataclass(frozen=True)
class Scene:
    """Light to be photographed."""

    name: str
    light: Tensor  # (3, H, W) linear Rec.2020; a photograph's codes, (3, H, W) uint8
    horizon: float | None = None  # of a panorama: the row that looks straight ahead

    @property
    def is_photograph(self) -> bool:
        return self.light.dtype == torch.uint8


def maps(folder: Path) -> list[Scene]:
    """Every radiance map of a folder, by name.  Raises NoInput, BadMap."""
    return [radiance_map(path) for path in maps_in(folder)]


def maps_in(folder: Path) -> list[Path]:
    """Where they lie, by name.  Raises NoInput where there is none."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in READERS and path.is_file())
    except OSError as error:
        raise NoInput(f"{shown(os.fsencode(folder))} cannot be read: {error.strerror}") from error
    found = [path for path in paths if not path.name.startswith(".")]  # what other systems leave beside files
    if not found:
        raise NoInput(f"there is no radiance map (.hdr, .exr) in {shown(os.fsencode(folder))}")
    return found


def photographs(folder: Path) -> list[Scene]:
    """Every photograph of a folder, by name.  Raises NoInput where there is none; BadMap."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES and path.is_file())
    except OSError as error:
        raise NoInput(f"{shown(os.fsencode(folder))} cannot be read: {error.strerror}") from error
    found = [_photograph(path) for path in paths if not path.name.startswith(".")]
    if not found:
        raise NoInput(f"there is no photograph ({', '.join(PICTURES)}) in {shown(os.fsencode(folder))}")
    return found


def _photograph(path: Path) -> Scene:
    try:
        with Image.open(path) as image:
            codes = np.array(image.convert("RGB"))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:  # Pillow calls a broken PNG a SyntaxError
        raise BadMap(f"{shown(os.fsencode(path.name))} cannot be read as a photograph: {error}") from error
    return Scene(path.stem, torch.from_numpy(codes).permute(2, 0, 1))


def radiance_map(path: Path, tell: Tell = lambda line: None) -> Scene:
    """One map; what had to be cleaned is told."""
    name = shown(os.fsencode(path.name))
    try:
        code = path.read_bytes()
    except OSError as error:
        raise NoInput(f"{name} cannot be read: {error.strerror}") from error
    pixels = _cleaned(READERS[path.suffix.lower()](code, name), name, tell)
    light = mix(REC2020_FROM_SRGB, torch.from_numpy(pixels).permute(2, 0, 1).contiguous())
    height, width = light.shape[1:]
    around = width >= PANORAMA * height
    if not around:
        return Scene(path.stem, light)
    times = max(1, width // WIDEST)
    horizon = SIMULATION.scenes.horizon.get(path.stem, height / 2) / times
    return Scene(path.stem, F.avg_pool2d(light, times) if times > 1 else light, horizon)


def _cleaned(pixels: NDArray[np.float32], name: str, tell: Tell) -> NDArray[np.float32]:
    """Light alone: no number becomes none, an infinite one the brightest that there is."""
    height, width = pixels.shape[:2]
    if min(height, width) < SMALLEST:
        raise BadMap(
            f"{name} is {width} × {height} pixels: a radiance map has {SMALLEST} at least on its shorter side."
        )
    finite = np.isfinite(pixels)
    brightest = float(pixels.max(initial=0, where=finite))
    if brightest <= 0:
        raise BadMap(f"{name} holds no light.")
    if wrong := int((~finite | (pixels < 0)).sum()):
        tell(f"{name}: {wrong} samples are negative, infinite or no numbers: they are taken as 0 or as the brightest")
        pixels = np.nan_to_num(pixels, posinf=brightest).clip(0, brightest)
    stops = round(math.log2(float(pixels.mean(dtype=np.float64))))
    return np.ldexp(pixels, -stops) if abs(stops) > FAR else pixels


def decode_rgbe(code: bytes, name: str) -> NDArray[np.float32]:
    """(H, W, 3) from a Radiance picture, rows from the top; mantissa · 2^(exponent - 136)."""
    head, _, rest = code.partition(b"\n\n")
    size = re.match(rb"-Y (\d{1,9}) \+X (\d{1,9})\n", rest)
    if not head.startswith(b"#?") or size is None:
        raise BadMap(f"{name} is not a Radiance picture with rows from the top.")
    if b"_xyze" in head:
        raise BadMap(f"{name} holds XYZ; save it with the colors red, green and blue.")
    height, width = (int(side) for side in size.groups())
    if min(height, width) < 1 or 3 * height * width > MOST:
        raise BadMap(f"{name} says it is {width} × {height} pixels.")
    try:
        rgbe = _scanlines(rest[size.end() :], height, width)
    except (IndexError, ValueError) as error:
        raise BadMap(f"{name} ends before its last row, or its rows are broken.") from error
    scale = np.where(rgbe[..., 3:] > 0, np.exp2(rgbe[..., 3:].astype(np.float32) - 136), 0)
    return np.asarray(rgbe[..., :3] * scale, np.float32)


def _scanlines(body: bytes, height: int, width: int) -> NDArray[np.uint8]:
    """(H, W, 4), flat or with run lengths for each component."""
    if body[:2] != b"\2\2":
        return np.frombuffer(body, np.uint8, height * width * 4).reshape(height, width, 4)
    rows = np.empty((height, 4, width), np.uint8)
    at = 0
    for row in rows:
        if body[at : at + 2] != b"\2\2":
            raise ValueError("no start of a row")
        at += 4
        for line in row:
            place = 0
            while place < width:
                count = body[at]
                if count > 128:
                    count -= 128
                    line[place : place + count] = body[at + 1]
                    at += 2
                else:
                    line[place : place + count] = np.frombuffer(body, np.uint8, count, at + 1)
                    at += 1 + count
                place += count
            if place > width:
                raise ValueError("a run is longer than its row")
    return rows.transpose(0, 2, 1)


READERS = {".hdr": decode_rgbe, ".exr": decode_exr}


def view(scene: Scene, side: int, chance: Chance) -> Tensor:
    """(3, side, side): what a camera that is turned by chance would have before its lens."""
    p = SIMULATION.views
    if scene.horizon is None:
        light = _reduced_crop(scene.light, side, chance.between(p.reduced), chance)
        if scene.is_photograph:
            light = _expanded(light, chance.between(p.spread_ev))
    else:
        field = chance.between(p.field_deg)
        row = 360 / scene.light.shape[2]
        up, down = (row * (rows - 2) for rows in (scene.horizon, scene.light.shape[1] - scene.horizon))
        highest, lowest = up - field / 2, field / 2 - down  # pitch at which a view's edge is the band's
        pitch = chance.between((lowest, highest)) if lowest < highest else (highest + lowest) / 2
        yaw, roll = chance.between((0.0, 360.0)), chance.between(p.roll_deg)
        light = perspective(scene.light, scene.horizon, side, field, yaw, pitch, roll)
    return light.flip(2) if chance.happens(0.5) else light


def perspective(
    band: Tensor, horizon: float, side: int, field_deg: float, yaw_deg: float, pitch_deg: float, roll_deg: float
) -> Tensor:
    """(3, side, side): the view of a pinhole camera; yaw 0 looks at the middle column, pitch is up, roll clockwise.

    Every pixel is the mean of several places: a map's pixels are narrower than the view's at its edges.
    """
    fine = side * SIMULATION.views.supersampled
    at = (torch.arange(fine) + 0.5) / fine * 2 - 1
    reach = math.tan(math.radians(field_deg) / 2)
    right, up = (at * reach).expand(fine, fine), (-at * reach)[:, None].expand(fine, fine)
    yaw, pitch, roll = (math.radians(angle) for angle in (yaw_deg, pitch_deg, roll_deg))
    right, up = right * math.cos(roll) - up * math.sin(roll), right * math.sin(roll) + up * math.cos(roll)
    ahead, up = math.cos(pitch) - up * math.sin(pitch), math.sin(pitch) + up * math.cos(pitch)
    longitude = torch.atan2(right, ahead) + yaw
    latitude = torch.atan2(up, torch.hypot(right, ahead))
    height, width = band.shape[1:]
    radians = math.tau / width
    x = (longitude / radians + width / 2).remainder(width) + 1  # one column of the other end on either side
    y = horizon - latitude / radians
    wrapped = torch.cat((band[:, :, -1:], band, band[:, :, :1]), dim=2)
    grid = torch.stack((2 * x / (width + 2) - 1, 2 * y / height - 1), dim=-1)
    seen = F.grid_sample(wrapped[None], grid[None], mode="bilinear", padding_mode="border", align_corners=False)
    return F.avg_pool2d(seen, SIMULATION.views.supersampled)[0]


def _reduced_crop(picture: Tensor, side: int, times: float, chance: Chance) -> Tensor:
    """A square of a perspective picture, made smaller as far as it is large enough."""
    height, width = picture.shape[1:]
    span = min(round(side * times), height, width)
    top, left = chance.index(height - span + 1), chance.index(width - span + 1)
    piece = picture[:, top : top + span, left : left + span]
    light = _linear(piece) if picture.dtype == torch.uint8 else piece
    resized = F.interpolate(light[None], (side, side), mode="bilinear", antialias=True, align_corners=False)[0]
    return resized.clamp(min=0)


def _linear(codes: Tensor) -> Tensor:
    return mix(REC2020_FROM_SRGB, decode(codes / 255, "srgb"))


def _expanded(light: Tensor, stops: float) -> Tensor:
    """Highlights as they were: the brightest channel rises towards 2^stops, hue kept, shadows too."""
    peak = light.amax(dim=0).clamp(0, 1)
    spread: Tensor = light * (1 + (2.0**stops - 1) * peak**SRGB_PEAK_POWER)
    return spread
