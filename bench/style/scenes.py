"""Thirty places to photograph: views into radiance maps, and photographs whose highlights are given back their light.

A map has about three pixels a degree, too few for a picture: the fine detail of a photograph, a few percent of light
more or less, is laid over each view, so that it has the texture on which demosaicing and averaging go wrong.

Source  Radiance RGBE: Greg Ward, "Real Pixels", Graphics Gems II (1991); the new run lengths of ray/src/common/color.h
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates

from ispd.isp.color.spaces import SRGB

SAMPLES = Path(__file__).parents[2] / "../shared/samples"
BAND_DEGREES = 104.0  # of latitude that the panoramas keep; the whole circle is as wide as they are
TEXTURED = (
    0.15  # a map whose log light varies by so much nearby shows the detail in full, a clear sky next to none of it
)
WHITE_REC709 = np.array([0.2126, 0.7152, 0.0722])


@dataclass(frozen=True)
class Scene:
    """A place, where one looks, and its light."""

    name: str
    file: str  # of samples/hdr or samples/photos
    ev: float  # how bright the place is: the exposure value at ISO 100 that a meter would show
    temperature_k: float
    yaw: float = 0.0  # degrees, into a panorama
    pitch: float = 0.0
    upright: bool = False  # the camera held on its side

    @property
    def is_map(self) -> bool:
        return self.file.endswith(".hdr")

    @property
    def is_panorama(self) -> bool:
        return self.is_map and self.file not in ("mt_tam_west.hdr", "still_life.hdr", "tree.hdr")


SCENES = (
    Scene("workshop", "aerodynamics_workshop.hdr", 7.0, 4600, yaw=60),
    Scene("workshop-window", "aerodynamics_workshop.hdr", 7.5, 5200, yaw=220),
    Scene("circus", "circus_arena.hdr", 5.0, 3000, yaw=100),
    Scene("savanna-night", "dikhololo_night.hdr", -2.0, 3800, yaw=180),
    Scene("warehouse", "empty_warehouse_01.hdr", 6.0, 4200, yaw=30),
    Scene("forest", "forest_slope.hdr", 12.0, 5900, yaw=0, upright=True),
    Scene("forest-sun", "forest_slope.hdr", 12.5, 6300, yaw=150),
    Scene("desert-dawn", "kiara_1_dawn.hdr", 9.0, 4800, yaw=90),
    Scene("desert-shade", "kiara_1_dawn.hdr", 8.0, 7200, yaw=270),
    Scene("apartment", "lebombo.hdr", 8.0, 5600, yaw=200),
    Scene("buildings", "modern_buildings_2.hdr", 14.0, 5500, yaw=0),
    Scene("buildings-shade", "modern_buildings_2.hdr", 13.0, 6600, yaw=140, upright=True),
    Scene("mountain", "mt_tam_west.hdr", 13.0, 5600),
    Scene("park", "rooitou_park.hdr", 13.0, 4900, yaw=45),
    Scene("still-life", "still_life.hdr", 2.0, 2900),
    Scene("chapel", "thatch_chapel.hdr", 5.0, 3100, yaw=120),
    Scene("tree", "tree.hdr", 13.0, 6000),
    Scene("venice", "venice_sunset.hdr", 10.0, 4300, yaw=10),
    Scene("astronaut", "astronaut.jpg", 7.0, 5000, upright=True),
    Scene("periwinkle", "blue-periwinkle.jpg", 10.0, 6500),
    Scene("wren", "canyon-wren.jpg", 14.0, 5500),
    Scene("coffee", "coffee.jpg", 6.0, 3200),
    Scene("dragonfly", "dragonfly-on-lavender.jpg", 12.0, 6000),
    Scene("kitten", "kitten-on-lawn.jpg", 11.0, 6200),
    Scene("lake", "lake-sherburne.jpg", 14.0, 7500),
    Scene("hallway", "orange-hallway.jpg", 9.0, 5300),
    Scene("tulips", "pink-tulips.png", 11.0, 6800),
    Scene("skyline", "singaporean-cityscape.jpg", 4.0, 3400),
    Scene("slot-canyon", "slot-canyon.jpg", 9.0, 5800),
    Scene("tea-gardens", "tea-gardens.jpg", 12.0, 7000),
)
TEXTURES = ("casa-mila.jpg", "roman-colosseum.jpg", "mountain-lake.jpg", "the-spices-of-life.jpg")
HEADROOM = 2.0  # a photograph's white is spread so many times beyond itself
Picture = NDArray[np.float64]


def light(scene: Scene, width: int, height: int) -> Picture:
    """The scene in linear Rec. 709, (height, width, 3), upright; its log-average luminance is 1."""
    if scene.upright:
        width, height = height, width
    if scene.is_map:
        radiance = read_radiance(SAMPLES / "hdr" / scene.file)
        picture = _view(radiance, scene, width, height) if scene.is_panorama else _fitted(radiance, width, height)
        picture = picture * _detail(picture, TEXTURES[SCENES.index(scene) % len(TEXTURES)])[..., None]
    else:
        linear = _linear(SAMPLES / "photos" / scene.file)
        peak = linear.max(axis=-1, keepdims=True)
        picture = _fitted(linear * (1 + (HEADROOM - 1) * peak**3), width, height)
    luminance = np.maximum(picture @ WHITE_REC709, 1e-9)
    floor = np.quantile(luminance, 0.5) * 2.0**-8  # what is black says nothing of how bright a place is
    average: Picture = picture / np.exp(np.log(np.maximum(luminance, floor)).mean())
    return average


def encoded(linear: Picture) -> Picture:
    """The sRGB curve, and on along it beyond white: what the simulated camera takes."""
    x = np.maximum(linear, 0.0)
    curve: Picture = np.where(x <= SRGB.knee, SRGB.slope * x, SRGB.scale * x**SRGB.exponent - (SRGB.scale - 1))
    return curve


def read_radiance(path: Path) -> Picture:
    """A Radiance RGBE picture with run lengths, (H, W, 3)."""
    head, _, rest = path.read_bytes().partition(b"\n\n")
    if not head.startswith((b"#?RADIANCE", b"#?RGBE")):
        raise ValueError(f"{path.name}: not a Radiance picture")
    size, _, body = rest.partition(b"\n")
    height, width = int(size.split()[1]), int(size.split()[3])
    data = np.frombuffer(body, np.uint8)
    rgbe = np.empty((height, 4, width), np.uint8)
    at = 0
    for row in range(height):
        at += 4  # 2, 2, and the width again
        for plane in range(4):
            filled = 0
            while filled < width:
                count = int(data[at])
                if count > 128:
                    rgbe[row, plane, filled : filled + count - 128] = data[at + 1]
                    at, filled = at + 2, filled + count - 128
                else:
                    rgbe[row, plane, filled : filled + count] = data[at + 1 : at + 1 + count]
                    at, filled = at + 1 + count, filled + count
    mantissa, exponent = rgbe[:, :3].astype(np.float64), rgbe[:, 3].astype(np.float64)
    picture: Picture = (mantissa * np.exp2(exponent - 136)[:, None]).transpose(0, 2, 1)
    return picture


def _view(panorama: Picture, scene: Scene, width: int, height: int, degrees: float = 78.0) -> Picture:
    """What a lens sees whose long edge spans so many degrees."""
    focal = max(width, height) / 2 / np.tan(np.radians(degrees / 2))
    y, x = np.mgrid[:height, :width]
    across, down = (x + 0.5 - width / 2) / focal, (y + 0.5 - height / 2) / focal
    longitude = np.arctan(across) + np.radians(scene.yaw)
    latitude = np.arctan(-down / np.hypot(1, across)) + np.radians(scene.pitch)
    tall, wide = panorama.shape[:2]
    column = longitude / (2 * np.pi) * wide % wide
    row = (0.5 - latitude / np.radians(BAND_DEGREES)) * tall
    return _sampled(panorama, row - 0.5, column - 0.5, "grid-wrap")


def _fitted(picture: Picture, width: int, height: int) -> Picture:
    """The largest part around the center of that shape, at that size."""
    tall, wide = picture.shape[:2]
    scale = min(tall / height, wide / width)
    y, x = np.mgrid[:height, :width]
    row = (y + 0.5 - height / 2) * scale + tall / 2 - 0.5
    column = (x + 0.5 - width / 2) * scale + wide / 2 - 0.5
    return _sampled(picture, row, column, "nearest")


def _sampled(picture: Picture, row: Picture, column: Picture, edge: str) -> Picture:
    """Linear between pixels in log light, so that a lamp has no dark rim; never above what is there."""
    logs = np.log(np.maximum(picture, 1e-6))
    planes = [map_coordinates(logs[..., plane], (row, column), order=1, mode=edge) for plane in range(3)]
    view: Picture = np.exp(np.stack(planes, axis=-1))
    return view


def _linear(path: Path) -> Picture:
    codes = np.asarray(Image.open(path).convert("RGB")) / 255.0
    linear: Picture = np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)
    return linear


def _detail(view: Picture, photo: str) -> Picture:
    """(H, W) factors around 1: what a photograph has finer than a map's pixels, where the map is not smooth itself."""
    height, width = view.shape[:2]
    scale = max(width, height) / 1152
    logs, fine = (
        np.log(np.maximum(picture @ WHITE_REC709, 0.01))
        for picture in (view, _fitted(_linear(SAMPLES / "photos" / photo), width, height))
    )
    wide = 12 * scale
    varies = np.sqrt(np.maximum(gaussian_filter(logs**2, wide) - gaussian_filter(logs, wide) ** 2, 0))
    strength = np.clip(varies / TEXTURED, 0.05, 1) * 0.7
    detail: Picture = np.exp(strength * (fine - gaussian_filter(fine, 3 * scale)).clip(-1, 1))
    return detail
