"""What the ledger gives back: frozen rows, torch-free and sqlite-free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from ispd.orders import Identity
from ispd.publish import Method

PhotoState: TypeAlias = Literal["settling", "ready", "waiting", "set_aside"]
JobState: TypeAlias = Literal["queued", "developing", "staged", "delivered", "waiting", "failed", "set_aside"]
# what a waiting row waits for; each has something that can wake it
Cause: TypeAlias = Literal["incomplete", "learning", "folder", "space", "tool", "machine"]


@dataclass(frozen=True)
class Folder:
    """One `[[folder]]` of the config."""

    id: int
    watch: bytes
    deliver: bytes
    mark: str  # content of DELIVER/.ispd/id when we last delivered there; "" before the first time
    method: Method | None  # None before the first probe


@dataclass(frozen=True)
class Photo:
    """A file in a watched folder, as it was when last looked at.  Times are seconds since 1970."""

    id: int
    folder: int
    path: bytes  # absolute
    identity: Identity
    digest: str | None  # SHA-256, known once it has settled
    state: PhotoState
    cause: Cause | None
    reason: str
    until: float | None
    since: float  # when it came into this state
    first_seen: float
    changed: float  # when this identity was first seen
    settled: float | None
    job: int | None  # the job of its content
    duplicate_of: int | None  # another photo with the same content
    wish: str | None  # `jobs retry` asked for a new generation, with this profile; "" for the usual way


@dataclass(frozen=True)
class Lesson:
    """The last fit of a camera's look: from how many pairs, and what came of it."""

    make: str
    model: str
    pairs: int
    reason: str  # why nothing was learned; "" where something was
    split: str  # "photos" | "blocks": what was held out
    held_out: dict[str, float]  # SHA-256 of a raw → the error that its photo had while it was held out
    tried: float


@dataclass(frozen=True)
class Product:
    """One output of a job: its names, and once it is staged its digest."""

    number: int
    base: str  # the name that the plan gave it, relative to the deliver folder
    name: str  # the name that is reserved for it, or was delivered under
    staging: bytes | None  # absolute path while it is being made
    sha256: str
    size: int
    claim: tuple[int, int] | None  # (dev, ino) of the empty file that we made under the final name


@dataclass(frozen=True)
class Job:
    """One (photo, recipe) of one deliver folder; `generation` counts the retries."""

    id: int
    folder: int
    deliver: bytes
    source: bytes  # path of the photo when the job was made; the photo may have moved since
    photo_digest: str
    recipe_digest: str
    generation: int
    profile: str
    note: str
    state: JobState
    cause: Cause | None
    reason: str
    until: float | None
    since: float  # when it came into this state
    attempts: int  # how often it was begun
    failures: int  # attempts that ended in a fault of ours
    interruptions: int  # attempts that ended with the daemon
    killed_engines: int
    products: tuple[Product, ...]
    warnings: tuple[str, ...]
    reader: str
    device: str
    seconds: float
    queued: float
    begun: float | None
    staged: float | None
    delivered: float | None


@dataclass(frozen=True)
class Seen:
    """One file that a scan found."""

    path: bytes
    identity: Identity


@dataclass(frozen=True)
class Observed:
    """What a scan changed in the ledger."""

    new: tuple[bytes, ...] = ()
    replaced: tuple[bytes, ...] = ()  # another identity under a known path: settles again
    gone: tuple[bytes, ...] = ()  # forgotten; their undelivered jobs with them


class Listed(NamedTuple):  # of which there may be a hundred thousand
    """One line of `ispd jobs list`: a job, or a photo that has none yet (its id begins with "p")."""

    id: str
    state: PhotoState | JobState
    source: bytes
    reason: str
    profile: str
    since: float  # when it came into this state, as far as the ledger knows
    names: tuple[str, ...]


@dataclass(frozen=True)
class Counts:
    """How many photos of one folder stand where; jobs under their own state, photos without one under theirs."""

    folder: Folder
    settling: int = 0
    ready: int = 0
    queued: int = 0
    developing: int = 0
    staged: int = 0
    delivered: int = 0
    waiting: int = 0
    failed: int = 0
    set_aside: int = 0
    duplicates: int = 0
