"""Take a photo of a picture: sRGB in, a negative out, with the physics of a sensor between.

    picture ─▶ linear light ─▶ illuminant ─▶ camera color ─▶ shading ─▶ mosaic ─▶ photons, read-out ─▶ codes

Deterministic by `seed`.  `scene` is what a perfect rendering brings back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ispd.isp.color.spaces import D50_XYZ, D65, Array, adapt, rgb_from_rec2020, xyz_from_rgb, xyz_from_xy
from ispd.isp.values import Area, Cfa, FixVignetteRadial, GainMap, Region
from ispd.simulate.camera import DAYLIGHT_K, SimulatedCamera
from ispd.simulate.capture import Capture, Place
from ispd.simulate.dng import PLANE_NUMBER, Codes, Negative, encode_dng

Picture: TypeAlias = NDArray[np.uint8 | np.float32 | np.float64]

MAP_ROWS, MAP_COLUMNS = 13, 17  # points of a gain map, as phones have it
PREVIEW_EDGE = 256


@dataclass(frozen=True)
class Moment:
    """The light and the settings of one photo."""

    ev: float = 0.0  # stops more than the picture has
    headroom_ev: float = 0.0  # how far the picture's white is spread beyond 1.0, as real highlights are
    temperature_k: float = DAYLIGHT_K
    iso: int = 100
    exposure_seconds: float = 1 / 125
    orientation: int = 1  # how the camera was held; a right rendering is upright again
    when: datetime = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)
    place: Place | None = None


NOON = Moment()


def photograph(picture: Picture, camera: SimulatedCamera, moment: Moment = NOON, *, seed: int = 0) -> bytes:
    """The DNG file that `camera` writes of an sRGB picture: (H, W, 3), uint8 or float in [0, 1]."""
    return encode_dng(expose(picture, camera, moment, seed=seed))


def expose(picture: Picture, camera: SimulatedCamera, moment: Moment = NOON, *, seed: int = 0) -> Negative:
    """The negative of a picture: what `photograph` encodes, for those who want to change something first."""
    held = turn_to_sensor(picture, moment.orientation)
    padded = np.pad(held, ((camera.margin_px,) * 2, (camera.margin_px,) * 2, (0, 0)), mode="edge")
    light = camera_color(scene(padded, moment), camera, moment.temperature_k) / shading_gain(padded.shape, camera)
    sites = mosaic(light * 2.0**-camera.baseline_exposure, camera.cfa)
    framed = np.pad(sites, camera.border_px)  # no light reaches the masked border
    height, width = held.shape[:2]
    low, edge = camera.margin_px, camera.border_px
    return Negative(
        samples=read_out(framed, camera, moment.iso, np.random.default_rng(seed)),
        cfa=camera.cfa,
        bits=camera.bits,
        black=camera.black,
        white=camera.white,
        active=Area(edge, edge, edge + len(sites), edge + sites.shape[1]),
        crop=Area(low, low, low + height, low + width),
        calibrations=camera.calibrations(),
        neutral=tuple(float(number) for number in camera.neutral(moment.temperature_k)),
        baseline_exposure=camera.baseline_exposure,
        noise_profile=(noise(camera, moment.iso),),
        opcodes2=_gain_maps(sites.shape, camera) if camera.correction == "gain-map" else (),
        opcodes3=(_radial(camera),) if camera.correction == "radial" else (),
        orientation=moment.orientation,
        capture=_capture(camera, moment),
        preview=_preview(held) if camera.preview else None,
        compression=camera.compression,
        byte_order=camera.byte_order,
    )


def scene(picture: Picture, moment: Moment = NOON) -> Array:
    """The light before the lens, in linear Rec.2020 under D65: (H, W, 3), 1.0 is the picture's white at 0 ev."""
    srgb = picture / 255.0 if picture.dtype == np.uint8 else picture.astype(np.float64)
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    linear = _spread_highlights(linear, moment.headroom_ev) * 2.0**moment.ev
    light: Array = linear @ np.linalg.inv(rgb_from_rec2020("srgb")).T
    return light


def _spread_highlights(linear: Array, headroom_ev: float) -> Array:
    """Undo what a print does to highlights: the brightest channel rises towards 2^headroom, hue kept, shadows too."""
    peak = linear.max(axis=-1, keepdims=True)
    spread: Array = linear * (1 + (2.0**headroom_ev - 1) * peak**3)
    return spread


def camera_color(rec2020: Array, camera: SimulatedCamera, temperature_k: float) -> Array:
    """Rec.2020 under D65 to what the sensor sees under that light; white is the camera's neutral."""
    matrix = camera.camera_from_d50(temperature_k) @ adapt(xyz_from_xy(D65), D50_XYZ) @ xyz_from_rgb("rec2020")
    color: Array = rec2020 @ matrix.T
    return color


def shading_gain(shape: tuple[int, ...], camera: SimulatedCamera) -> Array:
    """(H, W, 3): what undoes the lens's fall-off, 1 in the center and 1 + k in the corners."""
    height, width = shape[:2]
    y = (np.arange(height) + 0.5) / height
    x = (np.arange(width) + 0.5) / width
    return _gain(y, x, height / width, camera)


def _gain(y: Array, x: Array, aspect: float, camera: SimulatedCamera) -> Array:
    """1 + k·r² on a grid of relative coordinates, with r measured in pixels, not in halves of the frame."""
    square = ((y - 0.5) * aspect)[:, None] ** 2 + (x - 0.5)[None, :] ** 2
    square = square / (0.25 * (1 + aspect**2))
    gain: Array = 1 + square[..., None] * np.array(camera.shading)
    return gain


def mosaic(rgb: Array, cfa: Cfa) -> Array:
    """(H, W, 3) to (H, W): each site keeps the color of its filter."""
    side = round(len(cfa) ** 0.5)
    height, width = rgb.shape[:2]
    sites = np.empty((height, width))
    for position, letter in enumerate(cfa):
        row, column = divmod(position, side)
        sites[row::side, column::side] = rgb[row::side, column::side, PLANE_NUMBER[letter]]
    return sites


def noise(camera: SimulatedCamera, iso: int) -> tuple[float, float]:
    """(S, O) of the noise at that sensitivity: variance = S·x + O for x in [0, 1]."""
    gain = iso / 100
    return camera.shot_noise * gain, camera.read_noise * gain**2


def read_out(sites: Array, camera: SimulatedCamera, iso: int, rng: np.random.Generator) -> Codes:
    """Photons arrive one by one, the amplifier hums, the well is full at white: codes over the black level."""
    shot, read = noise(camera, iso)
    photons = rng.poisson(np.clip(sites, 0, None) / shot) * shot
    signal = photons + rng.normal(0, read**0.5, sites.shape)
    span = camera.white - max(camera.black)
    codes = np.rint(_black(sites.shape, camera) + signal * span)
    return np.clip(codes, 0, camera.white).astype(np.uint16)


def _black(shape: tuple[int, ...], camera: SimulatedCamera) -> Array:
    """The black level of every stored site; its repeat starts at the active area, inside the masked border."""
    side = round(len(camera.black) ** 0.5)
    rows = (np.arange(shape[0]) - camera.border_px) % side
    columns = (np.arange(shape[1]) - camera.border_px) % side
    levels: Array = np.array(camera.black).reshape(side, side)[rows[:, None], columns]
    return levels


def _gain_maps(shape: tuple[int, ...], camera: SimulatedCamera) -> tuple[GainMap, ...]:
    """One map a CFA position, as phones write them."""
    height, width = shape
    y, x = np.linspace(0, 1, MAP_ROWS), np.linspace(0, 1, MAP_COLUMNS)
    gains = _gain(y, x, height / width, camera)
    side = round(len(camera.cfa) ** 0.5)
    maps = []
    for position, letter in enumerate(camera.cfa):
        row, column = divmod(position, side)
        region = Region(Area(row, column, height, width), row_pitch=side, col_pitch=side)
        plane = gains[:, :, PLANE_NUMBER[letter]]
        points = tuple(tuple((float(gain),) for gain in line) for line in plane)
        maps.append(GainMap(region, (1 / (MAP_ROWS - 1), 1 / (MAP_COLUMNS - 1)), (0.0, 0.0), points))
    return tuple(maps)


def _radial(camera: SimulatedCamera) -> FixVignetteRadial:
    """The opcode knows one gain for all planes, so such a camera's shading has no color."""
    return FixVignetteRadial((camera.shading[1], 0.0, 0.0, 0.0, 0.0), (0.5, 0.5))


def turn_to_sensor(picture: Picture, orientation: int) -> Picture:
    """How an upright scene falls on a sensor whose file says EXIF `orientation`: the inverse of what a viewer does."""
    return {
        1: picture,
        2: picture[:, ::-1],
        3: picture[::-1, ::-1],
        4: picture[::-1],
        5: picture.transpose(1, 0, 2),
        6: np.rot90(picture),
        7: picture[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(picture, -1),
    }[orientation]


def _capture(camera: SimulatedCamera, moment: Moment) -> Capture:
    return Capture(
        make=camera.make,
        model=camera.model,
        lens=camera.lens,
        serial=camera.serial,
        iso=moment.iso,
        exposure_seconds=moment.exposure_seconds,
        when=moment.when,
        place=moment.place,
    )


def _preview(picture: Picture) -> bytes:
    """A small JPEG as the camera shows it: not turned, its orientation tag does that."""
    codes = picture if picture.dtype == np.uint8 else np.rint(np.clip(picture, 0, 1) * 255)
    image = Image.fromarray(np.ascontiguousarray(codes.astype(np.uint8)))
    image.thumbnail((PREVIEW_EDGE, PREVIEW_EDGE))
    file = BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()
