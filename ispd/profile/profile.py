"""A profile: a named look with the photos it is meant for and the pictures it asks for.  TOML ↔ Profile ↔ JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from ispd import models, toml
from ispd.isp.look import Look
from ispd.isp.params import Cube
from ispd.orders import Output
from ispd.profile import cube
from ispd.profile.body import Body
from ispd.profile.certificate import Certificate
from ispd.profile.match import Match
from ispd.profile.schema import upgraded


def _name_problem(name: str) -> str:
    if name == "auto":
        return "is what a folder says when the profile shall be found for each photo; choose another name"
    if not re.fullmatch(r"\w[\w.+-]{0,99}", name):
        return "must be letters, digits and - _ . + only, beginning with a letter or digit"
    return ""


def _backend_problem(name: str) -> str:
    is_known = name in ("isp", models.OWN) or not models.name_problem(name)
    return "" if is_known else f'must be "isp", "{models.OWN}" or an imported model\'s name'


AFTER_A_NETWORK = ("lattice", "finish", "sharpen", "gamut")  # what of a look acts on the picture that it has made


@dataclass(frozen=True)
class Profile:
    """One TOML file, or the canonical JSON that an order carries."""

    name: Annotated[str, toml.Check(_name_problem)]  # what folders and commands call it
    schema: Literal[1] = 1  # of this page
    intent: str = ""  # one line: what it is for
    backend: Annotated[str, toml.Check(_backend_problem)] = "isp"  # or "hdr-unet", or an imported model
    match: Match = field(default_factory=Match)
    look: Annotated[Look, toml.Lifted("camera")] = field(default_factory=Look)  # [camera] and [look]
    bodies: Annotated[tuple[Body, ...], toml.Key("body")] = ()  # where several cameras share the look
    outputs: Annotated[tuple[Output, ...], toml.Key("output")] = (Output(),)
    fit: Certificate | None = None  # of a learned one


def read_profile(path: Path) -> Profile:
    """The profile in a TOML file.  Raises ConfigError with every problem found."""
    return read_page(toml.load(path), path.parent)


def read_page(page: toml.Page, folder: Path | None = None) -> Profile:
    """The profile on a page that is parsed already; files that it names lie in `folder`, None: it is JSON.

    Raises ConfigError with every problem found.
    """
    reading = toml.Reading(upgraded(page), {Cube: cube.beside(folder) if folder else cube.from_json})
    profile = reading.table(Profile)
    if profile is not None and "output" in page.table:
        _check_outputs(reading, profile.outputs)
    if profile is not None and not reading.problems:
        _check_learned(reading, profile)
    if profile is not None and profile.backend != "isp":
        _check_stages(reading, profile)
    reading.finish()
    assert profile is not None  # what could not be made has left a problem
    return profile


def _check_outputs(reading: toml.Reading, outputs: tuple[Output, ...]) -> None:
    for output in outputs:
        if output.format == "jpeg" and output.bits == 16:
            reading.complain_of(output, "bits", '= 16 needs format = "tiff" or "png"; a JPEG has 8')


def _check_learned(reading: toml.Reading, profile: Profile) -> None:
    """What a learned look needs of two keys together."""
    curve = profile.look.curve
    if curve.method == "learned" and not len(curve.heights):
        reading.complain_of(curve, "method", '= "learned" needs the 33 heights of the curve; `ispd fit` writes them')
    for camera in (profile.look.camera, *(body.camera for body in profile.bodies)):
        if len(camera.matrix.warm) and not (len(camera.matrix.cool) and len(camera.matrix.warmth)):
            reading.complain_of(camera.matrix, "warm", "needs `cool` and `warmth` beside it")


def _check_stages(reading: toml.Reading, profile: Profile) -> None:
    """What is set and would not act."""
    why = f'is set, but backend = "{profile.backend}" renders by a network: only {", ".join(AFTER_A_NETWORK)} act then'
    for stage in fields(Look):
        is_set = getattr(profile.look, stage.name) != getattr(Look(), stage.name)
        if is_set and stage.name not in AFTER_A_NETWORK:
            reading.complain(("camera",) if stage.name == "camera" else ("look", stage.name), why)
    if profile.bodies:
        reading.complain(("body",), why)


def to_toml(profile: Profile) -> tuple[str, Cube | None]:
    """As a file, every default spelled out, and the lattice that it names: it belongs beside it, as NAME.cube."""
    found: list[Cube] = []

    def named(lattice: Cube) -> str:
        found.append(lattice)
        return f"{profile.name}.cube"

    text = toml.write(toml.to_table(profile, {Cube: named}))
    return text, found[0] if found else None


def to_json(profile: Profile) -> str:
    """Canonical: every default spelled out, keys sorted, so that equal profiles have equal digests.

    Of the certificate only the version is in it: what it says of errors and domain makes no other picture.
    """
    version = replace(profile, fit=profile.fit and Certificate(profile.fit.version))
    return msgspec.json.encode(to_table(version), order="sorted").decode()


def to_table(profile: Profile) -> dict[str, Any]:
    """Everything it says, a lattice inside."""
    return toml.to_table(profile, {Cube: cube.to_json})


def from_json(text: str) -> Profile:
    """The profile that `to_json` wrote.  Raises ConfigError where another ispd wrote what this one cannot read."""
    return read_page(toml.Page("the recipe's profile", msgspec.json.decode(text, type=dict), {}))
