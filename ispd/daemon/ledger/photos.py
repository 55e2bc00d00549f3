"""Photos: what lies in the watched folders, from the first sight until a job is made of it."""

from __future__ import annotations

from collections.abc import Iterable

from ispd.daemon.ledger import queries
from ispd.daemon.ledger.rows import Cause, Observed, Photo, Seen
from ispd.daemon.ledger.shared import SAME_CONTENT, by_turns, part, withdraw
from ispd.daemon.ledger.store import Row, Store, signed
from ispd.orders import Identity

_NEW = """INSERT INTO photo (folder, path, ino, size, mtime_ns, ctime_ns, since, first_seen, changed)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_REPLACE = """UPDATE photo SET ino = ?, size = ?, mtime_ns = ?, ctime_ns = ?, since = ?, changed = ?, digest = NULL,
    state = 'settling', cause = NULL, reason = '', until = NULL, settled = NULL, job = NULL, duplicate_of = NULL,
    make = '', model = '' WHERE id = ?"""
_AWAKE = "CASE WHEN digest IS NULL THEN 'settling' ELSE 'ready' END, cause = NULL, reason = '', until = NULL"
_KNOWN = "SELECT id, path, ino, size, mtime_ns, ctime_ns, digest FROM photo WHERE folder = ?"


class Photos:
    """`ledger.photos`.  Every method is one commit; times are seconds since 1970, passed in."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def observe(self, folder: int, seen: Iterable[Seen], now: float) -> Observed:
        """Files that were looked at, a part of the folder.  New ones and those with another identity are `settling`
        (a replaced one loses its digest, and its job where that was not begun and no other photo has the content)."""
        files = list(seen)
        rows = (self._store.row(f"{_KNOWN} AND path = ?", folder, file.path) for file in files)
        return self._take(folder, files, {row["path"]: row for row in rows if row}, [], now)

    def scanned(self, folder: int, seen: Iterable[Seen], now: float) -> Observed:
        """The whole folder: as `observe`, and rows of files that are no longer there are forgotten, with jobs that were
        neither begun nor delivered.  Never call it for a root that is missing or not mounted."""
        files = list(seen)
        known = {row["path"]: row for row in self._store.rows(_KNOWN, folder)}
        present = {file.path for file in files}
        return self._take(folder, files, known, [row for path, row in known.items() if path not in present], now)

    def settling(self, folder: int) -> tuple[Photo, ...]:
        """Photos that are still arriving, in the order they were first seen."""
        return queries.photos(self._store, "state = 'settling' AND folder = ? ORDER BY id", folder)

    def settle(self, photo: int, identity: Identity, digest: str, now: float) -> Photo | None:
        """The file is quiet, whole as far as we can tell, and this is its digest: `ready`.

        A content that this deliver folder knows gets no second job: the photo is bound to the one there is (`.job`),
        or marked as `.duplicate_of` the photo that will get the job.  Where the file has another identity by now (a
        scan came between) nothing is done; None where its row is gone.
        """
        with self._store.commit():
            row = queries.photo(self._store, photo)
            if row is not None and row.identity == identity:
                self._store.run(
                    """UPDATE photo SET digest = ?, state = 'ready', cause = NULL, reason = '', until = NULL, since = ?,
                       settled = ?, job = ?, duplicate_of = ? WHERE id = ?""",
                    digest,
                    now,
                    now,
                    self._job_of(row.folder, digest) if row.wish is None else None,
                    self._twin(row, digest),
                    photo,
                )
        return queries.photo(self._store, photo)

    def wait(self, photo: int, cause: Cause, reason: str, until: float | None, now: float) -> None:
        """`waiting`: asked again at `until`, or when `wake` or a changed file says so (None: only then)."""
        self._move(photo, "waiting", now, (cause, reason, until))

    def set_aside(self, photo: int, reason: str, now: float) -> None:
        """The file's fault; any change of the file wakes it."""
        self._move(photo, "set_aside", now, (None, reason, None))

    def due(self, now: float, limit: int) -> tuple[Photo, ...]:
        """Photos to plan: ready, no job yet, no duplicate; folders take turns, oldest-settled first.
        Waiting ones whose time has come are put back first: to `ready` (digest known) or `settling`."""
        self.wake_due(now)
        return by_turns(self._store, limit, self._due_of)

    def wake_due(self, now: float) -> int:
        """Put waiting photos whose time has come back to work; how many."""
        # a clock that was set back would otherwise let them wait for as long
        due = "state = 'waiting' AND (until <= ? OR since > ?)"
        if not self._store.value(f"SELECT count(*) FROM photo WHERE {due}", now, now):
            return 0
        with self._store.commit():
            return self._store.run(f"UPDATE photo SET state = {_AWAKE}, since = ? WHERE {due}", now, now, now)

    def wake(self, cause: Cause, now: float, folder: int | None = None) -> int:
        """Put photos that wait for this cause back to work now; how many."""
        with self._store.commit():
            return self._store.run(
                f"""UPDATE photo SET state = {_AWAKE}, since = ?1
                    WHERE state = 'waiting' AND cause = ?2 AND (?3 IS NULL OR folder = ?3)""",
                now,
                cause,
                folder,
            )

    def get(self, photo: int) -> Photo | None:
        """One row."""
        return queries.photo(self._store, photo)

    def at(self, folder: int, path: bytes) -> Photo | None:
        """The row of a path."""
        return next(iter(queries.photos(self._store, "folder = ? AND path = ?", folder, path)), None)

    def _take(self, folder: int, files: list[Seen], known: dict[bytes, Row], gone: list[Row], now: float) -> Observed:
        new = [file for file in files if file.path not in known]
        replaced = [file for file in files if (row := known.get(file.path)) and row[2:6] != _columns(file.identity)]
        if new or replaced or gone:
            with self._store.commit():
                self._store.many(_NEW, ((folder, file.path, *_columns(file.identity), now, now, now) for file in new))
                for file in replaced:
                    self._replace(folder, known[file.path], file.identity, now)
                for row in gone:
                    self._forget(folder, row)
        paths = [tuple(file.path for file in files) for files in (new, replaced)]
        return Observed(paths[0], paths[1], tuple(row["path"] for row in gone))

    def _replace(self, folder: int, row: Row, identity: Identity, now: float) -> None:
        part(self._store, row["id"])
        self._store.run(_REPLACE, *_columns(identity), now, now, row["id"])
        if row["digest"] is not None:
            withdraw(self._store, folder, row["digest"])

    def _forget(self, folder: int, row: Row) -> None:
        part(self._store, row["id"])
        self._store.run("DELETE FROM photo WHERE id = ?", row["id"])
        if row["digest"] is not None:
            withdraw(self._store, folder, row["digest"])

    def _move(self, photo: int, state: str, now: float, why: tuple[Cause | None, str, float | None]) -> None:
        with self._store.commit():
            self._store.run(
                "UPDATE photo SET state = ?, cause = ?, reason = ?, until = ?, since = ? WHERE id = ?",
                state,
                *why,
                now,
                photo,
            )

    def _job_of(self, folder: int, digest: str) -> int | None:
        """The latest job of a content in the deliver folder."""
        row = self._store.row(
            """SELECT id FROM job WHERE photo_digest = ? AND deliver = (SELECT deliver FROM folder WHERE id = ?)
               ORDER BY generation DESC LIMIT 1""",
            digest,
            folder,
        )
        return row["id"] if row else None

    def _twin(self, photo: Photo, digest: str) -> int | None:
        """Another photo with this content, itself no duplicate."""
        row = self._store.row(
            f"SELECT id FROM photo WHERE {SAME_CONTENT} AND duplicate_of IS NULL AND id != ?3 ORDER BY id LIMIT 1",
            photo.folder,
            digest,
            photo.id,
        )
        return row["id"] if row else None

    def _due_of(self, folder: int, limit: int) -> tuple[Photo, ...]:
        where = "state = 'ready' AND job IS NULL AND duplicate_of IS NULL AND folder = ? ORDER BY settled, id LIMIT ?"
        return queries.photos(self._store, where, folder, limit)


def _columns(identity: Identity) -> tuple[int, int, int, int]:
    return signed(identity.ino), identity.size, identity.mtime_ns, identity.ctime_ns
