"""python -m bench.photo WIDTH DNG: one simulated photo, 4:3, as a phone would write it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from ispd.simulate.camera import LANTERN
from ispd.simulate.dng import write_dng
from ispd.simulate.photograph import expose
from ispd.simulate.pictures import photograph_named, resized
from ispd.simulate.sheet import framed


def main(width: str, dng: str) -> None:
    """RGGB, 14 bit, four gain maps; lossless JPEG in tiles, as most cameras write."""
    picture = Image.fromarray(framed(photograph_named("coffee"), 4 / 3))
    negative = expose(np.asarray(resized(picture, int(width))), LANTERN)
    write_dng(Path(dng), replace(negative, compression="lossless-jpeg"))


if __name__ == "__main__":
    main(*sys.argv[1:])
