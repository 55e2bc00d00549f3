"""Scenes as radiance, and what a camera in them would have before its lens.

A scene is a panorama band (latitude and longitude, all around), a perspective picture of radiance, or a photograph
whose highlights are spread as they were before somebody printed them.

Takes   `.hdr` (Radiance RGBE), `.exr`, and sRGB photographs; linear Rec. 709
Gives   (3, side, side) linear Rec.2020, relative
Source  RGBE with run lengths: G. Ward, "Real pixels", Graphics Gems II, 1991, and the Radiance file format
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ispd.isp.color.mix import mix
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.color.transfer import decode
from ispd.nets.train.exr import BadMap, decode_exr
from ispd.nets.train.simulation import SIMULATION, Chance

WIDEST = 1024  # pixels all around: in a larger panorama a view would fall between them
PANORAMA = 2.0  # times as wide as high, or wider: it goes all around
REC2020_FROM_SRGB = np.linalg.inv(rgb_from_rec2020("srgb"))
SRGB_PEAK_POWER = 3  # only a photograph's highlights are spread


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
    """Every radiance map of a folder, by name."""
    return [radiance_map(path) for path in sorted(folder.iterdir()) if path.suffix.lower() in READERS]


def photographs(folder: Path) -> list[Scene]:
    """Every photograph of a folder, by name."""
    paths = (path for path in sorted(folder.iterdir()) if path.suffix.lower() in (".jpg", ".png"))
    return [
        Scene(path.stem, torch.from_numpy(np.asarray(Image.open(path).convert("RGB")).copy()).permute(2, 0, 1))
        for path in paths
    ]


def radiance_map(path: Path) -> Scene:
    """One map.  Raises BadMap where the file is none."""
    pixels = np.nan_to_num(READERS[path.suffix.lower()](path.read_bytes(), path.name), posinf=0.0, neginf=0.0)
    light = mix(REC2020_FROM_SRGB, torch.from_numpy(pixels.clip(min=0)).permute(2, 0, 1).contiguous())
    height, width = light.shape[1:]
    around = width >= PANORAMA * height
    if not around:
        return Scene(path.stem, light)
    times = max(1, width // WIDEST)
    horizon = SIMULATION.scenes.horizon.get(path.stem, height / 2) / times
    return Scene(path.stem, F.avg_pool2d(light, times) if times > 1 else light, horizon)


def decode_rgbe(code: bytes, name: str) -> NDArray[np.float32]:
    """(H, W, 3) from a Radiance picture, rows from the top; mantissa · 2^(exponent - 136)."""
    head, _, rest = code.partition(b"\n\n")
    size, _, body = rest.partition(b"\n")
    words = size.split()
    if not head.startswith(b"#?") or len(words) != 4 or (words[0], words[2]) != (b"-Y", b"+X"):
        raise BadMap(f"{name} is not a Radiance picture with rows from the top.")
    height, width = int(words[1]), int(words[3])
    try:
        rgbe = _scanlines(body, height, width)
    except (IndexError, ValueError) as error:
        raise BadMap(f"{name} ends before its last row.") from error
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
