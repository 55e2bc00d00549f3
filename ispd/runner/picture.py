"""A photo's samples become the pictures that a profile asks for, by the form that is fastest here.

    the CPU, an ordinary photo and look   ispd.runner.kernels, once they are compiled; torch is not even loaded
    anything else                         ispd.runner.frame: the torch stages, on the CPU or a graphics card

Both draw the same picture: a law holds the kernels to the stages.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ispd.errors import CardFailed
from ispd.isp.look import Look
from ispd.isp.survey import survey
from ispd.isp.values import Shot
from ispd.orders import Output
from ispd.runner import kernels
from ispd.runner.device import load_torch

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True)
class Rendered:
    """The pictures, (H, W, 3) each, with what the survey of the whole photo found and the device that made them."""

    pictures: list[Pixels]
    shot: Shot
    device: str


def render(
    samples: NDArray[Any], shot: Shot, look: Look, outputs: tuple[Output, ...], device: str, beat: Callable[[], None]
) -> Rendered:
    """One picture for each output: cropped, square pixels, sized, sharpened, in its space, upright.

    `samples` are stored codes, (1, H, W) of a mosaic or (planes, H, W).  `beat` is called while it goes on.
    Raises PhotoError where the levels leave no picture, MissingTool without torch where that is needed, CardFailed.
    """
    if device == "cpu" and kernels.is_warm() and not kernels.uncovered(shot, look, outputs):
        codes, known = kernels.mended(samples, shot)  # defects first: the survey compares neighbors
        known = survey(codes, known, look)
        if not kernels.uncovered(known, look, outputs):  # the survey may have found what they cannot do
            threads = len(os.sched_getaffinity(0))
            return Rendered(kernels.render(codes, known, look, outputs, threads, beat), known, device)
    torch = load_torch()
    try:
        return _by_torch(samples, shot, look, outputs, device, beat)
    except torch.OutOfMemoryError:
        pass  # leave the except first: the traceback's frames hold the tensors
    except torch.AcceleratorError as error:
        raise CardFailed(f"the graphics card failed: {str(error).splitlines()[0]}") from error
    gc.collect()
    torch.cuda.empty_cache()
    print("the graphics card has no room for this photo: the CPU renders it", file=sys.stderr)
    return render(samples, shot, look, outputs, "cpu", beat)


def _by_torch(
    samples: NDArray[Any], shot: Shot, look: Look, outputs: tuple[Output, ...], device: str, beat: Callable[[], None]
) -> Rendered:
    from ispd.runner import frame

    mosaic = frame.prepared(samples, shot, look, device)
    return Rendered(frame.render(mosaic, look, outputs, device, beat), mosaic.shot, device)
