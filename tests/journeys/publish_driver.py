"""Drives ledger and publishing on real files, and dies by SIGKILL at the n-th point: between any two system calls that
change something, and on both sides of every commit.

`python -m tests.journeys.publish_driver` reads one run a line from stdin (JSON of `Run`), forks for it, and answers
with one line: its wait status, and how many points it passed.  A fork of a lean process
costs 5 ms, a start of Python 200.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ispd.daemon.ledger.ledger import Ledger
from ispd.daemon.ledger.rows import Folder, Job, Seen
from ispd.orders import Identity, Order, Output, Plan, Recipe, Report, digest
from ispd.publish import (
    Desk,
    Disk,
    Method,
    Staged,
    StagingLost,
    clear_job,
    open_desk,
    publish,
    publish_again,
    seal,
    sweep,
)

RECIPE = Recipe("neutral", "{}", (Output(), Output(format="tiff")))
CHANGES = ("create", "mkdir", "write", "fchmod", "fsync", "link", "rename_new", "rename_over", "unlink", "rmdir")


@dataclass(frozen=True)
class Run:
    """One life of the daemon: where, and at which point it ends (0: by itself)."""

    state: str
    watch: str
    deliver: str
    method: Method
    kill_at: int = 0
    fsync: Literal["done", "left out"] = "done"  # left out: to prove that the test of power cuts can fail


class Points:
    """Counts what is passed, and ends the process at the chosen one."""

    def __init__(self, kill_at: int) -> None:
        self.passed = 0
        self._kill_at = kill_at

    def __call__(self) -> None:
        self.passed += 1
        if self.passed == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


class Watched:
    """A value whose methods are points: before each call, and after it."""

    def __init__(self, value: object, points: Points, names: tuple[str, ...] = ()) -> None:
        self._value = value
        self._points = points
        self._names = names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._value, name)
        if self._names and name not in self._names:
            return found
        return self._between(found)

    def _between(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*values: Any) -> Any:
            self._points()
            answer = call(*values)
            self._points()
            return answer

        return run


class Forgetful(Disk):
    """Says yes to fsync, and does nothing."""

    def fsync(self, fd: int) -> None:
        pass


class Rows:
    """The memory of one job."""

    def __init__(self, jobs: Any, job: int) -> None:
        self._jobs, self._job = jobs, job

    def next_name(self, number: int) -> str:
        name: str = self._jobs.next_name(self._job, number)
        return name

    def claim(self, number: int, dev: int, ino: int) -> None:
        self._jobs.claim(self._job, number, dev, ino)


def live(run: Run) -> int:
    """A whole life: recover, look, develop and publish everything.  How many points it has."""
    points = Points(run.kill_at)
    disk: Any = Watched(Disk() if run.fsync == "done" else Forgetful(), points, CHANGES)
    with Ledger(Path(run.state), now=1.0) as ledger:
        points()
        photos: Any = Watched(ledger.photos, points)
        jobs: Any = Watched(ledger.jobs, points)
        folder = ledger.folders.register(run.watch.encode(), run.deliver.encode())
        desk = replace(open_desk(folder.deliver, folder.mark, disk), method=run.method)
        points()
        ledger.folders.remember(folder.id, desk.mark, desk.method)
        points()
        recover(jobs, desk)
        look(photos, jobs, folder)
        for job in ledger.jobs.due(3.0, 100):
            clear_job(desk, job.id)
            order = jobs.begin(job.id, None, 4.0)
            attempt = job.attempts + 1
            staged = jobs.stage(job.id, develop(order, attempt, disk, points), 5.0)
            finish(jobs, desk, staged, publish)
    return points.passed


def recover(jobs: Any, desk: Desk) -> None:
    """What a start does before engines."""
    jobs.recover(2.0)
    for job in jobs.staged():
        try:
            finish(jobs, desk, job, publish_again)
        except StagingLost:
            jobs.unstage(job.id, 2.0)
    sweep(desk, jobs.live_staging(desk.deliver))


def look(photos: Any, jobs: Any, folder: Folder) -> None:
    """Every file is settled as it is found."""
    files = [path for path in sorted(Path(os.fsdecode(folder.watch)).rglob("*")) if path.is_file()]
    photos.scanned(folder.id, [Seen(os.fsencode(path), identity(path)) for path in files], 2.0)
    for photo in photos.settling(folder.id):
        photos.settle(photo.id, photo.identity, digest(Path(os.fsdecode(photo.path)).read_bytes()), 2.5)
    for photo in photos.due(2.6, 100):
        stem = Path(os.fsdecode(photo.path)).stem
        jobs.enqueue(photo.id, Plan(RECIPE, (f"2026/{stem}.jpg", f"2026/{stem}.tif"), ()), 2.7)


def develop(order: Order, attempt: int, disk: Any, points: Points) -> Report:
    """What an engine does; the picture tells which photo and which attempt it comes from."""
    written = []
    for number, path in enumerate(order.staging):
        with open(path, "xb") as file:
            points()
            file.write(picture(order.source_digest, number).encode())
            file.flush()
            points()
            file.write(f"attempt {attempt}".encode())
        written.append(seal(path, disk))
    return Report(order.job, tuple(written))


def finish(jobs: Any, desk: Desk, job: Job, by: Callable[..., tuple[str, ...]]) -> None:
    """Steps 5 to 8."""
    files = tuple(Staged(p.staging or b"", p.name, p.sha256, p.size, p.claim) for p in job.products)
    by(desk, files, Rows(jobs, job.id))
    jobs.deliver(job.id, 6.0)
    clear_job(desk, job.id)


def picture(source_digest: str, number: int) -> str:
    """How the picture of a photo begins."""
    return f"{source_digest} output {number} "


def identity(path: Path) -> Identity:
    """As a scan sees it."""
    return Identity.of(path.stat())


def serve() -> None:
    """One forked life for each line."""
    for line in sys.stdin:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writer, str(live(Run(**json.loads(line)))).encode())
            os._exit(0)
        os.close(writer)
        passed = os.read(reader, 20).decode() or "0"
        os.close(reader)
        _, status = os.waitpid(child, 0)
        print(json.dumps({"code": os.waitstatus_to_exitcode(status), "points": int(passed)}), flush=True)


def line_of(run: Run) -> str:
    """What `serve` reads."""
    return json.dumps(asdict(run)) + "\n"


if __name__ == "__main__":
    serve()
