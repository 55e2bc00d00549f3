"""From camera color to the screen's light where a look was learned: local tone, the learned curve, the lattice.

`ispd.runner.kernels.light` is the same for every other look; these are compiled apart from it, so that who has no such
look does not load them.

    local_tone      maps of the survey are spread over a strip's columns once (`spread`), then meet every pixel
    learned curve   a table over even steps of log light: of encoded values where a lattice follows, else of light
    lattice         nodes of four numbers, so that a node and the next one red lie side by side
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ispd.isp.color.tone import CURVE_FLOOR
from ispd.runner.kernels.compiler import entry, part
from ispd.runner.kernels.light import curve, finish, luminance, mix, signed_decoded, signed_encoded
from ispd.runner.kernels.maths import exp2, log2
from ispd.runner.kernels.sensor import vignette
from ispd.runner.kernels.tables import Floats, Learned, Scene, Whole

f = np.float32
i = np.int32
u = np.uint64

Four: TypeAlias = tuple[np.uint64, np.uint64, np.uint64, np.uint64]
Weights: TypeAlias = tuple[np.float32, np.float32, np.float32, np.float32]

LINES = 3  # of work, each as long as a tile is wide
DARKEST = f(1e-30)
FINENESS = f(1 / CURVE_FLOOR)


@entry
def spread(maps: Floats, top: int, before: Whole, share: Floats, lines: Floats) -> None:
    """Rows `top` … of maps (4, rows, columns) at every column of the picture: (4, n, columns)."""
    last = maps.shape[2] - 1
    for number in range(4):
        for row in range(lines.shape[1]):
            source, target = maps[number, top + row], lines[number, row]
            for x in range(len(target)):
                near, far = source[before[x]], source[min(before[x] + 1, last)]
                target[x] = near + (far - near) * share[x]


@entry
def taught(
    light: Floats, left: int, right: int, rows: Whole, column: Floats, scene: Scene, p: Learned, bases: Floats,
    above: Whole, share: Floats, work: Floats, spot: NDArray[np.int32],
) -> None:  # fmt: skip
    """Columns of camera color (3, rows, columns) to the screen's light, in place; `rows`, `column`: their numbers.

    `bases` (4, n, columns) are local tone's maps, of which a row of light lies `share` below the one `above`.
    """
    for y in range(light.shape[1]):
        r, g, b = light[0, y, left:right], light[1, y, left:right], light[2, y, left:right]
        for number in range(len(scene.vignettes)):
            for plane in range(3):
                vignette(f(rows[y]), column[left:], scene.vignettes[number], light[plane, y, left:right])
        mix(scene.matrix, r, g, b)  # camera matrix, what is learned of it, and exposure
        if bases.shape[1]:
            _lift(r, g, b, p, bases, above[y], left, share[y], work)
            for x in range(right - left):
                r[x], g[x], b[x] = r[x] * work[0, x], g[x] * work[0, x], b[x] * work[0, x]
        if p.curve.shape[1]:
            _curved(r, p.curve[0], p.below[0], p.steps, work[0], spot)
            _curved(g, p.curve[1], p.below[1], p.steps, work[0], spot)
            _curved(b, p.curve[2], p.below[2], p.steps, work[0], spot)
        else:
            curve(r, g, b, scene, work[0, : right - left], work[1, : right - left])
            if p.size:
                _encoded(r, scene.srgb)
                _encoded(g, scene.srgb)
                _encoded(b, scene.srgb)
        if p.size:
            _moved(r, g, b, p, work, spot)
            _decoded(r, scene.srgb)
            _decoded(g, scene.srgb)
            _decoded(b, scene.srgb)
        finish(r, g, b, scene)


@part
def _lift(
    r: Floats, g: Floats, b: Floats, p: Learned, bases: Floats, above: int, left: int, share: np.float32, work: Floats
) -> None:
    """Local tone's factor of one row, in the first line of `work`."""
    below = min(above + 1, bases.shape[1] - 1)
    stops, floor = p.stops, p.floor
    bare, base, lift = work[1], work[2], work[0]
    for x in range(len(r)):
        bright = log2(max(luminance(r[x], g[x], b[x]), DARKEST))
        bare[x] = max(bright, floor) - stops
    slope, more_slope = bases[0, above, left:], bases[0, below, left:]
    offset, more_offset = bases[1, above, left:], bases[1, below, left:]
    for x in range(len(r)):
        at = slope[x] + (more_slope[x] - slope[x]) * share
        lift[x] = at * bare[x] + (offset[x] + (more_offset[x] - offset[x]) * share)
    slope, more_slope = bases[2, above, left:], bases[2, below, left:]
    offset, more_offset = bases[3, above, left:], bases[3, below, left:]
    for x in range(len(r)):
        at = slope[x] + (more_slope[x] - slope[x]) * share
        large = at * bare[x] + (offset[x] + (more_offset[x] - offset[x]) * share)
        base[x] = (large + p.knot_first) * p.knot_scale
    for knot in range(len(p.rises)):  # straight between knots: the sum of what each step has risen by
        rise, start = p.rises[knot], f(knot)
        for x in range(len(r)):
            lift[x] += rise * min(max(base[x] - start, f(0)), f(1))
    for x in range(len(r)):
        lift[x] = exp2(min(max(lift[x], f(-100)), f(100)))


@part
def _curved(
    values: Floats, table: Floats, below: np.float32, steps: np.float32, part_of: Floats, spot: NDArray[np.int32]
) -> None:
    """One channel of one row through its table, in place."""
    last = f(len(table) - 2)
    for x in range(len(values)):
        place = min(log2(max(values[x], f(0)) * FINENESS + f(1)) * steps, last)
        whole = np.floor(place)
        spot[x] = i(whole)
        part_of[x] = place - whole
        values[x] = min(values[x], f(0)) * below
    for x in range(len(values)):
        at = u(spot[x])
        values[x] += table[at] + (table[at + u(1)] - table[at]) * part_of[x]


@part
def _moved(r: Floats, g: Floats, b: Floats, p: Learned, work: Floats, spot: NDArray[np.int32]) -> None:
    """Encoded color and its shift by the lattice."""
    red, green, blue, nodes = work[0], work[1], work[2], p.nodes
    for x in range(len(r)):
        spot[x] = 0
    _placed(r, p.size, 4, red, spot)
    _placed(g, p.size, 4 * p.size, green, spot)
    _placed(b, p.size, 4 * p.size * p.size, blue, spot)
    down, deep = u(4 * p.size), u(4 * p.size * p.size)
    for x in range(len(r)):
        here, t, v, w = u(spot[x]), red[x], green[x], blue[x]
        w3 = v * w
        w1, w2 = v - w3, w - w3
        weights = (f(1) - v - w2, w1, w2, w3)
        places = (here, here + down, here + deep, here + down + deep)
        r[x] += _between(nodes, places, u(0), weights, t)
        g[x] += _between(nodes, places, u(1), weights, t)
        b[x] += _between(nodes, places, u(2), weights, t)


@part
def _placed(values: Floats, size: int, stride: int, rest: Floats, spot: NDArray[np.int32]) -> None:
    """Which node lies before each value of a channel, and how far behind it the value does."""
    steps, last, times = f(size - 1), f(size - 2), i(stride)
    for x in range(len(values)):
        place = min(max(values[x], f(0)), f(1)) * steps
        whole = min(np.floor(place), last)
        spot[x] += i(i(whole) * times)
        rest[x] = place - whole


@part
def _between(nodes: Floats, places: Four, channel: np.uint64, weights: Weights, t: np.float32) -> np.float32:
    """One channel amid eight nodes."""
    k0, k1, k2, k3 = places[0] + channel, places[1] + channel, places[2] + channel, places[3] + channel
    w0, w1, w2, w3 = weights
    near = w0 * nodes[k0] + w1 * nodes[k1] + w2 * nodes[k2] + w3 * nodes[k3]
    far = w0 * nodes[k0 + u(4)] + w1 * nodes[k1 + u(4)] + w2 * nodes[k2 + u(4)] + w3 * nodes[k3 + u(4)]
    between: np.float32 = near + (far - near) * t
    return between


@part
def _encoded(values: Floats, srgb: Floats) -> None:
    knee, slope, scale, exponent = srgb[0], srgb[1], srgb[2], srgb[3]
    for x in range(len(values)):
        values[x] = signed_encoded(values[x], knee, slope, scale, exponent)


@part
def _decoded(values: Floats, srgb: Floats) -> None:
    knee, slope, scale, exponent = srgb[0], srgb[1], srgb[2], srgb[3]
    for x in range(len(values)):
        values[x] = signed_decoded(values[x], knee, slope, scale, exponent)
