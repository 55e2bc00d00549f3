"""The demo's stage: a folder with a config, profiles and an inbox, and the photos that fall into it.

Six photographs, three cameras, three profiles: two in demo/profiles, which a newcomer may change and run again, and
`neutral` for what they do not match.  Only what an earlier demo has made is ever removed: its names stand in `.made`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ispd.errors import CannotCreate
from ispd.simulate.camera import KESTREL, LANTERN, MERIDIAN, SimulatedCamera
from ispd.simulate.capture import Place
from ispd.simulate.dng import Negative
from ispd.simulate.photograph import Moment, expose
from ispd.simulate.pictures import photograph_named
from ispd.simulate.sheet import framed

CONFIG = """\
# What the demo runs with: one watched folder, and profiles of its own beside the shipped ones.
state = "state"
profiles = ["profiles"]

[[folder]]
watch   = "inbox"
deliver = "graded"

[settle]
quiet_seconds = 1
"""
PROFILES = {
    "lantern-warm": """\
schema = 1
name = "lantern-warm"
intent = "Photos of the phone, a touch warmer and softer"

[match]
make = "Lumora"
model = "Lantern*"

[look.curve]
contrast = 1.1

[look.finish]
saturation = 1.1
shadow_blue = 0.01
highlight_red = 0.02
highlight_blue = -0.03
""",
    "kestrel-night": """\
schema = 1
name = "kestrel-night"
intent = "The reflex camera at high sensitivity: black and white, hard"

[match]
make = "Aldine"
model = "Kestrel II"
iso = [800, 6400]

[look.curve]
contrast = 1.5

[look.finish]
saturation = 0.0
""",
}
CAPE = Place(28.5618, -80.5772, 3.0)  # Cape Canaveral, launch pad 40
MADE = ".made"  # one name a line, relative


@dataclass(frozen=True)
class Shot:
    """One photo of the demo: what is photographed, how it is framed, by which camera."""

    picture: str
    aspect: float  # width / height of the upright frame
    camera: SimulatedCamera
    moment: Moment

    @property
    def name(self) -> str:
        return f"{self.picture}.dng"

    @property
    def output_name(self) -> str:
        return f"{self.picture}.jpg"


def _at(hour: int) -> datetime:
    return datetime(2026, 6, 21, hour, 7, tzinfo=timezone(timedelta(hours=2)))


LIGHT = Moment(headroom_ev=0.6, ev=-0.3)  # the photographs were graded once: give their highlights back some room
SHOTS = (
    Shot("astronaut", 3 / 4, LANTERN, replace(LIGHT, when=_at(10), orientation=6, temperature_k=5600)),
    Shot("rocket", 3 / 4, MERIDIAN, replace(LIGHT, when=_at(4), orientation=8, iso=200, place=CAPE)),
    Shot("coffee", 4 / 3, LANTERN, replace(LIGHT, when=_at(15), temperature_k=3800)),
    Shot("chelsea", 4 / 3, KESTREL, replace(LIGHT, when=_at(21), iso=800, temperature_k=3600)),
    Shot("motorcycle", 4 / 3, KESTREL, replace(LIGHT, when=_at(17), orientation=3)),
    Shot("hubble", 4 / 3, MERIDIAN, replace(LIGHT, when=_at(23))),
)


@dataclass(frozen=True)
class Stage:
    """Where everything of one demo lies."""

    home: Path

    @property
    def config(self) -> Path:
        return self.home / "ispd.toml"

    @property
    def inbox(self) -> Path:
        return self.home / "inbox"

    @property
    def graded(self) -> Path:
        return self.home / "graded"

    @property
    def state(self) -> Path:
        return self.home / "state"

    @property
    def log(self) -> Path:
        return self.home / "ispd.log"

    @property
    def sheet(self) -> Path:
        return self.home / "contact-sheet.jpg"


def take(shot: Shot, long_edge: int) -> Negative:
    """The negative of a shot; `long_edge` pixels is the longer side of the whole picture, before it is framed."""
    picture = framed(photograph_named(shot.picture, long_edge), shot.aspect)
    return expose(picture, shot.camera, shot.moment, seed=SHOTS.index(shot))


def prepare(home: Path) -> Stage:
    """A stage without traces of an earlier demo.

    Raises CannotCreate where `home` is a folder with things in it that no demo has made.
    """
    stage = Stage(home)
    _clear(stage)
    try:
        for folder in (stage.inbox, stage.graded, stage.state, home / "profiles"):
            folder.mkdir(parents=True, exist_ok=True)
        note(stage, ["ispd.toml", "ispd.log", "contact-sheet.jpg"])
        stage.config.write_text(CONFIG)
        for name, text in PROFILES.items():
            _keep_or_write(home / "profiles" / f"{name}.toml", text)
    except OSError as error:
        raise CannotCreate(f"{home}: the demo cannot be set up here: {error.strerror}") from error
    return stage


def _keep_or_write(path: Path, text: str) -> None:
    """A profile that somebody has changed is what they want to see."""
    if not path.exists():
        path.write_text(text)


def note(stage: Stage, names: Iterable[str]) -> None:
    """Remember what is ours before it is made, so that the next demo may remove it."""
    with open(stage.home / MADE, "a") as made:
        made.writelines(f"{name}\n" for name in names)


def _clear(stage: Stage) -> None:
    home, made = stage.home, stage.home / MADE
    if not made.is_file():
        if home.exists() and (not home.is_dir() or any(home.iterdir())):
            raise CannotCreate(f"{home} was not made by the demo: name another folder with --into")
        return
    for name in made.read_text().splitlines():
        path = home / name
        if path.parent.resolve().is_relative_to(home.resolve()):  # somebody may have written into the list
            path.unlink(missing_ok=True)
    shutil.rmtree(stage.state, ignore_errors=True)
    made.unlink()
