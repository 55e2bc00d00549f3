"""Which part of the sensor becomes the picture, and how large it gets.  Torch-free.

>>> scaled(480, 640, size=320, pixel_aspect=1.0)
(240, 320)
>>> scaled(480, 640, size=9999, pixel_aspect=2.0)  # wide pixels: the width grows, no detail is lost
(480, 1280)
"""

from __future__ import annotations

from ispd.isp.values import Area, Shot, TrimBounds


def picture(shot: Shot) -> Area:
    """The part of the active area that becomes the picture: the file's crop, inside what exists."""
    whole = Area(0, 0, shot.active.height, shot.active.width)
    area = _within(shot.crop, whole)
    for opcode in (*shot.opcodes2, *shot.opcodes3):
        if isinstance(opcode, TrimBounds):
            area = _within(opcode.area, area)
    return area


def _within(area: Area, bounds: Area) -> Area:
    """The part of `area` inside `bounds`; where they do not meet, the bounds."""
    top, left = max(area.top, bounds.top), max(area.left, bounds.left)
    bottom, right = min(area.bottom, bounds.bottom), min(area.right, bounds.right)
    return Area(top, left, bottom, right) if top < bottom and left < right else bounds


def scaled(height: int, width: int, size: int | None, pixel_aspect: float) -> tuple[int, int]:
    """The height and width that a picture gets when its long edge may be `size` at most; at least 1."""
    if pixel_aspect > 1:
        square_height, square_width = float(height), width * pixel_aspect
    else:
        square_height, square_width = height / pixel_aspect, float(width)
    long_edge = max(square_height, square_width)
    factor = 1.0 if size is None else min(1.0, size / long_edge)
    return max(1, round(square_height * factor)), max(1, round(square_width * factor))
