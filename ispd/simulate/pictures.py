"""Pictures to photograph: drawn ones, and the color photographs that scikit-image's wheel carries.

All are sRGB, (H, W, 3) uint8.  Nothing is downloaded: the files are read out of the installed wheel.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ispd.errors import MissingTool

PHOTOGRAPHS = {  # name: file in skimage/data; all public domain or CC0 by skimage/data/README.txt and its docstrings
    "astronaut": "astronaut.png",
    "chelsea": "chelsea.png",
    "coffee": "coffee.png",
    "rocket": "rocket.jpg",
    "motorcycle": "motorcycle_left.png",
    "hubble": "hubble_deep_field.jpg",
}


def photograph_named(name: str, long_edge: int | None = None) -> NDArray[np.uint8]:
    """One of PHOTOGRAPHS, enlarged or reduced to `long_edge` pixels.  Raises MissingTool without scikit-image."""
    spec = find_spec("skimage")
    file = Path(spec.origin or "").parent / "data" / PHOTOGRAPHS[name] if spec else None
    if file is None or not file.is_file():
        raise MissingTool("the demo's photographs come with scikit-image: pip install 'ispd[demo]'")
    image = Image.open(file).convert("RGB")
    return np.asarray(image if long_edge is None else resized(image, long_edge))


def resized(image: Image.Image, long_edge: int) -> Image.Image:
    """The same picture with its longer side at `long_edge` pixels."""
    scale = long_edge / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def color_chart(patch_px: int = 24) -> NDArray[np.uint8]:
    """A chart of 4 × 6 flat patches: six greys, six vivid colors, six mixtures, six pale ones."""
    greys = [(value, value, value) for value in (16, 60, 118, 160, 203, 243)]
    vivid = [(200, 40, 40), (40, 160, 60), (40, 60, 180), (220, 200, 30), (190, 60, 150), (30, 140, 180)]
    mixed = [(214, 126, 44), (80, 91, 166), (193, 90, 99), (94, 60, 108), (157, 188, 64), (224, 163, 46)]
    pale = [(194, 150, 130), (98, 122, 157), (87, 108, 67), (133, 128, 177), (103, 189, 170), (115, 82, 68)]
    chart = np.array([greys, vivid, mixed, pale], dtype=np.uint8)
    return chart.repeat(patch_px, axis=0).repeat(patch_px, axis=1)


def gradient(height: int = 96, width: int = 128) -> NDArray[np.uint8]:
    """Grey from black to white, left to right."""
    line = np.rint(np.linspace(0, 255, width)).astype(np.uint8)
    return np.broadcast_to(line[None, :, None], (height, width, 3)).copy()
