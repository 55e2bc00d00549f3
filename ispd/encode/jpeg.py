"""JPEG by Pillow: 8 bits, quality and subsampling as the output says, ICC profile inside."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ispd.encode.icc import icc_profile
from ispd.encode.newfile import new_file
from ispd.errors import PhotoError
from ispd.orders import Output

LONGEST_SIDE = 65500  # libjpeg's JPEG_MAX_DIMENSION


def write_jpeg(pixels: NDArray[np.uint8], output: Output, path: bytes) -> None:
    """Write (H, W, 3) uint8 to the new file `path`.

    Raises CannotCreate, and PhotoError where the picture is larger than a JPEG can be.
    """
    height, width, _ = pixels.shape
    if max(height, width) > LONGEST_SIDE:
        raise PhotoError(
            f"{width}×{height} pixels are too many for a JPEG, which ends at {LONGEST_SIDE} a side: "
            "choose TIFF, or a smaller size in the profile's [[output]]"
        )
    # to memory first: given a file, Pillow writes in C and forgets why the disk refused
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(
        encoded,
        "JPEG",
        quality=output.quality,
        subsampling=output.subsampling,
        dpi=(72, 72),  # what EXIF takes for "nobody knows"
        icc_profile=icc_profile(output.space),
    )
    with new_file(path) as file:
        file.write(encoded.getbuffer())
