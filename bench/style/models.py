"""Two ways to learn a look that others would take, fitted to the very same pairs: small, and deliberately plain.

`FiveStages`     exposure and white balance, matrix, one curve, deltas of each channel, lens shading
`ThreeCurves`    a free matrix, then a curve for each channel

Both start from light that ispd has developed without any look (linear Rec.2020), so demosaicing and the camera's own
matrix are the same for all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.style.measure import BOX, boxes
from ispd.isp.color.transfer import decode, encode

SEGMENTS, DELTA_SEGMENTS = 32, 8
TOE, TOP = 2.0**-9, 8.0  # of the curve's axis: log2((x + TOE) / TOE), x up to TOP
OUTSIDE = 0.02  # slope below 0 and above white, so that a gradient finds its way back
STEPS = 200  # of each stage; all stages before it go on learning
CELLS = 24_000  # in all; more of them change the second decimal


@dataclass(frozen=True)
class Cells:
    """One pair as boxes: light in, encoded color wanted, how far to trust it, where it lies."""

    light: Tensor  # (3, n) linear Rec.2020
    wanted: Tensor  # (3, n) encoded
    weight: Tensor  # (n,)
    place: Tensor  # (n,) r²: 1 in the corners


def cells(light: Tensor, wanted: Tensor) -> Cells:
    """Of two pictures of one size; boxes that vary much inside are trusted less."""
    mean, fine = boxes(light), boxes(light, BOX // 4)
    rows, columns = mean.shape[1:]
    luminance = fine.mean(dim=0)[: rows * 4, : columns * 4].reshape(rows, 4, columns, 4)
    varies = luminance.std(dim=(1, 3)) / luminance.mean(dim=(1, 3)).clamp(min=1e-4)
    return Cells(
        mean.flatten(1),
        encode(boxes(wanted), "srgb").flatten(1),
        (1 / (1 + (varies / 0.1) ** 2)).flatten(),
        squared_radius(rows, columns).flatten(),
    )


def thinned(pair: Cells, count: int) -> Cells:
    """At most so many of its cells, drawn by chance."""
    total = len(pair.weight)
    keep = torch.randperm(total, generator=torch.Generator().manual_seed(1))[:count]
    return Cells(pair.light[:, keep], pair.wanted[:, keep], pair.weight[keep], pair.place[keep])


def squared_radius(rows: int, columns: int) -> Tensor:
    """r² of every cell of a frame: 0 in its center, 1 in its corners."""
    y = (torch.arange(rows) + 0.5) / rows - 0.5
    x = (torch.arange(columns) + 0.5) / columns - 0.5
    aspect = columns / rows
    return (y[:, None] ** 2 + (x[None] * aspect) ** 2) / (0.25 * (1 + aspect**2))


class Rise(nn.Module):
    """A monotone curve from linear light to a code value."""

    def __init__(self) -> None:
        super().__init__()
        span = math.log2((TOP + TOE) / TOE)
        knots = TOE * 2.0 ** torch.linspace(0, span, SEGMENTS + 1) - TOE
        steps = encode(knots.clamp(0, 1), "srgb").diff().clamp(min=1e-3)
        self.steps = nn.Parameter(torch.log(torch.expm1(steps)))  # of softplus
        self.span = span

    def heights(self) -> Tensor:
        return torch.cat([self.steps.new_zeros(1), nn.functional.softplus(self.steps).cumsum(0)])

    def forward(self, x: Tensor) -> Tensor:
        axis = torch.log2((x.clamp(0, TOP) + TOE) / TOE) / self.span
        return along(self.heights(), axis) + OUTSIDE * (x.clamp(max=0) + (x - TOP).clamp(min=0))

    def roughness(self) -> Tensor:
        return self.heights().diff(n=2).square().sum()


def along(knots: Tensor, at: Tensor) -> Tensor:
    """Linear between equally spaced knots, `at` in [0, 1]."""
    place = at.clamp(0, 1) * (len(knots) - 1)
    low = place.detach().floor().clamp(max=len(knots) - 2).long().flatten()
    part = place - low.reshape(place.shape)
    below, above = (knots.index_select(0, at).reshape(place.shape) for at in (low, low + 1))
    return below + (above - below) * part


class FiveStages(nn.Module):
    """The lean core."""

    order = (("gains",), ("mixing",), ("curve",), ("deltas",), ("shading",))

    def __init__(self) -> None:
        super().__init__()
        self.gains = nn.Parameter(torch.zeros(3))  # stops
        self.mixing = nn.Parameter(torch.zeros(6))
        self.curve = Rise()
        self.deltas = nn.Parameter(torch.zeros(3, DELTA_SEGMENTS + 1))
        self.shading = nn.Parameter(torch.zeros(3, 3))  # stops at r², r⁴, r⁶

    def forward(self, light: Tensor, place: Tensor) -> Tensor:
        """(3, n) encoded, not clamped."""
        powers = torch.stack([place, place**2, place**3])
        x = light * 2.0 ** (self.gains[:, None] + self.shading @ powers)
        rg, rb, gr, gb, br, bg = self.mixing
        rows = [torch.stack([-rg - rb, rg, rb]), torch.stack([gr, -gr - gb, gb]), torch.stack([br, bg, -br - bg])]
        x = x + torch.stack(rows) @ x
        y = self.curve(x)
        return torch.stack([y[c] + along(self.deltas[c], y[c]) for c in range(3)])

    def ridge(self) -> Tensor:
        """What parameters cost by themselves, in units of the loss."""
        deltas = 30 * self.deltas.diff(n=2).square().sum() + 2 * self.deltas.square().sum()
        return 0.5 * self.mixing.square().sum() + 30 * self.curve.roughness() + deltas + self.shading.square().sum()


class ThreeCurves(nn.Module):
    """What a profile with a matrix and three tone curves can say."""

    order = (("matrix",), ("curves",))

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.eye(3))
        self.curves = nn.ModuleList([Rise() for _ in range(3)])

    def forward(self, light: Tensor, place: Tensor) -> Tensor:
        """(3, n) encoded, not clamped."""
        x = self.matrix @ light
        return torch.stack([curve(x[c]) for c, curve in enumerate(self.curves)])

    def ridge(self) -> Tensor:
        """As above."""
        return 30 * sum((curve.roughness() for curve in self.curves), self.matrix.new_zeros(()))  # type: ignore[operator]


Model = FiveStages | ThreeCurves


def fit(model: Model, pairs: Sequence[Cells]) -> Model:
    """Adam on a robust loss, stage after stage, each photo counting the same."""
    pairs = [thinned(pair, CELLS // len(pairs)) for pair in pairs]
    light, wanted = (torch.cat([getattr(pair, name) for pair in pairs], dim=1) for name in ("light", "wanted"))
    place = torch.cat([pair.place for pair in pairs])
    weight = torch.cat([pair.weight / pair.weight.sum() for pair in pairs]) / len(pairs)
    low, high = wanted <= 0.5 / 255, wanted >= 254.5 / 255
    free: list[str] = []
    for names in model.order:
        free.extend(names)
        groups = [
            {"params": [one], "lr": 0.03 if name.startswith("curve") else 0.01}
            for name, one in model.named_parameters()
            if name.split(".")[0] in free
        ]
        optimizer = torch.optim.Adam(groups)
        for _ in range(STEPS):
            optimizer.zero_grad()
            away = model(light, place) - wanted
            away = torch.where(low, away.clamp(min=0), torch.where(high, away.clamp(max=0), away))
            loss = (((100 * away).square().sum(dim=0) + 0.5).sqrt() * weight).sum() + model.ridge() / len(pairs)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return model


def apply(model: Model, light: Tensor) -> Tensor:
    """A whole picture, (3, H, W), as display light in linear Rec.2020."""
    rows, columns = light.shape[1:]
    with torch.no_grad():
        codes = model(light.flatten(1), squared_radius(rows, columns).flatten())
    return decode(codes.clamp(0, 1), "srgb").reshape(3, rows, columns)
