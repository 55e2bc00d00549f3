"""The tree of errors, sorted by what happens next.  Anything else that escapes is a bug.

    IspdError
    ├── PhotoError            this photo will never develop: set it aside and go on        65
    │   └── IncompletePhoto   its bytes are not all there: wait, they may still arrive     65
    ├── ConfigError           a profile or the config needs its owner's hand               78
    ├── BadModel              a network's weights are not what they must be                65
    ├── NoInput               what was named does not exist or holds no photo              66
    └── MachineError          the photo is fine, the machine is not: try again later       75
        ├── FolderGone        a folder is missing or is another one: not mounted            75
        ├── MissingTool       something must be installed first (exiftool)                 69
        ├── CannotCreate      no room, or a folder that cannot be written                  73
        ├── NotPermitted      the files belong to somebody else                            77
        ├── CardFailed        the graphics card answers this process nothing more           75
        └── ChangedPhoto      the file is no longer the one that was planned: look again   75

Every message is one sentence for somebody who did not write ispd: what, where, and what to do now.
"""

from __future__ import annotations

from typing import ClassVar


class IspdError(Exception):
    """A fault ispd can name."""

    exit_code: ClassVar[int] = 1


class PhotoError(IspdError):
    """This photo will never develop: set it aside and go on."""

    exit_code = 65


class IncompletePhoto(PhotoError):
    """The file ends before its pixels do: it may still be arriving."""


class NoInput(IspdError):
    """What was named does not exist or holds no photo."""

    exit_code = 66


class BadModel(IspdError):
    """A network's weights are not what they must be: another file is needed."""

    exit_code = 65


class ConfigError(IspdError):
    """A profile or the config needs its owner's hand.  `problems` has one sentence each, all that were found."""

    exit_code = 78

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class MachineError(IspdError):
    """The photo is fine, the machine is not: try again later."""

    exit_code = 75


class FolderGone(MachineError):
    """A folder of the config is missing or another one stands in its place: not mounted, renamed, replaced."""


class MissingTool(MachineError):
    """Something ispd stands on is not installed."""

    exit_code = 69


class CannotCreate(MachineError):
    """No room, or a folder that cannot be written."""

    exit_code = 73


class NotPermitted(MachineError):
    """The files belong to somebody else."""

    exit_code = 77


class ChangedPhoto(MachineError):
    """The file changed while it was read, or is no longer the one that was planned: look again."""


class CardFailed(MachineError):
    """The graphics card answers this process nothing more; another process may fare better."""
