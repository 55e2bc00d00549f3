"""Lens corrections by lensfun's database, for photos whose file carries none: what the extra `lens` brings.

    facts ─▶ camera and lens in the database ─▶ its maps, sampled ─▶ opcodes as a file would carry them ─▶ the shot

Rendering knows nothing of lensfun: it gets a FixVignetteRadial and a WarpRadial (distortion, and lateral color by a
plane each) in opcode list 3, fitted to lensfun's own maps.  The picture is scaled so that no empty border shows.  A
fisheye stays a fisheye.

Source  lensfun's library and database (CC BY-SA) as the wheel of lensfunpy has them; files of the system are not read,
        so that a photo looks the same everywhere.  Its lenses are polynomials with odd powers too: WarpRectilinear's
        even ones follow 40 % of its 1304 lenses to 0.2 px at 24 MP, powers 0 … 6 follow them all
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ispd.isp.look import Corrections
from ispd.isp.values import FixVignetteRadial, GainMap, Opcode, Shot, WarpRadial, WarpRectilinear
from ispd.orders import Facts

Numbers: TypeAlias = NDArray[np.float64]

COLUMNS, ROWS = 17, 13  # points at which lensfun is asked for its maps
POWERS = 7  # of the radius, 0 … 6
MOST_OFF_PX, MOST_OFF_GAIN = 0.2, 0.05  # that the opcodes may differ from lensfun's maps (19 of 20 lenses wide open)
ENLARGED = 20  # times at most
FAR_M = 1000.0  # where the file does not tell the distance
MOST_GAIN = 16.0  # more is no lens, but a mistake in the database
SMALL = 240  # pixels of the long edge on which vignetting is looked at: it knows no detail


@dataclass(frozen=True)
class Corrected:
    """The shot with what lensfun adds; `sentence` says what that is, for the output's XMP, "" where it is nothing."""

    shot: Shot
    sentence: str = ""
    warnings: tuple[str, ...] = ()


def is_wanted(shot: Shot, p: Corrections) -> bool:
    """Whether the look asks for lensfun, it is installed, and the file leaves something to it."""
    return bool(_lacking(shot, p)) and find_spec("lensfunpy") is not None


def correct(shot: Shot, facts: Facts, p: Corrections) -> Corrected:
    """The shot with corrections for what its file does not carry, where lensfun knows camera and lens."""
    lens, crop_factor = _lens(facts)
    focal = facts.focal_length_mm or getattr(lens, "min_focal", 0.0)
    if lens is None or not focal or shot.pixel_aspect != 1:
        return Corrected(shot)
    lacking, names, warnings = _lacking(shot, p), list[str](), list[str]()
    added: list[Opcode] = []
    if "shading" in lacking and facts.f_number and lens.calib_vignetting:
        vignette, off = _vignette(shot, _modifier(lens, crop_factor, focal, facts, _small(shot), "VIGNETTING"))
        if off < MOST_OFF_GAIN:
            added += [vignette]
            names += ["vignetting"]
        else:
            warnings += [f"lensfun's vignetting of {lens.model} is left out: ispd would miss it by {off:.0%}"]
    if "geometry" in lacking and (lens.calib_distortion or lens.calib_tca):
        modifier = _modifier(lens, crop_factor, focal, facts, _size(shot), "DISTORTION", "TCA", "SCALE")
        warp, off_px = _warp(shot, modifier)
        if off_px < MOST_OFF_PX:
            added += [warp]
            names += ["distortion"] * bool(lens.calib_distortion) + ["lateral color"] * bool(lens.calib_tca)
        else:
            warnings += [f"lensfun's distortion of {lens.model} is left out: ispd would miss it by {off_px:.1f} px"]
    if not added:
        return Corrected(shot, warnings=tuple(warnings))
    sentence = f"lensfun {_version()}: {lens.model} ({', '.join(names)})"
    # vignetting first: it is measured where the lens has put the light
    return Corrected(replace(shot, opcodes3=(*added, *shot.opcodes3)), sentence, tuple(warnings))


def _lacking(shot: Shot, p: Corrections) -> set[str]:
    """What the look wants of lensfun and the file does not correct."""
    if p.lens == "none":
        return set()
    carried: tuple[Opcode, ...] = (*shot.opcodes2, *shot.opcodes3)
    shaded = any(isinstance(opcode, GainMap | FixVignetteRadial) for opcode in carried)
    warped = any(isinstance(opcode, WarpRectilinear | WarpRadial) for opcode in carried)
    lacking = {"shading": p.shading == "file" and not shaded, "geometry": p.geometry == "file" and not warped}
    return {name for name, lacks in lacking.items() if lacks}


@cache  # 0.1 s to read, and always the same
def _database() -> Any:
    from lensfunpy import Database

    return Database(load_common=False)


def _version() -> str:
    from lensfunpy import lensfun_version

    return ".".join(str(number) for number in lensfun_version[:3])


def _lens(facts: Facts) -> tuple[Any, float]:
    """lensfun's lens for the photo, and the camera's crop factor; (None, 0) where it is unknown or not one alone."""
    cameras = _database().find_cameras(facts.make, facts.model) if facts.make and facts.model else []
    if not cameras:
        return None, 0.0
    camera = cameras[0]
    if camera.mount[:1].islower():  # lensfun's way to say that the lens cannot be changed: no name is needed …
        lenses = _database().find_lenses(camera)
        lenses = [lens for lens in lenses if ", " not in lens.model and " + " not in lens.model]  # … and no converter
    else:
        lenses = _database().find_lenses(camera, None, facts.lens) if facts.lens else []
    lenses = [lens for lens in lenses if _reaches(lens, facts.focal_length_mm)]
    best = [lens for lens in lenses if lens.score == lenses[0].score]
    return (best[0], camera.crop_factor) if len({lens.model for lens in best}) == 1 else (None, 0.0)


def _reaches(lens: Any, focal_mm: float | None) -> bool:
    """Whether the lens has that focal length; files round it."""
    if focal_mm is None:
        return bool(lens.min_focal == lens.max_focal)
    return bool(0.95 * lens.min_focal <= focal_mm <= 1.05 * max(lens.min_focal, lens.max_focal))


def _modifier(lens: Any, crop_factor: float, focal: float, facts: Facts, size: tuple[int, int], *wanted: str) -> Any:
    from lensfunpy import Modifier, ModifyFlags

    modifier = Modifier(lens, crop_factor, *size)
    flags = sum(int(ModifyFlags[name]) for name in wanted)
    # scale 0: the least that leaves no empty border; the lens's own geometry as the target: no projection is changed
    modifier.initialize(
        focal, facts.f_number or 8.0, facts.distance_m or FAR_M, 0.0, lens.type, pixel_format=np.float32, flags=flags
    )
    return modifier


def _size(shot: Shot) -> tuple[int, int]:
    """Width and height of the picture: the crop is what the database's photographers measured."""
    return shot.crop.width, shot.crop.height


def _small(shot: Shot) -> tuple[int, int]:
    width, height = _size(shot)
    least = min(1.0, SMALL / max(width, height))
    return max(2, round(width * least)), max(2, round(height * least))


def _center(shot: Shot) -> tuple[tuple[float, float], float]:
    """The picture's center (x, y) relative to the active area, and the farthest corner's distance in pixels."""
    active, crop = shot.active, shot.crop
    x, y = (crop.left + crop.right) / 2, (crop.top + crop.bottom) / 2
    unit = np.hypot(max(x, active.width - x), max(y, active.height - y))
    return (x / active.width, y / active.height), float(unit)


def _warp(shot: Shot, modifier: Any) -> tuple[WarpRadial, float]:
    """The polynomials nearest to lensfun's map, one a plane, and how far they are off at most, in pixels."""
    (width, height), (center, unit) = _size(shot), _center(shot)
    middle = np.array([width - 1, height - 1]) / 2  # lensfun counts from the first pixel's center
    points = [(x, y) for y in _spread(height, ROWS) for x in _spread(width, COLUMNS)]
    # asked one by one: along a row lensfun adds up steps in single precision, which is off by 0.2 px at its end
    sources = np.array([modifier.apply_subpixel_geometry_distortion(x, y, 1, 1)[0, 0] for x, y in points])
    at = (np.array(points) - middle) / unit
    powers = np.hypot(*at.T)[:, None] ** np.arange(POWERS)
    equations = np.concatenate([at[:, :1] * powers, at[:, 1:] * powers])
    planes, most_off = [], 0.0
    for plane in range(3):
        wanted = (sources[:, plane].astype(np.float64) - middle).T.ravel() / unit
        factors = np.linalg.lstsq(equations, wanted, rcond=None)[0]
        off = (equations @ factors - wanted).reshape(2, -1) * unit
        planes.append(tuple(float(factor) for factor in factors))
        most_off = max(most_off, float(np.hypot(*off).max()))
    order = ["RGB".find(letter) for letter in shot.colors]
    planes = _within(planes, np.array([width, height]) / 2 / unit)
    return WarpRadial(tuple(planes[index if index >= 0 else 1] for index in order), center), most_off


def _within(planes: list[tuple[float, ...]], half: Numbers) -> list[tuple[float, ...]]:
    """The same polynomials, of a picture enlarged until its border comes from inside the picture: with some fisheyes
    lensfun's own scaling does not do."""
    edge = np.linspace(-1, 1, 41)
    border = np.concatenate([half * [(x, 1) for x in edge], half * [(1, y) for y in edge]])
    for _ in range(ENLARGED):
        factors = [np.polynomial.polynomial.polyval(np.hypot(*border.T), plane) for plane in planes]
        beyond = max(float(np.abs(border * factor[:, None] / half).max()) for factor in factors)
        if beyond <= 1:
            break
        planes = [tuple(k / beyond ** (power + 1) for power, k in enumerate(plane)) for plane in planes]
    return planes


def _spread(size: int, count: int) -> list[float]:
    return [float(position) for position in np.rint(np.linspace(0, size - 1, count))]


def _vignette(shot: Shot, modifier: Any) -> tuple[FixVignetteRadial, float]:
    """The polynomial nearest to lensfun's gain, and the part by which it is off at most."""
    width, height = modifier.width, modifier.height
    picture = np.ones((height, width, 3), np.float32)
    modifier.apply_color_modification(picture)
    (center, unit), scale = _center(shot), max(_size(shot)) / max(width, height)
    y, x = (np.mgrid[:height, :width] - np.array([height - 1, width - 1])[:, None, None] / 2) * scale / unit
    r2, gain = (x**2 + y**2).ravel(), picture[..., 1].ravel().astype(np.float64).clip(1 / MOST_GAIN, MOST_GAIN)
    terms = r2[:, None] ** np.arange(1, 6)
    factors = np.linalg.lstsq(terms / gain[:, None], (gain - 1) / gain, rcond=None)[0]  # near in ratio
    off = np.abs((1 + terms @ factors) / gain - 1).max()
    return FixVignetteRadial(tuple(float(factor) for factor in factors), center), float(off)
