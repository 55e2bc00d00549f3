"""Samples as light, straight from the definition of Levels, for comparing readers and encodings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ispd.decode.cell import Decoded
from ispd.isp.values import MapPolynomial, Shot


def linear(samples: NDArray[np.uint16] | NDArray[np.float32], shot: Shot) -> NDArray[np.float64]:
    """The active area (planes, H, W): (code - black) / (white - greatest black), then MapPolynomial if it remains."""
    levels, active = shot.levels, shot.active
    assert levels.table == (), "both readers apply the table"
    stored = samples[:, active.top : active.bottom, active.left : active.right].astype(np.float64)
    rows, columns, planes = levels.black_shape
    black = np.asarray(levels.black).reshape(rows, columns, planes).transpose(2, 0, 1)
    repeats = (1, -(-active.height // rows), -(-active.width // columns))
    black = np.tile(black, repeats)[:, : active.height, : active.width]
    if levels.delta_h:
        black = black + np.asarray(levels.delta_h)[None, None, :]
    if levels.delta_v:
        black = black + np.asarray(levels.delta_v)[None, :, None]
    white = np.asarray(levels.white)[:, None, None]
    light: NDArray[np.float64] = (stored - black) / (white - black.max(axis=(1, 2), keepdims=True))
    for opcode in shot.opcodes2:
        if isinstance(opcode, MapPolynomial):
            first, last = opcode.region.plane, opcode.region.plane + opcode.region.planes
            light[first:last] = np.polynomial.polynomial.polyval(light[first:last].clip(0, 1), opcode.coefficients)
    return light


def light_of(decoded: Decoded) -> NDArray[np.float64]:
    return linear(decoded.samples, decoded.shot)


def means(decoded: Decoded) -> dict[str, float]:
    """The mean of each color, over the active area."""
    light, shot = light_of(decoded), decoded.shot
    if not shot.cfa:
        return dict(zip(shot.colors, light.mean(axis=(1, 2)).tolist(), strict=True))
    side = round(len(shot.cfa) ** 0.5)
    y, x = np.indices(light.shape[1:])
    letters = np.array(list(shot.cfa)).reshape(side, side)[y % side, x % side]
    return {color: float(light[0][letters == color].mean()) for color in shot.colors}
