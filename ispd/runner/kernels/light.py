"""From camera color to the screen's light: camera matrix with exposure, curve, finish, each on one row, in place."""

from __future__ import annotations

import numpy as np

from ispd.runner.kernels.compiler import entry, part
from ispd.runner.kernels.maths import cube_root, decoded, encoded
from ispd.runner.kernels.sensor import vignette
from ispd.runner.kernels.tables import CUT, FILMIC, FIRST, OCTAVES, STEPS, Floats, Scene, Whole

f = np.float32
i = np.int32

BITS_FIRST = i(f(2.0**FIRST).view(np.int32))  # a float's bits are its logarithm, straight between powers of two
SHIFT = i(16)  # what is left of a mantissa's 23 bits when STEPS has taken seven
REST = i((1 << 16) - 1)
LAST = i(OCTAVES * STEPS)
LEAST, MOST = f(1e-6), f(16)


@entry
def graded(light: Floats, left: int, right: int, rows: Whole, column: Floats, scene: Scene, work: Floats) -> None:
    """Columns of camera color (3, rows, columns) to the screen's light, in place; `rows`, `column`: their numbers."""
    norm, tone = work[0, 0, : right - left], work[0, 1, : right - left]
    for y in range(light.shape[1]):
        r, g, b = light[0, y, left:right], light[1, y, left:right], light[2, y, left:right]
        for number in range(len(scene.vignettes)):
            for plane in range(3):
                vignette(f(rows[y]), column[left:], scene.vignettes[number], light[plane, y, left:right])
        mix(scene.matrix, r, g, b)  # camera matrix and exposure
        curve(r, g, b, scene, norm, tone)
        finish(r, g, b, scene)


@part
def mix(matrix: Floats, r: Floats, g: Floats, b: Floats) -> None:
    """A matrix on three rows."""
    rr, rg, rb = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    gr, gg, gb = matrix[1, 0], matrix[1, 1], matrix[1, 2]
    br, bg, bb = matrix[2, 0], matrix[2, 1], matrix[2, 2]
    for x in range(len(r)):
        red, green, blue = r[x], g[x], b[x]
        r[x] = rr * red + rg * green + rb * blue
        g[x] = gr * red + gg * green + gb * blue
        b[x] = br * red + bg * green + bb * blue


@part
def curve(r: Floats, g: Floats, b: Floats, p: Scene, norm: Floats, tone: Floats) -> None:
    """Scene light to the screen's."""
    if p.curve == CUT:
        for x in range(len(r)):
            r[x], g[x], b[x] = min(r[x], f(1)), min(g[x], f(1)), min(b[x], f(1))
        return
    for x in range(len(r)):
        red, green, blue = max(r[x], f(0)), max(g[x], f(0)), max(b[x], f(0))
        r2, g2, b2 = red * red, green * green, blue * blue
        norm[x] = max((r2 * red + g2 * green + b2 * blue) / max(r2 + g2 + b2, f(1e-12)), LEAST)
    toned = p.tone
    if p.curve != FILMIC:
        for x in range(len(r)):
            scale = _toned(norm[x], toned) / norm[x]
            r[x], g[x], b[x] = r[x] * scale, g[x] * scale, b[x] * scale
        return
    white = p.white
    for x in range(len(r)):
        tone[x] = _toned(norm[x], toned)
    for x in range(len(r)):
        reach = min(norm[x] / white, MOST)
        reach2 = reach * reach
        power = reach2 * reach2 * reach2
        melt = power / (f(1) + power)
        part_of_norm = f(1) / norm[x]
        r[x] = _melted(r[x] * part_of_norm, melt) * tone[x]
        g[x] = _melted(g[x] * part_of_norm, melt) * tone[x]
        b[x] = _melted(b[x] * part_of_norm, melt) * tone[x]


@part
def _toned(norm: np.float32, table: Floats) -> np.float32:
    """The tone table between its steps."""
    place = i(f(norm).view(np.int32) - BITS_FIRST)
    step = min(i(place >> SHIFT), LAST)
    rest = f(i(place & REST)) * f(1 / 65536)
    value: np.float32 = table[step] + (table[step + 1] - table[step]) * rest
    return value


@part
def _melted(ratio: np.float32, melt: np.float32) -> np.float32:
    root = np.sqrt(max(ratio, f(1e-8)))
    mixed = root + melt * (f(1) - root)
    value: np.float32 = mixed * mixed + (f(1) - melt) * min(ratio, f(0))
    return value


@part
def finish(r: Floats, g: Floats, b: Floats, p: Scene) -> None:
    """Saturation, then the tints."""
    if p.saturation != f(1):
        _saturated(r, g, b, p)
    if p.tinted:
        _tinted(r, g, b, p)


@part
def _saturated(r: Floats, g: Floats, b: Floats, p: Scene) -> None:
    saturation = p.saturation
    mix(p.oklab[0], r, g, b)
    for x in range(len(r)):
        r[x], g[x], b[x] = cube_root(r[x]), cube_root(g[x]), cube_root(b[x])
    mix(p.oklab[1], r, g, b)
    for x in range(len(r)):
        g[x], b[x] = g[x] * saturation, b[x] * saturation
    mix(p.oklab[2], r, g, b)
    for x in range(len(r)):
        r[x], g[x], b[x] = r[x] * r[x] * r[x], g[x] * g[x] * g[x], b[x] * b[x] * b[x]
    mix(p.oklab[3], r, g, b)


@part
def _tinted(r: Floats, g: Floats, b: Floats, p: Scene) -> None:
    knee, slope, scale, exponent = p.srgb[0], p.srgb[1], p.srgb[2], p.srgb[3]
    shadow_red, shadow_blue, highlight_red, highlight_blue = p.tints[0], p.tints[1], p.tints[2], p.tints[3]
    for x in range(len(r)):
        before = max(luminance(r[x], g[x], b[x]), f(0))
        light = min(encoded(before, knee, slope, scale, exponent), f(1))
        dark, bright = f(6.75) * light * (f(1) - light) * (f(1) - light), f(6.75) * light * light * (f(1) - light)
        red = signed_encoded(r[x], knee, slope, scale, exponent) + shadow_red * dark + highlight_red * bright
        blue = signed_encoded(b[x], knee, slope, scale, exponent) + shadow_blue * dark + highlight_blue * bright
        red, blue = (
            signed_decoded(red, knee, slope, scale, exponent),
            signed_decoded(blue, knee, slope, scale, exponent),
        )
        after = luminance(red, g[x], blue)
        factor = min(max(before, LEAST) / max(after, LEAST), f(4))
        r[x], g[x], b[x] = red * factor, g[x] * factor, blue * factor


@part
def luminance(r: np.float32, g: np.float32, b: np.float32) -> np.float32:
    """Y of linear Rec.2020."""
    return f(0.2627) * r + f(0.6780) * g + f(0.0593) * b


@part
def signed_encoded(
    x: np.float32, knee: np.float32, slope: np.float32, scale: np.float32, exponent: np.float32
) -> np.float32:
    value = encoded(abs(x), knee, slope, scale, exponent)
    return value if x >= f(0) else -value


@part
def signed_decoded(
    x: np.float32, knee: np.float32, slope: np.float32, scale: np.float32, exponent: np.float32
) -> np.float32:
    value = decoded(abs(x), knee, slope, scale, exponent)
    return value if x >= f(0) else -value
