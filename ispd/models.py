"""Networks that render: a folder each, with the weights and a manifest that says what they are and whose.  Torch-free.

    STATE/models/NAME/manifest.json          Manifest
    STATE/models/NAME/weights.safetensors    tensors under their published names

ispd's own, `hdr-unet`, comes with the package.  An imported one's folder appears whole or not at all: it is made under
a hidden name and renamed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET

from ispd.errors import BadModel, CannotCreate, ChangedPhoto
from ispd.orders import Recipe, digest, to_json

MANIFEST, WEIGHTS = "manifest.json", "weights.safetensors"
OWN: Final = "hdr-unet"
SHIPPED = Path(__file__).parent / "weights"
LARGEST_MANIFEST = 1 << 16

Packing: TypeAlias = Literal["blue, green of red rows, red, green of blue rows"]
PACKING: Packing = "blue, green of red rows, red, green of blue rows"
Published: TypeAlias = Literal["raw-to-tonemapped-hdr", "pynet"]

LICENSES: dict[Published, str] = {
    "raw-to-tonemapped-hdr": "no license stated by its authors: all rights are theirs, ask them before any use",
    "pynet": "CC BY-NC-SA 4.0, academic research only: no commercial use",
}


@dataclass(frozen=True)
class Manifest:
    """What weights are, how a photo is put before them, and who may use them."""

    architecture: Published | Literal["hdr-unet"]
    sha256: str  # of the weights' file
    license: str
    level: Annotated[int, msgspec.Meta(ge=0, le=5)] = 0  # where a published network stops; 0 is full size
    packing: Packing = PACKING  # the order of its planes
    scale: Annotated[float, msgspec.Meta(gt=0)] = 1020.0  # what codes are divided by
    black: Annotated[float, msgspec.Meta(ge=0)] | None = None  # pedestal of the camera it was trained for, in its codes
    white: Annotated[float, msgspec.Meta(gt=0)] = 1023.0  # of that camera
    source: str = ""  # name of the file that it came from
    source_sha256: str = ""
    schema: Literal[1] = 1


@dataclass(frozen=True)
class Model:
    """A network and where it lies."""

    name: str
    folder: Path
    manifest: Manifest

    @property
    def weights(self) -> Path:
        return self.folder / WEIGHTS

    @property
    def digest(self) -> str:
        """Of all that decides its pictures: the manifest, which has the digest of the weights."""
        return digest(to_json(self.manifest))


def models_folder(state: Path) -> Path:
    """Where imported networks lie."""
    return state / "models"


def name_problem(name: str) -> str:
    """What is wrong with a model's name, or "" """
    if name in ("isp", OWN):
        return "is a backend of ispd's own; choose another name"
    if not re.fullmatch(r"\w[\w.+-]{0,99}", name):
        return "must be letters, digits and - _ . + only, beginning with a letter or digit"
    return ""


def names(folder: Path) -> tuple[str, ...]:
    """Of all networks, ispd's own first; sound or not."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return (OWN, *sorted(entry.name for entry in folder.iterdir() if not name_problem(entry.name)))
    return (OWN,)


def find(folder: Path, name: str) -> Model:
    """The network of that name.  Raises BadModel where there is none or its manifest makes no sense."""
    place = SHIPPED / name if name == OWN else folder / name
    if name != OWN and (name_problem(name) or not place.is_dir()):
        there = ", ".join(names(folder))
        raise BadModel(f'there is no imported model "{name}" in {folder}; there is {there}; see `ispd model import`')
    return Model(name, place, read_manifest(place / MANIFEST))


def pinned(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with the very network that its backend names now: another one under the same name is another recipe.

    Raises BadModel where there is none.
    """
    if recipe.backend == "isp":
        return recipe
    return replace(recipe, model=find(folder, recipe.backend).digest)


def ordered(recipe: Recipe, folder: Path) -> Model:
    """The network that the recipe was made for.  Raises BadModel, and ChangedPhoto where it is another one by now."""
    model = find(folder, recipe.backend)
    if recipe.model not in (UNSET, model.digest):
        raise ChangedPhoto(
            f'the model "{model.name}" is another one than when this photo was planned: it is planned anew'
        )
    return model


def read_manifest(path: Path) -> Manifest:
    """Raises BadModel where the file is missing or no manifest."""
    try:
        with path.open("rb") as file:
            manifest = msgspec.json.decode(file.read(LARGEST_MANIFEST), type=Manifest)
    except OSError as error:
        raise BadModel(f"{path} cannot be read: {error.strerror}; import the model again") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadModel(f"{path} is no manifest of a model: {error}; import the model again") from error
    if manifest.black is not None and manifest.black >= manifest.white:
        raise BadModel(f"{path}: black {manifest.black:g} must lie below white {manifest.white:g}")
    return manifest


def read_weights(model: Model) -> bytes:
    """The bytes of its weights.  Raises BadModel where they are not those that the manifest was written for."""
    try:
        data = model.weights.read_bytes()
    except OSError as error:
        raise BadModel(f"{model.weights} cannot be read: {error.strerror}; import the model again") from error
    if hashlib.sha256(data).hexdigest() != model.manifest.sha256:
        raise BadModel(f"{model.weights} is not the file that its manifest was written for; import the model again")
    return data


@contextmanager
def new_folder(folder: Path, name: str) -> Iterator[Path]:
    """A hidden folder to fill; it becomes `folder`/`name` at the end, synced, or nothing is left of it.

    Raises CannotCreate where the disk refuses, or the name is taken.
    """
    place = folder / name
    hidden = folder / f".{name}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        if place.exists():
            raise FileExistsError(errno.EEXIST, "the name is taken")
        hidden.mkdir()
        try:
            yield hidden
            for path in (*hidden.iterdir(), hidden):
                _sync(path)
            os.rename(hidden, place)  # fails where another import has been faster: its folder is not empty
            _sync(folder)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            raise CannotCreate(f"there is a model in {place} already: remove that folder, or choose a name") from error
        raise CannotCreate(f"{place} cannot be written: {error.strerror}") from error


def _sweep(folder: Path) -> None:
    """What imports that were killed have left."""
    for path in folder.glob(".*.*"):
        owner = path.name.rpartition(".")[2]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(path, ignore_errors=True)


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
