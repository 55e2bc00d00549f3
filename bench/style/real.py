"""A real sensor's light in several raws: one photo of a compact camera, cut into tiles that are DNGs of their own.

One scene under one light, so this says little of other scenes; what it says is that real noise and a real sensor's
colors do not upset a fit.  Tiles: each a sixth of the photo, from an even row and column on, so all begin with red.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import rawpy

from bench.style.scenes import SAMPLES
from ispd.simulate.capture import Capture
from ispd.simulate.dng import Calibration, Negative, write_dng

RAW = SAMPLES / "raw/canon_s40_CRW_0117.CRW"
ROWS, COLUMNS = 2, 3
D65_LIGHT = 21


def cut(folder: Path) -> list[Path]:
    """The tiles as DNGs in `folder`, row by row."""
    folder.mkdir(parents=True, exist_ok=True)
    with rawpy.imread(str(RAW)) as raw:
        samples = raw.raw_image_visible.copy()
        letters = np.array([raw.color_desc.decode()[position] for position in raw.raw_pattern.flatten()])
        matrix = tuple(tuple(float(number) for number in row) for row in raw.rgb_xyz_matrix[:3])
        red, green, blue = raw.camera_whitebalance[:3]
        black, white = float(raw.black_level_per_channel[0]), int(raw.white_level)
    height, width = (samples.shape[0] // ROWS // 16 * 16, samples.shape[1] // COLUMNS // 16 * 16)
    tiles = []
    for number in range(ROWS * COLUMNS):
        row, column = divmod(number, COLUMNS)
        tile = samples[row * height : (row + 1) * height, column * width : (column + 1) * width]
        negative = Negative(
            samples=tile,
            cfa="".join(letters),
            bits=16,
            black=(black,),
            white=white,
            calibrations=(Calibration(D65_LIGHT, matrix),),
            neutral=(green / red, 1.0, green / blue),
            capture=Capture(
                make="Canon",
                model="PowerShot S40 tile",
                exposure_seconds=1 / 60,
                when=datetime(2026, 5, 1, 8, tzinfo=UTC) + timedelta(hours=number),
            ),
        )
        tiles.append(write_dng(folder / f"tile-{number}.dng", negative))
    return tiles
