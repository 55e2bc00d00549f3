"""Hue table: a camera profile turns hues and scales saturation and value, each by where the color lies.

Takes   SceneRGB; a table over hue, saturation and value, as a DNG's camera profile carries
Gives   SceneRGB; a grey stays a grey, because there is no hue to turn and no saturation to scale; light above 1 gets
        the shift of value 1, light outside ProPhoto that of the nearest inside, and neither is cut
Source  DNG 1.7.1 chapter 6, "Hue/Saturation/Value Mapping Table", and the tags ProfileHueSatMapData1…3,
        ProfileLookTableData and their encodings: a hexcone HSV of linear ProPhoto, trilinear between the nodes, hue
        goes round, saturation ends at 1; value is looked up and scaled as the encoding says, linear or sRGB
        HSV: A. R. Smith, "Color gamut transform pairs", SIGGRAPH 1978

Smooth but for the seams between nodes and where two channels are equal.

>>> import struct, torch
>>> darker = HueTable(1, 2, 1, struct.pack("<6f", 0, 1, 1, 0, 1, 0.5))  # colors at half their value, greys as they are
>>> hue_table(SceneRGB(torch.full((3, 1, 1), 0.25)), darker).flatten()
tensor([0.2500, 0.2500, 0.2500])
"""

from __future__ import annotations

import torch
from torch import Tensor

from ispd.isp.color.prophoto import prophoto_from_rec2020, rec2020_from_prophoto
from ispd.isp.color.transfer import decode, encode
from ispd.isp.values import HueTable, SceneRGB

TINY = 1e-9  # of value and of chroma: a black has no saturation, a grey no hue


def hue_table(rgb: SceneRGB, table: HueTable | None) -> SceneRGB:
    """Every pixel by the table; as it is where there is none."""
    if table is None:
        return rgb
    light = prophoto_from_rec2020(rgb)
    inside = light.clamp(min=0)
    hue, saturation, value = _hsv(inside)
    turn, stretch, gain = _looked_up(hue, saturation, _encoded(value.clamp(max=1), table), table)
    mapped = _rgb(hue + turn / 60, (saturation * stretch).clamp(0, 1), value * _gain(value, gain, table))
    return SceneRGB(rec2020_from_prophoto(mapped + (light - inside)))


def _hsv(rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue in sixths of the circle, [0, 6), saturation in [0, 1], and value, without an upper limit."""
    red, green, blue = rgb
    value, least = rgb.amax(dim=0), rgb.amin(dim=0)
    chroma = value - least
    wide = chroma.clamp(min=TINY)
    from_red, from_green, from_blue = (green - blue) / wide, (blue - red) / wide + 2, (red - green) / wide + 4
    hue = torch.where(value == red, from_red, torch.where(value == green, from_green, from_blue))
    return torch.where(hue < 0, hue + 6, hue), chroma / value.clamp(min=TINY), value


def _rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """Each channel falls from the value by as much as its own hue is away."""
    away = torch.stack([hue + 5, hue + 3, hue + 1]) % 6
    return value * (1 - saturation * torch.minimum(away, 4 - away).clamp(0, 1))


def _encoded(value: Tensor, table: HueTable) -> Tensor:
    return encode(value, "srgb") if table.encoding == "srgb" else value


def _gain(value: Tensor, gain: Tensor, table: HueTable) -> Tensor:
    """The factor of the light: where the table scales encoded values, what that does to the value's own light."""
    if table.encoding != "srgb":
        return gain
    known = value.clamp(1e-6, 1)
    return decode(encode(known, "srgb") * gain, "srgb") / known


def _looked_up(hue: Tensor, saturation: Tensor, value: Tensor, table: HueTable) -> Tensor:
    """(3, H, W): turn, stretch and gain between the nodes around each color."""
    nodes = torch.frombuffer(bytearray(table.nodes), dtype=torch.float32).to(hue).reshape(-1, 3)
    left, right, across = _around(hue * (table.hues / 6), table.hues)
    low, high, up = _between(saturation, table.saturations)
    dark, bright, ahead = _between(value, table.values)

    def plane(at: Tensor) -> Tensor:
        def row(column: Tensor) -> Tensor:
            first = (at * table.hues + column) * table.saturations
            return torch.lerp(nodes[first + low], nodes[first + high], up[..., None])

        return torch.lerp(row(left), row(right), across[..., None])

    found = plane(dark) if table.values == 1 else torch.lerp(plane(dark), plane(bright), ahead[..., None])
    return found.movedim(-1, 0)


def _around(place: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """The nodes before and after a place on a circle of nodes, and how far it is between them."""
    before = place.detach().floor()
    index = before.long() % count
    return index, (index + 1) % count, place - before


def _between(share: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """The same on a line of nodes from 0 to 1."""
    place = share * (count - 1)
    before = place.detach().floor().clamp(0, max(count - 2, 0))
    index = before.long()
    return index, (index + 1).clamp(max=count - 1), place - before
