"""Colors that a smaller space has not, brought into it at constant hue and lightness.

Takes   linear Rec.2020 (3, H, W), display-referred: 1.0 is white
Gives   linear RGB of `space` in [0, 1]

`compress` reduces OKLab chroma along the line to the grey of the same lightness.  From KNEE of the boundary on, chroma
bends, so that petals keep their texture where a plain cut would paint them flat; what lies below is untouched.
`clip` cuts each channel, as most raw converters do: hues shift, nothing else changes.

>>> red = torch.tensor([1.0, 0.0, 0.0]).reshape(3, 1, 1)  # Rec.2020's red, no screen's
>>> bool(((compress(red, "srgb") >= 0) & (compress(red, "srgb") <= 1)).all())
True
>>> compress(torch.full((3, 1, 1), 0.5), "srgb").flatten()
tensor([0.5000, 0.5000, 0.5000])
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ispd.isp.color.boundary import KNEE, REACH, most_chroma
from ispd.isp.color.mix import mix
from ispd.isp.color.oklab import oklab_from_rec2020
from ispd.isp.color.spaces import LMS_FROM_LAB, REC2020_FROM_LMS, rgb_from_rec2020
from ispd.orders import Space


def clip(rgb: Tensor, space: Space) -> Tensor:
    """Each channel cut to [0, 1]."""
    return mix(rgb_from_rec2020(space), rgb).clamp(0, 1)


def compress(rgb: Tensor, space: Space) -> Tensor:
    """At constant hue and lightness.  Works only on the colors near or beyond the boundary."""
    linear = mix(rgb_from_rec2020(space), rgb)
    far = _near_the_boundary(linear)
    if bool(far.any()):
        linear = linear.clone()
        linear[:, far] = _inside(rgb[:, far], space)
    return linear.clamp(0, 1)


def _near_the_boundary(linear: Tensor) -> Tensor:
    """(H, W) bool: chroma REACH times larger would leave [0, 1]; judged in linear light, which is cheap and wider."""
    grey = linear.mean(dim=0, keepdim=True)
    least, most = linear.new_tensor(REACH)[:, :, None, None]
    near: Tensor = (grey + least * (linear - grey) < 0).any(dim=0) | (grey + most * (linear - grey) > 1).any(dim=0)
    return near


def _inside(rgb: Tensor, space: Space) -> Tensor:
    """(3, N) of `space`: the same hue and lightness, chroma bent below the boundary."""
    lab = oklab_from_rec2020(rgb)
    lightness = lab[0].clamp(0, 1)
    chroma = (lab[1] ** 2 + lab[2] ** 2 + 1e-18).sqrt()
    with torch.no_grad():  # where the boundary lies is a fact of the space, not of a parameter
        most = _boundary(lightness, torch.atan2(lab[2], lab[1]), space)
    bent = _bend(chroma, most) / chroma
    lms = mix(LMS_FROM_LAB, torch.stack([lightness, lab[1] * bent, lab[2] * bent]))
    return mix(rgb_from_rec2020(space) @ REC2020_FROM_LMS, lms * lms * lms)


def _bend(chroma: Tensor, most: Tensor) -> Tensor:
    """Identity below KNEE · most, then towards `most` without reaching it; smooth where both meet."""
    knee = KNEE * most
    room = (most - knee).clamp(min=1e-9)
    over = (chroma - knee).clamp(min=0) / room
    return torch.where(chroma <= knee, chroma, knee + room * over / (1 + over * over).sqrt())


def _boundary(lightness: Tensor, hue: Tensor, space: Space) -> Tensor:
    """(N): the largest chroma at each lightness and hue that `space` holds, read from a table."""
    table = lightness.new_tensor(most_chroma(space))[None, None]
    place = torch.stack([lightness * 2 - 1, hue / torch.pi], dim=-1)[None, None]
    return F.grid_sample(table, place, mode="bilinear", padding_mode="border", align_corners=True)[0, 0, 0]
