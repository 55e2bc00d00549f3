"""python -m bench.rawpy_ahd RAW JPEG: the least that a Python developer would write with LibRaw."""

from __future__ import annotations

import sys

import rawpy
from PIL import Image


def main(raw: str, jpeg: str) -> None:
    """AHD, as-shot white balance, quality 92 without chroma subsampling: what ispd's default output has."""
    with rawpy.imread(raw) as photo:
        pixels = photo.postprocess(demosaic_algorithm=rawpy.DemosaicAlgorithm.AHD, use_camera_wb=True)
    Image.fromarray(pixels).save(jpeg, quality=92, subsampling=0)


if __name__ == "__main__":
    main(*sys.argv[1:])
