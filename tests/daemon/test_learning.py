"""A camera's look is learned while other photos go on; what comes of it decides what the waiting ones become.

The fit is a stand-in that says what its lesson file tells it to: who waits for whom is the daemon's doing.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from ispd.config import Config, Folder, Settle
from ispd.config import Engine as EngineConfig
from ispd.daemon import fitting
from ispd.daemon.clock import Now
from ispd.daemon.fitting import Fitting, NotLearned, Task
from ispd.daemon.ledger.ledger import Ledger
from ispd.daemon.ledger.rows import Job, Listed
from ispd.daemon.loop import Loop, patience_of
from ispd.profile import from_json
from ispd.profile.learned import roll_back, versions
from ispd.profile.profile import Profile, read_profile
from ispd.simulate.camera import KESTREL, LANTERN, SimulatedCamera
from ispd.simulate.photograph import photograph
from ispd.simulate.pictures import gradient

QUIET, LEARN_AFTER = 3.0, 30.0
NAME = "learned-lumora-lantern-7"

# what `ispd fit` does, as far as the daemon sees it
STAND_IN = """
import json, sys, time
from pathlib import Path
lesson, pairs, out, name = json.loads(Path(sys.argv[1]).read_text()), *sys.argv[2:]
pairs = json.loads(Path(pairs).read_text())
asked = Path(sys.argv[1]).with_name("asked.jsonl")
with asked.open("a") as file:
    file.write(json.dumps({"pairs": pairs, "name": name}) + "\\n")
time.sleep(lesson.get("seconds", 0))
if lesson.get("code"):
    print("ispd: " + lesson["words"], file=sys.stderr)
    print(json.dumps({"refused": lesson.get("refused", [])}))
    sys.exit(lesson["code"])
told = [{"raw": raw, "reference": reference, "mean": 9.9, "on_cells": lesson["error"]} for raw, reference in pairs]
Path(out).write_text(
    f'name = "{name}"\\n[look.exposure]\\nev = {lesson["ev"]}\\n[fit]\\npairs = {len(pairs)}\\n'
    f'held_out_mean = {lesson["error"]}\\nsplit = "{lesson.get("split", "photos")}"\\n'
)
print(json.dumps({"profile": out, "held_out": {"mean": lesson["error"]}, "pairs": told, "refused": []}))
"""


@dataclass
class School:
    """A loop on a real folder, with a clock of its own, and a fit that does as it is told."""

    root: Path
    config: Config
    now: Now
    loop: Loop = field(init=False)
    stack: ExitStack = field(init=False)

    def open(self) -> None:
        """A daemon starts."""
        self.stack = ExitStack()
        ledger = self.stack.enter_context(Ledger(self.config.state, self.now.wall))
        self.loop = Loop(self.config, ledger, None, patience_of(self.config), self.command)
        self.stack.callback(self.loop.close)
        self.loop.start(self.now)

    def command(self, pairs: Path, profile: Path, name: str) -> Sequence[str]:
        return sys.executable, "-c", STAND_IN, str(self.root / "lesson.json"), str(pairs), str(profile), name

    def teach(self, **lesson: Any) -> None:
        """What the next fit will find."""
        (self.root / "lesson.json").write_text(json.dumps({"ev": 1.0, "error": 2.0} | lesson))

    def drop(self, name: str, *, camera: SimulatedCamera = LANTERN, reference: bool = True) -> None:
        """A raw, and its finished picture."""
        seed = int(hashlib.sha256(name.encode()).hexdigest()[:6], 16)
        picture = gradient()[:32, :48].copy()
        (self.root / "in" / f"{name}.dng").write_bytes(photograph(picture, camera, seed=seed))
        if reference:
            self.finish(name)

    def finish(self, name: str) -> None:
        """The finished picture of a raw."""
        (self.root / "in" / f"{name}.JPG").write_bytes(b"a finished picture")

    def pass_by(self, seconds: float) -> None:
        """So much later, one round and as many as it asks for at once."""
        self.now = Now(self.now.steady + seconds, self.now.wall + seconds)
        self.loop.survey.scan_all_soon(self.now)
        self.loop.round(self.now)
        while self.loop.sleep_seconds(self.now.steady) == 0:
            self.loop.round(self.now)

    def arrive(self) -> None:
        """All that was dropped has settled."""
        self.pass_by(0)
        self.pass_by(QUIET)

    def learn(self) -> None:
        """The folder is quiet; until the fit has ended.  Here alone time passes by itself."""
        self.pass_by(LEARN_AFTER)
        self.pass_by(2)
        deadline = time.monotonic() + 60
        while self.loop.learning.busy:
            assert time.monotonic() < deadline
            time.sleep(0.02)
            self.pass_by(0)
        self.pass_by(0)

    @property
    def asked(self) -> list[dict[str, Any]]:
        """What fits were asked for so far."""
        path = self.root / "asked.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def learned(self) -> Path:
        return self.config.state / f"profiles/{NAME}.toml"

    def listed(self, name: str) -> Listed:
        lines = self.loop.ledger.reading.listing()
        return next(line for line in lines if line.source.endswith(f"/{name}.dng".encode()))

    def planned(self, name: str) -> str:
        """The profile that a photo waits for no longer."""
        line = self.listed(name)
        assert not line.id.startswith("p"), line
        return line.profile

    def job(self, name: str) -> Job:
        job = self.loop.ledger.jobs.get(int(self.listed(name).id))
        assert job is not None
        return job

    def profile_of(self, name: str) -> Profile:
        """As the order will have it."""
        return from_json(self.loop.ledger.jobs.recipe(self.job(name)).profile_json)


@pytest.fixture
def school(tmp_path: Path, home: Path) -> Iterator[School]:
    (tmp_path / "in").mkdir()
    folder = Folder(watch=tmp_path / "in", deliver=tmp_path / "out")
    settle = Settle(QUIET, 60.0, 600.0, LEARN_AFTER)
    config = Config((folder,), EngineConfig("cpu"), settle, (), tmp_path / "state", tmp_path / "ispd.toml")
    school = School(tmp_path, config, Now(0.0, time.time()))
    school.teach()
    school.open()
    yield school
    school.stack.close()


def test_photos_of_an_unknown_camera_wait_for_its_look_and_get_it(school: School) -> None:
    for name in ("a", "b"):
        school.drop(name)
    school.drop("c", reference=False)  # one more of the same camera
    school.arrive()
    assert {school.listed(name).state for name in "abc"} == {"waiting"}
    assert "learned once they are all there" in school.listed("a").reason
    school.learn()
    for name in "abc":
        assert school.planned(name) == NAME
    profile = school.profile_of("c")
    assert profile.look.exposure.ev == 1.0
    assert (profile.match.make, profile.match.model) == ("Lumora", "Lantern 7")
    assert profile.fit is not None
    assert profile.fit.version == 1
    (fit,) = school.asked
    inbox = school.root / "in"
    assert fit == {"name": NAME, "pairs": [[f"{inbox}/{name}.dng", f"{inbox}/{name}.JPG"] for name in "ab"]}


def test_a_later_photo_of_that_camera_waits_for_nothing(school: School) -> None:
    school.drop("a")
    school.arrive()
    school.learn()
    school.drop("late")
    school.arrive()
    assert school.planned("late") == NAME
    assert len(school.asked) == 1


def test_photos_that_need_no_fit_go_on_meanwhile(school: School) -> None:
    school.teach(seconds=30)
    school.drop("a")
    school.arrive()
    school.pass_by(LEARN_AFTER)
    assert school.loop.learning.task is not None
    school.drop("other", camera=KESTREL, reference=False)
    school.arrive()
    assert "being learned" in school.listed("a").reason
    school.pass_by(LEARN_AFTER)
    school.pass_by(0)
    assert school.planned("other") == "neutral"
    assert school.listed("a").state == "waiting"


def test_without_references_it_is_neutral_at_once(school: School) -> None:
    school.drop("a", reference=False)
    school.arrive()
    assert school.planned("a") == "neutral"
    assert school.asked == []


def test_a_fit_that_finds_nothing_leaves_neutral_and_says_why(school: School) -> None:
    refused = [{"raw": "/in/a.dng", "reference": "/in/a.JPG", "reason": "it shows another photo"}]
    school.teach(code=65, words="every pair was refused", refused=refused)
    school.drop("a")
    school.arrive()
    school.learn()
    job = school.job("a")
    assert job.profile == "neutral"
    assert "nothing has been learned from its finished pictures: a.dng: it shows another photo" in job.note
    assert not school.learned.exists()


def test_a_failed_fit_is_tried_again_only_when_more_pairs_come(school: School) -> None:
    school.teach(code=1, words="no luck")
    school.drop("a")
    school.arrive()
    school.learn()
    assert "no luck" in school.job("a").note
    school.drop("alone", reference=False)
    school.arrive()
    school.learn()
    assert (school.listed("alone").profile, len(school.asked)) == ("neutral", 1)
    school.stack.close()  # nor after a start
    school.open()
    school.learn()
    assert len(school.asked) == 1
    school.teach()
    school.drop("b")
    school.arrive()
    assert school.listed("b").state == "waiting"
    school.learn()
    assert (school.listed("b").profile, len(school.asked)) == (NAME, 2)
    assert school.listed("a").profile == "neutral"  # what was planned stays


def learned_from(school: School, *names: str) -> None:
    for name in names:
        school.drop(name)
    school.arrive()
    school.learn()


def test_more_pairs_make_a_new_version_where_it_is_better(school: School) -> None:
    school.teach(error=2.0, ev=0.5)
    learned_from(school, "a", "b")
    school.teach(error=1.0, ev=1.5)
    learned_from(school, "c")
    assert len(school.asked[-1]["pairs"]) == 3
    school.drop("d")
    school.arrive()
    version = school.profile_of("d").fit
    assert version is not None
    assert version.version == 2
    assert school.profile_of("d").look.exposure.ev == 1.5
    assert [number for number, _ in versions(school.learned)] == [1]
    assert school.profile_of("a").look.exposure.ev == 0.5  # what was planned stays
    learned_from(school, "e")
    assert len(school.asked) == 2  # five pairs are no reason


def test_a_new_version_that_is_worse_on_the_photos_both_know_is_left(school: School) -> None:
    school.teach(error=1.0, ev=0.5)
    learned_from(school, "a", "b")
    school.teach(error=2.0, ev=1.5)
    learned_from(school, "c")
    assert len(school.asked) == 2
    assert read_profile(school.learned).look.exposure.ev == 0.5
    assert versions(school.learned) == ()
    school.pass_by(100)
    assert len(school.asked) == 2  # nor is it tried again with the same


def test_errors_of_parts_of_photos_are_no_measure_for_those_of_whole_ones(school: School) -> None:
    school.teach(error=1.0, ev=0.5, split="blocks")
    learned_from(school, "a")
    school.teach(error=2.0, ev=1.5, split="photos")
    learned_from(school, "b", "c")
    assert read_profile(school.learned).look.exposure.ev == 1.5


def test_nor_are_they_for_those_of_other_parts(school: School) -> None:
    school.teach(error=1.0, ev=0.5, split="blocks")
    learned_from(school, "a")
    school.teach(error=2.0, ev=1.5, split="blocks")
    learned_from(school, "b", "c")  # of one burst, say
    assert read_profile(school.learned).look.exposure.ev == 1.5


def test_a_jpeg_that_comes_after_its_raw_was_developed_is_learned_from(school: School) -> None:
    school.drop("a", reference=False)
    school.arrive()
    assert school.listed("a").profile == "neutral"
    school.finish("a")
    school.arrive()
    school.learn()
    assert len(school.asked) == 1
    assert (school.listed("a").profile, school.job("a").generation) == ("neutral", 1)
    school.drop("b", reference=False)
    school.arrive()
    assert school.listed("b").profile == NAME


def test_a_profile_made_by_hand_goes_first_and_is_never_written_over(school: School, home: Path) -> None:
    own = home / ".config/ispd/profiles"
    own.mkdir(parents=True)
    (own / "x.toml").write_text(f'name = "{NAME}"\n[match]\nmodel = "Kestrel*"')
    school.loop.take_config(school.config, school.now)
    learned_from(school, "a")
    assert school.listed("a").profile == f"{NAME}-2"
    school.drop("own", camera=KESTREL)
    school.arrive()
    assert school.planned("own") == NAME
    assert (own / "x.toml").read_text().startswith(f'name = "{NAME}"')


@pytest.mark.parametrize(("learn", "fits"), [("preview", 1), ("never", 0)])
def test_a_folder_says_what_is_learned_from(school: School, learn: Any, fits: int) -> None:
    folder = replace(school.config.folders[0], learn=learn)
    school.loop.take_config(replace(school.config, folders=(folder,)), school.now)
    school.drop("a", reference=False)
    school.arrive()
    school.learn()
    assert len(school.asked) == fits
    if fits:
        assert school.asked[0]["pairs"] == [[str(school.root / "in/a.dng"), None]]
    assert school.listed("a").profile == (NAME if fits else "neutral")


def test_previews_that_teach_nothing_do_not_hold_up_each_photo(school: School) -> None:
    folder = replace(school.config.folders[0], learn="preview")
    school.loop.take_config(replace(school.config, folders=(folder,)), school.now)
    school.teach(code=65, words="a converter's preview is no camera's look")
    learned_from(school, "a", "b")
    school.drop("c", reference=False)
    school.arrive()
    assert school.planned("c") == "neutral"


def test_pictures_that_go_on_coming_do_not_hold_a_photo_for_ever(school: School) -> None:
    school.drop("a")
    school.arrive()
    for number in range(62):
        (school.root / f"in/{number}.jpg").write_bytes(b"and another")
        school.pass_by(10)
    school.learn()
    assert school.listed("a").profile == NAME


def test_an_older_version_is_used_once_somebody_goes_back_to_it(school: School) -> None:
    school.teach(error=2.0, ev=0.5)
    learned_from(school, "a", "b")
    school.teach(error=1.0, ev=1.5)
    learned_from(school, "c")
    roll_back(school.learned)
    school.pass_by(1)
    school.drop("d", reference=False)
    school.arrive()
    assert school.profile_of("d").look.exposure.ev == 0.5


def test_a_mistake_in_a_learned_profile_holds_photos_up_until_it_is_mended(school: School) -> None:
    learned_from(school, "a")
    whole = school.learned.read_text()
    with school.learned.open("r+") as file:  # as many editors do: the same file
        file.write(whole.replace("ev = ", "eb = "))
    school.drop("b", reference=False)
    school.arrive()
    assert "eb is unknown" in school.listed("b").reason
    with school.learned.open("r+") as file:
        file.write(whole)
    school.pass_by(1)
    school.pass_by(1)
    assert school.planned("b") == NAME


def test_a_fit_that_ends_with_the_daemon_is_begun_again_by_the_next(school: School) -> None:
    school.teach(seconds=600)
    school.drop("a")
    school.arrive()
    school.pass_by(LEARN_AFTER)
    pid = school.loop.learning._fitting.pid if school.loop.learning._fitting else 0
    school.stack.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    school.teach()
    school.open()
    school.learn()
    school.learn()
    assert school.listed("a").profile == NAME


# --- the process -----------------------------------------------------------------------------------------------------

TASK = Task("Lumora", "Lantern 7", NAME, ((b"/in/a.dng", b"/in/a.JPG"),))


def shell(script: str) -> Callable[[Path, Path, str], Sequence[str]]:
    return lambda pairs, profile, name: ("/bin/sh", "-c", script)


def outcome(fit: Fitting, now: float = 0.0) -> object:
    deadline = time.monotonic() + 30
    while (made := fit.step(now)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return made


def test_a_fit_has_little_of_the_machine(tmp_path: Path) -> None:
    fit = Fitting(TASK, tmp_path / "room", shell("nice >&2; echo threads $OMP_NUM_THREADS >&2; exit 3"), 0.0)
    assert outcome(fit) == NotLearned("threads 1")
    for command, told in (("nice", "10"), ("nproc", "1")):
        fit = Fitting(TASK, tmp_path / "room", shell(f"unset OMP_NUM_THREADS; {command} >&2; exit 3"), 0.0)
        assert outcome(fit) == NotLearned(told)
    assert not (tmp_path / "room").exists()


def test_a_fit_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    fit = Fitting(TASK, tmp_path / "room", shell("sleep 600 & echo $! > child; mv child pid; wait"), 0.0)
    fit.step(0.0)
    assert fit.step(fitting.MOST_SECONDS) == NotLearned("the fit took too long and was ended")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 2", "it ended with exit code 2"),
        ("kill -9 $$", "it ended with SIGKILL"),
        ("echo 'reading 20 pairs' >&2; kill -9 $$", "it ended with SIGKILL"),
        ("echo 'refused /in/a.dng: another photo\nispd: nothing to learn from' >&2; exit 65", "a.dng: another photo"),
        ("echo 'ispd: no memory' >&2; exit 75", "no memory"),
        ("echo '{\"refused\": 3}'; exit 65", "it ended with exit code 65"),
        ("echo nonsense; exit 0", "the fit wrote a profile that cannot be used"),
    ],
)
def test_whatever_a_fit_leaves_is_a_reason_and_no_crash(tmp_path: Path, script: str, reason: str) -> None:
    made = outcome(Fitting(TASK, tmp_path / "room", shell(script), 0.0))
    assert isinstance(made, NotLearned)
    assert made.reason.startswith(reason)


KILLED_DAEMON = """
import os, sys
from pathlib import Path
from ispd.daemon.fitting import Fitting, Task
fit = Fitting(Task("a", "b", "c", ()), Path(sys.argv[1]), lambda *_: ("/bin/sleep", "600"), 0.0)
print(fit.pid, flush=True)
sys.stdin.readline()
os._exit(9)
"""


def test_a_fit_ends_when_the_daemon_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED_DAEMON, str(tmp_path / "room")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        pid = int(daemon.stdout.readline())
        deadline = time.monotonic() + 30
        while Path(f"/proc/{pid}/comm").read_text() != "sleep\n":  # it has asked to die with its parent
            assert time.monotonic() < deadline
            time.sleep(0.02)
        daemon.kill()
    while Path(f"/proc/{pid}").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
