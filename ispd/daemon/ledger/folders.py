"""Folders of the config, as the ledger knows them."""

from __future__ import annotations

from collections.abc import Iterable

from ispd.daemon.ledger import queries
from ispd.daemon.ledger.rows import Folder
from ispd.daemon.ledger.store import Store
from ispd.publish import Method


class Folders:
    """`ledger.folders`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def register(self, watch: bytes, deliver: bytes) -> Folder:
        """The row of this pair of absolute paths, made where there is none; it takes part in `due` from now on."""
        with self._store.commit():
            self._store.run("INSERT OR IGNORE INTO deliver (path) VALUES (?)", deliver)
            place = self._store.value("SELECT id FROM deliver WHERE path = ?", deliver)
            self._store.run(
                "INSERT INTO folder (watch, deliver) VALUES (?, ?) ON CONFLICT DO UPDATE SET active = 1", watch, place
            )
        return queries.folders(self._store, "watch = ? AND path = ?", watch, deliver)[0]

    def keep_only(self, folders: Iterable[int]) -> None:
        """After a new config: nothing of the other folders is due any more.  Their rows stay."""
        with self._store.commit():
            self._store.run("UPDATE folder SET active = 0")
            self._store.many("UPDATE folder SET active = 1 WHERE id = ?", ((folder,) for folder in folders))

    def all(self) -> tuple[Folder, ...]:
        """Every pair that was ever registered."""
        return queries.folders(self._store)

    def remember(self, folder: int, mark: str, method: Method) -> Folder:
        """Keep the content of DELIVER/.ispd/id and how final names are taken there (`publish.Desk` tells both)."""
        with self._store.commit():
            self._store.run(
                "UPDATE deliver SET mark = ?, method = ? WHERE id = (SELECT deliver FROM folder WHERE id = ?)",
                mark,
                method,
                folder,
            )
        return queries.folders(self._store, "folder.id = ?", folder)[0]
