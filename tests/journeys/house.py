"""What a journey needs: a folder, tiny photos, the real daemon as a process, and patience with an end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

import ispd
from ispd.simulate.camera import LANTERN
from ispd.simulate.photograph import photograph
from ispd.simulate.pictures import gradient

T = TypeVar("T")

PATIENCE_SECONDS = 60.0  # with both cores busy; what is waited for comes in one or two
ISPD = [sys.executable, "-m", "ispd"]
CONFIG = """
state = "{root}/state"

[[folder]]
watch = "{root}/in"
deliver = "{root}/out"
profile = "neutral"

[engine]
device = "cpu"

[settle]
quiet_seconds = 0.3
"""


def until(condition: Callable[[], T], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """Wait for what must come, and not a moment longer; gives what came."""
    deadline = time.monotonic() + seconds
    while not (came := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.02)
    return came


def tiny_photo(number: int) -> bytes:
    """A DNG of 32 × 48 pixels; each number is another content."""
    return photograph(np.ascontiguousarray(gradient()[:32, :48]), LANTERN, seed=number)


@dataclass
class House:
    """A root folder with in/, out/ and a config; the daemon when it runs."""

    root: Path
    daemon: subprocess.Popen[bytes] | None = None
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def inbox(self) -> Path:
        return self.root / "in"

    @property
    def outbox(self) -> Path:
        return self.root / "out"

    @property
    def config(self) -> Path:
        return self.root / "ispd.toml"

    @property
    def log(self) -> str:
        return (self.root / "log").read_text(errors="replace") if (self.root / "log").exists() else ""

    @property
    def environment(self) -> dict[str, str]:
        """Of this house alone: nothing of the person who runs the tests."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH", "VIRTUAL_ENV") if name in os.environ}
        own = {"HOME": "home", "TMPDIR": "tmp"}
        return kept | {name: str(self.root / folder) for name, folder in own.items()}

    def furnish(self, config: str = CONFIG) -> House:
        """Make the folders and write the config."""
        for name in ("in", "home", "tmp"):
            (self.root / name).mkdir(exist_ok=True)
        self.config.write_text(config.format(root=self.root))
        return self

    def drop(self, name: str, number: int) -> Path:
        """A photo comes whole, by a rename."""
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        arriving = self.root / f".arriving-{number}"
        arriving.write_bytes(tiny_photo(number))
        arriving.rename(path)
        return path

    def start(self, *arguments: str, before: tuple[str, ...] = (), **environment: str) -> subprocess.Popen[bytes]:
        """Start the daemon, with this house's config; what it says goes to the log.  `before`: a command around it."""
        command = [*before, *ISPD, "run", *(arguments or ("--config", str(self.config)))]
        surroundings = self.environment | environment
        with (self.root / "log").open("ab") as log:
            process = subprocess.Popen(
                command, env=surroundings, cwd=self.root, stdout=log, stderr=log, start_new_session=True
            )
        self.started.append(process)
        self.daemon = process
        return process

    def run(
        self, *arguments: str, before: tuple[str, ...] = (), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """A command, to its end."""
        surroundings = self.environment | environment
        return subprocess.run(
            [*before, *ISPD, *arguments], env=surroundings, cwd=self.root, capture_output=True, text=True, check=False
        )

    @contextmanager
    def small_disk(self, folder: Path, size: str) -> Iterator[None]:
        """A file system of its own at `folder`, of so many bytes ("256k"); root only."""
        folder.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "ispd-test", str(folder)], check=True)
        try:
            yield
        finally:
            self.close()
            subprocess.run(["umount", "-l", str(folder)], check=True)

    def watches(self) -> bool:
        """Whether the daemon has said that it begins."""
        return f"ispd {ispd.__version__} watches" in self.log

    def status(self) -> dict[str, Any]:
        """`ispd status --json`."""
        done = self.run("status", "--json", "--config", str(self.config))
        assert done.returncode == 0, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def delivered(self) -> set[str]:
        """Names of all pictures, relative to the deliver folder."""
        pictures = (path for path in self.outbox.rglob("*.jpg") if ".ispd" not in path.parts)
        return {str(path.relative_to(self.outbox)) for path in pictures}

    def leftovers(self) -> set[str]:
        """What lies in staging and should not."""
        staging = self.outbox / ".ispd"
        return {path.name for path in staging.iterdir()} - {"id"} if staging.exists() else set()

    def temporary(self) -> set[str]:
        """What lies in the folder for temporary files."""
        return {path.name for path in (self.root / "tmp").iterdir()}

    def wait_for(self, names: set[str], seconds: float = PATIENCE_SECONDS) -> None:
        """Until exactly these pictures, and no others, are there."""
        try:
            until(lambda: names <= self.delivered(), f"{len(names)} pictures", seconds)
        except AssertionError as error:
            missing = sorted(names - self.delivered())
            raise AssertionError(f"{error}; missing {missing[:5]}; the log ends:\n{self.log[-3000:]}") from error
        assert self.delivered() == names

    def wait_until_idle(self) -> None:
        """Until staging is empty: step 8 comes after the name."""
        until(lambda: not self.leftovers(), "an empty staging folder")

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.daemon is not None
        self.daemon.send_signal(signal.SIGTERM)
        return self.daemon.wait(timeout=30)

    def close(self) -> None:
        """Nothing that was started here outlives the test."""
        for process in self.started:
            for pid in (*descendants(process.pid), process.pid):
                if process.poll() is None or pid != process.pid:
                    _kill(pid)
            process.wait(timeout=10)


@contextmanager
def open_house(root: Path) -> Iterator[House]:
    """A house that is empty of processes afterwards."""
    house = House(root)
    try:
        yield house
    finally:
        house.close()


@dataclass(frozen=True)
class Process:
    """One process; its start time tells it from a later one with the same id."""

    pid: int
    start: str
    command: str

    def is_alive(self) -> bool:
        now = process(self.pid)
        return now is not None and now.start == self.start


def process(pid: int) -> Process | None:
    """The running process of that id; None for none and for a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return None
    return None if stat[0] == "Z" else Process(pid, stat[19], command)


def descendants(pid: int) -> list[int]:
    """Children, their children, and so on."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:
        return []
    return children + [below for child in children for below in descendants(child)]


def family(pid: int) -> list[Process]:
    """A process and all it has started, by now."""
    found = [process(member) for member in (pid, *descendants(pid))]
    return [member for member in found if member is not None]


def all_gone(processes: Iterable[Process], seconds: float = 2.0) -> None:
    """None of them lives longer than that."""
    members = list(processes)
    deadline = time.monotonic() + seconds
    while alive := [member for member in members if member.is_alive()]:
        assert time.monotonic() < deadline, f"left behind: {alive}"
        time.sleep(0.02)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
