"""python -m bench.crops OUT.png: the same places of the same raws as each program shows them by default, at 200 %.

ispd | RawTherapee | darktable | LibRaw, one row a place.  Raws come from ../shared/samples where that folder is there,
and from the simulated camera everywhere.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageDraw, ImageFont

from bench.programs import Program, develop, peers
from ispd.simulate.camera import LANTERN
from ispd.simulate.dng import write_dng
from ispd.simulate.photograph import Moment, expose
from ispd.simulate.pictures import photograph_named

SAMPLES = Path("../shared/samples/raw")
SIDE, ZOOM, TITLE = 160, 2, 28  # pixels of the photo, times as large, of the captions


@dataclass(frozen=True)
class Place:
    """Where to look: a raw, and a point of its picture, as parts of its width and height."""

    raw: str
    x: float
    y: float
    what: str


PLACES = (
    Place("canon_s40_CRW_0117.CRW", 0.17, 0.80, "edge of a letter"),
    Place("canon_s40_CRW_0117.CRW", 0.68, 0.28, "leaf in print"),
    Place("gopro_hero7_GOPR8513.GPR", 0.255, 0.205, "small print"),
    Place("iso 100", 0.45, 0.24, "simulated, ISO 100"),
    Place("iso 800", 0.45, 0.24, "simulated, ISO 800"),
)


def main(target: str) -> None:
    """Develop each raw with each program, cut, and put together."""
    programs = [Program("ispd", develop), *(peer for peer in peers() if "dcraw" not in peer.name)]
    places = [place for place in PLACES if place.raw.startswith("iso") or (SAMPLES / place.raw).exists()]
    sheet = Image.new("RGB", (len(programs) * (SIDE * ZOOM + 8), len(places) * (SIDE * ZOOM + TITLE)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(16)
    with TemporaryDirectory() as folder:
        pictures: dict[tuple[str, str], Image.Image | None] = {}
        for row, place in enumerate(places):
            top = row * (SIDE * ZOOM + TITLE)
            for column, program in enumerate(programs):
                key = place.raw, program.name
                if key not in pictures:
                    pictures[key] = developed(program, raw_at(place.raw, Path(folder)), Path(folder))
                left = column * (SIDE * ZOOM + 8)
                draw.text((left + 4, top + 5), f"{program.name}: {place.what}", "black", font)
                if (picture := pictures[key]) is not None:
                    sheet.paste(cut(picture, place), (left, top + TITLE))
                else:
                    draw.text((left + 4, top + TITLE + 9), "cannot read it", "black", font)
    sheet.save(target)


def raw_at(name: str, folder: Path) -> Path:
    """A sample, or a photograph taken by the simulated camera at that ISO."""
    if not name.startswith("iso"):
        return SAMPLES / name
    path = folder / f"{name.replace(' ', '-')}.dng"
    if not path.exists():
        write_dng(path, expose(photograph_named("astronaut"), LANTERN, Moment(iso=int(name.split()[1]))))
    return path


def developed(program: Program, raw: Path, folder: Path) -> Image.Image | None:
    """The program's picture; None where it makes none."""
    with TemporaryDirectory(dir=folder) as out:
        subprocess.run(program.command(raw, Path(out)), capture_output=True, check=False)
        made = [path for path in Path(out).iterdir() if path.suffix in (".jpg", ".tif")]
        return Image.open(made[0]).convert("RGB") if made else None


def cut(picture: Image.Image, place: Place) -> Image.Image:
    """The place at 200 %, every pixel a square of four."""
    left = round(place.x * picture.width - SIDE / 2)
    top = round(place.y * picture.height - SIDE / 2)
    crop = picture.crop((left, top, left + SIDE, top + SIDE))
    return crop.resize((SIDE * ZOOM, SIDE * ZOOM), Image.Resampling.NEAREST)


if __name__ == "__main__":
    main(*sys.argv[1:])
