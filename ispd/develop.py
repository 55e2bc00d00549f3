"""Order → Report: decode, render, encode, tag.  What an engine does, and `ispd develop` without one.

The three steps stand apart because an engine overlaps them: while one photo renders, the next is decoded and the last
one tagged.  Every step raises ispd's own errors; `fault` says what one means for the photo.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import ispd
from ispd import lens, models, profile
from ispd.decode.cell import Cell, Decoded
from ispd.encode.picture import check, encode
from ispd.errors import (
    BadModel,
    CannotCreate,
    ChangedPhoto,
    IncompletePhoto,
    IspdError,
    MachineError,
    MissingTool,
    NoInput,
    PhotoError,
)
from ispd.isp.factors import automatic
from ispd.metadata.exiftool import ExifTool
from ispd.metadata.tags import Provenance, write_tags
from ispd.models import Model
from ispd.orders import Fault, Order, Report, Written
from ispd.photo import facts_of, identity_of
from ispd.publish import seal
from ispd.runner import picture
from ispd.runner.device import load_torch
from ispd.runner.picture import Rendered


def decode(order: Order, cell: Cell, door: ExifTool) -> Decoded:
    """The photo's samples.  Raises PhotoError, IncompletePhoto, ChangedPhoto, MachineError."""
    decoded = cell.decode(order.source, order.identity)
    asked = profile.from_json(order.recipe.profile_json)
    corrections = asked.look.camera.corrections
    if asked.backend != "isp" or not lens.is_wanted(decoded.shot, corrections):
        return decoded
    found = lens.correct(decoded.shot, facts_of(order.source, door), corrections)
    warnings = (*decoded.warnings, *found.warnings)
    return replace(decoded, shot=found.shot, warnings=warnings, lens_correction=found.sentence)


@dataclass(frozen=True)
class Developed:
    """What is left of a photo once it is rendered: its pictures and what is said of them, its samples no more."""

    rendered: Rendered
    reader: str
    lens_correction: str
    warnings: tuple[str, ...]
    model: Model | None = None  # the network that rendered, if one did


def render(order: Order, decoded: Decoded, device: str, beat: Callable[[], None]) -> Developed:
    """One picture for each of the recipe's outputs.

    Raises PhotoError, MissingTool, CardFailed; where a network renders also BadModel, ChangedPhoto where it is another
    one than was planned with, and CannotCreate without room.
    """
    asked, outputs = profile.from_json(order.recipe.profile_json), order.recipe.outputs
    if asked.backend == "isp":
        model = None
        rendered = picture.render(decoded.samples, decoded.shot, asked.look, outputs, device, beat)
    else:
        model = models.ordered(order.recipe, Path(os.fsdecode(order.models)))
        load_torch()  # alone, so that what fails has a name
        from ispd.runner import network

        rendered = network.render(decoded.samples, decoded.shot, asked.look, outputs, model, device, beat)
    return Developed(rendered, decoded.reader, decoded.lens_correction, decoded.warnings, model)


def finish(order: Order, developed: Developed, door: ExifTool) -> Report:
    """Encode, tag, check and sync every output into its staging file.

    Raises MachineError, CannotCreate, and ChangedPhoto where the photo went or was replaced since it was decoded.
    """
    try:
        return _finish(order, developed, door)
    finally:  # its tags would be another photo's, or none; and what failed may have failed for that
        _check_unchanged(order)


def _finish(order: Order, developed: Developed, door: ExifTool) -> Report:
    files: list[Written] = []
    warnings = list(developed.warnings)
    provenance = _provenance(order, developed)
    for output, path, pixels in zip(order.recipe.outputs, order.staging, developed.rendered.pictures, strict=True):
        encode(pixels, output, path)
        warnings += write_tags(door, order.source, order.sidecar, path, order.recipe.metadata, provenance)
        check(path, pixels, output)  # exiftool has written the file anew
        files.append(seal(path))
    return Report(
        job=order.job,
        files=tuple(files),
        warnings=tuple(dict.fromkeys(warnings)),  # two outputs, one warning
        reader=developed.reader,
        device=developed.rendered.device,
    )


def _check_unchanged(order: Order) -> None:
    with suppress(OSError):
        if identity_of(os.lstat(order.source)) == order.identity:
            return
    raise ChangedPhoto("the file is no longer the one that was decoded: it is looked at again")


def develop(order: Order, cell: Cell, door: ExifTool, device: str, beat: Callable[[], None]) -> Report:
    """All three steps.  What ispd can name becomes the report's fault; anything else is a bug and escapes."""
    start = time.monotonic()
    try:
        report = finish(order, render(order, decode(order, cell, door), device, beat), door)
    except IspdError as error:
        discard(order)
        report = Report(job=order.job, fault=fault(error))
    return replace(report, seconds=time.monotonic() - start)


def discard(order: Order) -> None:
    """Remove what an order that failed has left in staging."""
    for path in order.staging:
        with suppress(FileNotFoundError):
            os.unlink(path)


def fault(error: IspdError) -> Fault:
    """What happens next with the photo of an order that ended in `error`."""
    sentence = str(error)
    match error:
        case ChangedPhoto() | NoInput():  # replaced or gone since it was ordered
            return Fault("changed", sentence)
        case IncompletePhoto():
            return Fault("incomplete", sentence)
        case PhotoError():
            return Fault("photo", sentence)
        case CannotCreate():
            return Fault("space", sentence)
        case MissingTool():
            return Fault("tool", sentence)
        case MachineError() | BadModel():  # a model can be imported again; meanwhile other photos go on
            return Fault("machine", sentence)
        case _:
            return Fault("bug", sentence)


def _provenance(order: Order, developed: Developed) -> Provenance:
    recipe, rendered, model = order.recipe, developed.rendered, developed.model
    asked = profile.from_json(recipe.profile_json)
    shot = rendered.shot
    is_imported = model is not None and model.manifest.architecture != models.OWN
    exposure = asked.look.exposure
    is_metered = (exposure.auto == "scene" or bool(len(exposure.key_range))) and not is_imported
    metered = float(automatic(exposure, shot.exposure_shift, shot.scene_key))
    is_estimated = bool(shot.lights) and not is_imported
    return Provenance(
        source_digest=order.source_digest,
        recipe_digest=recipe.digest,
        profile=recipe.profile,
        profile_digest=recipe.profile_digest,
        learned_version=str(recipe.profile_version or ""),
        version=ispd.__version__,
        backend=asked.backend,
        model=f"{model.manifest.architecture}, sha256 {model.manifest.sha256}" if model else "",
        license=model.manifest.license if model else "",
        reader=developed.reader,
        device=rendered.device,
        lens_correction=developed.lens_correction,
        note=order.note,
        exposure_shift=f"{metered:+.2f}" if is_metered else "",
        white_balance="estimated: " + " ".join(f"{part:.3f}" for part in shot.neutral) if is_estimated else "",
    )
