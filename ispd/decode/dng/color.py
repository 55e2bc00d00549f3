"""The DNG color model: from a file's calibrations to a neutral and a matrix into linear Rec.2020.

    camera = AnalogBalance · CameraCalibration · ColorMatrix · XYZ                     interpolated for the light
    as shot: find the light whose white has the camera color AsShotNeutral; both hang together, so iterate
    rec2020_from_camera = rec2020_from_xyz · (D50→D65) · xyz_d50_from_camera · diag(neutral)

The matrix takes white-balanced values, so that (1, 1, 1) of the camera is (1, 1, 1) of Rec.2020 (D65): the balance has
happened before demosaicing.  Whatever is missing or cannot be meant is replaced by the next best, with a warning.

Source  DNG 1.7.1 chapter 6; for other raws, whose readers give one D65 matrix, balance in camera color as dcraw does
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ispd.decode.dng.codes import LINEAR_RAW, Tag
from ispd.decode.dng.light import XY, temperature_and_tint, white_of_illuminant
from ispd.decode.dng.lights import as_green, seen_lights, usual_lights
from ispd.decode.dng.tags import Ifd, Tiff
from ispd.isp.color.spaces import BRADFORD, D50_XYZ, D65, Array, adapt, xyz_from_rgb, xyz_from_xy
from ispd.isp.values import Light, Matrix

MOST_PASSES = 30  # of the iteration from neutral to light; a handful do
SMALLEST = 1e-3  # a white or a determinant below this is no camera's
MOST_RATIO = 64.0  # between the channels of a neutral: six stops; the reddest lamps reach about 8
LEAST_CONE = 0.05  # of a light's Bradford response, its Y = 1: below, adapting from it blows up (2000 K has 0.1)
PLACEHOLDER_TINT = 0.04  # CIE 1960 distance from the black body's curve at which "1 1 1" stops being a light
ESTIMATED = "it is estimated from the picture"
UNKNOWN_NEUTRAL = (0.5, 1.0, 0.65)  # a Bayer sensor in daylight, roughly; the samples' span is 0.44…0.61 and 0.48…0.66

D65_XYZ: Array = xyz_from_xy(D65)
LIGHTS: Array = np.stack([D50_XYZ, D65_XYZ, xyz_from_xy((0.4476, 0.4075))], axis=1)  # every camera sees these
D50: XY = (float(D50_XYZ[0] / D50_XYZ.sum()), float(D50_XYZ[1] / D50_XYZ.sum()))


@dataclass(frozen=True)
class Calibration:
    """What a DNG says of the camera under one light; missing parts are None."""

    number: int  # 1…3, as the tags end
    white: XY | None  # of the light; None: the file does not say which light
    color: Array  # (N, 3) camera_from_xyz
    camera: Array  # (N, N) this body against the model
    forward: Array | None  # (3, N) xyz_d50_from_balanced_camera
    reduction: Array | None  # (3, N), for N > 3


@dataclass(frozen=True)
class CameraColor:
    """What color rendering needs: see Shot.  `light` is the chromaticity of the as-shot white, None where unknown."""

    neutral: tuple[float, ...]
    rec2020_from_camera: Matrix
    light: XY | None = None
    warnings: tuple[str, ...] = ()
    profile_matrix: Matrix = ()  # the same for whoever applies the camera profile's hue table; empty: no other
    shares: tuple[tuple[int, float], ...] = ()  # of the calibrations, by number: what the light takes of each
    lights: tuple[Light, ...] = ()  # where the file does not tell which it was: `neutral` is a guess


def color_from_dng(tiff: Tiff, colors: str, cam_from_xyz: Matrix = ()) -> CameraColor:
    """The as-shot neutral (its green is 1) and the matrix of a DNG with these camera colors, in the planes' order.

    `cam_from_xyz`: the reader's own matrix for this camera, used where the file has no usable one.
    """
    if len(colors) == 1:
        return CameraColor((1.0,), ((1.0,), (1.0,), (1.0,)))
    model, warnings = _model(tiff, colors)
    if model is None:
        return _without_model(tiff, colors, cam_from_xyz, warnings)
    neutral, light, trouble = _as_shot(tiff, model, colors)
    matrix = model.rec2020_from_camera(light or D65)
    by_profile = model.rec2020_from_camera(light or D65, with_table=True)
    if not (np.isfinite(matrix).all() and np.isfinite(neutral).all() and (neutral > 0).all()):
        return _without_model(
            tiff, colors, cam_from_xyz, (*warnings, "the file's color matrices contradict each other")
        )
    return CameraColor(
        neutral=as_green(neutral, colors),
        rec2020_from_camera=_matrix(matrix),
        light=light,
        warnings=(*warnings, *trouble),
        profile_matrix=_matrix(by_profile) if np.isfinite(by_profile).all() else (),
        shares=model.shares(light or D65),
        lights=seen_lights(model.neutral, model.rec2020_from_camera, colors) if trouble else (),
    )


def rec2020_from_d65_matrix(cam_from_xyz: Sequence[Sequence[float]]) -> Matrix | None:
    """(3, N) for white-balanced values, from one D65 matrix (N, 3) such as LibRaw's `rgb_xyz_matrix`; N = 3 or 4.

    Its rows are scaled so that D65 is (1, …, 1), as white-balanced values have it; four colors go through the
    pseudo-inverse.  None where the matrix is no camera's (zero, NaN, singular, blind to white).
    """
    camera = np.array(cam_from_xyz, dtype=np.float64)
    if camera.ndim != 2 or camera.shape[1] != 3 or not _is_camera(camera):
        return None
    balanced = camera @ xyz_from_rgb("rec2020")
    balanced /= balanced.sum(axis=1, keepdims=True)
    return _matrix(_white_kept(np.linalg.pinv(balanced)))


def neutral_of_d65(cam_from_xyz: Sequence[Sequence[float]], colors: str) -> tuple[float, ...]:
    """The camera color of daylight (D65) under one D65 matrix, its green 1: where a file has no usable balance."""
    return as_green(np.array(cam_from_xyz, dtype=np.float64) @ D65_XYZ, colors)


def lights_of_d65_matrix(
    cam_from_xyz: Sequence[Sequence[float]], colors: str, rec2020_from_camera: Matrix
) -> tuple[Light, ...]:
    """The lights that such a camera may have seen: balanced in camera color, the same matrix serves all."""
    camera, matrix = np.array(cam_from_xyz, dtype=np.float64), np.array(rec2020_from_camera)
    return seen_lights(lambda xy: camera @ xyz_from_xy(xy), lambda _: matrix, colors)


def plain_matrix(count: int) -> Matrix:
    """The matrix for a camera of which nothing is known: its colors taken for those of sRGB, as LibRaw does."""
    srgb = np.linalg.solve(xyz_from_rgb("rec2020"), xyz_from_rgb("srgb"))
    return _matrix(srgb if count == 3 else np.full((3, count), 1 / count))


@dataclass(frozen=True)
class _Model:
    """All usable calibrations of one file."""

    calibrations: tuple[Calibration, ...]
    balance: Array  # (N,) AnalogBalance
    paired: bool = False  # the profile shares the color out between ForwardMatrix and a hue table

    def shares(self, light: XY) -> tuple[tuple[int, float], ...]:
        """What that light takes of each calibration, by its number."""
        weights = _weights([c.white for c in self.calibrations], light)
        return tuple((c.number, weight) for c, weight in zip(self.calibrations, weights, strict=True))

    def at(self, light: XY) -> Calibration:
        """The calibration for that light, interpolated."""
        weights = _weights([c.white for c in self.calibrations], light)
        return Calibration(
            number=0,
            white=light,
            color=_mix([c.color for c in self.calibrations], weights),
            camera=_mix([c.camera for c in self.calibrations], weights),
            forward=_mix_known([c.forward for c in self.calibrations], weights),
            reduction=_mix_known([c.reduction for c in self.calibrations], weights),
        )

    def camera_from_xyz(self, light: XY) -> Array:
        here = self.at(light)
        product: Array = self.balance[:, None] * (here.camera @ here.color)
        return product

    def neutral(self, light: XY) -> Array:
        """Camera color of the light itself."""
        return self.camera_from_xyz(light) @ xyz_from_xy(light)

    def rec2020_from_camera(self, light: XY, *, with_table: bool = False) -> Array:
        """`with_table`: the hue table will be applied too.

        A profile that has one is a pair: the table brings back the color that the matrix, made for it, leaves out (a
        Nikon D500's alone is 8.9 ΔE2000 from the ColorMatrix, which is 0.9 from LibRaw).  Not one without the other.
        """
        here, neutral = self.at(light), self.neutral(light)
        forward = here.forward if with_table or not self.paired else None
        if forward is None and not (with_table and self.paired):
            forward = self._forward_of_one_light()
        if forward is not None:
            own = self.balance[:, None] * here.camera
            reference = np.linalg.solve(own, neutral)  # this white as the model's reference body would see it
            d50_from_camera = forward @ np.diag(1 / reference) @ np.linalg.inv(own)
        else:
            camera = self.camera_from_xyz(light)
            inverse = np.linalg.pinv(camera)
            if here.reduction is not None and abs(np.linalg.det(here.reduction @ camera)) > SMALLEST:
                inverse = np.linalg.solve(here.reduction @ camera, here.reduction)
            d50_from_camera = adapt(xyz_from_xy(light), D50_XYZ) @ inverse
        linear = np.linalg.solve(xyz_from_rgb("rec2020"), adapt(D50_XYZ, D65_XYZ) @ d50_from_camera)
        return _white_kept(linear * neutral)

    def _forward_of_one_light(self) -> Array | None:
        """What ForwardMatrix would be, for a camera that was measured under one light only: docs/decisions/0004."""
        if len(self.calibrations) > 1 or self.calibrations[0].color.shape[0] > 3:
            return None
        only = self.calibrations[0]
        white = xyz_from_xy(only.white or D65)
        forward: Array = adapt(white, D50_XYZ) @ np.linalg.inv(only.color) @ np.diag(only.color @ white)
        return forward

    def light_of(self, neutral: Array) -> XY | None:
        """The light whose white has this camera color; None where no light has."""
        last = D50
        for _ in range(MOST_PASSES):
            xyz = np.linalg.pinv(self.camera_from_xyz(last)) @ neutral
            if not np.isfinite(xyz).all() or min(BRADFORD @ xyz) <= LEAST_CONE * xyz[1] or xyz.min() <= 0:
                return None
            found = (float(xyz[0] / xyz.sum()), float(xyz[1] / xyz.sum()))
            if math.dist(found, last) < 1e-7:
                return found
            last, before = found, last
        return (last[0] + before[0]) / 2, (last[1] + before[1]) / 2  # it swings between two: the middle, as Adobe does


def _model(tiff: Tiff, colors: str) -> tuple[_Model | None, tuple[str, ...]]:
    calibrations, warnings = [], []
    for number in (1, 2, 3):
        calibration, trouble = _calibration(tiff, number, len(colors))
        warnings += trouble
        if calibration is not None:
            calibrations.append(calibration)
    if not calibrations:
        return None, (*warnings, "the file has no usable color matrix")
    if any(c.white is None for c in calibrations):
        calibrations = calibrations[:1]  # without its light a second calibration cannot be placed
    balance = np.array(_positive(tiff.holder(Tag.AnalogBalance), Tag.AnalogBalance, len(colors)) or [1.0] * len(colors))
    paired = Tag.ProfileHueSatMapDims in tiff.holder(Tag.ProfileHueSatMapDims)
    return _Model(tuple(calibrations), balance, paired), tuple(warnings)


def _calibration(tiff: Tiff, number: int, count: int) -> tuple[Calibration | None, list[str]]:
    color_tag = Tag[f"ColorMatrix{number}"]
    if color_tag not in tiff.holder(color_tag):
        return None, []
    color = _read_matrix(tiff, color_tag, (count, 3))
    if color is None or not _is_camera(color):
        return None, [f"{color_tag.name} cannot be a camera's ({_trouble(color)}): it is left out"]
    camera = _read_matrix(tiff, Tag[f"CameraCalibration{number}"], (count, count))
    if camera is None or not _signatures_match(tiff) or not _is_camera(camera @ color):
        camera = np.eye(count)
    forward, warnings = _forward(tiff, number, count)
    reduction = _read_matrix(tiff, Tag[f"ReductionMatrix{number}"], (3, count)) if count > 3 else None
    illuminant = Tag[f"CalibrationIlluminant{number}"]
    white = white_of_illuminant(
        tiff.holder(illuminant).integer(illuminant, 0),
        _illuminant_data(tiff, Tag[f"IlluminantData{number}"]),
        tiff.order,
    )
    return Calibration(number, white, color, camera, forward, reduction), warnings


def _forward(tiff: Tiff, number: int, count: int) -> tuple[Array | None, list[str]]:
    """ForwardMatrix, where it maps white to white."""
    forward = _read_matrix(tiff, Tag[f"ForwardMatrix{number}"], (3, count))
    if forward is None or np.allclose(forward.sum(axis=1), D50_XYZ, atol=0.1):
        return forward, []
    return None, [f"ForwardMatrix{number} does not map white to white: it is left out"]


def _as_shot(tiff: Tiff, model: _Model, colors: str) -> tuple[Array, XY | None, tuple[str, ...]]:
    """The as-shot neutral and its light; with a warning where the neutral is a guess."""
    stated = _positive(tiff.holder(Tag.AsShotNeutral), Tag.AsShotNeutral, len(colors))
    if stated is not None and max(stated) <= MOST_RATIO * min(stated):
        neutral = np.array(stated)
        light = model.light_of(neutral)
        # 1 1 1 is what writers put who know no balance.  It is true only where the matrix makes a real light of it:
        # data balanced before they were stored (their gains stand in AnalogBalance), or a made-up camera
        if len(set(stated)) > 1 or (light is not None and abs(temperature_and_tint(light)[1]) < PLACEHOLDER_TINT):
            # a balance that no light explains (infrared, an effect) is still the photographer's: balance by it, then
            # color as under daylight
            return neutral, light, ()
        return _daylight(model, "the file's white balance (1 1 1) is no light under its color matrix")
    if Tag.AsShotNeutral in tiff.holder(Tag.AsShotNeutral):
        return _daylight(model, "the file's white balance cannot be meant")
    xy = tiff.holder(Tag.AsShotWhiteXY).numbers(Tag.AsShotWhiteXY, 2)
    if len(xy) == 2 and 0.1 < xy[0] < 0.8 and 0.1 < xy[1] < 0.8 and sum(xy) < 1:
        light = (xy[0], xy[1])
        if (model.neutral(light) > 0).all():
            return model.neutral(light), light, ()
    return _daylight(model, "the file has no white balance")


def _daylight(model: _Model, why: str) -> tuple[Array, XY, tuple[str, ...]]:
    return model.neutral(D65), D65, (f"{why}: {ESTIMATED}",)


def _without_model(tiff: Tiff, colors: str, cam_from_xyz: Matrix, warnings: tuple[str, ...]) -> CameraColor:
    """Where the file has no usable matrix: the reader's, or none."""
    known = rec2020_from_d65_matrix(cam_from_xyz) if len(cam_from_xyz) == len(colors) else None
    neutral = _positive(tiff.holder(Tag.AsShotNeutral), Tag.AsShotNeutral, len(colors))
    usable = neutral is not None and max(neutral) <= MOST_RATIO * min(neutral)
    if known is not None:
        matrix, sentence = known, "the reader's color matrix for this camera is taken"
        guess, lights = neutral_of_d65(cam_from_xyz, colors), lights_of_d65_matrix(cam_from_xyz, colors, known)
    else:
        matrix, sentence = plain_matrix(len(colors)), "its colors are taken for those of sRGB"
        guess = _usual_neutral(tiff, colors)
        lights = usual_lights(guess, matrix) if guess == UNKNOWN_NEUTRAL else ()
    warnings = (*warnings[:-1], f"{warnings[-1]}: {sentence}")
    if usable and neutral is not None:
        return CameraColor(as_green(np.array(neutral), colors), matrix, None, warnings)
    instead = ESTIMATED if lights else "a usual one is taken"
    warnings = (*warnings, f"the file has no usable white balance: {instead}")
    return CameraColor(guess, matrix, None, warnings, lights=lights)


def _usual_neutral(tiff: Tiff, colors: str) -> tuple[float, ...]:
    """A mosaic comes from a sensor, whose green is strongest; what is linear already was often balanced already."""
    linear = tiff.raw is not None and tiff.raw.integer(Tag.PhotometricInterpretation, 0) == LINEAR_RAW
    return UNKNOWN_NEUTRAL if colors == "RGB" and not linear else (1.0,) * len(colors)


def _is_camera(color: Array) -> bool:
    """Whether a (N, 3) matrix can be a camera's: finite, sees daylight in every channel, tells colors apart."""
    if not np.isfinite(color).all() or np.abs(color).max() > 1e3:
        return False
    whites = color @ LIGHTS
    if (whites <= SMALLEST).any():
        return False
    return bool(np.linalg.svd(color / whites[:, :1], compute_uv=False)[-1] > SMALLEST)


def _trouble(color: Array | None) -> str:
    if color is None:
        return "it has no usable numbers"
    if (color @ LIGHTS <= SMALLEST).any():
        return "it sees no white"
    return "it cannot be inverted"


def _read_matrix(tiff: Tiff, tag: Tag, shape: tuple[int, int]) -> Array | None:
    values = tiff.holder(tag).array(tag, shape[0] * shape[1] + 1)
    if len(values) != shape[0] * shape[1] or not np.isfinite(values).all():
        return None
    return values.reshape(shape)


def _positive(ifd: Ifd, tag: Tag, count: int) -> tuple[float, ...] | None:
    """`count` positive finite numbers (a fourth 0 for three colors is dropped), or None."""
    values = ifd.numbers(tag, 16)
    if len(values) > count and not any(values[count:]):
        values = values[:count]
    if len(values) != count or not all(math.isfinite(v) and v > 0 for v in values):
        return None
    return values


def _signatures_match(tiff: Tiff) -> bool:
    """CameraCalibration is for profiles of the same signature only; both missing is a match."""
    camera, profile = Tag.CameraCalibrationSignature, Tag.ProfileCalibrationSignature
    return tiff.holder(camera).text(camera) == tiff.holder(profile).text(profile)


def _illuminant_data(tiff: Tiff, tag: Tag) -> bytes:
    return tiff.holder(tag).data(tag, 1 << 16)


def _weights(whites: Sequence[XY | None], light: XY) -> list[float]:
    """How much of each calibration the light takes; they sum to 1."""
    known = [white for white in whites if white is not None]
    if len(whites) == 1 or len(known) < len(whites):
        return [1.0] + [0.0] * (len(whites) - 1)
    if len(known) == 2:
        return _two_weights(temperature_and_tint(known[0])[0], temperature_and_tint(known[1])[0], light)
    return _three_weights(known, light)


def _three_weights(whites: Sequence[XY], light: XY) -> list[float]:
    """By nearness in reciprocal temperature and tint, each calibration alone at its own light.

    The specification leaves the way open; this is what Adobe's DNG SDK 1.7 does: inverse squared distances, their
    shares by a smooth step, and shares of less than 2 % left out.
    """

    def place(xy: XY) -> tuple[float, float]:
        kelvin, tint = temperature_and_tint(xy)
        return min(1500 / kelvin, 1.0), 15 * tint  # the kit's unit of tint is 1/3000 of CIE 1960's, and it takes 1/200

    near = np.array([1 / (math.dist(place(white), place(light)) ** 2 + 1e-8) for white in whites])
    share = near / near.sum()
    step = np.clip((share * share * (3 - 2 * share) - 0.02) / 0.98, 0, 1)
    weights: list[float] = (step / step.sum()).tolist()
    return weights


def _two_weights(first: float, second: float, light: XY) -> list[float]:
    """Linear in 1/temperature between the two lights, the nearer one outside."""
    if first == second:
        return [1.0, 0.0]
    here = 1 / temperature_and_tint(light)[0]
    share = min(max((here - 1 / second) / (1 / first - 1 / second), 0.0), 1.0)
    return [share, 1 - share]


def _mix(matrices: Sequence[Array], weights: Sequence[float]) -> Array:
    total: Array = np.tensordot(np.array(weights), np.stack(matrices), axes=1)
    return total


def _mix_known(matrices: Sequence[Array | None], weights: Sequence[float]) -> Array | None:
    """The mix of those that the file has; the specification asks for all or none."""
    known = [(m, w) for m, w in zip(matrices, weights, strict=True) if m is not None]
    total = sum(w for _, w in known)
    if not known or total <= 0:
        return None
    return _mix([m for m, _ in known], [w / total for _, w in known])


def _white_kept(matrix: Array) -> Array:
    """Rows scaled to sum to 1: takes away what rounding and nearly right matrices leave."""
    scaled: Array = matrix / matrix.sum(axis=1, keepdims=True)
    return scaled


def _matrix(array: Array) -> Matrix:
    return tuple(tuple(row) for row in array.tolist())
