"""The tables, as named steps from an empty file to today's.  A step that was released is never changed again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One change of the schema."""

    name: str
    statements: tuple[str, ...]


# AUTOINCREMENT: an id is never given twice, so a late report cannot hit another job.
# STRICT and CHECK: the check at start then finds bits that were flipped in values too, not only in the structure.
# Paths are BLOBs, as the kernel has them.  Times are seconds since 1970.
STEPS = (
    Step(
        "folders, photos, recipes, jobs, products",
        (
            """CREATE TABLE deliver (
                id INTEGER PRIMARY KEY,
                path BLOB NOT NULL UNIQUE,
                mark TEXT NOT NULL DEFAULT '',
                method TEXT CHECK (method IN ('link', 'rename', 'exclusive'))
            ) STRICT""",
            """CREATE TABLE folder (
                id INTEGER PRIMARY KEY,
                watch BLOB NOT NULL,
                deliver INTEGER NOT NULL REFERENCES deliver,
                active INTEGER NOT NULL DEFAULT 1,
                served INTEGER NOT NULL DEFAULT 0,
                UNIQUE (watch, deliver)
            ) STRICT""",
            """CREATE TABLE photo (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                folder INTEGER NOT NULL REFERENCES folder,
                path BLOB NOT NULL,
                ino INTEGER NOT NULL,
                size INTEGER NOT NULL,
                mtime_ns INTEGER NOT NULL,
                ctime_ns INTEGER NOT NULL,
                digest TEXT,
                state TEXT NOT NULL DEFAULT 'settling'
                    CHECK (state IN ('settling', 'ready', 'waiting', 'set_aside')),
                cause TEXT,
                reason TEXT NOT NULL DEFAULT '',
                until REAL,
                since REAL NOT NULL,
                first_seen REAL NOT NULL,
                changed REAL NOT NULL,
                settled REAL,
                job INTEGER REFERENCES job ON DELETE SET NULL,
                duplicate_of INTEGER REFERENCES photo ON DELETE SET NULL,
                wish TEXT,
                UNIQUE (folder, path)
            ) STRICT""",
            "CREATE INDEX photo_digest ON photo (digest) WHERE digest IS NOT NULL",
            "CREATE INDEX photo_job ON photo (job)",
            "CREATE INDEX photo_duplicate ON photo (duplicate_of, folder) WHERE duplicate_of IS NOT NULL",
            "CREATE INDEX photo_state ON photo (state, folder)",
            """CREATE INDEX photo_alone ON photo (folder, state, settled)
                WHERE job IS NULL AND duplicate_of IS NULL""",
            "CREATE TABLE recipe (digest TEXT PRIMARY KEY, json BLOB NOT NULL) STRICT",
            """CREATE TABLE job (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                folder INTEGER NOT NULL REFERENCES folder,
                deliver INTEGER NOT NULL REFERENCES deliver,
                source BLOB NOT NULL,
                photo_digest TEXT NOT NULL,
                recipe_digest TEXT NOT NULL REFERENCES recipe,
                generation INTEGER NOT NULL,
                superseded INTEGER NOT NULL DEFAULT 0,
                profile TEXT NOT NULL,
                note TEXT NOT NULL,
                state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN
                    ('queued', 'developing', 'staged', 'delivered', 'waiting', 'failed', 'set_aside')),
                cause TEXT,
                reason TEXT NOT NULL DEFAULT '',
                until REAL,
                since REAL NOT NULL,
                attempts INTEGER NOT NULL DEFAULT 0,
                failures INTEGER NOT NULL DEFAULT 0,
                interruptions INTEGER NOT NULL DEFAULT 0,
                killed_engines INTEGER NOT NULL DEFAULT 0,
                trouble INTEGER NOT NULL DEFAULT 0,
                warnings TEXT NOT NULL DEFAULT '[]',
                reader TEXT NOT NULL DEFAULT '',
                device TEXT NOT NULL DEFAULT '',
                seconds REAL NOT NULL DEFAULT 0,
                settled REAL NOT NULL,
                queued REAL NOT NULL,
                begun REAL,
                staged REAL,
                delivered REAL,
                UNIQUE (deliver, photo_digest, generation)
            ) STRICT""",
            "CREATE INDEX job_due ON job (state, folder, trouble, settled)",
            "CREATE INDEX job_count ON job (folder, state) WHERE NOT superseded",
            """CREATE TABLE product (
                job INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
                number INTEGER NOT NULL,
                deliver INTEGER NOT NULL REFERENCES deliver,
                base TEXT NOT NULL,
                suffix INTEGER NOT NULL DEFAULT 1,
                name TEXT NOT NULL,
                reserved TEXT,
                staging BLOB,
                sha256 TEXT NOT NULL DEFAULT '',
                size INTEGER NOT NULL DEFAULT 0,
                claim_dev INTEGER,
                claim_ino INTEGER,
                PRIMARY KEY (job, number),
                UNIQUE (deliver, reserved)
            ) STRICT, WITHOUT ROWID""",
        ),
    ),
    Step(
        "whose look may be learned, and what came of it",
        (
            "ALTER TABLE photo ADD COLUMN make TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE photo ADD COLUMN model TEXT NOT NULL DEFAULT ''",
            "CREATE INDEX photo_camera ON photo (make, model) WHERE model != ''",
            """CREATE TABLE lesson (
                make TEXT NOT NULL,
                model TEXT NOT NULL,
                pairs INTEGER NOT NULL,
                reason TEXT NOT NULL,
                split TEXT NOT NULL,
                held_out TEXT NOT NULL,
                tried REAL NOT NULL,
                PRIMARY KEY (make, model)
            ) STRICT, WITHOUT ROWID""",
        ),
    ),
)
VERSION = len(STEPS)


def version(connection: sqlite3.Connection) -> int:
    """How many steps this file has behind it; 0 for an empty one."""
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found


def migrate(connection: sqlite3.Connection, target: int = VERSION) -> None:
    """Take the steps that are missing, each wholly or not at all."""
    for number in range(version(connection), target):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in STEPS[number].statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")
        except sqlite3.Error:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def is_whole(connection: sqlite3.Connection) -> bool:
    """Whether the tables are those of its version, word by word: a flipped bit may have renamed a column."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        migrate(fresh, version(connection))
        return _words(fresh) == _words(connection)


def _words(connection: sqlite3.Connection) -> list[tuple[str, str, str]]:
    return connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
