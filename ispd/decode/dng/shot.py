"""From a DNG's tags to the Shot that rendering needs."""

from __future__ import annotations

from ispd.decode.dng.tags import Tiff
from ispd.isp.values import Matrix, Shot


def shot_from_dng(tiff: Tiff, *, cam_from_xyz: Matrix = ()) -> tuple[Shot, tuple[str, ...]]:
    """The shot that the tags describe, and a sentence for each thing that had to be ignored or guessed.

    `cam_from_xyz` is the reader's own matrix for this camera (LibRaw's rgb_xyz_matrix, zero rows dropped), used only
    where the file has no usable one.  The levels hold the file's LinearizationTable: drop it where the reader has
    applied it.  Raises PhotoError where no picture can come of it.
    """
    raise NotImplementedError
