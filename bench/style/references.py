"""The wanted pictures: what real programs make of the same raws, by their command lines.

The RawTherapee looks are profiles of its own kind, written down below; darktable is left as it installs itself.  Both
are programs of Debian; nothing of them is in here.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

FILM = """\
[Exposure]
Auto=false
Compensation=0.6
Saturation=18
CurveMode=FilmLike
Curve=1;0;0;0.09;0.06;0.32;0.37;0.66;0.79;1;0.98;

[Channel Mixer]
Enabled=true
Red=1080;-60;-20;
Green=-40;1060;-20;
Blue=0;-90;1090;

[RGB Curves]
Enabled=true
LumaMode=false
rCurve=1;0;0;0.25;0.23;0.75;0.78;1;1;
gCurve=1;0;0.01;0.5;0.505;1;1;
bCurve=1;0;0.05;0.25;0.28;0.75;0.72;1;0.93;
"""
GRADE = """\
[Exposure]
Auto=false
Compensation=0.5
Contrast=12
CurveMode=FilmLike
Curve=1;0;0;0.11;0.09;0.32;0.42;0.66;0.82;1;1;

[HSV Equalizer]
Enabled=true
HCurve=1;0;0.505;0.35;0.35;0.15;0.518;0.35;0.35;0.35;0.486;0.35;0.35;0.6;0.48;0.35;0.35;0.8;0.51;0.35;0.35;

[ColorToning]
Enabled=true
Method=Splitco
Autosat=false
Strength=50
Redlow=-12
Greenlow=0
Bluelow=14
Redhigh=20
Greenhigh=5
Bluehigh=-22
"""  # its hue curve turns by 15 degrees for each 0.01 off 0.5: measured on a wheel of hues
HARD = """\
[Exposure]
Auto=true
Clip=0.02
CurveMode=Standard
Curve=0;

[Local Contrast]
Enabled=true
Radius=80
Amount=0.4
Darkness=1
Lightness=1

[Color appearance]
Enabled=true
Surround=Average
J-Contrast=12
C-Chroma=12

[Shadows & Highlights]
Enabled=true
Highlights=35
HighlightTonalWidth=70
Shadows=35
ShadowTonalWidth=30
Radius=40

[Vignetting Correction]
Amount=35
Radius=50
Strength=1
"""


@dataclass(frozen=True)
class Reference:
    """A way to a wanted picture; it may drop as many pixels on each side, RawTherapee does four."""

    name: str
    title: str
    program: str
    make: Callable[[Sequence[Path], Path], None]  # raws, folder of the JPEGs


def render(reference: Reference, raws: Sequence[Path], folder: Path) -> list[Path]:
    """One JPEG a raw, of the same stem; what is there already is not made again."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [folder / f"{raw.stem}.jpg" for raw in raws]
    missing = [raw for raw, picture in zip(raws, pictures, strict=True) if not picture.exists()]
    if missing:
        reference.make(missing, folder)
    if lost := [picture.name for picture in pictures if not picture.exists()]:
        raise RuntimeError(f"{reference.program} made no picture of {', '.join(lost)}")
    return pictures


def rawtherapee(profile: str) -> Callable[[Sequence[Path], Path], None]:
    """JPEG quality 97, 4:4:4, by that profile upon its neutral values."""

    def make(raws: Sequence[Path], folder: Path) -> None:
        with TemporaryDirectory(prefix="ispd-bench-") as home:
            look = Path(home) / "look.pp3"
            look.write_text(profile)
            options: list[str | Path] = ["-p", look, "-j97", "-js3"]
            command = ["rawtherapee-cli", "-q", "-Y", "-o", f"{folder}/", *options, "-c", *raws]
            run(command, {"RT_SETTINGS": home, "RT_CACHE": home})

    return make


def darktable(raws: Sequence[Path], folder: Path) -> None:
    """JPEG quality 97, by the defaults of a fresh installation: its scene-referred workflow, filmic."""
    with TemporaryDirectory(prefix="ispd-bench-") as home:
        core: list[str | Path] = ["--core", "--configdir", home, "--library", ":memory:"]
        for raw in raws:
            quality = ["--conf", "plugins/imageio/format/jpeg/quality=97"]
            run(["darktable-cli", raw, folder / f"{raw.stem}.jpg", *core, *quality])


def run(command: Sequence[str | Path], env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    """Its standard output.  Raises RuntimeError with its complaints where it fails."""
    done = subprocess.run(
        [str(word) for word in command], env={**os.environ, **(env or {})}, cwd=cwd, capture_output=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: exit {done.returncode}\n{done.stderr.decode(errors='replace')[-3000:]}")
    return done.stdout.decode(errors="replace")


FIXED = "film-like curve, saturation, channel mixer, RGB curves"
REFERENCES = (
    Reference("film", FIXED, "rawtherapee-cli", rawtherapee(FILM)),
    Reference("grade", "hue curve up to 30°, split toning", "rawtherapee-cli", rawtherapee(GRADE)),
    Reference("filmic", "scene-referred defaults", "darktable-cli", darktable),
    Reference("hard", "auto levels, CIECAM, local contrast, shadows/highlights", "rawtherapee-cli", rawtherapee(HARD)),
)
