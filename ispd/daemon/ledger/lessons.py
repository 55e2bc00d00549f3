"""Lessons: which photos a camera's look may be learned from, and what came of it the last time."""

from __future__ import annotations

import msgspec

from ispd.daemon.ledger.rows import Lesson
from ispd.daemon.ledger.store import Row, Store, damaged


class Lessons:
    """`ledger.lessons`.  Every method that writes is one commit."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take_part(self, photo: int, make: str, model: str) -> bool:
        """A photo of this camera may be learned from; whether that is news."""
        with self._store.commit():
            changed = self._store.run(
                "UPDATE photo SET make = ?1, model = ?2 WHERE id = ?3 AND (make != ?1 OR model != ?2)",
                *(make, model, photo),
            )
        return changed > 0

    def cameras(self) -> tuple[tuple[str, str], ...]:
        """Make and model of every camera that has such photos."""
        rows = self._store.rows("SELECT DISTINCT make, model FROM photo WHERE model != '' ORDER BY make, model")
        return tuple((row["make"], row["model"]) for row in rows)

    def photos(self, make: str, model: str) -> tuple[tuple[int, bytes, str], ...]:
        """Folder, path and digest of every such photo of a camera, each content once, in the order of their paths."""
        rows = self._store.rows(
            """SELECT folder, path, coalesce(digest, '') FROM photo
               WHERE make = ? AND model = ? AND model != '' AND duplicate_of IS NULL ORDER BY path""",
            *(make, model),
        )
        return tuple((row[0], row[1], row[2]) for row in rows)

    def of(self, make: str, model: str) -> Lesson | None:
        """The last lesson of a camera."""
        row = self._store.row("SELECT * FROM lesson WHERE make = ? AND model = ?", make, model)
        return self._lesson(row) if row else None

    def note(self, lesson: Lesson) -> None:
        """What came of a fit; it replaces the camera's last one."""
        with self._store.commit():
            self._store.run(
                "INSERT OR REPLACE INTO lesson (make, model, pairs, reason, split, held_out, tried)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                *(lesson.make, lesson.model, lesson.pairs, lesson.reason, lesson.split),
                msgspec.json.encode(lesson.held_out).decode(),
                lesson.tried,
            )

    def _lesson(self, row: Row) -> Lesson:
        try:
            held_out = msgspec.json.decode(row["held_out"], type=dict[str, float])
        except msgspec.DecodeError as error:
            raise damaged(self._store.path, "a lesson cannot be read") from error
        plain = {name: row[name] for name in ("make", "model", "pairs", "reason", "split", "tried")}
        return Lesson(**plain, held_out=held_out)
