"""TOML ↔ frozen dataclasses.  What a key may say is declared once, beside the field; this reads that line.

    ev: Annotated[Scalar, Bounds(-8, 8, unit="stops")] = 0.0      a bounded number (msgspec.Meta(ge=…, le=…) also)
    method: Literal["filmic", "none"] = "filmic"                  one of these
    curve: Curve = field(default_factory=Curve)                   a table
    outputs: Annotated[tuple[Output, ...], Key("output")]         tables, written [[output]]
    device: Annotated[str, Check(device_problem)] = "auto"        a rule of its own
    knots: Annotated[Numbers, Bounds(-1, 1), Counts((0, 9))] = () numbers, each within bounds
    cube: Cube | None = None                                      what only the caller can read: `others`

Every problem is one sentence with file, line, key and what is allowed:

    film.toml:12: look.exposure.ev = 12 must lie in -8 to 8 stops
"""

from ispd.toml.leaves import Refused, allowed, did_you_mean, dotted, shown
from ispd.toml.reading import Page, Reading, load, parse
from ispd.toml.slots import Check, Key, Lifted, Slot, Unwritten, lifted_slot, repeated, slots
from ispd.toml.writing import changed, literal, to_table, write

__all__ = [
    "Check",
    "Key",
    "Lifted",
    "Page",
    "Reading",
    "Refused",
    "Slot",
    "Unwritten",
    "allowed",
    "changed",
    "did_you_mean",
    "dotted",
    "lifted_slot",
    "literal",
    "load",
    "parse",
    "repeated",
    "shown",
    "slots",
    "to_table",
    "write",
]
