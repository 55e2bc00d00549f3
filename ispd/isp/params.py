"""What a parameter is: a number or a tensor that learns, with its bounds and unit declared once, beside its name.

`ev: Annotated[Scalar, Bounds(-8, 8, unit="stops")] = 0.0` is read by the TOML reader (error messages), the
reference page, the fit (box of the optimizer) and the property tests.  Torch-free: the daemon reads profiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, Union

from msgspec import Struct

if TYPE_CHECKING:
    from torch import Tensor

Scalar: TypeAlias = Union[float, "Tensor"]
Numbers: TypeAlias = Union[tuple[float, ...], "Tensor"]  # several that belong together; (): none, nothing is done
Points: TypeAlias = tuple[tuple[float, float], ...]  # knots of a curve: (x, y), x rising


@dataclass(frozen=True)
class Bounds:
    """The closed range a parameter may have, in `unit`.  It bounds every one of `Numbers`, x and y of every knot."""

    low: float
    high: float
    unit: str = ""

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Counts:
    """How many of `Numbers` there may be: one of these."""

    allowed: tuple[int, ...]


@dataclass(frozen=True)
class Rising:
    """`Numbers` that never fall from one to the next."""


class Cube(Struct, frozen=True):  # no dataclass: to who reads a profile it is one value, not a table
    """A color lattice: size³ nodes, each the color that its place in the unit cube becomes.

    `nodes` are little-endian float32 (blue, green, red, 3), red fastest, as a .cube file has them.  Bytes, since there
    are up to 800,000 numbers: in TOML it is the name of a file, in the JSON of an order base64.
    """

    size: int
    nodes: bytes
