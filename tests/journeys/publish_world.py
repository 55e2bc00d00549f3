"""What the tests of kills and of power cuts share: a world with photos and foreign files, and the promise about it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ispd.daemon.ledger.reading import read_ledger
from ispd.orders import digest
from ispd.publish import Method, verify
from tests.journeys.publish_driver import Run, line_of, picture

ROOT = Path(__file__).parents[2]
KILLED = -9
FOREIGN = {"2026/DSC1.jpg": b"taken by somebody else", "holiday.jpg": b"nothing to do with us"}
PHOTOS = {"DSC1.dng": b"a photo", "DSC1.nef": b"another of the same name", "copy/DSC7.dng": b"a photo"}


class Driver:
    """A lean process that forks one life of the daemon at a time."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.journeys.publish_driver"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def live(self, run: Run) -> tuple[int, int]:
        """(exit code, points passed)"""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line_of(run))
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return answer["code"], answer["points"]

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(timeout=30) == 0


@contextmanager
def driving() -> Iterator[Driver]:
    """A driver, ended at the end."""
    driver = Driver()
    yield driver
    driver.close()


def new_world(folder: Path, method: Method) -> Run:
    """Photos to develop, and files in the deliver folder that are not ours."""
    for name, content in FOREIGN.items():
        path = folder / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for name, content in PHOTOS.items():
        path = folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return Run(str(folder / "state"), str(folder / "in"), str(folder / "out"), method)


def check_world(run: Run) -> None:
    """The promise: every content delivered once, whole, under names of its own; all else as it was."""
    out = Path(run.deliver)
    found = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert {name: found.pop(name) for name in FOREIGN} == FOREIGN
    assert [name for name in found if name.startswith(".ispd/")] == [".ispd/id"]
    del found[".ispd/id"]
    contents = set(PHOTOS.values())
    wanted = sorted(picture(digest(content), number) for content in contents for number in (0, 1))
    assert sorted(data.decode().partition("attempt")[0] for data in found.values()) == wanted
    with read_ledger(Path(run.state)) as ledger:
        jobs = ledger.delivered()
        assert len(ledger.listing()) == len(jobs) == len(contents)
    names = [product.name for job in jobs for product in job.products]
    assert sorted(names) == sorted(found)
    for job in jobs:
        assert {verify(job.deliver, product.name, product.sha256) for product in job.products} == {"whole"}
