"""A report says what was learned, all of it in one file, whatever the photos are called."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from PIL import Image

from ispd.errors import CannotCreate
from ispd.fit import charts
from ispd.fit.exhibit import Exhibit, by_hue, by_lightness, exhibit
from ispd.fit.report import MOST_PHOTOS, Report, Step, page, write, write_pictures
from ispd.fit.sample import Placement, Refused, Sample
from ispd.isp.color.lab import delta_e, lab_from_rec2020
from ispd.isp.color.transfer import encode
from ispd.isp.look import (
    Camera,
    Corrections,
    Curve,
    Exposure,
    Gamut,
    Lattice,
    LocalTone,
    Look,
    MatrixDelta,
    Shading,
    WhiteBalance,
)
from ispd.isp.params import Cube
from ispd.profile.certificate import Certificate
from tests.isp.shots import shot

HOSTILE = "<img src=http://evil.example/x onerror=alert(1)>\"'&.dng"
VOID = {"meta", "img", "br"}
PLAIN = Look(exposure=Exposure(auto="none"), curve=Curve(method="none"), gamut=Gamut("clip"))


def learned() -> Look:
    """A look in which everything has been learned."""
    size = 5
    steps = torch.linspace(0, 1, size)
    blue, green, red = torch.meshgrid(steps, steps, steps, indexing="ij")
    nodes = (torch.stack([red, green, blue], dim=-1) * 0.95 + 0.02).numpy().astype("<f4").tobytes()
    delta = tuple(0.02 * math.sin(at) for at in range(9))
    return Look(
        camera=Camera(
            shading=Shading((0.5,), (0.4, 0.1), (0.3,)),
            white_balance=WhiteBalance(0.1, -0.1),
            matrix=MatrixDelta((0.05,) * 6, (-0.02,) * 6, (-1.0, 0.5)),
        ),
        exposure=Exposure(ev=0.4, slope=-0.2, slope_range=(2.0, 13.0), auto="none"),
        local_tone=LocalTone((0.4, 0.3, 0.2, 0.1, 0.0, -0.1, -0.2), 0.1, 0.2),
        curve=Curve(method="learned", heights=tuple(at / 32 for at in range(33)), red=delta, blue=delta),
        lattice=Lattice(Cube(size, nodes)),
    )


def shown(name: str = "IMG_1.DNG", error: float = 1.0) -> Exhibit:
    picture = torch.linspace(0, 1, 3 * 12 * 16).reshape(3, 12, 16)
    apart = torch.full((12, 16), error)
    apart[0, 0] = math.nan
    return Exhibit(name, picture, picture, picture, apart, lab_from_rec2020(picture), error, 2 * error)


def report(**changes: object) -> Report:
    proof = Certificate(
        pairs=8,
        held_out_mean=1.42,
        held_out_p95=3.5,
        held_out_psnr=33.0,
        worst=2.8,
        noise_floor=0.7,
        family="core + lattice 5",
        iso=(100.0, 1600.0),
        ev=(2.0, 13.0),
        warmth=(-1.0, 0.5),
        hues=tuple(at / 66 for at in range(12)),
        models=("Tessera Plumb 3",),
    )
    steps = (Step("core", 2.4, 4.0), Step("core + lattice 5", 1.42, 2.8, chosen=True))
    plain = Report("summer", learned(), (), proof, (shown(), shown("IMG_2.DNG", 2.0)), steps)
    return replace(plain, **changes)  # type: ignore[arg-type]


class Tags(HTMLParser):
    """Whether every tag is closed, and what the attributes are."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.all: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(text: str) -> Tags:
    tags = Tags()
    tags.feed(text)
    tags.close()
    assert tags.open == []
    return tags


FULL = report(
    exhibits=tuple(shown(f"{HOSTILE}{number}", 1 + number / 10) for number in range(MOST_PHOTOS + 3)),
    refused=(
        Refused(HOSTILE.encode(), b"b\xff\n.jpg", "not <the> same photo", torch.rand(3, 20, 30)),
        Refused(b"a.dng", None, "no reference"),
    ),
    name=HOSTILE,
    bodies=((HOSTILE, learned().camera), ("another", Camera())),
    steps=(Step(HOSTILE, 1.0, 2.0, chosen=True),),
)


def test_every_tag_is_closed_and_nothing_comes_from_elsewhere() -> None:
    tags = read(page(FULL))
    sources = [
        value or "" for name, value in tags.attributes if name in ("src", "href", "xlink:href", "srcset", "action")
    ]
    assert sources
    assert all(source.startswith("data:image/") for source in sources)
    assert not tags.all & {"script", "link", "iframe", "object", "embed", "base", "form"}
    assert not re.search(r"url\(|@import", page(FULL))


def test_a_hostile_name_is_text() -> None:
    tags = read(page(FULL))
    assert not [name for name, _ in tags.attributes if name.startswith("on")]
    assert "<img src=http" not in page(FULL)
    assert "&lt;img src=http" in page(FULL)
    assert "not &lt;the&gt; same photo" in page(FULL)


def test_the_certificate_stands_first_in_plain_words() -> None:
    text = page(report())
    words = "On photos it had not seen, this look is off by <b class='good'>1.4 ΔE</b> on average"
    assert words in text
    assert text.index(words) < text.index("Photos it had not seen</h2>")
    far = page(report(proof=replace(report().proof, held_out_mean=6.2, warmth=(0.263, 0.263))))
    assert "<b class='bad'>6.2 ΔE</b>" in far
    assert "white has 1.2 times as much red" in far
    blocks = page(report(proof=replace(report().proof, split="blocks")))
    assert "On parts of its own photos that it had not seen" in blocks
    assert "too few to hold out whole photos: <b>others usually show 2 to 4 times that" in blocks
    assert "Photos it had not seen" not in blocks


def test_what_was_not_learned_is_not_shown() -> None:
    text = page(report(look=PLAIN, exhibits=(), steps=(), proof=Certificate()))
    read(text)
    for title in ("Where colors move", "Lens", "lattice", "local tone", "Refused", "What each stage gives"):
        assert title not in text
    for title in ("Where colors move", "Lens", "The lattice", "local tone", "What each stage gives"):
        assert title in page(report())


def test_many_photos_are_shown_from_the_best_to_the_worst_and_all_are_listed() -> None:
    errors = [1 + number / 10 for number in range(30)]
    text = page(report(exhibits=tuple(shown(f"P{number}.DNG", error) for number, error in enumerate(errors))))
    articles = re.findall(r"<article><h3>P(\d+)\.DNG", text)
    assert len(articles) == MOST_PHOTOS
    assert articles == sorted(articles, key=int)
    assert (articles[0], articles[-1]) == ("0", "29")
    assert all(f"<th>P{number}.DNG</th>" in text for number in range(30))


def test_the_map_is_blue_where_equal_red_where_far_and_grey_where_nothing_is_known() -> None:
    equal, far, unknown = charts.heat(torch.tensor([[0.0, 50.0, math.nan]]))[0].tolist()
    assert equal[2] > equal[0]
    assert far[0] > 3 * far[2]
    assert len(set(unknown)) == 1


def test_an_error_is_counted_with_the_hue_and_the_lightness_of_what_was_wanted() -> None:
    red = torch.tensor([60.0, 60.0, 1.0])[:, None, None].expand(3, 4, 4)
    grey = torch.tensor([15.0, 0.0, 0.0])[:, None, None].expand(3, 4, 4)
    one = replace(shown(), colors=red, difference=torch.full((4, 4), 3.0))
    other = replace(shown(), colors=grey, difference=torch.full((4, 4), 1.0))
    hues, lights = by_hue([one, other]), by_lightness([one, other])
    assert (hues[0].error, hues[0].share) == (3.0, 0.5)
    assert all(math.isnan(each.error) for each in hues[1:])
    assert (lights[6].error, lights[1].error) == (3.0, 1.0)


def sample(trusted: bool = True) -> Sample:
    """A portrait grey wedge, whose wanted picture is half a stop brighter; its frame is outside of the reference."""
    light = torch.linspace(0.05, 0.4, 32)[None, None].expand(3, 24, 32).contiguous()
    inside = torch.zeros(24, 32)
    inside[2:-2, 2:-2] = float(trusted)
    nothing = torch.zeros(3, 24, 32, dtype=torch.bool)
    facts = shot(24, 32, cfa="", orientation=6)
    return Sample(
        name="a.dng",
        raw_path=b"a.dng",
        reference_path=b"a.jpg",
        digest="0" * 64,
        model="camera",
        serial="",
        captured="",
        shot=facts,
        corrections=Corrections(),
        placement=Placement(6, ((1, 0), (0, 1)), (0, 0)),
        cell=8,
        grey=False,
        light=light,
        ceiling=torch.ones(3, 24, 32),
        wanted=light * 2**0.5,
        low=nothing,
        high=nothing,
        trust=inside,
        place=torch.zeros(2, 24, 32),
    )


def test_an_exhibit_is_upright_within_the_reference_and_off_by_what_the_look_is_off() -> None:
    one = exhibit(sample(), PLAIN)
    assert one.ours.shape == one.wanted.shape == one.before.shape == (3, 28, 20)
    assert one.difference.shape == (32, 24)
    known = ~one.difference.isnan()
    light = sample().light[:, 2:-2, 2:-2]
    expected = delta_e(lab_from_rec2020(light), lab_from_rec2020(light * 2**0.5)).mean()
    assert int(known.sum()) == 28 * 20
    assert one.mean == pytest.approx(float(expected), rel=1e-3)
    brighter = exhibit(sample(), replace(PLAIN, exposure=Exposure(ev=0.5, auto="none")))
    assert brighter.mean < 0.05
    assert torch.allclose(brighter.ours, encode(sample().wanted[:, 2:-2, 2:-2], "srgb").rot90(-1, (1, 2)), atol=2e-3)


def test_a_photo_that_can_nowhere_be_compared_makes_a_page_all_the_same() -> None:
    one = exhibit(sample(trusted=False), PLAIN)
    assert math.isnan(one.mean)
    read(page(report(exhibits=(one,))))


def test_it_is_a_new_file(tmp_path: Path) -> None:
    write(tmp_path / "a.html", report())
    assert (tmp_path / "a.html").read_text() == page(report())
    with pytest.raises(CannotCreate):
        write(tmp_path / "a.html", report())


def test_pictures_beside_it_are_what_the_page_shows(tmp_path: Path) -> None:
    files = write_pictures(tmp_path / "p", report())
    assert [file.name for file in files[:4]] == [
        f"01-IMG_1-{part}.png" for part in ("before", "ours", "wanted", "difference")
    ]
    assert Image.open(files[1]).size == (16, 12)
