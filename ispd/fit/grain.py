"""Grain: do the finished pictures keep the noise that a look would take away?

Told from photos that the fits have not seen, at full size, both ways: in dark places noise that is cut at black leaves
more light than there was, so a picture that kept it differs from one that did not in its tones too.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace

from ispd.decode.cell import Cell
from ispd.fit.judge import Render, judge_each
from ispd.fit.learn import Held, Learned
from ispd.isp.look import Denoise, Look
from ispd.metadata.exiftool import ExifTool

NOISY = 400  # ISO from which on noise may tell
MOST = 3  # photos, of the highest ISO: a full render takes its time
GAIN = 0.05  # ΔE2000 that keeping it must gain


def as_wanted(learned: Learned, cell: Cell, door: ExifTool, render: Render, judges: Executor) -> Learned:
    """With denoise off where that is nearer to the finished pictures.  Raises PhotoError, MachineError."""
    noisy = {held.sample.raw_path: held for held in learned.held if (held.sample.shot.iso or 0) >= NOISY}
    chosen = sorted(noisy.values(), key=lambda held: -(held.sample.shot.iso or 0))[:MOST]
    if not chosen:
        return learned

    def gained(held: Held) -> float:
        clean, grained = judge_each(held.sample, (held.look, grainy(held.look)), cell, door, render)
        return clean.mean - grained.mean

    if sum(judges.map(gained, chosen)) / len(chosen) < GAIN:
        return learned
    held = tuple(replace(one, look=grainy(one.look)) for one in learned.held)
    return replace(learned, look=grainy(learned.look), held=held)


def grainy(look: Look) -> Look:
    """The look that leaves noise alone."""
    return replace(look, denoise=Denoise(luminance=0.0, color=0.0))
