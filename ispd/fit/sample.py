"""A sample: one accepted pair of raw and wanted picture, on the grid that looks are fitted on.

The grid's cells are boxes of the sensor, a few pixels a side, whole repeats of its filter array; their light is
averaged in linear light, the wanted picture's likewise, and both lie cell on cell.  The render's own stages run on the
cells as on the planes of a linear file: `raw` is what `ispd.isp.stages.white_balance` and all that follows take.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from ispd.isp.look import Corrections, Look
from ispd.isp.survey.metering import scene_key
from ispd.isp.values import Raw, Shot
from ispd.orders import Space

LONGEST = 512  # cells of the grid's long edge


@dataclass(frozen=True)
class Placement:
    """Where the active area lies in the upright reference, as registration found it.

    A point (x, y) of the active area (after the file's own warp where `corrections.geometry` is "file"), relative to
    its center in units of half its diagonal, lies at

        matrix @ (x, y) · (1 + radial[0]·r² + radial[1]·r⁴) + shift

    relative to the center, in units of half the diagonal, of the reference laid as the sensor lay: upright by its own
    tag, then turned back by `orientation`.  `residual` is what is left, in cells.
    """

    orientation: int  # EXIF 1…8; the raw's own, unless the files disagree
    matrix: tuple[tuple[float, float], tuple[float, float]]
    shift: tuple[float, float]
    radial: tuple[float, float] = (0.0, 0.0)
    residual: float = 0.0
    correlation: float = 1.0


@dataclass(frozen=True)
class Sample:
    """One pair, registered and averaged onto the grid; tensors are float32 on the CPU but for the masks."""

    name: str  # the raw file's, for people
    raw_path: bytes
    reference_path: bytes | None  # None: the raw's own preview
    digest: str  # SHA-256 of the raw
    model: str  # make and model
    serial: str
    captured: str  # "2026-03-29T02:30:00", with a fraction where the camera says; "" unknown
    shot: Shot  # surveyed, its key too; without its geometry where that is not part of the hypothesis
    corrections: Corrections  # what these planes were made with: shading and geometry, "file" or "none"
    placement: Placement
    cell: int  # pixels of a cell's side
    grey: bool  # the reference is black and white
    light: Tensor  # (colors, h, w) linear, after levels and the file's own shading maps, before white balance
    ceiling: Tensor  # the same shape; where sites have clipped the cell's light is at it
    wanted: Tensor  # (3, h, w) the reference, display-linear Rec.2020
    low: Tensor  # (3, h, w) bool: the reference is at 0 there, and may have been meant darker
    high: Tensor  # (3, h, w) bool: … at its greatest code
    trust: Tensor  # (h, w) 0…1: 0 outside the overlap, less where the cell is busy
    place: Tensor  # (2, h, w) each cell's center on the sensor, from the active area's center; 1 in its corners
    scale: float = 1.0  # pixels of the reference for one of the sensor, along a line
    space: Space = "srgb"  # that the reference's codes end with
    bare: Raw | None = None  # light and ceiling without the file's shading maps; None where it has none

    @property
    def raw(self) -> Raw:
        """Light and ceilings as the stages take them, `cfa` being ""."""
        return Raw(self.light, self.ceiling)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        return self.light.shape[-2], self.light.shape[-1]

    def unshaded(self) -> Sample:
        """The same pair under the other hypothesis: the file's shading maps left out."""
        if self.bare is None:
            return self
        corrections = replace(self.corrections, shading="none")
        light, ceiling = self.bare.samples, self.bare.ceiling
        shot = keyed(self.shot, light)
        return replace(self, shot=shot, light=light, ceiling=ceiling, corrections=corrections, bare=None)


def keyed(shot: Shot, light: Tensor) -> Shot:
    """The shot with its scene's key, as the survey of a render would find it."""
    return replace(shot, scene_key=scene_key(light.numpy(), shot, Look()))


@dataclass(frozen=True)
class Refused:
    """A pair that teaches nothing, and why, in a sentence for people."""

    path: bytes  # of the raw, or of the reference where there is no raw to it
    reference: bytes | None
    reason: str
    thumbnail: Tensor | None = None  # (3, h, w) the reference, sRGB-encoded; None where it could not be read
