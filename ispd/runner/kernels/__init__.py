"""The common path of the ISP, fused for the CPU: numpy in, numpy out, compiled by numba, without torch.

The picture is defined by the torch stages; what stands here draws the same one, to 1/255 on all but one pixel in 10⁴
(more only around a hard decision, where the last digit decides), about ten times faster than torch does in strips.
`strip` reads as `ispd.isp.render` does; the stages it calls have their names.  A law holds the two together, another
says that neither strips nor threads change a byte.

    coverage   what is covered, and why not                         mend    defects that the file names
    tables     shot, look and output as numbers and tables          space   memory that strips use again
    hot_pixels · denoise    in bands of rows, before all of the rest
    strip      the pipeline; its stages are
               sensor · lateral_ca · demosaic · capture_sharpen · warp · light or learned · resize · codes
    maths      powers and angles, sixteen at a time
    frame      a photo in bands and strips, on threads
    compiler   decorators, and where machine code is kept
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ispd.isp.look import Highlights, Lattice, LocalTone, Look
from ispd.isp.params import Cube
from ispd.isp.values import Area, Bases, Levels, Shot, WarpRadial
from ispd.orders import Output
from ispd.runner.kernels.coverage import uncovered
from ispd.runner.kernels.mend import mended

if TYPE_CHECKING:
    from ispd.runner.kernels.frame import Pixels

__all__ = ["finished", "is_warm", "kept_in", "mended", "missing", "render", "uncovered", "warm"]

WARM = "warm"  # a file beside the machine code: all of it is there; touched whenever it is loaded
FORGOTTEN_SECONDS = 30 * 86400.0


def render(
    samples: NDArray[Any], shot: Shot, look: Look, outputs: tuple[Output, ...], threads: int, beat: Callable[[], None]
) -> list[Pixels]:
    """(H, W, 3) uint8 or uint16 for each output, as `ispd.runner.frame.render` gives them.

    `samples` are stored codes (1, H, W), `mended`; `shot` is surveyed, and nothing is `uncovered`.  `beat` is called
    after every strip.
    """
    from ispd.runner.kernels.frame import render as in_strips

    return in_strips(samples, shot, look, outputs, threads, beat)


def finished(
    display: NDArray[Any], shot: Shot, look: Look, outputs: tuple[Output, ...], threads: int, beat: Callable[[], None]
) -> list[Pixels]:
    """As `render`, of a network's picture: (3, H, W) display-linear, cropped, as the sensor lies, `retouched`."""
    from ispd.runner.kernels.frame import finished as in_strips

    return in_strips(display, shot, look, outputs, threads, beat)


@cache
def missing() -> str:
    """What stands in the way of any kernel; "" if nothing does."""
    try:
        import_module("numba")
    except ImportError as error:
        return f"numba cannot be loaded ({error}): `pip install 'ispd[fast]'`"
    return ""


def kept_in() -> Path | None:
    """Where machine code is kept; None where nothing can be written.  Needs numba."""
    from ispd.runner.kernels.compiler import folder

    return folder()


def is_warm() -> bool:
    """Whether a first photo need not wait for the compiler."""
    return not missing() and (kept := kept_in()) is not None and (kept / WARM).exists()


def warm(say: Callable[[str], None]) -> None:
    """Compiles what is not compiled yet, and loads it.  Needs numba."""
    if not is_warm():
        say("compiling the kernels for this processor: some seconds, once")
    looks = Look(), Look(highlights=Highlights("clip")), _learned()
    for shot, look in ((_poor(), looks[0]), *((_plain(), look) for look in looks)):
        lit = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(1, 64, 64)  # up to the sensor's end
        render(lit, shot, look, (Output(), Output(size=32)), 1, lambda: None)
    kept = kept_in()
    if kept is not None:
        (kept / WARM).touch()
        _forget_old(kept)


def _forget_old(kept: Path) -> None:
    """Machine code of other versions and processors goes when nobody has loaded it for a month."""
    for other in kept.parent.glob("kernels-*"):
        with suppress(OSError):
            mark = other / WARM if (other / WARM).exists() else other
            if other != kept and time.time() - mark.stat().st_mtime > FORGOTTEN_SECONDS:
                shutil.rmtree(other, ignore_errors=True)


def _plain() -> Shot:
    whole = Area(0, 0, 64, 64)
    levels = Levels((0.0,), (1, 1, 1), (1.0,), full=(1.0,))
    identity = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    bases = Bases(2, 2, 32.0, bytes(4 * 4 * 4))
    return Shot("RGGB", "RGB", levels, whole, whole, (1.0, 1.0, 1.0), identity, bases=bases)


def _learned() -> Look:
    """One that needs what is compiled for learned looks alone."""
    cube = Cube(2, bytes(2 * 2 * 2 * 3 * 4))
    return Look(local_tone=LocalTone(fine=0.1), lattice=Lattice(cube))


def _poor() -> Shot:
    """One that needs every stage."""
    warp = WarpRadial(((1.0, 0.01),), (0.5, 0.5))
    return replace(_plain(), noise_profile=((1e-3, 1e-4),) * 3, lateral_ca=(0.01, -0.01), opcodes3=(warp,))
