"""Scan: what lies in a watched folder now.  This is the truth; events only bring it forward (watch.py).

Names are read, files are never opened: a pipe called x.dng would block whoever opens it.  Links are not followed, in
no direction: what they lead to inside the folder is seen anyway, and what lies outside is not ours to read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from ispd.decode.names import is_ignored, is_raw, is_reference, rank, stem
from ispd.orders import Identity
from ispd.photo import identity_of, note_sidecar

Device: TypeAlias = tuple[int, int]  # st_dev, st_ino: which folder a name means now


class Depth(Enum):
    """How far down to look."""

    HERE = "here"
    ALL = "all"


@dataclass(frozen=True)
class Root:
    """A watched folder; `pruned` are the folders below it that are somebody else's: delivered pictures, other roots."""

    path: bytes
    pruned: frozenset[bytes] = frozenset()

    def holds(self, path: bytes) -> bool:
        """Whether `path` is ours to look at."""
        inside = path == self.path or path.startswith(self.path.rstrip(b"/") + b"/")
        return inside and not any(path == other or path.startswith(other + b"/") for other in self.pruned)


@dataclass
class Sight:
    """What one scan saw."""

    photos: dict[bytes, Identity] = field(default_factory=dict)
    sidecars: dict[bytes, bytes] = field(default_factory=dict)  # as `find_sidecar` looks for them
    references: dict[bytes, bytes] = field(default_factory=dict)  # finished pictures, as `reference_of` looks for them
    folders: set[bytes] = field(default_factory=set)
    unreadable: dict[bytes, str] = field(default_factory=dict)  # folder → the system's words


def roots_of(folders: Iterable[tuple[bytes, bytes]]) -> list[Root]:
    """The roots of (watch, deliver) pairs, each without what belongs to another: no photo has two folders.

    >>> [root.pruned for root in roots_of([(b"/in", b"/in/graded"), (b"/in/studio", b"/out")])]
    [frozenset({...}), frozenset()]
    """
    pairs = list(folders)
    others = {watch for watch, _ in pairs} | {deliver for _, deliver in pairs}
    return [Root(watch, frozenset(path for path in others if _below(path, watch))) for watch, _ in pairs]


def identity_of_root(path: bytes) -> Device | None:
    """Which folder the name means now; None: none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def scan(root: Root, start: bytes | None = None, depth: Depth = Depth.ALL) -> Sight:
    """Everything in `start` (the root itself, if not given) that concerns ispd.  A folder that vanishes is no error."""
    sight = Sight()
    todo = [start or root.path]
    while todo:
        folder = todo.pop()
        if not root.holds(folder):
            continue
        below = list(_look_into(folder, sight))
        if depth is Depth.ALL:
            todo += below
    return sight


def merge(sight: Sight, newer: Sight) -> None:
    """Add what a later look at a part of the root saw."""
    sight.photos |= newer.photos
    sight.sidecars |= newer.sidecars
    for key, path in newer.references.items():
        _note_reference(sight, key, path)
    sight.folders |= newer.folders


def reference_of(path: bytes, references: Mapping[bytes, bytes]) -> bytes | None:
    """The finished picture of the same name that lies beside a raw."""
    return references.get(_key(path))


def _key(path: bytes) -> bytes:
    return os.path.join(os.path.dirname(path), stem(path))


def _look_into(folder: bytes, sight: Sight) -> Iterator[bytes]:
    """Note the files of one folder; gives the folders in it."""
    try:
        with os.scandir(folder) as entries:
            sight.folders.add(folder)
            for entry in entries:
                if is_ignored(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    yield entry.path
                else:
                    _note(entry, sight)
    except FileNotFoundError:
        return
    except OSError as error:
        sight.unreadable[folder] = error.strerror or str(error)


def _note(entry: os.DirEntry[bytes], sight: Sight) -> None:
    lower = entry.path.lower()
    if is_raw(entry.name):
        identity = _identity(entry)
        if identity is not None:
            sight.photos[entry.path] = identity
    elif lower.endswith(b".xmp"):
        note_sidecar(entry.path, sight.sidecars)
    elif is_reference(entry.name):
        _note_reference(sight, _key(entry.path), entry.path)


def _note_reference(sight: Sight, key: bytes, path: bytes) -> None:
    sight.references[key] = min(sight.references.get(key, path), path, key=rank)


def _identity(entry: os.DirEntry[bytes]) -> Identity | None:
    try:
        return identity_of(entry.stat(follow_symlinks=False))
    except OSError:  # gone between its name and its stat
        return None


def _below(path: bytes, folder: bytes) -> bool:
    return path.startswith(folder.rstrip(b"/") + b"/")
