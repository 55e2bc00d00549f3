"""Charts of a report: inline SVG that takes its colors from the page, and small pictures as data."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

HEAT = ((0, "#17324d"), (1, "#1f6f8b"), (2, "#5fae8c"), (4, "#e9d66b"), (7, "#e07b39"), (10, "#b3262e"))  # ΔE: color
NOTHING = (128, 128, 128)
WIDTH, HEIGHT = 420, 260  # of a chart
LEFT, RIGHT, TOP, BOTTOM = 54, 12, 12, 36


@dataclass(frozen=True)
class Line:
    """A curve of a chart: points in its own units, a CSS color."""

    points: Sequence[tuple[float, float]]
    color: str
    label: str = ""
    dashed: bool = False


def lines(curves: Sequence[Line], x: Sequence[float], y: Sequence[float], titles: tuple[str, str], what: str) -> str:
    """A chart with ticks at `x` and `y`, from the first to the last; `what` is said to those who cannot see it."""
    frame = _Frame(x[0], x[-1], y[0], y[-1])
    parts = [_grid(frame, x, y, titles)]
    for curve in curves:
        points = " ".join(f"{frame.x(a):.1f},{frame.y(b):.1f}" for a, b in curve.points)
        dash = ' stroke-dasharray="5 4"' if curve.dashed else ""
        parts.append(f'<polyline points="{points}" fill="none" stroke="{curve.color}" stroke-width="2"{dash}/>')
    named = [curve for curve in curves if curve.label]
    keys = [
        f'<text x="{LEFT + 10}" y="{TOP + 16 * (number + 1)}" fill="{curve.color}" class="key">'
        f"{escape(curve.label)}</text>"
        for number, curve in enumerate(named)
    ]
    return _svg("".join([*parts, *keys]), what)


def columns(
    values: Sequence[float],
    colors: Sequence[str],
    labels: Sequence[str],
    shares: Sequence[float],
    title: str,
    what: str,
) -> str:
    """A column a value, as wide as its share of all is large; NaN has none."""
    known = [value for value in values if not math.isnan(value)]
    top = _round_up(max(known, default=1.0))
    frame = _Frame(0, len(values), 0, top)
    parts = [_grid(frame, (), _ticks(top), ("", title))]
    most = max(shares, default=0) or 1.0
    step = frame.x(1) - frame.x(0)
    for number, (value, color, label, share) in enumerate(zip(values, colors, labels, shares, strict=True)):
        middle = frame.x(number + 0.5)
        parts.append(
            f'<text x="{middle:.1f}" y="{HEIGHT - BOTTOM + 15}" class="tick" text-anchor="middle">{label}</text>'
        )
        if not math.isnan(value):
            wide = step * (0.2 + 0.7 * math.sqrt(share / most))
            high = frame.y(0) - frame.y(value)
            said = f"<title>{value:.2f} ΔE, {share:.0%} of all</title>"
            parts.append(
                f'<rect x="{middle - wide / 2:.1f}" y="{frame.y(value):.1f}" width="{wide:.1f}" height="{high:.1f}" '
                f'fill="{color}" class="column">{said}</rect>'
            )
    return _svg("".join(parts), what)


def arrows(before: Tensor, after: Tensor, colors: Sequence[str], what: str, span: float = 100.0) -> str:
    """Where colors move in the a*b* plane: Lab (3, n) before and after; grey is the center."""
    side = 300
    half = side / 2
    scale = (half - 14) / span
    parts = [
        f'<circle cx="{half}" cy="{half}" r="{radius * scale:.1f}" class="grid"/>'
        for radius in (20, 40, 60, 80, 100)
        if radius <= span
    ]
    parts.append(f'<path d="M{half} 6V{side - 6}M6 {half}H{side - 6}" class="grid"/>')
    for (x, y), text in (
        ((side - 18, half - 6), "red"),
        ((6, half - 6), "green"),
        ((half + 6, 14), "yellow"),
        ((half + 6, side - 6), "blue"),
    ):
        parts.append(f'<text x="{x}" y="{y}" class="tick">{text}</text>')
    for number, color in enumerate(colors):
        start, end = (
            (half + float(lab[1, number]) * scale, half - float(lab[2, number]) * scale) for lab in (before, after)
        )
        parts.append(f'<path d="M{start[0]:.1f} {start[1]:.1f}L{end[0]:.1f} {end[1]:.1f}" class="arrow"/>')
        parts.append(f'<circle cx="{end[0]:.1f}" cy="{end[1]:.1f}" r="4" fill="{color}" class="dot"/>')
    return (
        f'<svg viewBox="0 0 {side} {side}" class="plane" role="img" aria-label="{escape(what)}">{"".join(parts)}</svg>'
    )


def heat(difference: Tensor) -> NDArray[np.uint8]:
    """ΔE2000 as a picture, (h, w, 3)."""
    stops = [stop for stop, _ in HEAT]
    colors = np.array([[int(code[at : at + 2], 16) for at in (1, 3, 5)] for _, code in HEAT])
    values = difference.numpy()
    known = np.nan_to_num(values)
    planes = [np.interp(known, stops, colors[:, plane]) for plane in range(3)]
    picture = np.where(np.isnan(values)[..., None], NOTHING, np.stack(planes, axis=-1))
    pixels: NDArray[np.uint8] = np.rint(picture).astype(np.uint8)
    return pixels


def legend() -> str:
    """What the colors of `heat` mean."""
    last = HEAT[-1][0]
    stops = ", ".join(f"{color} {100 * stop / last:.0f}%" for stop, color in HEAT)
    marks = "".join(f'<span style="left:{100 * stop / last:.0f}%">{stop}</span>' for stop, _ in HEAT)
    words = "ΔE2000: 1 is about what an eye just sees side by side, 3 is a clear difference, 10 another color"
    strip = f'<i style="background:linear-gradient(90deg, {stops})"></i>'
    return f'<div class="legend">{strip}<b>{marks}</b><p>{words}</p></div>'


def codes(picture: Tensor) -> NDArray[np.uint8]:
    """sRGB code values (3, h, w) as (h, w, 3)."""
    pixels: NDArray[np.uint8] = np.rint(picture.clamp(0, 1).nan_to_num().mul(255).movedim(0, -1).numpy()).astype(
        np.uint8
    )
    return pixels


def image(pixels: NDArray[np.uint8], alt: str, most: int, *, exact: bool = False) -> str:
    """An `img` with its picture in it, at most so many pixels long; `exact`: as PNG."""
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.thumbnail((most, most), Image.Resampling.LANCZOS)
    file = BytesIO()
    kind = "png" if exact else "jpeg"
    picture.save(file, kind, **({} if exact else {"quality": 86}))
    data = b64encode(file.getvalue()).decode()
    size = f'width="{picture.width}" height="{picture.height}"'
    return f'<img src="data:image/{kind};base64,{data}" alt="{escape(alt)}" {size}>'


def css(color: Tensor) -> str:
    """#rrggbb of one color's sRGB code values."""
    return "#" + "".join(
        f"{round(float(value) * 255):02x}" for value in torch.as_tensor(color).clamp(0, 1).nan_to_num()
    )


@dataclass(frozen=True)
class _Frame:
    left: float
    right: float
    bottom: float
    top: float

    def x(self, value: float) -> float:
        return LEFT + (value - self.left) / (self.right - self.left) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (value - self.bottom) / (self.top - self.bottom) * (HEIGHT - TOP - BOTTOM)


def _grid(frame: _Frame, x: Sequence[float], y: Sequence[float], titles: tuple[str, str]) -> str:
    parts = []
    for value in y:
        at = frame.y(value)
        parts.append(f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" class="tick" text-anchor="end">{value:g}</text>')
    for value in x:
        at = frame.x(value)
        parts.append(f'<path d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}" class="grid"/>')
        parts.append(
            f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 15}" class="tick" text-anchor="middle">{value:g}</text>'
        )
    below, beside = titles
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 4}" class="tick" text-anchor="middle">{escape(below)}</text>')
    turned = f'transform="rotate(-90 10 {HEIGHT / 2})"'
    parts.append(f'<text x="10" y="{HEIGHT / 2}" class="tick" text-anchor="middle" {turned}>{escape(beside)}</text>')
    return "".join(parts)


def _svg(inside: str, what: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" class="chart" role="img" aria-label="{escape(what)}">{inside}</svg>'


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10 …

    >>> _round_up(2.3), _round_up(0.4), _round_up(5.0)
    (5.0, 0.5, 5.0)
    """
    size = 10.0 ** math.floor(math.log10(max(value, 1e-3)))
    return next(float(round(step * size, 6)) for step in (1, 2, 5, 10) if value <= step * size * (1 + 1e-9))


def _ticks(top: float) -> list[float]:
    return [round(top * part / 5, 6) for part in range(6)]
