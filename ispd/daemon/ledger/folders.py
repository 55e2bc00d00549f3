"""Folders of the config, as the ledger knows them."""

from __future__ import annotations

from ispd.daemon.ledger.rows import Folder
from ispd.publish import Method


class Folders:
    """`ledger.folders`."""

    def register(self, watch: bytes, deliver: bytes) -> Folder:
        """The row of this pair of absolute paths, made where there is none."""
        raise NotImplementedError

    def all(self) -> tuple[Folder, ...]:
        """Every pair that was ever registered."""
        raise NotImplementedError

    def remember(self, folder: int, mark: str, method: Method) -> Folder:
        """Keep the content of DELIVER/.ispd/id and how final names are taken there (`publish.Desk` tells both)."""
        raise NotImplementedError
