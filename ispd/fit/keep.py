"""A learned look as a profile: for which camera, with what proof.  Files: `ispd.profile.learned`."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile

from ispd.errors import CannotCreate, ConfigError
from ispd.fit.learn import Learned
from ispd.isp.look import Look
from ispd.orders import Facts, Output, Space
from ispd.profile import Match, Profile, read_profile
from ispd.profile.body import Body
from ispd.profile.certificate import Certificate
from ispd.sentences import counted


def profile(
    learned: Learned, certificate: Certificate, cameras: Sequence[Facts], name: str, backend: str = "isp"
) -> Profile:
    """`cameras`: facts of one photo of each model it was learned on."""
    of = {facts.camera: facts for facts in cameras}
    one = cameras[0] if len(of) == 1 else None
    return Profile(
        name=name,
        intent=f"learned from {counted(len(learned.samples), 'finished picture')} of {' and '.join(sorted(of))}",
        backend=backend,
        match=Match(make=_literal(one.make), model=_literal(one.model or one.unique_model)) if one else Match(),
        look=learned.look if backend == "isp" else Look(lattice=learned.look.lattice, gamut=learned.look.gamut),
        bodies=tuple(
            Body(
                model=_literal(of[model].model or of[model].unique_model), make=_literal(of[model].make), camera=camera
            )
            for model, camera in learned.bodies
        ),
        outputs=(Output(space=_space(learned)),),
        fit=certificate,
    )


def _space(learned: Learned) -> Space:
    """That of the finished pictures where they agree: colors that sRGB has not have been learned for it."""
    spaces = {sample.space for sample in learned.samples}
    return spaces.pop() if len(spaces) == 1 else "srgb"


def _literal(text: str) -> str:
    """As a pattern that fits it: what would be any text there is one character each."""
    return text.strip().replace("*", "?")


def name_of(path: Path) -> str:
    """A profile's name for a file's."""
    name = re.sub(r"[^\w.+-]", "-", path.stem)[:100]
    return name if re.match(r"\w", name) and name != "auto" else f"look-{name}"[:100]


def check_may_write(path: Path) -> None:
    """Before a minute is spent.  Raises CannotCreate where no file can be made, or another one stands."""
    if path.is_dir():
        raise CannotCreate(f"{path} is a folder: name a file in it, as {path / 'LOOK.toml'}")
    check_can_create(path)
    if not os.path.lexists(path):
        return
    try:
        learned = read_profile(path).fit is not None
    except ConfigError:
        learned = False
    if not learned:
        raise CannotCreate(f"{path} is there already and was not learned: choose another name")


def check_can_create(path: Path) -> None:
    """Rights, read-only file systems and the rest of it are found out by trying.  Raises CannotCreate."""
    if not path.parent.is_dir():
        raise CannotCreate(f"{path} cannot be written: its folder does not exist")
    try:
        with TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise CannotCreate(f"{path} cannot be written: {error.strerror}") from error
