"""The learnable look: named blocks of numbers, the Look that they are, and what it makes of cells.

Blocks live in a dict of tensors, so that solvers can move any of them: `balance.0`, `matrix.0`, `warm.0` (how the warm
matrix differs) and `shading.0` belong to body 0; `curve`, `red`, `green`, `blue`, `ev`, `key`, `slope`, `tones`,
`details` and `cube` (how the lattice differs from none) are everyone's.  Cells go through the stages that render, as
the planes of a linear file would.

`offsets` are each training photo's own exposure, red and blue: what its reference differs by, for reasons no look can
know.  They keep one odd photo from bending the look, and are thrown away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch
from torch import Tensor

from ispd.fit.cells import Cells, Photo
from ispd.fit.sample import Sample
from ispd.isp.color.tone import CURVE_FLOOR
from ispd.isp.color.transfer import encode
from ispd.isp.factors import gain, gains, matrix_delta
from ispd.isp.look import (
    Camera,
    Corrections,
    Curve,
    Exposure,
    Gamut,
    Lattice,
    LocalTone,
    Look,
    MatrixDelta,
    Shading,
    WhiteBalance,
)
from ispd.isp.params import Scalar
from ispd.isp.render import grade
from ispd.isp.stages.camera_matrix import camera_matrix, color_matrix
from ispd.isp.stages.exposure import exposure
from ispd.isp.stages.highlights import highlights
from ispd.isp.stages.lattice import identity
from ispd.isp.stages.learned_curve import OCTAVES
from ispd.isp.stages.local_tone import acts, local_tone
from ispd.isp.stages.shading import lift
from ispd.isp.stages.white_balance import white_balance
from ispd.isp.values import CameraRGB, Raw, SceneRGB, Shot

Values: TypeAlias = dict[str, Tensor]

HEIGHTS, DELTAS, TONES, TERMS = 33, 9, 7, 3  # numbers in a curve, a channel's delta, local tone, a color's shading


class NotANumber(Exception):
    """A stage has made something else of finite cells; of which photo."""


@dataclass(frozen=True)
class Frame:
    """What is settled before a fit begins, by its training photos alone."""

    bodies: tuple[str, ...]  # models with a camera part of their own; what is not among them is the last, ""
    corrections: Corrections
    warmth: tuple[float, float] = (0.0, 0.0)  # where `matrix` and `warm` hold; equal: they cannot be told apart
    ev: tuple[float, float] = (0.0, 0.0)  # scene EV seen
    key: tuple[float, float] = (0.0, 0.0)  # scene keys seen

    def body(self, sample: Sample) -> int:
        """Whose camera part a sample has."""
        return self.bodies.index(sample.model) if sample.model in self.bodies else len(self.bodies) - 1


def look(values: Values, frame: Frame, body: int, offset: Tensor | None = None) -> Look:
    """The Look that the blocks are, for one body; all its numbers are tensors that learn."""
    ev, red, blue = (values["ev"][0], *values[f"balance.{body}"])
    if offset is not None:
        ev, red, blue = ev + offset[0], red + offset[1], blue + offset[2]
    return Look(
        camera=Camera(
            corrections=frame.corrections,
            shading=Shading(*values[f"shading.{body}"]) if f"shading.{body}" in values else Shading(),
            white_balance=WhiteBalance(red, blue),
            matrix=_matrix(values, frame, body),
        ),
        exposure=_exposure(values, frame, ev),
        local_tone=LocalTone(values["tones"], *values["details"]) if "tones" in values else LocalTone(),
        curve=Curve(
            method="learned",
            heights=values["curve"],
            red=values.get("red", ()),
            green=values.get("green", ()),
            blue=values.get("blue", ()),
        ),
        lattice=_lattice(values),
        gamut=Gamut("clip"),  # as references do it; what the screen can show stays as it was learned
    )


def _lattice(values: Values) -> Lattice:
    shifts = values.get("cube")
    return Lattice() if shifts is None else Lattice(shifts + identity(len(shifts), shifts))


def _matrix(values: Values, frame: Frame, body: int) -> MatrixDelta:
    if f"matrix.{body}" not in values:
        return MatrixDelta()
    cool = values[f"matrix.{body}"]
    if f"warm.{body}" not in values or frame.warmth[0] == frame.warmth[1]:
        return MatrixDelta(cool)
    return MatrixDelta(cool, cool + values[f"warm.{body}"], frame.warmth)


def _exposure(values: Values, frame: Frame, ev: Scalar) -> Exposure:
    learned = Exposure(ev, auto="none")
    if "slope" in values:
        learned = replace(learned, slope=values["slope"][0], slope_range=frame.ev)
    if "key" in values:
        learned = replace(learned, key_slope=values["key"][0], key_range=frame.key)
    return learned


def camera(photo: Photo, look: Look) -> CameraRGB:
    """(colors, 1, n) a photo's cells, white-balanced, what ran out mended."""
    colors = photo.sample.shot.colors
    balance = gains(look.camera.white_balance, photo.sample.shot.neutral, colors)
    raw = white_balance(_shaded(photo, look.camera.shading), balance, "", colors)
    return CameraRGB(highlights(raw, look.highlights, min(balance), "", colors))


def _shaded(photo: Photo, p: Shading) -> Raw:
    """Stage `shading`, for cells that lie anywhere."""
    terms = {"R": p.red, "G": p.green, "B": p.blue}
    square = (photo.place**2).sum(dim=0)
    lifts = torch.stack([lift(square, terms.get(color, ())) for color in photo.sample.shot.colors])
    return Raw(photo.raw.samples * lifts, photo.raw.ceiling * lifts)


def scene(rgb: CameraRGB, shot: Shot, look: Look) -> SceneRGB:
    """Exposed scene light, before local tone."""
    linear = camera_matrix(rgb, shot.rec2020_from_camera)
    linear = color_matrix(linear, matrix_delta(look.camera.matrix, shot.neutral, shot.colors))
    return exposure(linear, look.exposure, shot.baseline_exposure, 0.0, shot.scene_ev, shot.scene_key)


def toned(light: SceneRGB, photo: Photo, look: Look) -> SceneRGB:
    """After local tone."""
    if not acts(look.local_tone):
        return light
    return local_tone(light, look.local_tone, photo.bases, lifted(photo.sample.shot, look).log2())


def lifted(shot: Shot, look: Look) -> Tensor:
    """The factor of exposure."""
    return torch.as_tensor(gain(look.exposure, shot.baseline_exposure, 0.0, shot.scene_ev, shot.scene_key))


def exposure_steps(frame: Frame, shot: Shot) -> dict[str, float]:
    """How many stops of scene EV, and of key, a photo is from the middle of those seen; 0 where it does not say."""
    ways = {"slope": Exposure(slope=1.0, slope_range=frame.ev), "key": Exposure(key_slope=1.0, key_range=frame.key)}
    return {name: math.log2(gain(way, 0, 0, shot.scene_ev, shot.scene_key)) for name, way in ways.items()}


def predicted(cells: Cells, values: Values, frame: Frame) -> Tensor:
    """(3, N) display-linear Rec.2020 of all cells, not clamped."""
    return grade(lit(cells, values, frame), look(values, frame, 0))[:, 0]


def lit(cells: Cells, values: Values, frame: Frame) -> SceneRGB:
    """(3, 1, N) scene light of all cells, after local tone: photo by photo, since each has its own shot."""
    lights: list[Tensor] = []
    for number, photo in enumerate(cells.photos):
        own = look(values, frame, frame.body(photo.sample), offset(values, number))
        light = scene(camera(photo, own), photo.sample.shot, own)
        if not bool(torch.isfinite(light).all()):
            raise NotANumber(photo.sample.name)
        lights.append(toned(light, photo, own))
    return SceneRGB(torch.cat(lights, dim=2))


def offset(values: Values, number: int) -> Tensor | None:
    """A training photo's own exposure, red and blue."""
    return values["offsets"][number] if "offsets" in values else None


def steps(light: Tensor) -> Tensor:
    """Where light stands on the curve's axis, counted in its knots."""
    octaves = ((light.clamp(min=0) + CURVE_FLOOR) / CURVE_FLOOR).log2()
    return (octaves / OCTAVES).clamp(max=1) * (HEIGHTS - 1)


def plain(frame: Frame, cells: Cells) -> Values:
    """Values of a look that shows the light as it is, sRGB-encoded, cut at 1; they lie where the cells do."""
    zeros = cells.weight.new_zeros
    light = (2 ** torch.linspace(0, OCTAVES, HEIGHTS, device=cells.weight.device) - 1) * CURVE_FLOOR
    values = {"ev": zeros(1), "curve": encode(light.clamp(max=1), "srgb"), "offsets": zeros(len(cells.photos), 3)}
    return values | {f"balance.{body}": zeros(2) for body in range(len(frame.bodies))}
