"""Watch: the kernel's events as hints of where to look soon.  Nothing depends on them: scan.py is the truth.

Events get lost (a full queue, folders made faster than watches, too few watches), some silently: facts of watchdog 7.1
on Linux.  So every word of complaint from watchdog means "scan everything", and the number of watches that the kernel
really holds is compared with the number of folders.
"""

from __future__ import annotations

import ctypes
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import ObservedWatch
from watchdog.observers.inotify import InotifyObserver

from ispd.daemon.scan import Depth, Root
from ispd.decode.names import is_ignored, is_raw, is_reference

EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileClosedEvent,
    FileMovedEvent,
    DirCreatedEvent,
    DirMovedEvent,
]
MOST_HINTS = 1000  # more folders than that are looked through quicker by one scan of all
IN_DELETE_SELF = 0x400  # the cheapest event there is
SHARE_OF_LIMIT = 0.8  # of the user's watches: the rest is for the editor and the file manager


@dataclass
class Hints:
    """Where something happened since the last time they were taken."""

    folders: dict[bytes, Depth] = field(default_factory=dict)
    lost: bool = False  # events got lost: only a scan of everything will do

    def __bool__(self) -> bool:
        return self.lost or bool(self.folders)


class Watcher:
    """Holds one inotify instance for all roots.  `wake` is called from its thread when there is a hint."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._hints = Hints()
        self._watches: dict[bytes, ObservedWatch] = {}
        self._observer: InotifyObserver | None = None
        self._complaints = _Complaints(self._lose)
        logging.getLogger("watchdog").addHandler(self._complaints)

    def watch(self, root: Root) -> str | None:
        """Ask for events of `root` and below.  Gives None, or the reason why only scans will find new photos."""
        self.forget(root)
        try:
            observer = self._running()
            handler = _Handler(root, self._hint)
            self._watches[root.path] = observer.schedule(
                handler, os.fsdecode(root.path), recursive=True, event_filter=EVENTS
            )
        except OSError as error:
            return f"the system gives no more watches ({error.strerror})"
        return None

    def forget(self, root: Root) -> None:
        """No more events of `root`, which may not exist any more."""
        watch = self._watches.pop(root.path, None)
        if watch is not None and self._observer is not None:
            self._observer.unschedule(watch)

    def is_alive(self, root: Root) -> bool:
        """Whether events of `root` can still come: a thread of watchdog dies with its folder."""
        watch, observer = self._watches.get(root.path), self._observer
        if watch is None or observer is None or not observer.is_alive():
            return False
        return any(emitter.watch == watch and emitter.is_alive() for emitter in observer.emitters)

    def has_hints(self) -> bool:
        """Whether something happened since the last `take`."""
        with self._lock:
            return bool(self._hints)

    def take(self) -> Hints:
        """The hints since the last call."""
        with self._lock:
            hints, self._hints = self._hints, Hints()
        return hints

    def close(self) -> None:
        """Stop the thread."""
        logging.getLogger("watchdog").removeHandler(self._complaints)
        self._watches.clear()
        if self._observer is not None and self._observer.is_alive():
            self._observer.stop()
            self._observer.join(timeout=5)

    def _running(self) -> InotifyObserver:
        if self._observer is None or not self._observer.is_alive():
            self._observer = InotifyObserver()
            self._observer.daemon = True  # nothing it does needs an orderly end
            self._observer.start()
        return self._observer

    def _hint(self, folder: bytes, depth: Depth) -> None:
        with self._lock:
            if self._hints.folders.get(folder) is not Depth.ALL:
                self._hints.folders[folder] = depth
            if len(self._hints.folders) > MOST_HINTS:
                self._hints = Hints(lost=True)
        self._wake()

    def _lose(self) -> None:
        with self._lock:
            self._hints = Hints(lost=True)
        self._wake()


class _Handler(FileSystemEventHandler):
    """Runs in watchdog's thread: notes a folder and leaves.  An exception here would end all watching."""

    def __init__(self, root: Root, hint: Callable[[bytes, Depth], None]) -> None:
        self._root = root
        self._hint = hint

    def on_any_event(self, event: FileSystemEvent) -> None:
        path = os.fsencode(event.dest_path or event.src_path)
        if not self._root.holds(path):
            return
        if event.is_directory:
            self._hint(path, Depth.ALL)
        elif concerns_us(os.path.basename(path)):
            self._hint(os.path.dirname(path), Depth.HERE)


class _Complaints(logging.Handler):
    """Whatever watchdog warns of (a full queue above all), only a scan puts right."""

    def __init__(self, lose: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._lose = lose

    def emit(self, record: logging.LogRecord) -> None:
        self._lose()


def concerns_us(name: bytes) -> bool:
    """Whether a file of that name changes what ispd would do."""
    return not is_ignored(name) and (is_raw(name) or is_reference(name) or name.lower().endswith(b".xmp"))


def own_watches() -> int:
    """How many inotify watches this process holds, by the kernel's own account."""
    count = 0
    for info in Path("/proc/self/fdinfo").iterdir():
        try:
            count += info.read_text().count("inotify wd:")
        except OSError:  # closed meanwhile
            continue
    return count


def watch_limit() -> int | None:
    """How many watches a user may hold; None: the system does not say."""
    try:
        return int(Path("/proc/sys/fs/inotify/max_user_watches").read_text())
    except (OSError, ValueError):
        return None


def too_few_watches(folders: int) -> str | None:
    """Why so many folders cannot be watched, or None if they can."""
    limit = watch_limit()
    if limit is not None and folders > SHARE_OF_LIMIT * limit:
        return f"{folders} folders are too many for the system's {limit} watches (fs.inotify.max_user_watches)"
    return None


def no_room_for_watches() -> str | None:
    """Whether the system has one more watch for us; watchdog keeps it to itself when it has not."""
    libc = ctypes.CDLL(None, use_errno=True)
    instance = libc.inotify_init1(os.O_CLOEXEC)
    if instance < 0:
        return f"the system gives no more watches ({os.strerror(ctypes.get_errno())})"
    try:
        if libc.inotify_add_watch(instance, b"/", IN_DELETE_SELF) < 0:
            return f"the system gives no more watches ({os.strerror(ctypes.get_errno())})"
    finally:
        os.close(instance)
    return None
