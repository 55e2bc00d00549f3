"""What the kernels can render, and the first reason why not.  Needs no numba: it says whether there is one."""

from __future__ import annotations

from importlib.util import find_spec

from ispd.isp.look import Look
from ispd.isp.values import (
    DeltaPerRow,
    FixVignetteRadial,
    GainMap,
    MapPolynomial,
    MapTable,
    Opcode,
    Shot,
    WarpRadial,
    WarpRectilinear,
)
from ispd.orders import Output

PHASES = ("RGGB", "BGGR", "GRBG", "GBRG")
TERMS = 8  # of a warp
MOST_WARPED = 0.25  # at the corners; farther, a strip would need half of the picture
LEAST, LEAST_MOVED = 16, 32  # pixels: smaller pictures are no photos, and cost nothing elsewhere


def uncovered(shot: Shot, look: Look, outputs: tuple[Output, ...]) -> str:
    """Why this cannot be rendered by the kernels; "" if it can."""
    if find_spec("numba") is None:
        return "numba is not installed"
    return _of_shot(shot) or _of_look(shot, look) or _of_opcodes(shot, look)


def _of_shot(shot: Shot) -> str:
    if shot.cfa not in PHASES or shot.colors != "RGB":
        return "no Bayer array of red, green and blue"
    if min(shot.active.height, shot.active.width) < LEAST:
        return "a tiny picture"
    if shot.levels.white_of(0) <= shot.levels.greatest_black(0):
        return "black at or above white"
    return ""


def _of_look(shot: Shot, look: Look) -> str:
    if look.demosaic.method not in ("directional", "auto"):  # which on a CPU are the same
        return f"demosaic.method = {look.demosaic.method}"
    if any(shot.lateral_ca) and min(shot.active.height, shot.active.width) < LEAST_MOVED:
        return "red and blue of a tiny picture to be moved"
    profile = shot.camera_profile
    if profile and look.embedded.tables == "file":
        return "the camera profile's tables"
    if profile and profile.tone_curve and look.curve.method == "file":
        return "the camera profile's curve"
    return ""


def _of_opcodes(shot: Shot, look: Look) -> str:
    p = look.camera.corrections
    if _any(shot.opcodes1, GainMap, FixVignetteRadial, MapTable, MapPolynomial, DeltaPerRow):
        return "maps, tables or deltas of opcode list 1"
    if _any(shot.opcodes2, MapTable, MapPolynomial, DeltaPerRow):
        return "tables, polynomials or deltas of opcode list 2"
    if p.geometry == "file" and (reason := _of_warps(shot)):
        return reason
    if _any(shot.opcodes3, MapTable, MapPolynomial, DeltaPerRow):
        return "tables, polynomials or deltas of opcode list 3"
    return "gain maps of opcode list 3" if p.shading == "file" and _any(shot.opcodes3, GainMap) else ""


def _of_warps(shot: Shot) -> str:
    warps = [opcode for opcode in shot.opcodes3 if isinstance(opcode, WarpRectilinear | WarpRadial)]
    if len(warps) > 1:
        return "more than one warp"
    for warp in warps:
        if any(len(plane) > TERMS for plane in warp.planes):
            return "a warp with many terms"
        if any(
            abs(sum(plane[:TERMS]) - 1) > MOST_WARPED or any(abs(k) > 1 for k in plane[1:]) for plane in warp.planes
        ):
            return "a warp from far away"
    return ""


def _any(opcodes: tuple[Opcode, ...], *kinds: type[Opcode]) -> bool:
    return any(isinstance(opcode, kinds) for opcode in opcodes)
