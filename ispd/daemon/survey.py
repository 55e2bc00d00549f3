"""Survey: which folders are watched, whether they are there, and what has come into them.

One scan of everything at the start, every minute, after lost events and after a stall; a look at single folders after
hints.  What is new goes to the ledger and to Settling.  A root that is gone loses nothing: its photos wait.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ispd import config
from ispd.daemon.clock import Now
from ispd.daemon.ledger.ledger import Ledger
from ispd.daemon.ledger.rows import Folder, Observed, Seen
from ispd.daemon.scan import Depth, Device, Root, Sight, identity_of_root, merge, roots_of, scan
from ispd.daemon.settle import Settling
from ispd.daemon.watch import Hints, Watcher, no_room_for_watches, own_watches, too_few_watches
from ispd.daemon.words import say
from ispd.sentences import shown

GATHER_SECONDS = 0.2  # a burst of events is one look
AGAIN_SECONDS = 1.0  # a folder made just now may have got files before it got its watch
MISSING_SECONDS = 2.0  # between two looks whether a missing root is back: one stat
SHARE_OF_TIME = 100  # a scan takes at most a hundredth of the time
SCAN_MODE_SECONDS = 5.0


@dataclass
class Watched:
    """One watched folder, as it is now."""

    config: config.Folder
    row: Folder
    root: Root
    identity: Device | None = None
    sight: Sight = field(default_factory=Sight)
    missing: str = ""  # why nothing can be seen there
    hidden: str = ""  # which of its folders may not be looked into
    scans_only: str = ""  # why events do not suffice
    too_few: int = 0  # scans in a row that found fewer watches than folders
    scan_due: float = 0.0
    last_arrival: float = 0.0


class Survey:
    """All watched folders.  Without a watcher (`ispd once`) only scans happen."""

    def __init__(self, ledger: Ledger, settling: Settling, scan_seconds: float, watcher: Watcher | None) -> None:
        self.folders: list[Watched] = []
        self.scan_seconds = scan_seconds
        self._ledger = ledger
        self._settling = settling
        self._watcher = watcher
        self._gathering_until: float | None = None
        self._again: dict[bytes, float] = {}

    def take_folders(self, folders: Iterable[config.Folder], now: Now) -> None:
        """Watch these folders from now on, and no others."""
        wanted = list(folders)
        roots = roots_of((real(folder.watch), real(folder.deliver)) for folder in wanted)
        for gone in self.folders:
            if self._watcher is not None:
                self._watcher.forget(gone.root)
        self.folders = [
            Watched(folder, self._ledger.folders.register(root.path, real(folder.deliver)), root, scan_due=now.steady)
            for folder, root in zip(wanted, roots, strict=True)
        ]
        self._ledger.folders.keep_only(folder.row.id for folder in self.folders)

    def scan_all_soon(self, now: Now) -> None:
        """Trust nothing that was seen before."""
        for folder in self.folders:
            folder.scan_due = now.steady

    def step(self, now: Now) -> None:
        """Look where it is due."""
        hints = self._take_hints(now.steady)
        if hints.lost:
            self.scan_all_soon(now)
        for path, depth in hints.folders.items():
            self._look(path, depth, now)
        for folder in self.folders:
            if folder.scan_due <= now.steady:
                self._scan(folder, now)

    def next_due(self) -> float | None:
        """When there is something to look at, by the steady clock."""
        dues = [folder.scan_due for folder in self.folders] + list(self._again.values())
        return min(dues + ([self._gathering_until] if self._gathering_until else []), default=None)

    def of(self, path: bytes) -> Watched | None:
        """The watched folder a photo lies in."""
        return next((folder for folder in self.folders if folder.root.holds(path)), None)

    def by_row(self, row: int) -> Watched | None:
        """The watched folder of a row; None: the config does not name it any more."""
        return next((folder for folder in self.folders if folder.row.id == row), None)

    def remember(self, row: Folder) -> None:
        """A folder's row has changed in the ledger."""
        for folder in self.folders:
            if folder.row.deliver == row.deliver:
                folder.row = replace(folder.row, mark=row.mark, method=row.method)

    def settle_again(self, folder: Watched, now: Now) -> None:
        """Take up what the ledger calls settling and nobody is waiting for: after a start, a change, a retry."""
        for photo in self._ledger.photos.settling(folder.row.id):
            if photo.path not in self._settling:
                self._settling.observe(photo.path, photo.identity, now.steady)

    def _take_hints(self, now: float) -> Hints:
        hints = self._gathered(now)
        for path, depth in hints.folders.items():
            if depth is Depth.ALL:
                self._again[path] = now + AGAIN_SECONDS
        for path in [path for path, due in self._again.items() if due <= now]:
            del self._again[path]
            hints.folders[path] = Depth.ALL
        return hints

    def _gathered(self, now: float) -> Hints:
        """What was hinted at, once the burst is over."""
        if self._watcher is None or not self._watcher.has_hints():
            return Hints()
        if self._gathering_until is None:
            self._gathering_until = now + GATHER_SECONDS
        if now < self._gathering_until:
            return Hints()
        self._gathering_until = None
        return self._watcher.take()

    def _look(self, path: bytes, depth: Depth, now: Now) -> None:
        """Look into one folder that a hint named."""
        folder = self.of(path)
        if folder is None or folder.missing:
            return
        newer = scan(folder.root, path, depth)
        more_references = not newer.references.keys() <= folder.sight.references.keys()
        merge(folder.sight, newer)
        observed = self._ledger.photos.observe(folder.row.id, _seen(newer), now.wall)
        self._arrived(folder, observed, more_references, now)

    def _scan(self, folder: Watched, now: Now) -> None:
        """Look at all of a folder, after making sure that it is the one we think."""
        identity = identity_of_root(folder.root.path)
        if identity is None:
            self._miss(folder, f"the watched folder {shown(folder.root.path)} is not there; its photos wait", now)
            return
        self._watch(folder, identity)
        started = time.monotonic()
        sight = scan(folder.root)
        took = time.monotonic() - started
        if identity_of_root(folder.root.path) != identity:
            folder.scan_due = now.steady  # it went away under our eyes: what we saw is worth nothing
            return
        if (words := sight.unreadable.get(folder.root.path)) is not None:
            self._miss(folder, f"the watched folder {shown(folder.root.path)} cannot be read: {words}", now)
            return
        if folder.identity not in (None, identity) and folder.sight.photos and not sight.photos:
            where = shown(folder.root.path)
            self._miss(folder, f"{where} is empty and not the folder it was: is its drive mounted?", now)
            return
        self._found(folder, identity, sight, now)
        self._tell_hidden(folder)
        self._judge_watches(folder)
        at_least = SCAN_MODE_SECONDS if folder.scans_only and self._watcher else self.scan_seconds
        folder.scan_due = now.steady + max(at_least, SHARE_OF_TIME * took)

    def _found(self, folder: Watched, identity: Device, sight: Sight, now: Now) -> None:
        first = folder.identity is None
        more_references = not sight.references.keys() <= folder.sight.references.keys()
        folder.identity, folder.sight = identity, sight
        if folder.missing:
            say(f"{shown(folder.root.path)} is back")
            folder.missing = ""
            self._ledger.photos.wake("folder", now.wall, folder.row.id)
            self._ledger.jobs.wake("folder", now.wall, folder.row.deliver)
        # a sub-folder that cannot be read hides its photos: nothing is concluded from their absence
        look = self._ledger.photos.observe if sight.unreadable else self._ledger.photos.scanned
        self._arrived(folder, look(folder.row.id, _seen(sight), now.wall), more_references, now)
        if first:
            folder.last_arrival = now.steady - quiet_before(sight, now.wall)
        self.settle_again(folder, now)  # what was away when its turn came, alone or with its folder

    def _arrived(self, folder: Watched, observed: Observed, more_references: bool, now: Now) -> None:
        for path in observed.new + observed.replaced:
            self._settling.observe(path, folder.sight.photos[path], now.steady)
        for path in observed.gone:
            self._settling.forget(path)
        if observed.new or observed.replaced or more_references:
            folder.last_arrival = now.steady

    def _tell_hidden(self, folder: Watched) -> None:
        """Photos that nobody may see are no photos to the ledger: their owner must hear of it."""
        unreadable = folder.sight.unreadable
        sentence = _hidden(unreadable) if unreadable else ""
        if sentence and sentence != folder.hidden:
            say(sentence)
        folder.hidden = sentence

    def _miss(self, folder: Watched, sentence: str, now: Now) -> None:
        if not folder.missing:
            say(sentence)
        folder.missing = sentence
        folder.scan_due = now.steady + MISSING_SECONDS

    def _watch(self, folder: Watched, identity: Device) -> None:
        """See that events come, before the scan, so that nothing falls between the two."""
        if self._watcher is None:
            return
        if identity == folder.identity and (folder.scans_only or self._watcher.is_alive(folder.root)):
            return
        folder.scans_only = self._watcher.watch(folder.root) or ""

    def _judge_watches(self, folder: Watched) -> None:
        """Whether the kernel watches every folder: nobody tells us when it does not."""
        if self._watcher is None or folder.scans_only:
            return
        wanted = sum(len(other.sight.folders) for other in self.folders if not other.scans_only)
        held = own_watches()
        folder.too_few = folder.too_few + 1 if held < wanted else 0
        reason = too_few_watches(wanted) or no_room_for_watches()
        if folder.too_few > 1:  # one scan may have been quicker than the watches of new folders
            reason = reason or f"only {held} of {wanted} folders are watched by the system"
        if reason:
            folder.scans_only = reason
            self._watcher.forget(folder.root)
            say(f"{shown(folder.root.path)} is scanned every few seconds instead of watched: {reason}")


def real(path: Path) -> bytes:
    """The path as the kernel has it, links in it followed; the folder need not exist."""
    return str(path.expanduser().resolve()).encode("utf-8", "surrogateescape")


def quiet_before(sight: Sight, wall: float) -> float:
    """How long nothing had come when we first looked, by the files' own times; 0 where these lie in the future."""
    newest = max((identity.ctime_ns for identity in sight.photos.values()), default=0)
    return max(0.0, wall - newest / 1e9)


def _hidden(unreadable: Mapping[bytes, str]) -> str:
    """Which folders keep their photos from us.

    >>> _hidden({b"/in/a": "Permission denied", b"/in/b": "Permission denied"})
    '/in/a cannot be looked into (Permission denied), nor can 1 other: photos there are not seen'
    """
    path, words = min(unreadable.items())
    others = len(unreadable) - 1
    more = f", nor can {others} other{'s' * (others > 1)}" if others else ""
    return f"{shown(path)} cannot be looked into ({words}){more}: photos there are not seen"


def _seen(sight: Sight) -> list[Seen]:
    return [Seen(path, identity) for path, identity in sight.photos.items()]
