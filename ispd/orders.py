"""The values that cross processes: torch-free, frozen, and JSON by msgspec (paths are bytes, as the kernel has them).

Facts ─▶ Plan(Recipe, names) ─▶ Order ─▶ [engine] ─▶ Report ─▶ Outcome
"""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

T = TypeVar("T")

Format: TypeAlias = Literal["jpeg", "tiff", "png"]
Space: TypeAlias = Literal["srgb", "display-p3", "adobe-rgb", "rec2020"]
LongEdge: TypeAlias = Annotated[int, msgspec.Meta(ge=16, le=65535, extra={"unit": "px"})]
MetadataPolicy: TypeAlias = Literal["all", "no-location", "minimal"]


def to_json(value: object) -> bytes:
    """One line of JSON, keys in a fixed order, so that equal values give equal bytes."""
    return msgspec.json.encode(value, order="deterministic")


def from_json(data: bytes | str, kind: type[T]) -> T:
    """The value that `to_json` wrote.  Raises msgspec.ValidationError where the bytes do not fit the type."""
    return msgspec.json.decode(data, type=kind)


def digest(data: bytes) -> str:
    """SHA-256 in hex, the only digest ispd uses."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Identity:
    """Which file a name meant when we looked: changes whenever the content may have (st_dev is left to the roots)."""

    ino: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Identity:
        """What the system said of a file."""
        return cls(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def scene_ev(exposure_seconds: float | None, f_number: float | None, iso: float | None) -> float | None:
    """How bright the scene was, by what the camera chose: log2(N²/t) − log2(ISO/100); None where a part is not said.

    >>> scene_ev(1 / 128, 16.0, 100)
    15.0
    """
    parts = (exposure_seconds or 0.0, f_number or 0.0, iso or 0.0)
    if not all(0 < part < math.inf for part in parts):
        return None
    seconds, aperture, speed = parts
    return 2 * math.log2(aperture) - math.log2(seconds) - math.log2(speed / 100)


@dataclass(frozen=True)
class Facts:
    """What metadata says of a photo without decoding its pixels.  "" or None: the file does not say."""

    make: str = ""
    model: str = ""
    unique_model: str = ""  # UniqueCameraModel of a DNG
    lens: str = ""
    serial: str = ""
    iso: int | None = None
    exposure_seconds: float | None = None
    f_number: float | None = None
    focal_length_mm: float | None = None
    distance_m: float | None = None  # to what was in focus
    warmth: float | None = None  # red over blue of a neutral as the sensor sees it, in stops
    captured: str = ""  # "2026-03-29T02:30:00", the camera's local time
    width: int = 0  # stored pixels
    height: int = 0
    orientation: int = 1
    warnings: tuple[str, ...] = ()

    @property
    def scene_ev(self) -> float | None:
        """How bright the scene was."""
        return scene_ev(self.exposure_seconds, self.f_number, self.iso)

    @property
    def camera(self) -> str:
        """The name people know the camera by."""
        if self.model.lower().startswith(self.make.lower()):
            return self.model or self.unique_model
        return f"{self.make} {self.model}".strip() or self.unique_model


@dataclass(frozen=True)
class Output:
    """One picture that a profile asks for: an `[[output]]` table."""

    format: Format = "jpeg"
    quality: Annotated[int, msgspec.Meta(ge=1, le=100)] = 92  # JPEG only
    subsampling: Literal["4:4:4", "4:2:2", "4:2:0"] = "4:4:4"  # JPEG only
    bits: Literal[8, 16] = 8  # TIFF and PNG; JPEG has 8
    space: Space = "srgb"
    size: LongEdge | None = None  # pixels of the long edge; left out: full size

    @property
    def extension(self) -> str:
        return {"jpeg": "jpg", "tiff": "tif", "png": "png"}[self.format]


@dataclass(frozen=True)
class Recipe:
    """What shall be done with one photo.  Its digest contains no names, so a renamed photo is the same job."""

    profile: str  # name
    profile_json: str  # the whole profile as it was then; `ispd.profile.from_json` reads it
    outputs: tuple[Output, ...]
    metadata: MetadataPolicy = "all"
    model: str | UnsetType = UNSET  # digest of the network that its backend names; unset: none renders

    @property
    def digest(self) -> str:
        return digest(to_json(self))

    @property
    def backend(self) -> str:
        """What renders: "isp", "hdr-unet", or the name of an imported network."""
        name: str = msgspec.json.decode(self.profile_json).get("backend", "isp")
        return name

    @property
    def profile_digest(self) -> str:
        return digest(self.profile_json.encode())

    @property
    def profile_version(self) -> int | None:
        """Of a learned profile."""
        fit = msgspec.json.decode(self.profile_json).get("fit")
        return fit["version"] if fit else None


@dataclass(frozen=True)
class Rule:
    """One line of the trail that led to a profile: what was asked, whether it held, and why."""

    profile: str
    holds: bool
    sentence: str


@dataclass(frozen=True)
class Plan:
    """A recipe with the names of its outputs (relative to the deliver folder, without a collision's number)."""

    recipe: Recipe
    names: tuple[str, ...]  # one an output; surrogate-free, safe, each component at most 255 bytes
    trail: tuple[Rule, ...]
    note: str = ""  # e.g. "no profile matches this camera: neutral"


@dataclass(frozen=True)
class Order:
    """What the daemon sends to an engine: develop `source` into the staging files."""

    job: int
    source: bytes  # absolute path
    source_digest: str  # SHA-256 of the raw; the engine checks it
    identity: Identity
    recipe: Recipe
    staging: tuple[bytes, ...]  # absolute path of each output, one a recipe.outputs; must not exist yet
    sidecar: bytes | None = None  # absolute path of an XMP sidecar
    note: str = ""  # the plan's, for the output's XMP
    models: bytes = b""  # absolute path of the folder of imported networks, one of which the profile may name


@dataclass(frozen=True)
class Written:
    """One finished staging file: tagged, checked, synced."""

    path: bytes
    sha256: str
    size: int


@dataclass(frozen=True)
class Fault:
    """Why an order brought no picture; `kind` says what happens next."""

    kind: Literal["photo", "incomplete", "changed", "machine", "space", "tool", "bug"]
    sentence: str


@dataclass(frozen=True)
class Report:
    """What an engine answers: files, or a fault."""

    job: int
    files: tuple[Written, ...] = ()
    warnings: tuple[str, ...] = ()
    reader: str = ""  # "LibRaw 0.22.2"
    device: str = ""  # "cpu", "cuda"
    seconds: float = 0.0
    fault: Fault | None = None


@dataclass(frozen=True)
class Delivered:
    """The pictures are on disk under these names."""

    paths: tuple[bytes, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Waiting:
    """Something outside must change first; asked again by itself."""

    reason: str


@dataclass(frozen=True)
class SetAside:
    """The file's fault; it stays where it is, its row says why."""

    reason: str


@dataclass(frozen=True)
class Failed:
    """Our fault, after retries."""

    reason: str


Outcome: TypeAlias = Delivered | Waiting | SetAside | Failed
