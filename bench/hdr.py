"""python -m bench.hdr: what `hdr-unet` brings beside ispd's own pipeline.  What it costs: `python -m bench --only one`.

decibels   on views of the held-out scenes of ispd/nets/train/simulation.toml, in all and by noise and clipping
fidelity   a simulated photo of 12 megapixels: how far bfloat16 is from float32, and tiles from larger ones
pictures   with --raw, real photos: ispd's pipeline, and the network, under the same tones
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ispd.decode.cell import Cell
from ispd.isp import render
from ispd.isp.color.mix import mix
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.color.transfer import encode
from ispd.isp.size import picture
from ispd.isp.values import Area, CameraRGB, DisplayRGB, Mosaic
from ispd.models import OWN, SHIPPED, WEIGHTS
from ispd.nets.hdr_look import LOOK, toned
from ispd.nets.hdr_unet import TILE, HdrUNet, develop, multiplications, unpacked
from ispd.nets.train.evaluate import developing, entries, measured, table
from ispd.nets.train.radiance import maps, photographs
from ispd.nets.train.sensor import expose
from ispd.nets.train.simulation import SIMULATION, Chance

SAMPLES = Path(__file__).parents[2] / "shared" / "samples"
LARGE = (3000, 4000)  # rows and columns


def main() -> None:
    """Measure and print."""
    parser = ArgumentParser(prog="python -m bench.hdr", description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, default=SHIPPED / OWN / WEIGHTS, help="others than those that ship")
    parser.add_argument("--samples", type=Path, default=SAMPLES)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--raw", type=Path, nargs="*", default=[], help="real photos to look at")
    parser.add_argument("-o", "--out", type=Path, help="where their pictures go")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    net = unpacked(args.weights.read_bytes())
    if args.raw:
        for path in args.raw:
            beside(net, path, args.out or Path())
        return
    print(f"{multiplications(net) / 1e3:.1f} thousand multiplications a pixel")
    fidelity(net, args.samples)
    print(markdown(table(measured({"hdr-unet": developing(net)}, entries(held_out(args.samples), seed=0)))))


def held_out(samples: Path) -> list[Any]:
    """The scenes that no training has seen."""
    names = {*SIMULATION.scenes.held_out_maps, *SIMULATION.scenes.held_out_photos}
    return [one for one in (*maps(samples / "hdr"), *photographs(samples / "photos")) if one.name in names]


def markdown(results: dict[str, Any]) -> str:
    """A line a stratum."""
    rows = {**results["strata"], "all": {**results["psnr"], "views": results["views"]}}
    lines = ["| noise, clipping | views | ispd | hdr-unet | gain |", "|---|---:|---:|---:|---:|"]
    for name, row in rows.items():
        gain = row["hdr-unet"] - row["rival"]
        lines.append(f"| {name} | {row['views']} | {row['rival']:.2f} | {row['hdr-unet']:.2f} | {gain:+.2f} |")
    return "\n".join(lines)


def fidelity(net: HdrUNet, samples: Path) -> None:
    """What running it fast changes in a large photo."""
    scene = maps(samples / "hdr")[0].light[None]
    radiance = torch.nn.functional.interpolate(scene, LARGE, mode="bilinear", align_corners=False)[0]
    mosaic = expose(radiance, Chance(0)).mosaic
    full, half, tiles = (
        encode(developed(net, mosaic, bfloat16, side).clamp(0, 1), "srgb")
        for bfloat16, side in ((False, 2048), (True, 2048), (False, 768))
    )
    for name, other in (("bfloat16", half), ("tiles of 768 pixels", tiles)):
        apart = 255 * (full - other).abs()
        print(
            f"{name}: {float(apart.mean()):.3f} / 255 from float32 and tiles of 2048, at most {float(apart.max()):.1f}"
        )


def developed(net: HdrUNet, mosaic: Mosaic, bfloat16: bool, tile: int = TILE) -> DisplayRGB:
    """The picture."""

    def run(*seen: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            light: Tensor = net(*seen)
        return light

    with torch.inference_mode():
        return develop(run, mosaic, tile)


def beside(net: HdrUNet, path: Path, out: Path) -> None:
    """OUT/NAME.png: ispd's pipeline on the left, the network on the right."""
    with Cell() as cell:
        decoded = cell.decode(os.fsencode(path))
    with torch.inference_mode():
        mosaic = render.surveyed(render.mended(Mosaic(torch.from_numpy(decoded.samples), decoded.shot)), LOOK)
        area = picture(mosaic.shot)
        plain = _cropped(render.corrected(render.sensor(mosaic, LOOK), mosaic.shot, LOOK), area)
        pictures = (toned(CameraRGB(plain), mosaic.shot, LOOK, area.top, area.left), developed(net, mosaic, True))
        sheet = torch.cat([_srgb(one) for one in pictures], dim=2)
    out.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet.permute(1, 2, 0).contiguous().numpy()).save(out / f"{path.stem}.png")
    print(out / f"{path.stem}.png", file=sys.stderr)


def _cropped(planes: Tensor, area: Area) -> Tensor:
    return planes[:, area.top : area.bottom, area.left : area.right]


def _srgb(display: DisplayRGB) -> Tensor:
    code = encode(mix(rgb_from_rec2020("srgb"), display).clamp(0, 1), "srgb")
    return (code * 255).round().to(torch.uint8)


if __name__ == "__main__":
    main()
