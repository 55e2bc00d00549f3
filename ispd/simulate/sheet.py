"""The demo's contact sheet: as shot | graded, in pairs, with a line below each.

"As shot" is what the sensor recorded, before anything is done to it: dark where the lens lets less light through, green
because half of the filters are, without white balance, matrix, or curve.  Only the levels, the crop and the viewer's
turn are applied, else one could not compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

from ispd.isp.color.spaces import Array
from ispd.simulate.dng import PLANE_NUMBER, Negative

BOX = (390, 292)  # pixels of one picture's place, 4:3
GAP, MARGIN, LINE, TITLE = 10, 36, 58, 74
COLUMNS = 2  # pairs beside each other
PAPER, INK, FAINT = (24, 24, 26), (232, 232, 228), (150, 150, 148)
TURN = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Pair:
    """One photo on the sheet."""

    shot: Image.Image
    graded: Image.Image
    title: str
    detail: str


def sensor_view(negative: Negative) -> Image.Image:
    """The mosaic as a picture: one pixel for each repeat of the filter pattern, upright, encoded for a screen."""
    rgb = np.clip(_binned(_sites(negative), negative.cfa), 0, 1)
    image = Image.fromarray(np.rint(255 * rgb ** (1 / 2.2)).astype(np.uint8))
    turn = TURN.get(negative.orientation)
    return image if turn is None else image.transpose(turn)


def _sites(negative: Negative) -> Array:
    """The active area in [0, 1], cut to the crop's whole repeats."""
    samples, active, crop = negative.samples, negative.active, negative.crop
    if active:
        samples = samples[active.top : active.bottom, active.left : active.right]
    sites = (samples - np.mean(negative.black)) / (negative.white - np.mean(negative.black))
    side = round(len(negative.cfa) ** 0.5)
    top, left = (-(-crop.top // side) * side, -(-crop.left // side) * side) if crop else (0, 0)
    bottom, right = (crop.bottom, crop.right) if crop else sites.shape
    cut: Array = sites[top : top + (bottom - top) // side * side, left : left + (right - left) // side * side]
    return cut


def _binned(sites: Array, cfa: str) -> Array:
    """(H, W) to (H / side, W / side, 3): the mean of each color's sites in one repeat."""
    side = round(len(cfa) ** 0.5)
    height, width = sites.shape
    repeats = sites.reshape(height // side, side, width // side, side).swapaxes(1, 2)
    letters = np.array([PLANE_NUMBER[letter] for letter in cfa]).reshape(side, side)
    return np.stack([repeats[:, :, letters == plane].mean(axis=-1) for plane in range(3)], axis=-1)


def contact_sheet(pairs: Sequence[Pair], title: str) -> Image.Image:
    """All pairs on one page, in rows of COLUMNS."""
    rows = -(-len(pairs) // COLUMNS)
    wide, tall = 2 * BOX[0] + GAP + MARGIN, BOX[1] + LINE
    page = Image.new("RGB", (MARGIN + COLUMNS * wide, TITLE + rows * tall + MARGIN // 2), PAPER)
    ImageDraw.Draw(page).text((MARGIN, MARGIN - 8), title, INK, ImageFont.load_default(24))
    for number, pair in enumerate(pairs):
        row, column = divmod(number, COLUMNS)
        _place(page, pair, MARGIN + column * wide, TITLE + row * tall)
    return page


def _place(page: Image.Image, pair: Pair, left: int, top: int) -> None:
    """Both pictures whole and side by side, the two together centered; the caption begins where they do."""
    shot, graded = (
        ImageOps.contain(image.convert("RGB"), BOX, Image.Resampling.LANCZOS) for image in (pair.shot, pair.graded)
    )
    left += (2 * BOX[0] - shot.width - graded.width) // 2
    page.paste(shot, (left, top))
    page.paste(graded, (left + shot.width + GAP, top))
    draw, below = ImageDraw.Draw(page), top + BOX[1]
    draw.text((left, below + 6), pair.title, INK, ImageFont.load_default(16))
    draw.text((left, below + 27), pair.detail, FAINT, ImageFont.load_default(14))


def framed(picture: NDArray[np.uint8], aspect: float) -> NDArray[np.uint8]:
    """The largest part around the center whose width / height is `aspect`."""
    height, width = picture.shape[:2]
    tall, wide = min(height, round(width / aspect)), min(width, round(height * aspect))
    top, left = (height - tall) // 2, (width - wide) // 2
    return picture[top : top + tall, left : left + wide]
