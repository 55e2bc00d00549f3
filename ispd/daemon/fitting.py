"""One fit in a process of its own: started, watched, and ended when it takes too long or the daemon does.

What it leaves in its room, a folder below the state folder, becomes a profile only here, and only whole.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from ispd.errors import CannotCreate, ConfigError
from ispd.profile import Profile, read_profile
from ispd.sentences import printable, shown

Command: TypeAlias = Callable[[Path, Path, str], Sequence[str]]
"""(file of pairs, profile to write, its name) → what to start; its first word is a program's path"""

LEAST_SECONDS, SECONDS_A_PAIR, MOST_SECONDS = 900.0, 60.0, 7200.0  # at nice 10 on a machine that renders too
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Task:
    """A camera, and what its look shall be learned from: raws with their pictures, None: the raw's own preview."""

    make: str
    model: str
    name: str  # of the profile
    pairs: tuple[tuple[bytes, bytes | None], ...]
    digests: Mapping[bytes, str] = field(default_factory=dict)  # SHA-256 of each raw, by its path

    @property
    def camera(self) -> str:
        """For sentences."""
        return printable(self.model if self.model.startswith(self.make) else f"{self.make} {self.model}")


@dataclass(frozen=True)
class Learned:
    """A fit that brought a profile; `held_out`: the error of each photo (SHA-256 of its raw) while it was held out."""

    profile: Profile
    held_out: dict[str, float]
    refused: tuple[str, ...]


@dataclass(frozen=True)
class NotLearned:
    """A fit that brought none, and why."""

    reason: str


def fit_command(pairs: Path, profile: Path, name: str) -> Sequence[str]:
    """`ispd fit`, as a person could type it."""
    return (
        *(sys.executable, "-P", "-m", "ispd", "fit", "--pairs", str(pairs), "-o", str(profile)),
        *("--name", name, "--json"),
    )


class Fitting:
    """A fit under way.  `now` is monotonic seconds."""

    def __init__(self, task: Task, room: Path, command: Command, now: float) -> None:
        """Start it.  Raises CannotCreate where the room cannot be made."""
        self.task = task
        self._room = room
        self._until = now + min(LEAST_SECONDS + SECONDS_A_PAIR * len(task.pairs), MOST_SECONDS)
        try:
            shutil.rmtree(room, ignore_errors=True)  # of a fit that was killed
            room.mkdir(parents=True)
            (room / "pairs.json").write_text(json.dumps([[_text(part) for part in pair] for pair in task.pairs]))
            with (room / "out.json").open("wb") as out, (room / "log").open("wb") as log:
                self._process = _spawn(command(room / "pairs.json", room / "profile.toml", task.name), out, log)
        except OSError as error:
            raise CannotCreate(f"{room} cannot be written: {error.strerror}") from error

    @property
    def pid(self) -> int:
        """Process id, also the id of its group."""
        return self._process.pid

    def step(self, now: float) -> Learned | NotLearned | None:
        """What came of it, once; None: it is still at work.  Never waits."""
        has_ended = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        if not has_ended and now < self._until:
            return None
        code = self._end()
        made = self._outcome(code) if has_ended else NotLearned("the fit took too long and was ended")
        self._clear()
        return made

    def stop(self) -> None:
        """End it at once, with all that it started."""
        self._end()
        self._clear()

    def _outcome(self, code: int) -> Learned | NotLearned:
        told = self._told()
        refused = tuple(_refusals(told))
        if code < 0:  # what it said last is what it was at, no reason
            return NotLearned(f"it ended with {_ending(code)}")
        if code != 0:
            reason = (
                _first(refused or self._said("refused ")) or _last(self._said("")) or f"it ended with {_ending(code)}"
            )
            return NotLearned(reason)
        try:
            profile = read_profile(self._room / "profile.toml")
        except ConfigError as error:
            return NotLearned(f"the fit wrote a profile that cannot be used: {error}")
        return Learned(profile, self._held_out(told), refused)

    def _told(self) -> dict[str, Any]:
        with suppress(OSError, ValueError):
            told = json.loads((self._room / "out.json").read_bytes() or b"{}")
            return told if isinstance(told, dict) else {}
        return {}

    def _said(self, start: str) -> list[str]:
        """Lines for people that begin so, without it."""
        with suppress(OSError):
            lines = (self._room / "log").read_text(errors="replace").split("\n")
            folders = {os.path.dirname(path) + b"/" for pair in self.task.pairs for path in pair if path}
            for folder in sorted(folders, key=len, reverse=True):  # of no interest to who gets the picture
                lines = [line.replace(shown(folder), "") for line in lines]
            said = (line.strip().removeprefix("ispd: ") for line in lines)
            return [printable(line.removeprefix(start)) for line in said if line and line.startswith(start)]
        return []

    def _held_out(self, told: dict[str, Any]) -> dict[str, float]:
        """The error of each pair, by its raw's digest: that on cells, which every photo has, in every version alike."""
        found = {}
        for row in _rows(told, "pairs"):
            digest = self.task.digests.get(os.fsencode(str(row.get("raw"))))
            if digest is not None and isinstance(error := row.get("on_cells"), int | float):
                found[digest] = float(error)
        return found

    def _end(self) -> int:
        """Kill it and all that it started; its exit code.  Its id is ours until the wait, so no other group is hit."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait()

    def _clear(self) -> None:
        shutil.rmtree(self._room, ignore_errors=True)


def _spawn(command: Sequence[str], out: BinaryIO, log: BinaryIO) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "ispd.daemon.apprentice", str(os.getpid()), *command],
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=log,
        env=os.environ | ONE_THREAD,
        process_group=0,  # so that its exiftool and its cells end with it
    )


def _text(part: bytes | None) -> str | None:
    return None if part is None else os.fsdecode(part)


def _refusals(told: dict[str, Any]) -> list[str]:
    """A sentence each."""
    return [
        printable(f"{os.path.basename(str(row.get('raw', '')))}: {row.get('reason', '')}")
        for row in _rows(told, "refused")
    ]


def _rows(told: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = told.get(key)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _first(refused: Sequence[str]) -> str:
    more = f", and {len(refused) - 1} more" if len(refused) > 1 else ""
    return f"{refused[0]}{more}" if refused else ""


def _last(lines: Sequence[str]) -> str:
    return lines[-1] if lines else ""


def _ending(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
