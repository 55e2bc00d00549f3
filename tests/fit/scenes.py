"""Pictures to photograph that have edges everywhere, and the references that somebody made of them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.uint8]


def scene(seed: int = 0, height: int = 480, width: int = 720) -> Picture:
    """Colored ellipses and bars of all sizes on a shaded ground, twice as fine inside: (H, W, 3) sRGB."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 2 * height, 0 : 2 * width] / (2.0 * height)
    light = 0.25 + 0.3 * x[..., None] * rng.uniform(0.3, 1.0, 3) + 0.1 * y[..., None]
    for _ in range(160):
        center_x, center_y = rng.uniform(0, width / height), rng.uniform(0, 1)
        long, short, turn = rng.uniform(0.01, 0.16), rng.uniform(0.01, 0.08), rng.uniform(0, np.pi)
        u = (x - center_x) * np.cos(turn) + (y - center_y) * np.sin(turn)
        v = (y - center_y) * np.cos(turn) - (x - center_x) * np.sin(turn)
        inside = (u / long) ** 2 + (v / short) ** 2 < 1 if rng.random() < 0.5 else (abs(u) < long) & (abs(v) < short)
        light[inside] = rng.uniform(0.02, 0.8, 3) if rng.random() < 0.6 else rng.uniform(0.02, 0.8)
    light = light.reshape(height, 2, width, 2, 3).mean(axis=(1, 3)).clip(0, 1)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    picture: Picture = np.rint(encoded * 255).astype(np.uint8)
    return picture


def graded(picture: Picture) -> Picture:
    """A look: an S-curve, warm highlights, cool shadows."""
    x = picture / 255.0
    curved = 0.7 * x + 0.3 * (3 * x**2 - 2 * x**3)
    curved = curved + 0.05 * (x - 0.5) * np.array([1.0, 0.1, -1.0])
    look: Picture = np.rint(curved.clip(0, 1) * 255).astype(np.uint8)
    return look


def moved(picture: Picture, right: float, down: float, scale: float = 1.0) -> Picture:
    """What lies `right` and `down` pixels further, everything `scale` times as large around the top left corner."""
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    box = (right, down, right + size[0] / scale, down + size[1] / scale)
    # the box must lie inside: what lies beyond is the edge, far enough to be cut off again
    padded = np.pad(picture, ((8, 8), (8, 8), (0, 0)), mode="edge")
    inner = tuple(edge + 8 for edge in box)
    image = Image.fromarray(padded).resize(size, Image.Resampling.BICUBIC, box=inner)  # type: ignore[arg-type]
    return np.asarray(image)


def save(path: Path, picture: Picture, **options: Any) -> Path:
    """As the suffix says; JPEG at quality 92."""
    options = {"quality": 92, "subsampling": 0} | options if path.suffix == ".jpg" else options
    Image.fromarray(picture).save(path, **options)
    return path


def jpeg(picture: Picture, **options: Any) -> bytes:
    """The file's bytes."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=92, **options)
    return file.getvalue()
