"""Gauss-Newton: all blocks but the lattice moved at once to where the loss, made linear, is least.

Each cell's residual is made linear in every number of the look, the robust loss a weighted square (Charbonnier's
half-quadratic form), and the few hundred numbers are solved for; Levenberg's damping, and a step is taken only if the
real loss, through the real stages, has fallen.  Six such steps settle what hundreds of gradient steps leave half done,
and cost less than twenty of them.

Behind the curve a cell's slopes are the stages' own, by autograd: three numbers against three.  Before it the stages
are products, so their slopes are written down here; what highlights does to a clipped cell is taken as it is.
`descend` goes the last bit by the exact slopes.

Source  K. Levenberg, Quart. Appl. Math. 2 (1944); D. Geman, C. Yang, IEEE TIP 4 (1995) for the half-quadratic form
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate

import torch
from torch import Tensor

from ispd.fit import model
from ispd.fit.cells import Cells, Photo
from ispd.fit.loss import charbonnier, residual, reweighted
from ispd.fit.model import Frame, Values
from ispd.fit.ridge import OFFSET, penalty, ridge
from ispd.isp.color.mix import luminance
from ispd.isp.color.tone import DARKEST, LOCAL_FIRST, LOCAL_GREY, LOCAL_STEP
from ispd.isp.color.transfer import decode, encode
from ispd.isp.factors import matrix_delta, warmth
from ispd.isp.look import Look
from ispd.isp.stages.camera_matrix import color_matrix
from ispd.isp.stages.lattice import lattice
from ispd.isp.stages.learned_curve import learned_curve
from ispd.isp.stages.local_tone import acts
from ispd.isp.values import DisplayRGB, SceneRGB

CURVE = (-0.1, 1.1)  # the bounds of its heights
KEY = (-1.5, 0.0)  # … and of a slope over keys: no automatism makes bright scenes brighter still
LN2 = math.log(2)
ENOUGH = 1e-3  # of the loss: a smaller gain ends the search
OFF_DIAGONAL = ((0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1))


def loss(cells: Cells, values: Values, frame: Frame, offsets: float = OFFSET) -> float:
    """What is minimized: the mean over photos, and the ridges."""
    with torch.no_grad():
        error = charbonnier(residual(model.predicted(cells, values, frame), cells.aim))
        return float((error.double() * cells.weight).sum() + penalty(values, len(cells.photos), offsets))


def solve(
    cells: Cells, values: Values, frame: Frame, blocks: Collection[str], steps: int, offsets: float = OFFSET
) -> Values:
    """Values with the named blocks (of all bodies: `balance`, not `balance.0`) moved; others stay."""
    best, damping = loss(cells, values, frame, offsets), 1e-3
    if not math.isfinite(best):
        raise model.NotANumber("the loss")
    for _ in range(steps):
        system = equations(cells, values, frame, blocks, offsets)
        for _ in range(5):
            moved = system.solved(values, damping)
            reached = loss(cells, moved, frame, offsets)
            if reached < best:
                break
            damping *= 8
        else:
            return values  # no way down: this is the floor
        gain, values, best, damping = best - reached, moved, reached, max(damping / 4, 1e-6)
        if gain < ENOUGH * best:
            return values
    return values


@dataclass(frozen=True)
class Equations:
    """half · step = -slope, in the order of `blocks`."""

    blocks: tuple[tuple[str, int], ...]  # name and size
    half: Tensor
    slope: Tensor

    def solved(self, values: Values, damping: float) -> Values:
        diagonal = self.half.diagonal()
        step = torch.linalg.solve(self.half + torch.diag(damping * diagonal + 1e-9), -self.slope)
        moved, start = dict(values), 0
        for name, size in self.blocks:
            flat = values[name].double().flatten() + step[start : start + size]
            flat = torch.cummax(flat, 0).values.clamp(*CURVE) if name == "curve" else flat  # a curve never falls
            flat = flat.clamp(*KEY) if name == "key" else flat
            moved[name] = flat.reshape(values[name].shape).to(values[name].dtype)
            start += size
        return moved


@dataclass(frozen=True)
class _Around:
    """A cell's slopes from the encoded curve on: of its residual by what the curve gives and by what it takes."""

    residual: Tensor  # (3, N)
    by_code: Tensor  # (3, 3, N)
    by_light: Tensor  # (3, 3, N)
    by_height: Tensor  # (3, N): of the curve's output by the shared curve's
    light: Tensor  # (3, 1, N), after local tone
    code: Tensor  # (3, N) what the shared curve alone gives, encoded


def _around(cells: Cells, values: Values, frame: Frame) -> _Around:
    with torch.no_grad():
        light = model.lit(cells, values, frame)
    own = model.look(values, frame, 0)
    taken = light.detach().requires_grad_()
    shared = encode(learned_curve(SceneRGB(taken), replace(own.curve, red=(), green=(), blue=())), "srgb")
    code = encode(learned_curve(SceneRGB(taken), own.curve), "srgb")
    slope = torch.autograd.grad(code.sum(), taken)[0][:, 0]
    given = code.detach().requires_grad_()
    display = lattice(DisplayRGB(decode(given, "srgb")), own.lattice.cube)
    error = residual(display[:, 0], cells.aim)
    by_code = torch.stack([torch.autograd.grad(row.sum(), given, retain_graph=True)[0][:, 0] for row in error])
    plain = shared.detach()[:, 0]
    return _Around(error.detach(), by_code, by_code * slope[None], 1 + _rise(own, plain), light, plain)


def _rise(own: Look, code: Tensor) -> Tensor:
    """(3, N) how much more each channel's own curve adds, per code that the shared one gives."""
    rises = torch.zeros_like(code)
    for channel, numbers in enumerate((own.curve.red, own.curve.green, own.curve.blue)):
        if len(numbers):
            steps = torch.as_tensor(numbers).diff() * (model.DELTAS - 1)
            inside = (code[channel] > 0) & (code[channel] < 1)
            piece = (code[channel].clamp(0, 1) * (model.DELTAS - 1)).long().clamp(max=model.DELTAS - 2)
            rises[channel] = torch.where(inside, steps[piece], torch.zeros_like(code[channel]))
    return rises


def equations(cells: Cells, values: Values, frame: Frame, blocks: Collection[str], offsets: float) -> Equations:
    """Each cell's residual made linear in the numbers of the blocks, squared, weighed, with their ridges."""
    around = _around(cells, values, frame)
    shared = _curve_columns(around, blocks)
    weight = cells.weight * reweighted(around.residual)
    names = tuple((name, value.numel()) for name, value in values.items() if name.partition(".")[0] in blocks)
    starts = dict(zip((name for name, _ in names), accumulate((size for _, size in names), initial=0), strict=False))
    total = sum(size for _, size in names)
    zeros = partial(weight.new_zeros, dtype=torch.float64)
    half, slope = zeros(total, total), zeros(total)
    for number, photo in enumerate(cells.photos):
        span = slice(number * cells.each, (number + 1) * cells.each)
        own = model.look(values, frame, frame.body(photo.sample), model.offset(values, number))
        columns = _light_columns(photo, own, frame, around.by_light[..., span], around.light[:, 0, span])
        columns |= {name: column[:, span] for name, column in shared.items()}
        columns = {name: column for name, column in columns.items() if name in starts}
        jacobian = torch.cat(list(columns.values()), dim=2).reshape(3 * cells.each, -1)
        weighed = jacobian * weight[span].repeat(3)[:, None]
        places = torch.cat(
            [
                starts[name] + torch.arange(column.shape[2], device=weight.device) + 3 * number * (name == "offsets")
                for name, column in columns.items()
            ]
        )
        half[places[:, None], places[None]] += (weighed.T @ jacobian).double()
        slope[places] += (weighed.T @ around.residual[:, span].reshape(-1)).double()
    for name, size in names:
        place = slice(starts[name], starts[name] + size)
        form = 2 * ridge(name, size, offsets).to(half) / len(cells.photos)
        half[place, place] += form
        slope[place] += form @ values[name].double().flatten()
    return Equations(names, half, slope)


def _light_columns(photo: Photo, own: Look, frame: Frame, by_light: Tensor, light: Tensor) -> dict[str, Tensor]:
    """By block: (3, n, numbers) a photo's residuals by the numbers that act on its light (3, n)."""
    shot, body = photo.sample.shot, frame.body(photo.sample)
    with torch.no_grad():
        camera = model.camera(photo, own)
        bare = model.scene(camera, shot, own)
        gain = model.lifted(shot, own) * _tone(photo, own, bare)
        matrix = camera.new_tensor(shot.rec2020_from_camera)
        unmixed = SceneRGB(torch.eye(3, device=camera.device)[:, None])
        mixing = color_matrix(unmixed, matrix_delta(own.camera.matrix, shot.neutral, shot.colors))
        through = mixing[:, 0] @ matrix  # (3, colors)
        linear = matrix @ camera[:, 0]
        by_color = {
            color: LN2 * gain * through[:, place, None] * camera[place, 0] for place, color in enumerate(shot.colors)
        }
        nothing = torch.zeros_like(linear)
        red, green, blue = (by_color.get(color, nothing) for color in "RGB")

        def column(*changes: Tensor) -> Tensor:
            """(3, n, k) residuals by k numbers; `changes` (3, n): the light's, by each."""
            return torch.einsum("rcn,kcn->rnk", by_light, torch.stack(changes))

        stops = column(LN2 * light)
        balance = column(red, blue)
        mixed = column(*(_moved(row, gain * (linear[other] - linear[row])) for row, other in OFF_DIAGONAL))
        square = (photo.place[:, 0] ** 2).sum(dim=0)
        return {
            "ev": stops,
            **{name: stops * step for name, step in model.exposure_steps(frame, shot).items()},
            "offsets": torch.cat([stops, balance], dim=2),
            f"balance.{body}": balance,
            f"matrix.{body}": mixed,
            f"warm.{body}": mixed * _share(frame, warmth(shot.neutral, shot.colors)),
            f"shading.{body}": column(*(c * square ** (k + 1) for c in (red, green, blue) for k in range(model.TERMS))),
            **_tone_columns(photo, own, bare, stops),
        }


def _moved(row: int, change: Tensor) -> Tensor:
    """(3, n) all zero but one row."""
    return torch.stack([change if channel == row else torch.zeros_like(change) for channel in range(3)])


def _tone(photo: Photo, own: Look, bare: SceneRGB) -> Tensor:
    """(n) the factor of local tone: the same in all channels."""
    if not acts(own.local_tone):
        return torch.ones_like(bare[0, 0])
    grey = SceneRGB(luminance(bare).expand(3, -1, -1))
    return (model.toned(grey, photo, own)[0, 0] / grey[0, 0].clamp(min=1e-12)).clamp(2.0**-8, 2.0**8)


def _share(frame: Frame, warmth: float) -> float:
    """How much of the warm matrix a photo has."""
    cool, warm = frame.warmth
    return min(max((warmth - cool) / (warm - cool), 0.0), 1.0) if warm != cool else 0.0


def _curve_columns(around: _Around, blocks: Collection[str]) -> dict[str, Tensor]:
    columns = {}
    if "curve" in blocks:
        place = model.steps(around.light[:, 0])
        heights = hats(place, model.HEIGHTS) * around.by_height[..., None]
        columns["curve"] = torch.einsum("rcn,cnk->rnk", around.by_code, heights)
    if "red" in blocks:
        knots = hats(around.code.clamp(0, 1) * (model.DELTAS - 1), model.DELTAS)
        for number, name in enumerate(("red", "green", "blue")):
            columns[name] = around.by_code[:, number, :, None] * knots[number][None]
    return columns


def hats(place: Tensor, knots: int) -> Tensor:
    """(…, knots): how much each knot of a piecewise line has to say at `place`, counted in knots."""
    return (1 - (place[..., None] - torch.arange(knots, device=place.device)).abs()).clamp(min=0)


def _tone_columns(photo: Photo, own: Look, bare: SceneRGB, exposed: Tensor) -> dict[str, Tensor]:
    """`exposed`: (3, n, 1) residuals by stops."""
    stops = model.lifted(photo.sample.shot, own).log2()
    pixel = luminance(bare)[0].clamp(min=1e-30).log2().clamp(min=DARKEST + float(stops))
    slope, start, far_slope, far_start = photo.bases[:, 0]
    small, large = slope * (pixel - stops) + start + stops, far_slope * (pixel - stops) + far_start + stops
    place = ((large - LOCAL_GREY - LOCAL_FIRST) / LOCAL_STEP).clamp(0, model.TONES - 1)
    return {
        "tones": exposed * hats(place, model.TONES),
        "details": exposed * torch.stack([small - large, pixel - small], dim=-1),
    }
