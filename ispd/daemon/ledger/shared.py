"""What several commands of the ledger do inside their own transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ispd.daemon.ledger.store import Store

T = TypeVar("T")

# photos that share a deliver folder with photo or job `?1`'s folder and have the digest `?2`
SAME_CONTENT = """digest = ?2 AND folder IN (SELECT id FROM folder WHERE deliver =
    (SELECT deliver FROM folder WHERE id = ?1))"""

# a waiting job goes on where it was: with its files staged, or from the queue
AWAKE = """CASE WHEN EXISTS (SELECT 1 FROM product WHERE product.job = job.id AND sha256 != '')
    THEN 'staged' ELSE 'queued' END, cause = NULL, reason = '', until = NULL"""


def part(store: Store, photo: int) -> None:
    """Photo `photo` is about to lose its content (replaced, gone): the oldest of its duplicates takes its place."""
    heir = store.value("SELECT min(id) FROM photo WHERE duplicate_of = ?", photo)
    if heir is not None:
        store.run("UPDATE photo SET duplicate_of = ? WHERE duplicate_of = ? AND id != ?", heir, photo, heir)
        store.run("UPDATE photo SET duplicate_of = NULL WHERE id = ?", heir)


def withdraw(store: Store, folder: int, digest: str) -> None:
    """Delete the job of a content that no photo has any more, unless it is under way or was delivered.

    Its names are free again; a person who puts the file back gets a new job.
    """
    if store.value(f"SELECT count(*) FROM photo WHERE {SAME_CONTENT}", folder, digest) == 0:
        store.run(
            """DELETE FROM job WHERE photo_digest = ?2 AND state IN ('queued', 'waiting', 'failed', 'set_aside')
               AND deliver = (SELECT deliver FROM folder WHERE id = ?1)""",
            folder,
            digest,
        )


def by_turns(store: Store, limit: int, of_folder: Callable[[int, int], tuple[T, ...]]) -> tuple[T, ...]:
    """Up to `limit` rows: one of each active folder in turn, beginning with the folder served longest ago."""
    folders = store.rows("SELECT id FROM folder WHERE active ORDER BY served, id")
    queues = [list(of_folder(row["id"], limit)) for row in folders]
    found: list[T] = []
    for turn in range(limit):
        found += [queue[turn] for queue in queues if turn < len(queue)]
    return tuple(found[:limit])
