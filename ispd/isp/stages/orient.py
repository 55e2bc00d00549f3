"""Orient: the picture turned upright, once; what leaves here has orientation 1.

Takes   (H, W, …) pixels as the sensor has them; `orientation`, EXIF 1…8
Gives   a view with rows and columns swapped or reversed; any other number changes nothing
Source  EXIF 2.32, tag 274: where the stored picture's first row and first column are seen

>>> import numpy as np
>>> orient(np.array([[1, 2]]), 6).tolist()  # the first row is the right edge
[[1], [2]]
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

# orientation: swapped, then rows reversed, then columns reversed
MOVES = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def orient(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """`pixels` upright."""
    swapped, rows, columns = MOVES.get(orientation, MOVES[1])
    upright: NDArray[Any] = pixels.swapaxes(0, 1) if swapped else pixels
    return upright[:: -1 if rows else 1, :: -1 if columns else 1]
