"""The ledger's files: STATE/ledger.sqlite, its lock, its backups; a damaged one is moved aside, never deleted.

A crash at any point leaves either the old ledger, or none and its backups: the next start restores then.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from ispd.daemon.ledger import schema
from ispd.daemon.ledger.reading import NAME, check_version
from ispd.daemon.ledger.store import in_words, suspicion
from ispd.errors import CannotCreate, MachineError, NotPermitted

KEEP = 3  # backups, and damaged ledgers
# file systems whose locks or shared memory other machines do not see: SQLite's WAL breaks there
_NETWORK = ("nfs", "cifs", "smb", "ncpfs", "afs", "9p", "ceph", "fuse.sshfs", "fuse.rclone", "fuse.davfs", "davfs")


def make_state(state: Path) -> None:
    """The state folder, for its owner alone.  Raises MachineError on a network file system."""
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
    except PermissionError as error:
        raise NotPermitted(f"{state} cannot be made: {error.strerror}; give ispd's user the permission") from error
    except OSError as error:
        raise CannotCreate(f"{state} cannot be made: {error.strerror}") from error
    kind = file_system(state.resolve(), Path("/proc/self/mountinfo").read_text(errors="surrogateescape"))
    if kind.startswith(_NETWORK):
        raise MachineError(f"{state} lies on a network file system ({kind}); the state folder must be on a local disk")


def file_system(path: Path, mounts: str) -> str:
    """The type of the file system that an absolute path lies on, from the text of /proc/self/mountinfo.

    >>> file_system(Path("/mnt/nas/state"), "1 0 0:1 / / rw - ext4 d rw\\n2 1 0:2 / /mnt/nas rw - nfs4 n:/ rw\\n")
    'nfs4'
    """
    found, longest = "", -1
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        # the kernel writes space, tab, newline and backslash as octal
        point = Path(before.split()[4].encode("utf-8", "surrogateescape").decode("unicode_escape"))
        if path.is_relative_to(point) and len(point.parts) >= longest:
            found, longest = after.split()[0], len(point.parts)
    return found


def lock(state: Path) -> int:
    """The lock beside the ledger; released by closing the descriptor, or by dying.  Raises MachineError."""
    path = state / "ledger.lock"
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise NotPermitted(f"{path} cannot be opened: {error.strerror}; give ispd's user the permission") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(fd, 20).decode(errors="replace").strip()
        os.close(fd)
        sentence = f"{state} is in use by another ispd (process {holder or 'unknown'}); stop that one first"
        raise MachineError(sentence) from error
    os.ftruncate(fd, 0)
    os.write(fd, f"{os.getpid()}\n".encode())
    return fd


def prepare(state: Path, now: float) -> str:
    """See to it that STATE/ledger.sqlite is sound, of today's schema or older, or not there; only under the lock.

    A sentence where a damaged one was replaced.  Raises ConfigError for a newer one, which stays untouched.
    """
    path = state / NAME
    _partial(state).unlink(missing_ok=True)
    if path.exists():
        trouble = "it was found damaged while in use" if suspicion(path).exists() else examine(path)
        if not trouble:
            return ""
        _move_aside(path, now)
        return f"the ledger was damaged ({trouble}) and moved aside; {_restore(state)}"
    _companions_aside(path, now)
    return f"the ledger was missing; {_restore(state)}" if _backups(state) else ""


def examine(path: Path) -> str:
    """What is wrong with a ledger, or "".  Raises ConfigError for a newer one.

    The full check, 0.35 s at 100,000 jobs: quick_check would not compare indexes with their tables, and a wrong index
    makes commits fail for good.
    """
    with in_words(path):
        connection = _connect(path, "ro")
    with closing(connection):
        try:
            check_version(connection, path)
            if not schema.is_whole(connection):
                return "its tables are not as they were made"
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            if _is_access(error):
                with in_words(path):
                    raise
            return str(error)
        except UnicodeDecodeError:
            return "its table of contents is unreadable"
    return "" if found == "ok" else str(found).replace("\n", " ")


def back_up(connection: sqlite3.Connection, state: Path, now: float) -> Path:
    """Copy an open ledger to STATE/backups, whole or not at all; older ones than the newest three go."""
    folder = state / "backups"
    folder.mkdir(exist_ok=True, mode=0o700)
    target = folder / f"ledger-{_stamp(now)}.sqlite"
    part = target.with_suffix(".part")
    part.unlink(missing_ok=True)
    with in_words(part), closing(sqlite3.connect(part)) as copy:
        connection.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
    _sync(part)
    part.replace(target)
    _sync(folder)
    for old in _backups(state)[KEEP:]:
        old.unlink()
    return target


def open_writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes.  WAL and FULL: what was committed survives a power cut.

    SQLite before 3.51.3 can lose pages where two connections write or checkpoint a WAL; readers here do neither.
    """
    with in_words(path):
        connection = _connect(path, "rwc")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA journal_size_limit = {64 << 20}")
    return connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=5, isolation_level=None)


def _restore(state: Path) -> str:
    """Put the newest sound backup in place; a sentence."""
    for backup in _backups(state):
        part = _partial(state)
        shutil.copyfile(backup, part)
        if not examine(part):
            _sync(part)
            part.replace(state / NAME)
            _sync(state)
            return f"its backup of {backup.stem.removeprefix('ledger-')} took its place"
        part.unlink()
    return "there is no backup, so what was delivered is recognized by its tags"


def _move_aside(path: Path, now: float) -> None:
    """The damaged file and what belongs to it; the suspicion last, so that a crash in between changes nothing."""
    _companions_aside(path, now)
    path.replace(path.with_name(f"{path.name}.aside-{_stamp(now)}"))
    suspicion(path).unlink(missing_ok=True)
    _sync(path.parent)
    asides = sorted(path.parent.glob(f"{path.name}.aside-*"), reverse=True)
    for old in asides[KEEP:]:
        old.unlink()


def _companions_aside(path: Path, now: float) -> None:
    """A write-ahead log without its ledger would be played into the next one."""
    for tail in ("-wal", "-shm"):
        companion = path.with_name(path.name + tail)
        with suppress(FileNotFoundError):
            companion.replace(path.with_name(f"{path.name}{tail}.aside-{_stamp(now)}"))


def _backups(state: Path) -> list[Path]:
    """Newest first."""
    return sorted((state / "backups").glob("ledger-*.sqlite"), reverse=True)


def _partial(state: Path) -> Path:
    return state / f"{NAME}.restoring"


def _is_access(error: sqlite3.DatabaseError) -> bool:
    """Whether the file could not be read at all: no verdict on its content."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR}


def _stamp(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S")


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
