"""For every test: simulated DNGs, the shared samples where they are at hand, an empty home folder.  Torch-free."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from ispd.errors import MissingTool
from ispd.simulate.camera import LANTERN, SimulatedCamera
from ispd.simulate.dng import Negative, write_dng
from ispd.simulate.photograph import NOON, Moment, Picture, expose
from ispd.simulate.pictures import color_chart, gradient, photograph_named

os.environ.setdefault("NUMBA_CACHE_DIR", str(Path.home() / ".cache/ispd"))  # compiled once, whatever HOME a test sets
SHARED = Path(__file__).parents[2] / "shared"


class Dng(Protocol):
    """Writes one simulated photo into the test's folder and returns its path."""

    def __call__(
        self,
        name: str = "photo.dng",
        picture: Picture | None = None,
        camera: SimulatedCamera = LANTERN,
        moment: Moment = NOON,
        *,
        seed: int = 0,
        change: Callable[[Negative], Negative] = lambda negative: negative,
    ) -> Path: ...


@pytest.fixture
def dng(tmp_path: Path, chart: NDArray[np.uint8]) -> Dng:
    """A factory of DNGs: `dng("a.dng", picture, camera, Moment(iso=800), seed=1)`.

    Without a picture it is the color chart, 96 × 144; `change` may replace fields of the negative before it is written.
    `name` may have folders.
    """

    def write(
        name: str = "photo.dng",
        picture: Picture | None = None,
        camera: SimulatedCamera = LANTERN,
        moment: Moment = NOON,
        *,
        seed: int = 0,
        change: Callable[[Negative], Negative] = lambda negative: negative,
    ) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_dng(path, change(expose(chart if picture is None else picture, camera, moment, seed=seed)))

    return write


@pytest.fixture
def photo(dng: Dng) -> Path:
    """One plain photo: the color chart, uncompressed so that its bytes are easy to cut."""
    return dng("photo.dng", change=lambda negative: replace(negative, compression="none"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with nothing in it."""
    for name in ("ISPD_CONFIG", "CONFIGURATION_DIRECTORY", "STATE_DIRECTORY", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared samples beside the repository; the test is skipped where there is none."""
    if not SHARED.is_dir():
        pytest.skip(f"the shared samples are not here: {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def chart() -> NDArray[np.uint8]:
    """Flat patches of known sRGB colors, (96, 144, 3)."""
    return color_chart()


@pytest.fixture(scope="session")
def ramp() -> NDArray[np.uint8]:
    """Grey from black to white, (96, 128, 3)."""
    return gradient()


@pytest.fixture(scope="session")
def astronaut() -> NDArray[np.uint8]:
    """A real photograph, (192, 192, 3)."""
    try:
        return photograph_named("astronaut", 192)
    except MissingTool as error:
        pytest.skip(str(error))
