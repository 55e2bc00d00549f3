"""The report of a fit: one HTML file that says at a glance what was learned and how well it holds.

Everything is in the file: no script, no style, picture or font from elsewhere.  What comes from a photo or its owner
(names, cameras) is escaped.  Light and dark as the reader's screen is.

    certificate   in plain words, with what it was learned on
    photos        before | ours | wanted | how far apart, of photos that the fit had not seen
    where         the error by hue, by lightness, and what each stage gives
    what          curve, colors, shading, lattice, local tone
    refused       pairs that taught nothing, and why
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ispd.encode.newfile import cannot_create, new_file
from ispd.fit import charts
from ispd.fit.charts import Line
from ispd.fit.exhibit import HUES, LIGHTNESSES, Bin, Exhibit, by_hue, by_lightness
from ispd.fit.page import STYLE, bar, beside, figure, section, table
from ispd.fit.sample import Refused
from ispd.fit.samples import as_seen
from ispd.isp.color.lab import lab_from_rec2020
from ispd.isp.color.mix import mix
from ispd.isp.color.oklab import rec2020_from_oklab
from ispd.isp.color.spaces import rgb_from_rec2020
from ispd.isp.color.tone import GREY_IN
from ispd.isp.color.transfer import decode, encode
from ispd.isp.factors import matrix_delta
from ispd.isp.look import Camera, Curve, Look, MatrixDelta
from ispd.isp.params import Numbers, Scalar
from ispd.isp.render import grade
from ispd.isp.stages.camera_matrix import color_matrix
from ispd.isp.stages.lattice import lattice
from ispd.isp.stages.learned_curve import learned_curve
from ispd.isp.stages.local_tone import acts
from ispd.isp.stages.shading import lift
from ispd.isp.values import DisplayRGB, SceneRGB
from ispd.profile.certificate import Certificate, others_show
from ispd.sentences import counted, shown

MOST_PHOTOS = 8  # shown as pictures; all are in the table
GOOD, BAD = 2.0, 4.0  # ΔE2000 on average
PHOTO_PX, THUMBNAIL_PX = 420, 220
CHANNELS = {"red": "#d1493f", "green": "#3f9b57", "blue": "#3f77d1"}
TONE_STOPS = (-8, 4)  # of the knots of local tone, from grey
LIGHTNESS_WORDS = ((0.4, "dark"), (0.6, "middle"), (0.8, "light"))  # of OKLab
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
COLORS = (  # sRGB, after the patches that charts have: skin, foliage, skies, and what is vivid
    ("dark skin", "#735244"), ("light skin", "#c29682"), ("blue sky", "#627a9d"), ("foliage", "#576c43"),
    ("violet flower", "#8580b1"), ("bluish green", "#67bdaa"), ("orange", "#d67e2c"), ("deep blue", "#505ba6"),
    ("rose", "#c15a63"), ("purple", "#5e3c6c"), ("yellow green", "#9dbc40"), ("amber", "#e0a32e"),
    ("blue", "#383d96"), ("green", "#469449"), ("red", "#af363c"), ("yellow", "#e7c71f"),
    ("magenta", "#bb5695"), ("cyan", "#0885a1"), ("light grey", "#c8c8c8"), ("grey", "#7a7a79"),
    ("dark grey", "#555555"),
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """How one family does on photos that its fit has not seen."""

    family: str
    mean: float  # ΔE2000
    worst: float  # of one photo
    chosen: bool = False


@dataclass(frozen=True)
class Report:
    """All that a page shows."""

    name: str  # of the profile
    look: Look
    bodies: tuple[tuple[str, Camera], ...]  # of several models, each its own camera part
    proof: Certificate
    exhibits: tuple[Exhibit, ...]  # photos held out, as the fits rendered them that had not seen them
    steps: tuple[Step, ...]  # from few to many that learn
    refused: tuple[Refused, ...] = ()


def write(path: Path, report: Report) -> None:
    """The page as a new file.  Raises CannotCreate where it cannot be, or stands already."""
    with new_file(os.fsencode(path)) as file:
        file.write(page(report).encode())


def write_pictures(folder: Path, report: Report) -> list[Path]:
    """The photos' pictures as PNG files, `NAME-ours.png` and so on, numbered.  Raises CannotCreate."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_create(os.fsencode(folder), error) from error
    files = []
    for number, one in enumerate(report.exhibits, start=1):
        stem = f"{number:02d}-{Path(one.name).stem}"
        parts = {"before": one.before, "ours": one.ours, "wanted": one.wanted}
        pixels = {name: charts.codes(picture) for name, picture in parts.items()}
        for name, picture in (pixels | {"difference": charts.heat(one.difference)}).items():
            files.append(folder / f"{stem}-{name}.png")
            with new_file(os.fsencode(files[-1])) as file:
                Image.fromarray(picture).save(file, "png")
    return files


def page(report: Report) -> str:
    """The HTML."""
    parts = (_certificate, _photos, _where, _stages, _tone, _color, _lens, _all_photos, _refusals)
    title, proof = escape(report.name), report.proof
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><meta name="color-scheme" content="light dark">'
        f"<title>{title}: a learned look</title><style>{STYLE}</style>"
    )
    main = "".join(part(report) for part in parts)
    foot = f"<footer>ispd {escape(proof.ispd)}, family “{escape(proof.family)}”, seed {proof.seed}</footer>"
    body = f"<body><main>{main}</main>{foot}</body>"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>{body}</html>\n'


def _certificate(report: Report) -> str:
    proof = report.proof
    seen = "On photos it had not seen"
    if proof.split == "blocks":
        seen = "On parts of its own photos that it had not seen"
    verdict = (
        f"{seen}, this look is off by <b class='{_grade(proof)}'>{proof.held_out_mean:.1f} ΔE</b> on average; "
        f"95 % of a photo lies within {proof.held_out_p95:.1f}, and the worst photo is off by {proof.worst:.1f}."
    )
    if proof.split == "blocks":
        verdict += (
            f" These were too few to hold out whole photos: <b>others usually show {others_show(proof)} times that</b>."
        )
    notes = [f"Learned from {counted(proof.pairs, 'pair')} of raw and finished picture: {_listed(proof.models)}."]
    if proof.noise_floor:
        notes.append(f"Another demosaicing alone would cost {proof.noise_floor:.1f}: no look can do much better.")
    if report.refused:
        notes.append(f"{counted(len(report.refused), 'pair')} refused; the reasons are at the end.")
    figures = (
        (f"{proof.held_out_mean:.2f}", f"mean ΔE2000, {'unseen' if proof.split == 'photos' else 'of parts unseen'}"),
        (f"{proof.held_out_p95:.1f}", "95 % of a photo below"),
        (f"{proof.worst:.2f}", "worst photo"),
        (f"{proof.held_out_psnr:.1f} dB", "PSNR"),
        (f"{proof.noise_floor:.2f}" if proof.noise_floor else "–", "noise floor"),
        (f"{proof.grid_gap:.2f}", "cells it learned from, against full size"),
    )
    tiles = "".join(f"<div><strong>{number}</strong><span>{words}</span></div>" for number, words in figures)
    return (
        f"<header><h1>{escape(report.name)}</h1><p class='verdict'>{verdict}</p>"
        f"<p>{' '.join(notes)}</p><div class='tiles'>{tiles}</div>{_domain(proof)}</header>"
    )


def _grade(proof: Certificate) -> str:
    """Green, as ink, or red: what the legend calls barely seen is good, of whole photos; a clear difference is not."""
    if proof.held_out_mean < GOOD and proof.split == "photos":
        return "good"
    return "bad" if proof.held_out_mean > BAD else ""


def _domain(proof: Certificate) -> str:
    """What it was learned on, in words, and the colors that it has seen."""
    known = []
    if proof.iso:
        known.append(f"ISO {_span(proof.iso)}")
    if proof.ev:
        known.append(f"scenes of {_span(proof.ev)} EV (5 is a room at night, 9 a bright room, 15 full sun)")
    if proof.warmth:
        span = _span([2.0**end for end in proof.warmth], 2)
        known.append(f"light whose white has {span} times as much red as blue on the sensor")
    words = f"<p>It was learned on {'; '.join(known)}.</p>" if known else ""
    if not any(proof.hues):
        return f"<div class='domain'>{words}</div>"
    hues = "".join(
        f"<i style='background:{_hue_css(number)};height:{4 + 40 * math.sqrt(share / max(proof.hues)):.0f}px' "
        f"title='{share:.1%} of all colors'></i>"
        for number, share in enumerate(proof.hues)
    )
    seen = f"<div class='hues'>{hues}</div><p class='small'>hues it has seen, taller where more of them</p>"
    return f"<div class='domain'>{words}<div>{seen}</div></div>"


def _photos(report: Report) -> str:
    if not report.exhibits:
        return ""
    chosen = _chosen(report.exhibits)
    few = len(chosen) < len(report.exhibits)
    title, by = "Photos it had not seen", "a fit that did not have it"
    if report.proof.split == "blocks":
        title, by = "Its own photos", "a fit that had three quarters of it: a best case"
    intro = (
        f"{f'{len(chosen)} of {len(report.exhibits)}, from' if few else 'From'} the best to the worst. "
        f"Each was rendered by {by}. “Before” is the same raw without a look of its own "
        "(profile <code>neutral</code>)."
    )
    return section(title, intro, charts.legend() + "".join(map(_photo, chosen)))


def _photo(one: Exhibit) -> str:
    name = escape(one.name)
    shots = (("before", one.before), ("ours", one.ours), ("wanted", one.wanted))
    strip = [
        figure(charts.image(charts.codes(picture), f"{one.name}, {word}", PHOTO_PX), word) for word, picture in shots
    ]
    apart = charts.image(charts.heat(one.difference), f"{one.name}, ΔE2000", PHOTO_PX, exact=True)
    strip.append(figure(apart, "how far apart"))
    known = f"mean {one.mean:.2f} ΔE, 95 % below {one.p95:.1f}"
    said = f"<h3>{name} <small>{'nothing to compare' if math.isnan(one.mean) else known}</small></h3>"
    return f"<article>{said}<div class='strip'>{''.join(strip)}</div></article>"


def _chosen(exhibits: Sequence[Exhibit]) -> list[Exhibit]:
    """At most MOST_PHOTOS, evenly from the best to the worst, both among them."""
    ordered = [one for one in sorted(exhibits, key=lambda one: one.mean) if not math.isnan(one.mean)] or [*exhibits]
    if len(ordered) <= MOST_PHOTOS:
        return ordered
    return [ordered[round(at)] for at in np.linspace(0, len(ordered) - 1, MOST_PHOTOS)]


def _where(report: Report) -> str:
    if not report.exhibits:
        return ""
    exhibits = list(report.exhibits)
    hues = [_hue_css(number) for number in range(HUES)]
    greys = [charts.css(torch.full((3,), (number + 0.5) / LIGHTNESSES)) for number in range(LIGHTNESSES)]
    names = ("red", "", "", "yellow", "", "", "green", "", "", "blue", "", "")
    ends = ("black", *("",) * (LIGHTNESSES - 2), "white")
    kinds = (
        (by_hue(exhibits), hues, names, "by hue of the wanted color"),
        (by_lightness(exhibits), greys, ends, "by its lightness"),
    )
    drawn = [figure(_bins(bins, colors, labels, words), words) for bins, colors, labels, words in kinds]
    return section("Where it is off", "A wide column is a kind of color that fills much of the photos.", beside(*drawn))


def _bins(bins: list[Bin], colors: Sequence[str], labels: Sequence[str], words: str) -> str:
    errors, shares = [each.error for each in bins], [each.share for each in bins]
    return charts.columns(errors, colors, labels, shares, "mean ΔE2000", f"error {words}")


def _stages(report: Report) -> str:
    if not report.steps:
        return ""
    widest = max(max(step.mean, step.worst) for step in report.steps)
    rows = []
    for step in report.steps:
        name = escape(step.family) + (" ← kept" if step.chosen else "")
        drawn = bar(step.mean / widest, step.worst / widest)
        kind = " class='chosen'" if step.chosen else ""
        rows.append(f"<tr{kind}><th>{name}</th><td>{drawn}</td><td>{step.mean:.2f}</td><td>{step.worst:.2f}</td></tr>")
    intro = (
        "The error on unseen photos as more is allowed to learn; the tick is the worst photo. "
        "Kept is the smallest that is nearly as good as the best."
    )
    return section("What each stage gives", intro, table(("what may learn", "", "mean", "worst"), rows))


def _tone(report: Report) -> str:
    look = report.look
    p, local = look.exposure, look.local_tone
    words, drawn = [f"Exposure {float(p.ev):+.2f} EV."], []
    if float(p.slope) and len(p.slope_range) == 2:
        span = _span([float(end) for end in p.slope_range])
        words.append(f"{float(p.slope):+.2f} stops more for each stop that the scene was brighter, over {span} EV.")
    if float(p.key_slope):
        words.append(f"{float(p.key_slope):+.2f} stops for each stop that a photo's own light is brighter.")
    if look.curve.method == "learned" and len(look.curve.heights):
        drawn.append(figure(_curve_chart(look.curve), "the tone curve; 0 is mid grey"))
        if _channels_differ(look.curve):
            caption = "what each channel adds to it: the tint of shadows (left) and highlights (right)"
            drawn.append(figure(_delta_chart(look.curve), caption))
    if acts(local):
        large, small = 1 + float(local.coarse), 1 + float(local.fine)
        words.append(f"Contrast of detail: {large:.2f} × in the large, {small:.2f} × in the small.")
        drawn.append(figure(_local_chart(look), "local tone: lift by how bright the surroundings are"))
    return section("Tone", " ".join([*words, *_fine_print(look)]), beside(*drawn))


def _fine_print(look: Look) -> list[str]:
    """What only full size shows, where it is not as usual."""
    words, usual = [], Look()
    edges, capture = look.sharpen, look.capture_sharpen
    if edges != usual.sharpen:
        said = f"sharpened by {float(edges.amount):.2f} within {edges.radius_px:g} px" if edges.amount else "left soft"
        words.append(f"Edges are {said}, as in the finished pictures.")
    if capture != usual.capture_sharpen:
        shares = float(capture.amount), float(usual.capture_sharpen.amount)
        words.append("Less of what the lens has softened is given back: {:.2f}, not {:g}.".format(*shares))
    if look.denoise != usual.denoise:
        words.append("Noise is kept, as they keep it.")
    return words


def _channels_differ(curve: Curve) -> bool:
    return any(len(part) for part in (curve.red, curve.green, curve.blue))


def _curve_chart(curve: Curve) -> str:
    stops = torch.linspace(-8, 4, 120)
    light = GREY_IN * torch.exp2(stops)
    grey = SceneRGB(light.expand(3, -1)[:, None])
    own = encode(learned_curve(grey, curve), "srgb")[:, 0]
    shared = encode(learned_curve(grey, replace(curve, red=(), green=(), blue=())), "srgb")[0, 0]
    plain = encode(light.clamp(max=1), "srgb")
    drawn = [Line(_points(stops, plain), "var(--faint)", "plain sRGB", dashed=True)]
    drawn.append(Line(_points(stops, shared), "var(--ink)", "shared by all channels"))
    if _channels_differ(curve):
        drawn += [Line(_points(stops, own[number]), CHANNELS[name], name) for number, name in enumerate(CHANNELS)]
    axis = [-8.0, -6.0, -4.0, -2.0, 0.0, 2.0, 4.0]
    titles = ("stops from mid grey", "on the screen")
    return charts.lines(drawn, axis, [0, 0.25, 0.5, 0.75, 1], titles, "tone curve")


def _delta_chart(curve: Curve) -> str:
    parts = {"red": curve.red, "green": curve.green, "blue": curve.blue}
    values = {name: [float(value) for value in part] or [0.0, 0.0] for name, part in parts.items()}
    most = _room([value for part in values.values() for value in part], 0.05)
    drawn = [
        Line([(at / (len(part) - 1), value) for at, value in enumerate(part)], CHANNELS[name], name)
        for name, part in values.items()
    ]
    ticks = [-most, -most / 2, 0, most / 2, most]
    return charts.lines(drawn, [0, 0.25, 0.5, 0.75, 1], ticks, ("value on the screen", "added"), "channel curves")


def _local_chart(look: Look) -> str:
    tones = [float(value) for value in look.local_tone.tones] or [0.0, 0.0]
    most = _room(tones, 0.5)
    first, last = TONE_STOPS
    points = [(first + (last - first) * at / (len(tones) - 1), value) for at, value in enumerate(tones)]
    axis = [float(stop) for stop in range(first, last + 1, 2)]
    titles = ("surroundings, stops from grey", "lift, stops")
    return charts.lines([Line(points, "var(--accent)")], axis, [-most, 0, most], titles, "local tone")


def _room(values: Sequence[float], step: float) -> float:
    """The next multiple of `step` that all lie within."""
    return max(step, math.ceil(max(map(abs, values)) / step - 1e-9) * step)


def _points(x: Tensor, y: Tensor) -> list[tuple[float, float]]:
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _color(report: Report) -> str:
    look = report.look
    cameras = report.bodies or (("", look.camera),)
    parts = [f"<h3>Some colors: plain above, through the look below</h3><div class='swatches'>{_swatches(look)}</div>"]
    planes = [plane for name, camera in cameras for plane in _matrices(name, camera.matrix)]
    if look.lattice.cube is not None:
        before, after = _lattice_pictures(look)
        pictures = beside(figure(before, "all hues, light to dark, without it"), figure(after, "with it"))
        parts.append(f"<h3>The lattice: colors that no curve can move</h3>{pictures}")
        planes += [_lattice_plane(look, lightness, words) for lightness, words in LIGHTNESS_WORDS]
    if planes:
        intro = "<p>Each line ends in a dot of the color that it leads to; grey is the center.</p>"
        parts.append(f"<h3>Where colors move</h3>{intro}{beside(*planes)}")
    return section("Color", "<br>".join(map(_balance, cameras)), "".join(parts))


def _balance(body: tuple[str, Camera]) -> str:
    name, camera = body
    red, blue = (float(stops) for stops in (camera.white_balance.red, camera.white_balance.blue))
    whose = f"{escape(name)}: white balance" if name else "White balance"
    return f"{whose} {red:+.2f} stops of red and {blue:+.2f} of blue against the camera's own."


def _swatches(look: Look) -> str:
    plain, white = _colors(), look.camera.white_balance
    balance = torch.tensor([float(white.red), 0.0, float(white.blue)])[:, None, None]  # as if of these primaries
    light = color_matrix(SceneRGB(plain[:, None] * torch.exp2(balance)), _rows(look.camera.matrix.cool))
    through = grade(SceneRGB(light * 2.0 ** float(look.exposure.ev)), look)
    pairs = zip(COLORS, _css_of(plain), _css_of(through[:, 0]), strict=True)
    return "".join(
        f"<div><i style='background:{one}'></i><i style='background:{other}'></i><span>{name}</span></div>"
        for (name, _), one, other in pairs
    )


def _colors() -> Tensor:
    """COLORS in linear Rec.2020, (3, n)."""
    codes = torch.tensor([[int(code[at : at + 2], 16) / 255 for at in (1, 3, 5)] for _, code in COLORS]).T
    return mix(np.linalg.inv(rgb_from_rec2020("srgb")), decode(codes, "srgb"))


def _css_of(rec2020: Tensor) -> list[str]:
    """Of linear Rec.2020 (3, n)."""
    return [charts.css(color) for color in as_seen(rec2020[:, None])[:, 0].T]


def _matrices(name: str, matrix: MatrixDelta) -> list[str]:
    """The plane and the numbers of each light's matrix."""
    ways = [("camera matrix, cooler light" if len(matrix.warm) else "camera matrix", matrix.cool)]
    ways.append(("camera matrix, warmer light", matrix.warm))
    drawn = []
    for light, terms in ways:
        rows = _rows(terms)
        if rows is None:
            continue
        plain = _colors()
        moved = color_matrix(SceneRGB(plain[:, None]), rows)[:, 0]
        plane = charts.arrows(lab_from_rec2020(plain), lab_from_rec2020(moved), _css_of(moved), light)
        lines = ("".join(f"<td>{float(value):+.3f}</td>" for value in row) for row in rows)
        numbers = "".join(f"<tr>{line}</tr>" for line in lines)
        caption = f"{escape(name)}, {light}" if name else light
        drawn.append(figure(plane, caption, f"<table class='matrix'>{numbers}</table>"))
    return drawn


def _rows(terms: Numbers) -> list[list[Scalar]] | None:
    """3 × 3, rows summing to 1, from six numbers; None where there are none."""
    return matrix_delta(MatrixDelta(terms), (1.0, 1.0, 1.0), "RGB")


def _lattice_plane(look: Look, lightness: float, words: str) -> str:
    turn = torch.arange(18) / 18 * 2 * math.pi
    rings = [torch.stack([torch.full_like(turn, lightness), c * turn.cos(), c * turn.sin()]) for c in (0.06, 0.12)]
    plain = rec2020_from_oklab(torch.cat(rings, dim=1)).clamp(0, 1)
    moved = lattice(DisplayRGB(plain[:, None]), look.lattice.cube)[:, 0]
    plane = charts.arrows(lab_from_rec2020(plain), lab_from_rec2020(moved), _css_of(moved), f"lattice, {words}", 60)
    return figure(plane, f"lattice, {words} colors")


def _lattice_pictures(look: Look) -> tuple[str, str]:
    hue = torch.linspace(0, 2 * math.pi, 360)[None].expand(140, -1)
    light = torch.linspace(0.95, 0.15, 140)[:, None].expand(-1, 360)
    chroma = 0.13 * (1 - ((light - 0.6).abs() / 0.55) ** 2)
    field = DisplayRGB(rec2020_from_oklab(torch.stack([light, chroma * hue.cos(), chroma * hue.sin()])).clamp(0, 1))
    before, after = (charts.codes(as_seen(each)) for each in (field, lattice(field, look.lattice.cube)))
    return charts.image(before, "hues", PHOTO_PX), charts.image(after, "hues through the lattice", PHOTO_PX)


def _lens(report: Report) -> str:
    drawn = []
    for name, camera in report.bodies or (("", report.look.camera),):
        terms = (camera.shading.red, camera.shading.green, camera.shading.blue)
        if any(len(part) for part in terms):
            drawn += [_shading_chart(name, terms), _grey_wall(terms)]
    if not drawn:
        return ""
    return section("Lens", "What the corners lack, beyond what the files themselves correct.", beside(*drawn))


def _shading_chart(name: str, terms: tuple[Numbers, ...]) -> str:
    radius = torch.linspace(0, 1, 60)
    lifts = [lift(radius**2, part).log2() for part in terms]
    most = _room([float(value) for each in lifts for value in each], 0.25)
    drawn = [
        Line(_points(radius, each), color, channel)
        for each, (channel, color) in zip(lifts, CHANNELS.items(), strict=True)
    ]
    titles = ("center to corner", "lift, stops")
    chart = charts.lines(drawn, [0, 0.25, 0.5, 0.75, 1], [-most, 0, most], titles, "lens shading")
    return figure(chart, escape(name) or "lens shading")


def _grey_wall(terms: tuple[Numbers, ...]) -> str:
    y, x = torch.meshgrid(torch.linspace(-2 / 3, 2 / 3, 120), torch.linspace(-1, 1, 180), indexing="ij")
    square = (x**2 + y**2) / (1 + 4 / 9)
    wall = torch.stack([GREY_IN / lift(square, part) for part in terms])
    return figure(charts.image(charts.codes(encode(wall, "srgb")), "a grey wall", PHOTO_PX), "a grey wall, uncorrected")


def _all_photos(report: Report) -> str:
    ordered = sorted((one for one in report.exhibits if not math.isnan(one.mean)), key=lambda one: -one.mean)
    if len(ordered) <= MOST_PHOTOS:
        return ""
    widest = ordered[0].mean or 1.0
    rows = [
        f"<tr><th>{escape(one.name)}</th><td>{bar(one.mean / widest)}</td>"
        f"<td>{one.mean:.2f}</td><td>{one.p95:.1f}</td></tr>"
        for one in ordered
    ]
    return section("Every photo", "", table(("photo", "", "mean", "95 %"), rows))


def _refusals(report: Report) -> str:
    if not report.refused:
        return ""
    return section("Refused", "These taught nothing, and why.", "".join(map(_refusal, report.refused)))


def _refusal(one: Refused) -> str:
    name, place = shown(os.path.basename(one.path)), escape(shown(one.path))
    picture = "" if one.thumbnail is None else charts.image(charts.codes(one.thumbnail), name, THUMBNAIL_PX)
    other = f"<small>with {escape(shown(os.path.basename(one.reference)))}</small>" if one.reference else ""
    words = f"<b title='{place}'>{escape(name)}</b>{other}<p>{escape(one.reason)}</p>"
    return f"<div class='refused'>{picture}<div>{words}</div></div>"


def _hue_css(number: int) -> str:
    """The color of that twelfth of the circle of hues."""
    turn = torch.tensor((number + 0.5) / HUES * 2 * math.pi)
    lab = torch.stack([torch.tensor(0.68), 0.13 * turn.cos(), 0.13 * turn.sin()])
    return _css_of(rec2020_from_oklab(lab[:, None]))[0]


def _listed(names: Sequence[str]) -> str:
    return escape(" and ".join(names)) if names else "an unknown camera"


def _span(ends: Sequence[float], digits: int = 1) -> str:
    low, high = (f"{round(end, digits):g}" for end in (ends[0], ends[-1]))
    return low if low == high else f"{low} to {high}"
