"""What a parameter is: a number or a tensor that learns, with its bounds and unit declared once, beside its name.

`ev: Annotated[Scalar, Bounds(-8, 8, unit="stops")] = 0.0` is read by the TOML reader (error messages), the
reference page, the fit (box of the optimizer) and the property tests.  Torch-free: the daemon reads profiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, Union

if TYPE_CHECKING:
    from torch import Tensor

Scalar: TypeAlias = Union[float, "Tensor"]
Points: TypeAlias = tuple[tuple[float, float], ...]  # knots of a curve: (x, y), x rising


@dataclass(frozen=True)
class Bounds:
    """The closed range a parameter may have, in `unit`.  For `Points` it bounds x and y of every knot."""

    low: float
    high: float
    unit: str = ""

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high
