"""WarpRectilinear, WarpRadial: the lens's distortion and lateral color undone.

Takes   (planes, H, W) color of the whole active area
Gives   the same size; every pixel is fetched, by bicubic interpolation, from where the lens has put it;
        beyond the edge the edge goes on
Source  DNG 1.7.1 chapter 7, WarpRectilinear: with (x, y) from the center in units of the farthest corner's distance,
        source = (kr0 + kr1·r² + kr2·r⁴ + kr3·r⁶)·(x, y) + (2·kt0·xy + kt1·(r² + 2x²), 2·kt1·xy + kt0·(r² + 2y²));
        WarpRadial: source = (k0 + k1·r + k2·r² + …)·(x, y), since lens databases have odd powers too
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ispd.isp.values import WarpRadial, WarpRectilinear

ROWS = 256  # fetched at once: the coordinates of a whole frame would be as large as the frame


def warp(rgb: Tensor, opcode: WarpRectilinear | WarpRadial) -> Tensor:
    """`rgb` unwarped; coefficients that are not finite, or would bring nothing into view, change nothing."""
    numbers = [value for plane in opcode.planes for value in plane] + list(opcode.center)
    if not opcode.planes or not all(math.isfinite(value) for value in numbers):
        return rgb
    groups = _groups(opcode, rgb.shape[0])
    blocks = [
        torch.cat([_fetched(rgb[planes], opcode, planes_coefficients, top) for planes, planes_coefficients in groups])
        for top in range(0, rgb.shape[-2], ROWS)
    ]
    return torch.cat(blocks, dim=1)


def _groups(opcode: WarpRectilinear | WarpRadial, count: int) -> list[tuple[slice, tuple[float, ...]]]:
    """Neighboring planes with equal coefficients share one fetch."""
    each = [opcode.planes[min(plane, len(opcode.planes) - 1)] for plane in range(count)]
    if all(coefficients == each[0] for coefficients in each):
        return [(slice(0, count), each[0])]
    return [(slice(plane, plane + 1), coefficients) for plane, coefficients in enumerate(each)]


def _fetched(planes: Tensor, opcode: WarpRectilinear | WarpRadial, coefficients: tuple[float, ...], top: int) -> Tensor:
    """Rows top … top + ROWS of the unwarped planes."""
    _, height, width = planes.shape
    center_x, center_y = opcode.center[0] * width, opcode.center[1] * height
    unit = max(math.hypot(max(center_x, width - center_x), max(center_y, height - center_y)), 1e-6)
    rows = torch.arange(top, min(top + ROWS, height), device=planes.device).to(planes.dtype)
    columns = torch.arange(width, device=planes.device).to(planes.dtype)
    y, x = torch.meshgrid((rows + 0.5 - center_y) / unit, (columns + 0.5 - center_x) / unit, indexing="ij")
    locate = _radial if isinstance(opcode, WarpRadial) else _rectilinear
    source_x, source_y = locate(x, y, coefficients)
    # grid_sample counts from -1 at one edge to 1 at the other; clamped so that a wild warp cannot overflow it
    grid_x = ((source_x * unit + center_x) / width * 2 - 1).clamp(-2, 2)
    grid_y = ((source_y * unit + center_y) / height * 2 - 1).clamp(-2, 2)
    grid = torch.stack([grid_x, grid_y], dim=-1)[None]
    return F.grid_sample(planes[None], grid, mode="bicubic", padding_mode="border", align_corners=False)[0]


def _rectilinear(x: Tensor, y: Tensor, coefficients: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    kr0, kr1, kr2, kr3, kt0, kt1 = coefficients
    r2 = x * x + y * y
    radial = kr0 + r2 * (kr1 + r2 * (kr2 + r2 * kr3))
    tangential_x = 2 * kt0 * x * y + kt1 * (r2 + 2 * x * x)
    tangential_y = 2 * kt1 * x * y + kt0 * (r2 + 2 * y * y)
    return radial * x + tangential_x, radial * y + tangential_y


def _radial(x: Tensor, y: Tensor, coefficients: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    r = (x * x + y * y).sqrt()
    factor = torch.zeros_like(r)
    for coefficient in reversed(coefficients):
        factor = factor * r + coefficient
    return factor * x, factor * y
