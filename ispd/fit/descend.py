"""The last bit: all numbers of the look together, the lattice too, down the exact slopes of the very stages.

L-BFGS, since Gauss-Newton has left only what its linear picture of the stages does not see: highlights that answer to
white balance, bases that answer to light, curve and lattice leaning on each other.  A curve is the running sum of a
softplus here, so it never falls; every block is counted in steps of its own size.

Source  D. Liu, J. Nocedal, Math. Programming 45 (1989), as `torch.optim.LBFGS` has it
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import softplus

from ispd.fit import model
from ispd.fit.cells import Cells
from ispd.fit.loss import charbonnier, residual
from ispd.fit.model import Frame, Values
from ispd.fit.ridge import penalty

LEAST_RISE = 1e-4  # of a curve from one height to the next: softplus never gives none
STEP = {"ev": 0.05, "balance": 0.05, "matrix": 0.03, "warm": 0.03, "shading": 0.05, "curve": 0.3, "cube": 0.02}
USUAL_STEP = 0.02


def polish(cells: Cells, values: Values, frame: Frame, steps: int, beat: Callable[[], None]) -> Values:
    """Values at most `steps` steps further down; never worse ones."""
    free = {name: _freed(name, value) for name, value in values.items()}
    parts = {name: torch.zeros_like(value, requires_grad=True) for name, value in free.items()}
    search = torch.optim.LBFGS(
        list(parts.values()), max_iter=steps, max_eval=steps * 5 // 4, history_size=20, line_search_fn="strong_wolfe"
    )

    def now() -> Values:
        return {name: _bound(name, free[name] + part * _step(name)) for name, part in parts.items()}

    def cost() -> Tensor:
        moved = now()
        error = charbonnier(residual(model.predicted(cells, moved, frame), cells.aim))
        return (error.double() * cells.weight).sum() + penalty(moved, len(cells.photos))

    def descended() -> Tensor:
        search.zero_grad()
        reached = cost()
        reached.backward()  # type: ignore[no-untyped-call]
        beat()
        return reached

    with torch.no_grad():
        before = float(cost())
    search.step(descended)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        better = float(cost()) < before
        return {name: value.detach() for name, value in now().items()} if better else values


def _step(name: str) -> float:
    return STEP.get(name.partition(".")[0], USUAL_STEP)


def _freed(name: str, value: Tensor) -> Tensor:
    """A curve's heights as what the softplus is taken of."""
    if name != "curve":
        return value
    rise = value.diff().clamp(min=LEAST_RISE)
    return torch.cat([value[:1], rise + torch.log(-torch.expm1(-rise))])


def _bound(name: str, value: Tensor) -> Tensor:
    """The way back."""
    if name != "curve":
        return value
    return torch.cat([value[:1], value[:1] + softplus(value[1:]).cumsum(0)])
