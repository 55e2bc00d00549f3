"""ispd inspect: what a raw file states, what rendering gets of it, and whether it is all there."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ispd.cli.command import Subparsers, about, add_command, add_json, print_json
from ispd.errors import MissingTool, PhotoError
from ispd.sentences import counted, shown

if TYPE_CHECKING:
    from ispd.decode.inspection import ColorSamples, Inspection, Stated
    from ispd.isp.values import Area, CameraProfile, Opcode, Shot
    from ispd.orders import Facts

EXAMPLES = """\
examples:
  ispd inspect IMG_1.dng
  ispd inspect --tags-only *.dng           without decoding: at once
  ispd inspect --json IMG_1.NEF | jq .[0].shot.neutral

Nothing is developed or written.  For a DNG, what the file states stands beside what rendering gets of it.
"""

WIDTH = 14  # of the left column
MIDDLE = 44  # of the column "in the file"

ORIENTATIONS = {
    1: "upright",
    2: "mirrored left to right",
    3: "upside down",
    4: "mirrored top to bottom",
    5: "mirrored, lies on its left side",
    6: "lies on its left side: turned right by 90°",
    7: "mirrored, lies on its right side",
    8: "lies on its right side: turned left by 90°",
}
LIGHTS = {2: "fluorescent", 3: "tungsten", 17: "A", 18: "B", 19: "C", 20: "D55", 21: "D65", 22: "D75", 23: "D50"}


def add_parser(subparsers: Subparsers) -> None:
    """The command's arguments."""
    parser = add_command(subparsers, "inspect", __doc__, EXAMPLES)
    parser.add_argument("photos", nargs="+", metavar="FILE", help="raw photos")
    parser.add_argument("--tags-only", action="store_true", help="do not decode the samples")
    add_json(parser, "a list of objects, one a photo")


def run(args: Namespace) -> int:
    """Inspect each photo; 65 if all are bad, 1 if some are."""
    from contextlib import ExitStack

    from ispd.decode.cell import Cell
    from ispd.decode.inspection import inspect

    found = []
    with ExitStack() as stack:
        cell = None if args.tags_only else stack.enter_context(Cell())
        for name in args.photos:
            path = os.path.abspath(os.fsencode(name))
            with about(path):
                found.append((path, _facts(path), inspect(path, cell)))
    if args.json:
        print_json([_plain(*one) for one in found])
    else:
        print("\n\n".join("\n".join(page(*one)) for one in found))
    bad = sum(inspection.verdict != "whole" for _, _, inspection in found)
    return 0 if not bad else PhotoError.exit_code if bad == len(found) else 1


def _facts(path: bytes) -> Facts | None:
    """By our own reader or exiftool; None where the file has none, or exiftool is not there."""
    from ispd.metadata.exiftool import ExifTool
    from ispd.photo import facts_of

    try:
        with ExifTool() as door:
            return facts_of(path, door)
    except (PhotoError, MissingTool):
        return None


def _plain(path: bytes, facts: Facts | None, found: Inspection) -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(found)
    for part in ((plain["shot"] or {}).get("camera_profile") or {}).values():
        if isinstance(part, dict):
            part.pop("nodes")  # a table of up to a megabyte
    return {"file": shown(path), "facts": facts and msgspec.to_builtins(facts), **plain}


def page(path: bytes, facts: Facts | None, found: Inspection) -> Iterator[str]:
    """The lines of one photo's page."""
    yield f"{shown(os.path.basename(path))}    {_size(found.file_size)}, {found.container}"
    yield _row({"whole": "complete", "arriving": "NOT COMPLETE", "refused": "REFUSED"}[found.verdict], _verdict(found))
    yield from _about(facts)
    if found.stored:
        yield _row("raw picture", _stored(found))
        yield _row("previews", _previews(found))
    if found.shot is not None:
        yield ""
        yield from _comparison(found, found.shot)
        yield from _corrections(found, found.shot)
    yield from _samples(found)
    for index, warning in enumerate(found.warnings):
        yield ("" if index else "\n") + _row("" if index else "warnings", warning)


def _row(label: str, *columns: str) -> str:
    return "  " + label.ljust(WIDTH) + "".join(column.ljust(MIDDLE - 1) + " " for column in columns).rstrip()


def _verdict(found: Inspection) -> str:
    return found.sentence or "every piece of its image data is there"


def _about(facts: Facts | None) -> Iterator[str]:
    if facts is None:
        return
    serial = f" · serial {facts.serial}" if facts.serial else ""
    yield _row("camera", (facts.camera or "not said") + serial)
    if facts.lens:
        yield _row("lens", facts.lens)
    parts = (
        facts.captured.replace("T", " "),
        _seconds(facts.exposure_seconds),
        f"f/{facts.f_number:.3g}" if facts.f_number else "",
        f"{facts.focal_length_mm:.3g} mm" if facts.focal_length_mm else "",
        f"ISO {facts.iso}" if facts.iso else "",
    )
    if any(parts):
        yield _row("taken", " · ".join(filter(None, parts)))


def _seconds(seconds: float | None) -> str:
    if not seconds:
        return ""
    return f"1/{1 / seconds:.0f} s" if seconds < 0.4 else f"{seconds:g} s"


def _stored(found: Inspection) -> str:
    stored = found.stored
    assert stored is not None
    pieces = counted(stored.pieces, "tile" if stored.tiled else "strip")
    kind = "floating point" if stored.floating else "bit"
    planes = "" if stored.planes == 1 else f" in {stored.planes} planes"
    return f"{stored.width} × {stored.height}, {stored.bits} {kind}{planes}, {stored.compression} in {pieces}"


def _previews(found: Inspection) -> str:
    if not found.previews:
        return "none"
    return " · ".join(f"{p.width} × {p.height} ({_size(p.size)})" for p in found.previews)


def _comparison(found: Inspection, shot: Shot) -> Iterator[str]:
    """What the file states beside what rendering gets."""
    if found.stated:
        yield _row("", "IN THE FILE", "WHAT RENDERING GETS")
    for label, stated, used in _pairs(found.stated, found, shot):
        yield _row(label, *([stated or "-"] if found.stated else []), used)
    yield from _matrix_lines(found, shot)


def _pairs(stated: dict[str, Stated], found: Inspection, shot: Shot) -> Iterator[tuple[str, str, str]]:
    levels, crop = shot.levels, shot.crop
    yield "color filter", _tag(stated, "CFAPattern"), _filter(shot)
    if "LinearizationTable" in stated:
        count = stated["LinearizationTable"].count
        yield "linearization", f"{count} entries", "to be applied" if levels.table else f"applied by {found.reader}"
    yield "black", _tag(stated, "BlackLevel"), _numbers(levels.black)
    for tag, deltas in (("BlackLevelDeltaH", levels.delta_h), ("BlackLevelDeltaV", levels.delta_v)):
        if tag in stated:
            yield "  " + tag[-6:], f"{stated[tag].count} values", f"{len(deltas)} values"
    yield "white", _tag(stated, "WhiteLevel"), _numbers(levels.white)
    yield "active area", _tag(stated, "ActiveArea"), _area(shot.active)
    yield "crop in it", _crop(stated), _area(crop)
    yield "pixel shape", _tag(stated, "DefaultScale"), f"{shot.pixel_aspect:g} : 1"
    yield "orientation", _tag(stated, "Orientation"), f"{shot.orientation}: {ORIENTATIONS[shot.orientation]}"
    white = "AsShotNeutral" if "AsShotNeutral" in stated else "AsShotWhiteXY"
    yield (
        "neutral",
        _tag(stated, white),
        _numbers(shot.neutral) + ("  (a guess: estimated when it is developed)" if shot.lights else _light(found)),
    )
    if "AnalogBalance" in stated:
        yield "analog gains", _tag(stated, "AnalogBalance"), "in the neutral"
    yield "exposure", _tag(stated, "BaselineExposure"), f"{shot.baseline_exposure:+.2f} stops"
    if shot.camera_profile is not None:
        yield "its profile", _tag(stated, "ProfileHueSatMapDims"), _camera_profile(shot.camera_profile)
    if shot.noise_profile or "NoiseProfile" in stated:
        s, o = shot.noise_profile[0] if shot.noise_profile else (0.0, 0.0)
        yield "noise", _tag(stated, "NoiseProfile", most=2), f"variance = {s:.3g}·x + {o:.3g} ({shot.colors[0]})"


def _tag(stated: dict[str, Stated], name: str, most: int = 4) -> str:
    if name not in stated:
        return ""
    values = stated[name].values[:most]
    more = f" … ({stated[name].count})" if stated[name].count > len(values) else ""
    return " ".join("0/0" if v is None else f"{v:.6g}" for v in values) + more


def _crop(stated: dict[str, Stated]) -> str:
    if "DefaultCropSize" not in stated:
        return ""
    origin = _tag(stated, "DefaultCropOrigin").replace(" ", ", ") or "0, 0"
    return f"{_tag(stated, 'DefaultCropSize').replace(' ', ' × ')} at {origin}"


def _filter(shot: Shot) -> str:
    if not shot.cfa:
        return {"W": "none: black and white"}.get(shot.colors, f"none: {shot.colors} at every site")
    side = round(len(shot.cfa) ** 0.5)
    return " ".join(shot.cfa[i : i + side] for i in range(0, len(shot.cfa), side))


def _camera_profile(profile: CameraProfile) -> str:
    """What `tables = "file"` and `method = "file"` of a look would apply."""
    tables = (("hue table", profile.hue_sat_map), ("look table", profile.look_table))
    parts = [f"{name} {t.hues} × {t.saturations} × {t.values}" for name, t in tables if t is not None]
    if profile.tone_curve:
        parts.append(f"tone curve of {len(profile.tone_curve)} points")
    if profile.exposure_offset:
        parts.append(f"{profile.exposure_offset:+.2f} stops")
    return ", ".join(parts) or "black as it is"


def _light(found: Inspection) -> str:
    if found.light is None:
        return ""
    kelvin, tint = found.light
    lean = "" if abs(tint) < 0.002 else f", {abs(tint):.3f} to {'green' if tint > 0 else 'magenta'}"
    return f"  ({kelvin:,.0f} K{lean})"


def _matrix_lines(found: Inspection, shot: Shot) -> Iterator[str]:
    sources = []
    for number in "123":
        if f"ColorMatrix{number}" in found.stated:
            light = found.stated.get(f"CalibrationIlluminant{number}")
            code = int(light.values[0] or 0) if light else 0
            forward = f"ForwardMatrix{number}" in found.stated and "ProfileHueSatMapDims" not in found.stated
            also = f", ForwardMatrix{number}" if forward else ""
            sources.append(f"ColorMatrix{number} ({LIGHTS.get(code, f'light {code}')}){also}")
    rows = ["  ".join(f"{value:7.4f}" for value in row) for row in shot.rec2020_from_camera]
    for index, row in enumerate(rows):
        label = "to Rec.2020" if index == 0 else ""
        stated = [sources[index] if index < len(sources) else "-" if not sources and not index else ""]
        yield _row(label, *(stated if found.stated else []), row)


def _corrections(found: Inspection, shot: Shot) -> Iterator[str]:
    """In the order they are applied."""
    lines = [f"{name}, applied by {found.reader} while decoding" for name in found.reader_did]
    lists = (("stored image", shot.opcodes1), ("active area", shot.opcodes2), ("after demosaicing", shot.opcodes3))
    lines += [f"{_opcode(opcode)} ({where})" for where, opcodes in lists for opcode in opcodes]
    for index, line in enumerate(lines or ["none asked for by the file"]):
        yield ("" if index else "\n") + _row("" if index else "corrections", line)


def _opcode(opcode: Opcode) -> str:
    from ispd.isp import values

    name = type(opcode).__name__
    match opcode:
        case values.GainMap(region, _, _, gains):
            flat = [gain for row in gains for node in row for gain in node]
            return f"{name} ×{min(flat):.2f}…{max(flat):.2f}, {len(gains)} × {len(gains[0])} nodes, {_region(region)}"
        case values.MapPolynomial(region, coefficients):
            terms = " + ".join(f"{c:.4g}·x^{i}" for i, c in enumerate(coefficients) if c)
            return f"{name} {terms or '0'}, {_region(region)}"
        case values.MapTable(region, table):
            return f"{name} of {len(table)} entries, {_region(region)}"
        case values.FixVignetteRadial(coefficients, _):
            return f"{name} ×{1 + sum(coefficients):.2f} in the corners"
        case values.WarpRectilinear(planes, _) | values.WarpRadial(planes, _):
            return f"{name} for {counted(len(planes), 'plane')}"
        case values.DeltaPerRow(region, _, along, operation):
            return f"{operation} per {along}, {_region(region)}"
        case values.FixBadPixelsConstant(constant):
            return f"{name}: samples of {constant} are mended"
        case values.FixBadPixelsList(points, areas):
            return f"{name}: {counted(len(points), 'point')} and {counted(len(areas), 'area')}"
        case values.TrimBounds(area):
            return f"{name} to {_area(area)}"


def _region(region: Any) -> str:
    plane = (
        f"plane {region.plane}" if region.planes == 1 else f"planes {region.plane}…{region.plane + region.planes - 1}"
    )
    if (region.row_pitch, region.col_pitch) == (1, 1):
        return plane
    return f"{plane}, every {region.row_pitch}×{region.col_pitch} from {region.area.top},{region.area.left}"


def _samples(found: Inspection) -> Iterator[str]:
    if not found.samples:
        return
    heads = ("least", "1 %", "median", "99 %", "greatest")
    yield ""
    yield _row("samples", f"by {found.reader}; stored codes, and below them light (0 black, 1 white)")
    yield _row("", "".join(head.rjust(11) for head in heads) + "    clipped".rjust(13))
    for color in found.samples:
        yield from _color(color)


def _color(color: ColorSamples) -> Iterator[str]:
    yield _row(color.color.rjust(WIDTH - 2), "".join(f"{code:11.6g}" for code in color.codes))
    yield _row("", "".join(f"{light:11.4f}" for light in color.light) + f"{color.clipped:12.2%}")


def _numbers(values: Sequence[float]) -> str:
    shown = values if len(set(values)) > 1 else values[:1]
    return " ".join(f"{v:.5g}" for v in shown[:8]) + (f" … ({len(shown)})" if len(shown) > 8 else "")


def _area(area: Area) -> str:
    return f"{area.width} × {area.height} at {area.left}, {area.top}"


def _size(count: int) -> str:
    if count < 10_000:
        return f"{count:,} bytes"
    return f"{count / 1e3:,.0f} KB" if count < 1e6 else f"{count / 1e6:,.1f} MB"
