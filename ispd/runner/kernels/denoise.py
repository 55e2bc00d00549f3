"""Sensor noise removed: `ispd.isp.stages.denoise` by quads, in bands of rows as wide as the picture.

A cell is 4 × 4 quads, a block 2 × 2 cells; both are counted from the active area's first site, so that no band changes
a byte.  The four sites of a quad, R, G, G, B, are planes, whose columns lie apart by their place in a cell: `roots`
(planes, rows of quads, 4, cells).  So does a loop over neighboring cells take neighboring numbers, and whatever is
done to a block is done to LANES of them at once.  Cosines go down a band of blocks before they go across, and back in
the other order: what two blocks beside each other share, a half of the work down, is done once.

    codes ─ rooted ▶ roots, means of cells ─ judged ▶ what each block's noise is ─ shrunk ▶ light ─ coded ▶ codes
"""

from __future__ import annotations

import numpy as np

from ispd.isp import noise
from ispd.isp.noise import ALIKE, BLOCK, DARKEST, FAINT, GRAIN, NONE, SHARED, STEP
from ispd.runner.kernels.compiler import entry, part
from ispd.runner.kernels.sensor import MOST, gain_of_row
from ispd.runner.kernels.tables import CELL, MARGIN, Floats, Noise, Sensor, Whole

f = np.float32

LANES = 32  # cells of a tile: its blocks in cosines and back fill the first cache once, and are whole vectors
TILE = LANES - 2  # of these are finished: the outermost lie in blocks of the tiles beside them
LINE = BLOCK * LANES
PLANE = BLOCK * LINE
FRONT = 8  # zeros before the first lane: what lies left of it
SCRATCH = 7 * PLANE + 2 * LINE + 15 * LANES + 3 * FRONT  # of `work` for a tile

COSINES = noise.cosines().astype(np.float32)
C1, C3, C5, C7 = f(COSINES[1, 0]), f(COSINES[1, 1]), f(COSINES[1, 2]), f(COSINES[1, 3])
C2, C6 = f(COSINES[2, 0]), f(COSINES[2, 1])
C4 = f(COSINES[0, 0])
WINDOW = noise.overlap().astype(np.float32)
OWN, OTHERS = f(1 - SHARED), f(SHARED)
STAYS, GOES = f(GRAIN), f(1 - GRAIN)
AREA = f(BLOCK * BLOCK)
TINY = f(1e-9)


def needed(rows: int, columns: int) -> tuple[int, int]:
    """(columns that codes must have at least, length of `work`) for so many rows and columns of codes."""
    columns = max(columns, CELL * (LANES + 2))
    return columns, rows * columns + rows * columns // (CELL * CELL) * 16 + 4 * columns + SCRATCH


def cleared(codes: Floats, rows: Whole, sensor: Sensor, p: Noise, work: Floats, clean: Floats, left: int) -> None:
    """Stored codes (rows, columns), whole cells with MARGIN more of them around, to codes without their noise.

    `clean` gets what lies inside the margin, from its column `left` on.  `codes` is used up; `work`: as `needed` says.
    Four calls, since one that had it all would be compiled for seconds more.
    """
    down, across = codes.shape[0] // CELL, codes.shape[1] // CELL
    size = codes.size
    roots = work[:size].reshape((4, STEP * down, STEP, across))
    flat, rest = work[size : size + 16 * down * across], work[size + 16 * down * across :]
    blocks = flat.reshape((4, 4, down, across))  # variance, its inverse in the mix, gain or shift, means
    lines, tile = rest[: 4 * codes.shape[1]].reshape((4, codes.shape[1])), rest[4 * codes.shape[1] :]
    blocks[:3], blocks[3] = 1, 0
    rooted(codes, rows, sensor, p, lines, roots, blocks)
    judged(p, lines, blocks)
    light = codes.reshape((4, STEP * down, STEP, across))
    shrunk(roots, blocks, p, tile, light)
    coded(light, rows, sensor, p, lines, clean, left)


@entry
def rooted(codes: Floats, rows: Whole, sensor: Sensor, p: Noise, lines: Floats, roots: Floats, blocks: Floats) -> None:
    """Square roots of balanced light, mixed; means of cells; what noise was multiplied by amid each block."""
    _, height, _, across = roots.shape
    gain, darkest = lines[2], f(DARKEST) * p.pedestal
    gains, cells = blocks[2], blocks[3]
    for y in range(height):
        for half in range(2):
            row, line, code = rows[2 * y + half], lines[half], codes[2 * y + half]
            gain_of_row(row, 0, sensor, gain)
            black, own = sensor.black[row % sensor.black.shape[0]], sensor.black_of_row[row]
            for x in range(len(line)):
                light = min(max((code[x] - (black[x] + own)) / sensor.span, -MOST), MOST) * gain[x]
                line[x] = f(2) * np.sqrt(max(light + p.pedestal, darkest))
            if y % STEP == 0 and y > 0:
                for side in range(2):
                    target = gains[p.plane[2 * half + side], y // STEP - 1]
                    for j in range(across - 1):
                        x = CELL * (j + 1) + side
                        target[j] = (sensor.white - (black[x] + own)) / sensor.span * gain[x]
        for column in range(STEP):
            for site in range(4):
                line, apart = lines[site // 2, 2 * column + site % 2 :], lines[3, p.plane[site] * across :]
                for j in range(across):
                    apart[j] = line[CELL * j]
            for plane in range(4):
                a, b, c, d = p.mixing[plane, 0], p.mixing[plane, 1], p.mixing[plane, 2], p.mixing[plane, 3]
                _mixed(lines[3], a, b, c, d, roots[plane, y, column], cells[plane, y // STEP])


@part
def _mixed(
    sites: Floats, a: np.float32, b: np.float32, c: np.float32, d: np.float32, mixed: Floats, cell: Floats
) -> None:
    across = len(mixed)
    first, second, third, fourth = sites, sites[across:], sites[2 * across :], sites[3 * across :]
    for j in range(across):
        mixed[j] = a * first[j] + b * second[j] + c * third[j] + d * fourth[j]
    for j in range(across):
        cell[j] += mixed[j] * f(1 / (STEP * STEP))


@entry
def judged(p: Noise, lines: Floats, blocks: Floats) -> None:
    """Variance of each block's roots, and how far its color moves to that of the blocks around."""
    variances, inverse, gains, means = blocks[0], blocks[1], blocks[2], blocks[3]
    _, down, across = means.shape
    for plane in range(4):
        for k in range(down - 1):
            upper, lower = means[plane, k], means[plane, k + 1]
            for j in range(across - 1):
                upper[j] = (lower[j + 1] + lower[j] + upper[j + 1] + upper[j]) * f(0.25)
    for k in range(down - 1):
        for plane in range(4):
            _varying(means, k, gains[plane, k], plane, p, variances[plane, k])
        for plane in range(4):
            target = inverse[plane, k]
            target[:] = f(0)
            for site in range(4):
                share, source = p.mixing[plane, site] * p.mixing[plane, site], variances[site, k]
                for j in range(across - 1):
                    target[j] += share * source[j]
            for j in range(across):
                target[j] = f(1) / max(target[j], f(NONE))
    shifts = gains  # which have been used
    shifts[:] = f(0)
    for k in range(1, down - 2):
        _moved(means, inverse, k, p, lines, shifts)


@part
def _varying(means: Floats, k: int, gain: Floats, plane: int, p: Noise, variance: Floats) -> None:
    """By the noise model, at the block's mean."""
    a, b, c, d = p.mixing[0, plane], p.mixing[1, plane], p.mixing[2, plane], p.mixing[3, plane]
    first, second, third, fourth = means[0, k], means[1, k], means[2, k], means[3, k]
    shot, read, pedestal = p.shot[plane], p.read[plane], p.pedestal
    for j in range(len(variance) - 1):
        half = (a * first[j] + b * second[j] + c * third[j] + d * fourth[j]) * f(0.5)
        light = half * half - pedestal
        noisy = gain[j] * shot * max(light, f(0)) + gain[j] * gain[j] * read
        variance[j] = noisy / max(light + pedestal, f(FAINT) * pedestal)


@part
def _moved(means: Floats, inverse: Floats, k: int, p: Noise, lines: Floats, shift: Floats) -> None:
    """The mean of the blocks around that look alike, less the block's own: of color alone."""
    across = means.shape[2]
    count = across - 2
    weights, weight = lines[0], lines[1]
    weights[:] = f(0)
    for down in range(k - 1, k + 2):
        for right in range(3):
            weight[:] = f(0)
            for plane in range(4):
                own, other, less = means[plane, k, 1:], means[plane, down, right:], inverse[plane, k, 1:]
                for j in range(count):
                    apart = other[j] - own[j]
                    weight[j] += apart * apart * less[j]
            for j in range(count):
                unlike = weight[j] * f(BLOCK * BLOCK / ALIKE)
                weight[j] = f(1) / (f(1) + unlike * unlike)
                weights[j] += weight[j]
            for plane in range(1, 4):
                own, other, total = means[plane, k, 1:], means[plane, down, right:], shift[plane, k, 1:]
                for j in range(count):
                    total[j] += weight[j] * (other[j] - own[j])
    for plane in range(1, 4):
        total = shift[plane, k, 1:]
        for j in range(count):
            total[j] *= p.moved * f(BLOCK) / weights[j]


@entry
def shrunk(roots: Floats, blocks: Floats, p: Noise, work: Floats, light: Floats) -> None:
    """Balanced light of all cells inside the margin."""
    across = roots.shape[3]
    done = MARGIN - 1
    while done < across - MARGIN - 1:
        _tile(roots, blocks, min(done, across - 1 - LANES), p, work, light)
        done += TILE


@part
def _tile(roots: Floats, blocks: Floats, left: int, p: Noise, work: Floats, light: Floats) -> None:
    """LANES cells from `left` on, one row of blocks after the other; `light` gets all but the outermost cells."""
    work[:SCRATCH] = f(0)
    columns, rest = work[: 2 * PLANE + FRONT], work[2 * PLANE + FRONT :]
    cosines, rest = rest[: 4 * PLANE + FRONT], rest[4 * PLANE + FRONT :]
    above, rest = rest[:PLANE], rest[PLANE:]  # what the row of blocks above gives to the lower half of its cells
    facts, weight, rest = rest[: 10 * LANES], rest[10 * LANES : 11 * LANES + FRONT], rest[11 * LANES + FRONT :]
    weights, missing, line = rest[:LINE], rest[LINE : 2 * LINE], rest[2 * LINE :]  # of the row of blocks, then the last
    inner = cosines[FRONT:]
    for k in range(1, blocks.shape[2] - 2):
        for plane in range(4):
            for lane in range(LANES):
                facts[plane * LANES + lane] = blocks[1, plane, k, left + lane]
                facts[(4 + plane) * LANES + lane] = blocks[2, plane, k, left + lane]
        _down(roots, k * STEP, left, columns)
        for plane in range(4):
            for u in range(BLOCK):
                _across(columns[4 * plane * LINE + u * LANES :], inner[plane * PLANE + u * LINE :])
        _shrunk(inner, facts, p)
        for lane in range(LANES - 1):  # the last is no block
            weight[FRONT + lane] = f(1) / max(facts[8 * LANES + lane], TINY)
        _back_across(cosines, weight, columns)
        _shared(facts, weight, blocks[0, :, k, left : left + LANES], weights, missing)
        for plane in range(4):
            for column in range(STEP):
                _back(columns[(4 * plane + column) * LINE :])
        _finished(columns, above, weights, missing, line, k * STEP, left, p, light)


@part
def _down(roots: Floats, y: int, left: int, columns: Floats) -> None:
    """Cosines of the eight rows from `y` on: (planes, 4, 8, LANES)."""
    for plane in range(4):
        for column in range(STEP):
            target = columns[(4 * plane + column) * LINE :]
            for n in range(STEP):
                upper, lower = roots[plane, y + n, column, left:], roots[plane, y + BLOCK - 1 - n, column, left:]
                total, apart = target[n * LANES :], target[(STEP + n) * LANES :]
                for j in range(LANES):
                    total[j] = upper[j] + lower[j]
                    apart[j] = upper[j] - lower[j]
            _cosines(target)


@part
def _across(columns: Floats, cosines: Floats) -> None:
    """Cosines of one row of blocks that have those of their columns: a cell's four columns, and the next cell's."""
    a, b, c, d = columns, columns[LINE:], columns[2 * LINE :], columns[3 * LINE :]
    for j in range(LANES):
        cosines[j] = a[j] + d[j + 1]
        cosines[4 * LANES + j] = a[j] - d[j + 1]
    for j in range(LANES):
        cosines[LANES + j] = b[j] + c[j + 1]
        cosines[5 * LANES + j] = b[j] - c[j + 1]
    for j in range(LANES):
        cosines[2 * LANES + j] = c[j] + b[j + 1]
        cosines[6 * LANES + j] = c[j] - b[j + 1]
    for j in range(LANES):
        cosines[3 * LANES + j] = d[j] + a[j + 1]
        cosines[7 * LANES + j] = d[j] - a[j + 1]
    _cosines(cosines)


@part
def _cosines(x: Floats) -> None:
    """Of eight samples, given as four sums of opposite ones and four differences; in place."""
    for j in range(LANES):
        s0, s1, s2, s3 = x[j], x[LANES + j], x[2 * LANES + j], x[3 * LANES + j]
        d0, d1, d2, d3 = x[4 * LANES + j], x[5 * LANES + j], x[6 * LANES + j], x[7 * LANES + j]
        outer, inner, outer_less, inner_less = s0 + s3, s1 + s2, s0 - s3, s1 - s2
        x[j] = C4 * (outer + inner)
        x[LANES + j] = C1 * d0 + C3 * d1 + C5 * d2 + C7 * d3
        x[2 * LANES + j] = C2 * outer_less + C6 * inner_less
        x[3 * LANES + j] = C3 * d0 - C7 * d1 - C1 * d2 - C5 * d3
        x[4 * LANES + j] = C4 * (outer - inner)
        x[5 * LANES + j] = C5 * d0 - C1 * d1 + C7 * d2 + C3 * d3
        x[6 * LANES + j] = C6 * outer_less - C2 * inner_less
        x[7 * LANES + j] = C7 * d0 - C5 * d1 + C3 * d2 - C1 * d3


@part
def _back(x: Floats) -> None:
    """Eight samples of their cosines; in place."""
    for j in range(LANES):
        x0, x1, x2, x3 = x[j], x[LANES + j], x[2 * LANES + j], x[3 * LANES + j]
        x4, x5, x6, x7 = x[4 * LANES + j], x[5 * LANES + j], x[6 * LANES + j], x[7 * LANES + j]
        total, apart = C4 * (x0 + x4), C4 * (x0 - x4)
        wide, narrow = C2 * x2 + C6 * x6, C6 * x2 - C2 * x6
        s0, s1, s2, s3 = total + wide, apart + narrow, apart - narrow, total - wide
        d0 = C1 * x1 + C3 * x3 + C5 * x5 + C7 * x7
        d1 = C3 * x1 - C7 * x3 - C1 * x5 - C5 * x7
        d2 = C5 * x1 - C1 * x3 + C7 * x5 + C3 * x7
        d3 = C7 * x1 - C5 * x3 + C3 * x5 - C1 * x7
        x[j] = s0 + d0
        x[LANES + j] = s1 + d1
        x[2 * LANES + j] = s2 + d2
        x[3 * LANES + j] = s3 + d3
        x[4 * LANES + j] = s3 - d3
        x[5 * LANES + j] = s2 - d2
        x[6 * LANES + j] = s1 - d1
        x[7 * LANES + j] = s0 - d0


@part
def _shrunk(cosines: Floats, facts: Floats, p: Noise) -> None:
    """Cosines (planes, 8, 8, LANES) without what is noise.

    `facts`: four inverse variances and four shifts of means, to which the squared gains' sum and what energy they took
    are added.
    """
    luminance, color = p.luminance, p.color
    power, lost = facts[8 * LANES :], facts[9 * LANES :]
    power[:LANES] = f(0)
    lost[:LANES] = f(0)
    for n in range(BLOCK * BLOCK):
        x = cosines[n * LANES :]
        for j in range(LANES):
            c0, c1, c2, c3 = x[j], x[PLANE + j], x[2 * PLANE + j], x[3 * PLANE + j]
            o0, o1 = c0 * c0 * facts[j], c1 * c1 * facts[LANES + j]
            o2, o3 = c2 * c2 * facts[2 * LANES + j], c3 * c3 * facts[3 * LANES + j]
            shared = OTHERS * (o0 + o1 + o2 + o3)
            g0 = STAYS + GOES * max(f(1) - luminance / max(OWN * o0 + shared, TINY), f(0))
            g1 = max(f(1) - color / max(OWN * o1 + shared, TINY), f(0))
            g2 = max(f(1) - color / max(OWN * o2 + shared, TINY), f(0))
            g3 = max(f(1) - color / max(OWN * o3 + shared, TINY), f(0))
            q0, q1, q2, q3 = g0 * g0, g1 * g1, g2 * g2, g3 * g3
            facts[8 * LANES + j] += q0 + q1 + q2 + q3
            if n:
                facts[9 * LANES + j] += (f(1) - q0) * o0 + (f(1) - q1) * o1 + (f(1) - q2) * o2 + (f(1) - q3) * o3
                x[j], x[PLANE + j], x[2 * PLANE + j], x[3 * PLANE + j] = c0 * g0, c1 * g1, c2 * g2, c3 * g3
            else:  # means are not shrunk
                x[j], x[PLANE + j] = c0 + facts[4 * LANES + j], c1 + facts[5 * LANES + j]
                x[2 * PLANE + j], x[3 * PLANE + j] = c2 + facts[6 * LANES + j], c3 + facts[7 * LANES + j]


@part
def _back_across(cosines: Floats, weight: Floats, columns: Floats) -> None:
    """Columns (planes, 4, 8, LANES) of blocks, weighed and laid over each other; their cosines go down still."""
    before, own = weight[FRONT - 1 :], weight[FRONT:]
    for plane in range(4):
        for u in range(BLOCK):
            start = FRONT + plane * PLANE + u * LINE
            _back(cosines[start:])
            for n in range(BLOCK):
                cosines[start + n * LANES + LANES - 1] = f(0)  # no block, and left of the next line's first
            for column in range(STEP):
                here = cosines[start + column * LANES :]
                beside = cosines[start + (STEP + column) * LANES - 1 :]
                target = columns[(4 * plane + column) * LINE + u * LANES :]
                near, far = WINDOW[column], WINDOW[STEP + column]
                for j in range(LANES):
                    target[j] = near * own[j] * here[j] + far * before[j] * beside[j]


@part
def _shared(facts: Floats, weight: Floats, variances: Floats, weights: Floats, missing: Floats) -> None:
    """What blocks beside each other weigh in the columns of a cell, and what light their lost noise has taken."""
    before, own = weight[FRONT - 1 :], weight[FRONT:]
    for n in range(4 * LANES):
        weights[4 * LANES + n], missing[4 * LANES + n] = weights[n], missing[n]
    for column in range(STEP):
        target, near, far = weights[column * LANES :], WINDOW[column], WINDOW[STEP + column]
        for j in range(LANES):
            target[j] = near * own[j] + far * before[j]
    lost = facts[9 * LANES :]
    for j in range(LANES):
        lost[j] = min(lost[j] / (f(4) * AREA), f(1))
    for plane in range(4):
        target, source = missing[plane * LANES :], variances[plane]
        for j in range(1, LANES):
            target[j] = (source[j] * lost[j] + source[j - 1] * lost[j - 1]) * f(1 / 16)


@part
def _finished(
    columns: Floats, above: Floats, weights: Floats, missing: Floats, line: Floats, y: int, left: int, p: Noise,
    light: Floats,
) -> None:  # fmt: skip
    """Cells whose two rows of blocks are there, as balanced light: (planes, rows, 4, cells)."""
    for n in range(STEP):
        near, far = WINDOW[n], WINDOW[STEP + n]
        for column in range(STEP):
            here, below = columns[column * LINE + n * LANES :], columns[column * LINE + (STEP + n) * LANES :]
            kept, weight = above[(STEP * n + column) * 4 * LANES :], weights[column * LANES :]
            for plane in range(4):
                first, second = here[4 * plane * LINE :], below[4 * plane * LINE :]
                target, held = line[plane * LANES :], kept[plane * LANES :]
                for j in range(LANES):
                    target[j] = (near * first[j] + held[j]) / (near * weight[j] + far * weight[4 * LANES + j])
                for j in range(LANES):
                    held[j] = far * second[j]
            for plane in range(4):
                a, b, c, d = p.mixing[0, plane], p.mixing[1, plane], p.mixing[2, plane], p.mixing[3, plane]
                target, less = light[plane, y + n, column, left:], missing[plane * LANES :]
                for j in range(1, LANES - 1):
                    root = a * line[j] + b * line[LANES + j] + c * line[2 * LANES + j] + d * line[3 * LANES + j]
                    half = max(root, f(0)) * f(0.5)
                    target[j] = half * half - p.pedestal + (less[j] + less[4 * LANES + j])


@entry
def coded(light: Floats, rows: Whole, sensor: Sensor, p: Noise, lines: Floats, clean: Floats, left: int) -> None:
    """Light as the codes that it would have been measured as."""
    gain, line = lines[2], lines[0]
    margin = MARGIN * CELL
    width = min(clean.shape[1] - left, len(line) - 2 * margin)
    for y in range(clean.shape[0]):
        row = rows[y + margin]
        gain_of_row(row, 0, sensor, gain)
        black, own = sensor.black[row % sensor.black.shape[0]], sensor.black_of_row[row]
        even = light[p.plane[2 * (y % 2)], (y + margin) // 2]
        odd = light[p.plane[2 * (y % 2) + 1], (y + margin) // 2]
        e0, e1, e2, e3, o0, o1, o2, o3 = even[0], even[1], even[2], even[3], odd[0], odd[1], odd[2], odd[3]
        for j in range(light.shape[3]):
            k = CELL * j
            line[k], line[k + 1], line[k + 2], line[k + 3] = e0[j], o0[j], e1[j], o1[j]
            line[k + 4], line[k + 5], line[k + 6], line[k + 7] = e2[j], o2[j], e3[j], o3[j]
        target, gained, seen, dark = clean[y, left:], gain[margin:], line[margin:], black[margin:]
        for x in range(width):
            measured = seen[x] / gained[x] if gained[x] > f(0) else f(0)
            target[x] = measured * sensor.span + (dark[x] + own)
