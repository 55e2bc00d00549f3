"""Facts for commands that only look: our own reader, and exiftool for the formats that it does not know."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from ispd.decode.facts import read_facts
from ispd.orders import Facts

if TYPE_CHECKING:
    from ispd.metadata.exiftool import ExifTool


class FactsReader:
    """A context manager; exiftool starts with the first photo that needs it."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._door: ExifTool | None = None

    def __enter__(self) -> FactsReader:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def read(self, path: bytes) -> Facts:
        """What the photo says of itself.  Raises PhotoError, NoInput, NotPermitted, MissingTool, MachineError."""
        facts = read_facts(path)
        if facts is not None:
            return facts
        from ispd.metadata.exiftool import ExifTool
        from ispd.metadata.facts import facts_from_exiftool

        if self._door is None:
            self._door = self._open.enter_context(ExifTool())
        return facts_from_exiftool(self._door.read(path))
