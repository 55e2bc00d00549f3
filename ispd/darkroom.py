"""Developing by hand: photos one by one, without watching, daemon or ledger.  What `ispd develop` is.

with Darkroom("auto") as darkroom:
    outcome = darkroom.develop(b"/photos/IMG_1.DNG", Wish(deliver=Path("graded")), open_library())
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

from ispd.config import Folder
from ispd.decode.cell import Cell
from ispd.decode.facts import check_whole
from ispd.develop import develop
from ispd.errors import BadModel, CannotCreate, ChangedPhoto, ConfigError, MissingTool, PhotoError
from ispd.metadata.exiftool import ExifTool
from ispd.models import pinned
from ispd.orders import Delivered, Failed, Fault, Format, Order, Outcome, Output, Plan, Report, SetAside, Waiting
from ispd.photo import digest_of, facts_of, find_sidecar, identity_of, note_sidecar
from ispd.plan import Choice, choose, plan_with
from ispd.profile import Library, Profile
from ispd.publish import Desk, Numbering, Staged, open_desk_by_hand, publish, staging_path
from ispd.publish.names import join
from ispd.runner.device import choose_device


@dataclass(frozen=True)
class Wish:
    """What to make of photos that are named one by one."""

    deliver: Path
    profile: Profile | None = None  # None: the one that matches, as in a watched folder
    format: Format | None = None  # None: the profile's outputs


class Darkroom:
    """A decode cell, an exiftool and a device, kept while photos are developed.  A context manager.

    `models` is the folder of imported networks, which profiles may name.
    """

    def __init__(self, device: str, models: Path = Path()) -> None:
        self._device = choose_device(device)
        self._models = models.absolute()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._cell = self._open.enter_context(Cell())
        self._door = self._open.enter_context(ExifTool())
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def develop(self, path: bytes, wish: Wish, library: Library, beat: Callable[[], None] = lambda: None) -> Outcome:
        """Develop one raw into `wish.deliver`.  The original is only read, and nothing is overwritten.

        Raises ConfigError, NoInput where there is no such file, and MachineError of a kind that says what must be
        mended first: MissingTool, CannotCreate and NotPermitted where `deliver` refuses.
        """
        try:
            order, plan = self._order(os.path.realpath(path), os.path.basename(path), wish, library)
        except PhotoError as error:
            return SetAside(str(error))
        with open_desk_by_hand(os.fsencode(wish.deliver.absolute())) as desk:
            order = replace(order, staging=_staging(desk, plan))
            report = develop(order, self._cell, self._door, self._device, beat)
            return _published(desk, plan, report) if report.fault is None else _outcome(report.fault)

    def _order(self, path: bytes, name: bytes, wish: Wish, library: Library) -> tuple[Order, Plan]:
        check_whole(path)
        identity = identity_of(os.stat(path))
        digest = digest_of(path, identity) if identity else None
        if identity is None or digest is None:
            raise ChangedPhoto("the file changed while it was read: try again when it has arrived")
        plan = self._plan(path, name, wish, library)
        folder = os.fsencode(self._models)
        return Order(0, path, digest, identity, plan.recipe, (), _sidecar(path), plan.note, folder), plan

    def _plan(self, path: bytes, name: bytes, wish: Wish, library: Library) -> Plan:
        folder = Folder(
            watch=Path(os.fsdecode(os.path.dirname(path))), deliver=wish.deliver, learn="never", name="{stem}"
        )
        facts = facts_of(path, self._door)
        choice = Choice(wish.profile.name, ()) if wish.profile else choose(facts, name, folder, library)
        assert isinstance(choice, Choice)  # learn = "never": there is nothing to wait for
        profile = wish.profile or library.get(choice.name)
        if wish.format:
            profile = replace(profile, outputs=_in_format(profile.outputs, wish.format))
        plan = plan_with(profile, choice, facts, name, folder)
        try:
            return replace(plan, recipe=pinned(plan.recipe, self._models))
        except BadModel as error:  # before anything is decoded
            raise ConfigError(f'{profile.name}: backend = "{profile.backend}": {error}') from error


def _in_format(outputs: tuple[Output, ...], wanted: Format) -> tuple[Output, ...]:
    """The same pictures in one format: those that then were equal become one.  TIFF is asked for its depth: 16 bit."""
    bits: Literal[8, 16] = 16 if wanted == "tiff" else 8
    return tuple(dict.fromkeys(replace(output, format=wanted, bits=bits) for output in outputs))


def _sidecar(path: bytes) -> bytes | None:
    folder, sidecars = os.path.dirname(path), dict[bytes, bytes]()
    for name in os.listdir(folder):
        if name.lower().endswith(b".xmp"):
            note_sidecar(os.path.join(folder, name), sidecars)
    return find_sidecar(path, sidecars)


def _staging(desk: Desk, plan: Plan) -> tuple[bytes, ...]:
    outputs = plan.recipe.outputs
    return tuple(staging_path(desk, 0, number, output.extension) for number, output in enumerate(outputs))


def _published(desk: Desk, plan: Plan, report: Report) -> Delivered:
    staged = tuple(
        Staged(file.path, name, file.sha256, file.size) for file, name in zip(report.files, plan.names, strict=True)
    )
    names = publish(desk, staged, Numbering(plan.names))
    warnings = (plan.note, *report.warnings) if plan.note else report.warnings
    return Delivered(tuple(join(desk.deliver, name) for name in names), warnings)


def _outcome(fault: Fault) -> Outcome:
    """Raises MissingTool, CannotCreate: the next photo would not fare better."""
    match fault.kind:
        case "photo" | "incomplete":
            return SetAside(fault.sentence)
        case "bug":
            return Failed(fault.sentence)
        case "tool":
            raise MissingTool(fault.sentence)
        case "space":
            raise CannotCreate(fault.sentence)
        case _:
            return Waiting(fault.sentence)
