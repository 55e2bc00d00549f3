"""Lattice: each color moves to where a table of colors has it.

Takes   DisplayRGB; n³ nodes over encoded Rec.2020 (with sRGB's transfer function), each the encoded color it becomes
Gives   DisplayRGB; light outside [0, 1] gets the shift of the nearest color inside, and is not cut
Source  trilinear between nodes, red fastest, as the Cube LUT Specification 1.0 (Adobe 2013) has them

What is interpolated is the shift, not the color: between nodes a lattice that moves nothing is exactly nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ispd.isp.color.transfer import decode, encode
from ispd.isp.look import LatticeNodes
from ispd.isp.params import Cube
from ispd.isp.values import DisplayRGB


def lattice(rgb: DisplayRGB, cube: LatticeNodes) -> DisplayRGB:
    """Every pixel by the table; as it is where there is none."""
    if cube is None:
        return rgb
    encoded = encode(rgb, "srgb")
    shifts = nodes(cube, rgb) - identity(cube.size if isinstance(cube, Cube) else len(cube), rgb)
    at = (2 * encoded.clamp(0, 1) - 1).movedim(0, -1)[None, None]  # grid_sample's x is the last axis: red
    found = F.grid_sample(shifts.movedim(-1, 0)[None], at, align_corners=True)[0, :, 0]
    return DisplayRGB(decode(encoded + found, "srgb"))


def nodes(cube: Cube | Tensor, like: Tensor) -> Tensor:
    """(n, n, n, 3): blue, green, red, channels."""
    if isinstance(cube, Tensor):
        return cube.to(like)
    return torch.frombuffer(bytearray(cube.nodes), dtype=torch.float32).to(like).reshape(*[cube.size] * 3, 3)


def identity(size: int, like: Tensor) -> Tensor:
    """(n, n, n, 3): each node its own color."""
    steps = torch.linspace(0, 1, size, dtype=like.dtype, device=like.device)
    blue, green, red = torch.meshgrid(steps, steps, steps, indexing="ij")
    return torch.stack([red, green, blue], dim=-1)
