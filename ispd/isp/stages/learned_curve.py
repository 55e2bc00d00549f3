"""Learned curve: the tones of finished pictures, channel by channel, as film and most raw converters have them.

Takes   SceneRGB
Gives   DisplayRGB; a grey stays one where the three channels have no curve of their own

One curve for all three, from light to encoded value: `heights` at even steps of log2((x + FLOOR) / FLOOR), so that
shadows have as many knots as highlights, from black to TOP.  Then what each channel adds to its encoded value.
Straight between knots; a little slope beyond the ends, where otherwise nothing could be learned.

Source  docs/decisions/0028-what-a-learned-look-is-made-of.md
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ispd.isp.color.tone import BEYOND, CURVE_FLOOR, CURVE_TOP
from ispd.isp.color.transfer import decode
from ispd.isp.look import Curve
from ispd.isp.params import Numbers
from ispd.isp.values import DisplayRGB, SceneRGB

OCTAVES = math.log2(CURVE_TOP / CURVE_FLOOR + 1)


def learned_curve(rgb: SceneRGB, p: Curve) -> DisplayRGB:
    """Light through `heights`, then `red`, `green` and `blue`."""
    steps = ((rgb.clamp(min=0) + CURVE_FLOOR) / CURVE_FLOOR).log2() / OCTAVES
    value = _between(steps, p.heights) + BEYOND * ((steps - 1).clamp(min=0) * OCTAVES + rgb.clamp(max=0))
    channels = [_shifted(value[number], numbers) for number, numbers in enumerate((p.red, p.green, p.blue))]
    return DisplayRGB(decode(torch.stack(channels), "srgb"))


def _shifted(value: Tensor, numbers: Numbers) -> Tensor:
    return value + _between(value, numbers) if len(numbers) else value


def _between(share: Tensor, numbers: Numbers) -> Tensor:
    """Straight between numbers that stand at even steps from 0 to 1; flat beyond."""
    knots = numbers.to(share) if isinstance(numbers, Tensor) else share.new_tensor(numbers)
    place = share.clamp(0, 1) * (len(knots) - 1)
    before = place.detach().floor().clamp(max=len(knots) - 2)
    index = before.long()
    return torch.lerp(knots[index], knots[index + 1], place - before)
