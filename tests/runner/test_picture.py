"""Which form renders a photo; what it draws is the business of the forms' own tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ispd.isp.look import Look
from ispd.orders import Output
from ispd.runner import frame, kernels
from ispd.runner.picture import render
from tests.isp.shots import DAYLIGHT, mosaic
from tests.runner.test_frame import lit

TORCH_IS_LOADED = """\
import sys
import numpy as np
from ispd.isp.look import Demosaic, Look
from ispd.isp.values import Area, Levels, Shot
from ispd.orders import Output
from ispd.runner.picture import render
area = Area(0, 0, 64, 64)
identity = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
shot = Shot("RGGB", "RGB", Levels((0.0,), (1, 1, 1), (65535.0,)), area, area, (1.0, 1.0, 1.0), identity)
samples = np.full((1, 64, 64), 9000, np.uint16)
made = render(samples, shot, Look(demosaic=Demosaic(sys.argv[1])), (Output(),), "cpu", lambda: None)
assert made.pictures[0].shape == (64, 64, 3) and made.shot.levels.full
print("torch" in sys.modules)
"""


def torch_is_loaded(method: str, **env: str) -> bool:
    command = [sys.executable, "-c", TORCH_IS_LOADED, method]
    done = subprocess.run(command, capture_output=True, check=True, text=True, env={**os.environ, **env})
    return done.stdout.strip() == "True"


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    kernels.warm(print)


def test_an_ordinary_photo_needs_no_torch() -> None:
    assert not torch_is_loaded("directional")


def test_a_look_that_the_kernels_do_not_cover_is_torchs() -> None:
    assert torch_is_loaded("bilinear")


def test_what_is_not_compiled_is_torchs_and_nothing_waits_for_the_compiler(tmp_path: Path) -> None:
    assert torch_is_loaded("directional", NUMBA_CACHE_DIR=str(tmp_path))


def test_without_numba_everything_works(tmp_path: Path) -> None:
    (tmp_path / "numba.py").write_text("raise ImportError")
    assert torch_is_loaded("directional", PYTHONPATH=f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")


def test_both_forms_draw_the_same_picture() -> None:
    photo = mosaic(lit(96, 128), neutral=DAYLIGHT)
    samples = photo.samples.numpy()
    fused = render(samples, photo.shot, Look(), (Output(),), "cpu", lambda: None).pictures[0]
    ready = frame.prepared(samples, photo.shot, Look(), "cpu")
    staged = frame.render(ready, Look(), (Output(),), "cpu", lambda: None)[0]
    assert np.abs(fused.astype(int) - staged.astype(int)).max() <= 1
