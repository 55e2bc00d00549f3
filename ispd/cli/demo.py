"""ispd demo: the whole product in a minute, with a simulated camera, a watched folder, and the real daemon."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from ispd.cli.command import Subparsers, add_command, aligned
from ispd.errors import MachineError

if TYPE_CHECKING:
    from PIL import Image

    from ispd.simulate.demo import Shot, Stage

PATIENCE_SECONDS = 150.0  # for all photos together; the whole demo stays under three minutes
POLL_SECONDS = 1.0
STOP_SECONDS = 30.0
ENDED = ("delivered", "failed", "set_aside")  # nothing more happens by itself
# what would lead the demo's daemon to somebody else's config, state or service manager
FOREIGN = ("ISPD_CONFIG", "NOTIFY_SOCKET", "STATE_DIRECTORY", "WATCHDOG_USEC")
EXAMPLES = """\
examples:
  ispd demo --into /tmp/demo      writes /tmp/demo/graded/*.jpg and /tmp/demo/contact-sheet.jpg

Change demo/profiles/*.toml and run it again: they are kept.
"""


def add_parser(subparsers: Subparsers) -> None:
    """The command's arguments."""
    parser = add_command(subparsers, "demo", __doc__, EXAMPLES)
    parser.add_argument("--into", type=Path, metavar="DIR", default=Path("demo"), help="where (default: demo)")
    parser.add_argument("--size", metavar="PX", type=_pixels, default=1600, help="size of the photos (default: 1600)")


def _pixels(text: str) -> int:
    if not 64 <= int(text) <= 8000:
        raise ArgumentTypeError(f"{text} must lie in 64 to 8000 pixels")
    return int(text)


@dataclass(frozen=True)
class Result:
    """What became of one photo."""

    shot: Shot
    state: str
    profile: str
    reason: str
    seconds: float | None
    output: Path | None  # None: it did not come out


def run(args: Namespace) -> int:
    """Photograph, drop, wait, show.  0 only if every photo came out."""
    from ispd.simulate.demo import SHOTS, prepare

    signal.signal(signal.SIGTERM, _leave)  # so that the daemon is stopped however the demo ends
    stage = prepare(args.into.absolute())
    with _daemon(stage) as daemon:
        views = [_drop(stage, shot, args.size) for shot in SHOTS]
        _wait(stage, daemon)
        results = [_result(stage, shot) for shot in SHOTS]
    print(_table(results))
    whole = [pair for pair in zip(results, views, strict=True) if pair[0].output]
    _say(f"{len(whole)} of {len(SHOTS)} photos came out")
    if whole:
        _write_sheet(stage, whole)
        _say(f"side by side: {stage.sheet}")
    return 0 if len(whole) == len(SHOTS) else 1


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _environment(stage: Stage) -> dict[str, str]:
    """The demo's own config, state and caches; nobody's daemon is disturbed."""
    own = {f"XDG_{kind}_HOME": str(stage.state / kind.lower()) for kind in ("CONFIG", "STATE", "DATA")}
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return kept | own | {"ISPD_CONFIG": str(stage.config)}


@contextmanager
def _daemon(stage: Stage) -> Iterator[subprocess.Popen[bytes]]:
    """`ispd run` for as long as the block lasts; its journal goes to a file.  SIGTERM ends it, as systemd would."""
    _say(f"starting the daemon: it watches {stage.inbox} and delivers to {stage.graded}")
    with open(stage.log, "wb") as log:
        command = [sys.executable, "-m", "ispd", "run"]
        daemon = subprocess.Popen(command, env=_environment(stage), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield daemon
    finally:
        daemon.terminate()
        try:
            code = daemon.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
            code = -signal.SIGKILL
    if code != 0:
        raise MachineError(f"the daemon ended with {code} when it was asked to stop; see {stage.log}")


def _drop(stage: Stage, shot: Shot, size: int) -> Image.Image:
    """Take one photo, put it into the inbox, and return what the sensor recorded."""
    from ispd.simulate.demo import note, take
    from ispd.simulate.dng import write_dng
    from ispd.simulate.sheet import sensor_view

    negative = take(shot, size)
    note(stage, [f"inbox/{shot.name}", f"graded/{shot.output_name}"])
    path = write_dng(stage.inbox / shot.name, negative)
    _say(f"{shot.camera.name} took {shot.name} ({path.stat().st_size / 1e6:.1f} MB)")
    return sensor_view(negative)


def _wait(stage: Stage, daemon: subprocess.Popen[bytes]) -> None:
    """Until every photo has come to an end, saying what changes.  Raises MachineError where the daemon is gone."""
    from ispd.simulate.demo import SHOTS

    start, before = time.monotonic(), ""
    while (spent := time.monotonic() - start) < PATIENCE_SECONDS:
        if daemon.poll() is not None:
            raise MachineError(f"the daemon ended with {daemon.returncode}: {_last_line(stage)}")
        states = [job["state"] for job in _jobs(stage) if _is_ours(job)]
        sentence = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states)) or "nothing seen yet"
        if sentence != before:
            _say(f"{spent:4.0f} s  {sentence}")
        before = sentence
        if sum(state in ENDED for state in states) == len(SHOTS):
            return
        time.sleep(POLL_SECONDS)
    _say(f"giving up after {PATIENCE_SECONDS:.0f} s; see {stage.log}")


def _last_line(stage: Stage) -> str:
    lines = stage.log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"it said nothing; see {stage.log}"


def _ask(stage: Stage, *words: str) -> Any:
    """What `ispd WORDS --json` prints; None while the daemon has no ledger yet."""
    command = [sys.executable, "-m", "ispd", *words, "--json"]
    answer = subprocess.run(command, env=_environment(stage), capture_output=True)
    return json.loads(answer.stdout) if answer.returncode == 0 else None


def _jobs(stage: Stage) -> list[dict[str, Any]]:
    return _ask(stage, "jobs", "list") or []


def _is_ours(job: dict[str, Any]) -> bool:
    """Somebody may have dropped photos of their own."""
    from ispd.simulate.demo import SHOTS

    return Path(job["source"]).name in {shot.name for shot in SHOTS}


def _result(stage: Stage, shot: Shot) -> Result:
    """What the ledger says of one photo, and whether its picture can be opened."""
    jobs = [job for job in _jobs(stage) if Path(job["source"]).name == shot.name]
    if not jobs:
        return Result(shot, "not seen", "", "the daemon has not found it", None, None)
    job = _ask(stage, "jobs", "show", jobs[0]["id"]) or jobs[0]
    output = Path(job["outputs"][0]) if job["outputs"] else None
    whole = job["state"] == "delivered" and output is not None and _is_picture(output)
    reason = f"{output} is no picture" if job["state"] == "delivered" and not whole else job["reason"]
    return Result(shot, job["state"], job.get("profile", ""), reason, job.get("seconds"), output if whole else None)


def _is_picture(path: Path) -> bool:
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.load()
    except OSError:
        return False
    return True


def _table(results: list[Result]) -> str:
    """One line a photo, columns aligned."""
    lines = [("photo", "camera", "profile", "seconds", "output")]
    for result in results:
        seconds = "" if result.seconds is None else f"{result.seconds:.1f}"
        outcome = str(result.output) if result.output else f"{result.state}: {result.reason}"
        lines.append((result.shot.name, result.shot.camera.name, result.profile, seconds, outcome))
    return aligned(lines)


def _write_sheet(stage: Stage, photos: list[tuple[Result, Image.Image]]) -> None:
    """What the sensor recorded beside what was delivered."""
    from PIL import Image

    from ispd.simulate.sheet import Pair, contact_sheet

    pairs = []
    for result, view in photos:
        assert result.output is not None  # these have come out
        camera = result.shot.camera
        title, detail = f"{result.shot.name}, {camera.name}", f"{camera.description}; profile {result.profile}"
        pairs.append(Pair(view, Image.open(result.output), title, detail))
    sheet = contact_sheet(pairs, "ispd demo: what the sensor recorded | what was delivered")
    sheet.save(stage.sheet, quality=90)
