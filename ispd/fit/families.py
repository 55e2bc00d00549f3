"""Families: which numbers of a look are allowed to learn, from few to many, each within the next.

    tone                exposure, white balance, one curve
    core                + matrix and the channels' own curves: four of OpenTorchISP's five stages that learn
    core + shading      the fifth: all five.  From four photos of a model on
    … + exposure by key + exposure by where a photo's own light lies, as automatic modes have it.  Where that differs
    … + exposure slope  + exposure by how bright the scene was.  From four photos that span 2 EV on
    … + two lights      + a matrix of their own for warm lights.  Where lights differ
    … + local tone      + shadows and highlights by their surroundings, contrast of detail
    … + lattice n       + n³ colors, on any of these
    lattice n           nothing else: a grade of the picture that a network has made

Each begins where the smaller one has come to, which began at its own closed form (`start`); never at another fold's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from ispd.fit import cube, model, newton, start
from ispd.fit.cells import Cells
from ispd.fit.model import DELTAS, TERMS, TONES, Frame, Values

EXTRAS = {
    "shading": "shading",
    "key": "exposure by key",
    "slope": "exposure slope",
    "warm": "two lights",
    "tones": "local tone",
}
BLOCKS = {name: (name,) for name in EXTRAS} | {"tones": ("tones", "details")}
TONE = ("ev", "balance", "offsets", "curve")
CORE = (*TONE, "matrix", "red", "green", "blue")
LATTICES = (5, 9, 17)
STEPS_TONE, STEPS_CORE, STEPS_MORE = 4, 8, 4


@dataclass(frozen=True)
class Family:
    """`core`: more than tone; `extras` in the order of EXTRAS; `lattice` nodes along an edge, 0: none."""

    core: bool = True
    extras: tuple[str, ...] = ()
    lattice: int = 0
    is_grade: bool = False  # no tone either: the light is a picture already

    def __str__(self) -> str:
        if self.is_grade:
            return f"lattice {self.lattice}" if self.lattice else "nothing"
        if not self.core:
            return "exposure, white balance, curve"
        more = [EXTRAS[name] for name in self.extras] + ([f"lattice {self.lattice}"] if self.lattice else [])
        return " + ".join(["core", *more])

    @property
    def blocks(self) -> tuple[str, ...]:
        """Names of all that learns, but the lattice."""
        return (*CORE, *(block for extra in self.extras for block in BLOCKS[extra])) if self.core else TONE

    @property
    def numbers(self) -> int:
        """How many numbers learn, of one body: what makes one family larger than another."""
        if self.is_grade:
            return 3 * self.lattice**3
        sizes = {"shading": 3 * TERMS, "key": 1, "slope": 1, "warm": 6, "tones": TONES + 2}
        return (
            36 + (6 + 3 * DELTAS if self.core else 0) + sum(map(sizes.__getitem__, self.extras)) + 3 * self.lattice**3
        )


Grown: TypeAlias = dict[Family, Values]


def grow(family: Family, cells: Cells, frame: Frame, grown: Grown) -> Values:
    """The family's values; `grown` remembers all that were on the way."""
    if family not in grown:
        grown[family] = _grow(family, cells, frame, grown)
    return grown[family]


def _grow(family: Family, cells: Cells, frame: Frame, grown: Grown) -> Values:
    if family.lattice:
        values = grow(replace(family, lattice=0), cells, frame, grown)
        return cube.solve(cells, values, frame, family.lattice)
    if family.is_grade:
        return model.plain(frame, cells)
    if family.extras:
        values = grow(Family(True, family.extras[:-1]), cells, frame, grown)
        values = values | new(BLOCKS[family.extras[-1]], frame, cells)
        return newton.solve(cells, values, frame, family.blocks, STEPS_MORE)
    if family.core:
        values = grow(Family(False), cells, frame, grown) | new(("matrix", "red", "green", "blue"), frame, cells)
        return newton.solve(cells, values, frame, CORE, STEPS_CORE)
    return newton.solve(cells, start.start(cells, frame), frame, TONE, STEPS_TONE)


def new(blocks: tuple[str, ...], frame: Frame, cells: Cells) -> Values:
    """Blocks that change nothing yet; they lie where the cells do."""
    shapes = {"shading": (3, TERMS), "matrix": (6,), "warm": (6,), "key": (1,), "slope": (1,)}
    shapes |= {"tones": (TONES,), "details": (2,)}
    values: Values = {}
    for block in blocks:
        shape = shapes.get(block, (DELTAS,))
        names = [block]
        if block in ("shading", "matrix", "warm"):
            # shading is a lens's on a body: never of several models together
            names = [f"{block}.{at}" for at, body in enumerate(frame.bodies) if body or block != "shading"]
        values |= {name: cells.weight.new_zeros(shape) for name in names}
    return values
