"""The corrections that a DNG carries: three lists, applied at three points of the pipeline.

List 1  `mend`     stored codes of the whole stored image: bad pixels, before anything compares neighbors
List 2  `flatten`  linear samples of the active area: gain maps, polynomials
List 3  `lens`     demosaiced color of the active area: vignetting, warp

Source  DNG 1.7.1 chapter 7.  Coordinates of list 1 are the stored image's, of lists 2 and 3 the active area's; regions
        are clipped to the picture; relative positions have 0 at the left or top edge, 1 at the right or bottom edge,
        and a pixel stands at its center
Gives   finite values for finite samples, whatever the opcode holds: a correction that is not finite is left out
"""

from __future__ import annotations

from torch import Tensor

from ispd.isp.look import Corrections
from ispd.isp.stages.opcodes.bad_pixels import bad_pixels
from ispd.isp.stages.opcodes.pointwise import pointwise
from ispd.isp.stages.opcodes.warp import warp
from ispd.isp.values import (
    FixBadPixelsConstant,
    FixBadPixelsList,
    FixVignetteRadial,
    GainMap,
    Opcode,
    Raw,
    TrimBounds,
    WarpRadial,
    WarpRectilinear,
    Window,
)

CODES = 65535.0  # list 1 sees 16-bit codes as [0, 1]


def mend(samples: Tensor, opcodes: tuple[Opcode, ...], cfa: str) -> Tensor:
    """List 1, on (planes, H, W) stored codes of the whole stored image."""
    whole = Window(0, samples.shape[-2], samples.shape[-1])
    for opcode in opcodes:
        if isinstance(opcode, FixBadPixelsConstant | FixBadPixelsList):
            samples = bad_pixels(samples, opcode, cfa)
        elif not isinstance(opcode, TrimBounds | WarpRectilinear | WarpRadial):
            samples = pointwise(samples / CODES, opcode, whole) * CODES
    return samples


def flatten(raw: Raw, opcodes: tuple[Opcode, ...], window: Window, p: Corrections) -> Raw:
    """List 2, on linear samples; their ceilings go the same way."""
    for opcode in opcodes:
        if _is_pointwise(opcode, p):
            raw = Raw(pointwise(raw.samples, opcode, window), pointwise(raw.ceiling, opcode, window))
    return raw


def lens(rgb: Tensor, opcodes: tuple[Opcode, ...], window: Window, p: Corrections) -> Tensor:
    """List 3, on (planes, H, W) color.  A warp needs the whole active area: `warps` tells."""
    for opcode in opcodes:
        if isinstance(opcode, WarpRectilinear | WarpRadial):
            rgb = warp(rgb, opcode) if p.geometry == "file" else rgb
        elif _is_pointwise(opcode, p):
            rgb = pointwise(rgb, opcode, window)
    return rgb


def warps(opcodes: tuple[Opcode, ...], p: Corrections) -> bool:
    """Whether a list moves pixels, so that rows cannot be corrected one by one."""
    return p.geometry == "file" and any(isinstance(opcode, WarpRectilinear | WarpRadial) for opcode in opcodes)


def _is_pointwise(opcode: Opcode, p: Corrections) -> bool:
    if isinstance(opcode, GainMap | FixVignetteRadial):
        return p.shading == "file"
    return not isinstance(opcode, FixBadPixelsConstant | FixBadPixelsList | TrimBounds | WarpRectilinear | WarpRadial)
