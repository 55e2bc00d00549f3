"""Any order of events: one job a content, no name twice, nothing delivered lost."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ispd.daemon.ledger.ledger import Ledger
from ispd.daemon.ledger.rows import Job, Seen
from ispd.orders import Order, digest
from ispd.publish import folded
from tests.daemon.ledger.conftest import MEMORY
from tests.daemon.ledger.story import file, plan, report

PATHS = ("/in/a.dng", "/in/A.dng", "/in/a.nef", "/in2/a.dng")
CONTENTS = ("sea", "hill", "town")
UNDER_WAY = ("developing", "staged")


@settings(max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
class Life(RuleBasedStateMachine):
    """Two watched folders that deliver to one; the model is what lies in them, and what was delivered."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self.state = Path(self._folder.name)
        self.now = 0.0
        self.disk: dict[str, tuple[str, int]] = {}  # path → content, version
        self.delivered: dict[int, Job] = {}
        self.orders: dict[int, Order] = {}
        self.ledger = Ledger(self.state, self.now)

    def teardown(self) -> None:
        self.ledger.close()
        self._folder.cleanup()

    @initialize()
    def folders(self) -> None:
        self.watched = [self.ledger.folders.register(watch, b"/out") for watch in (b"/in", b"/in2")]

    # what people do

    @rule(path=st.sampled_from(PATHS), content=st.sampled_from(CONTENTS))
    def write(self, path: str, content: str) -> None:
        self.disk[path] = content, self.disk.get(path, ("", 0))[1] + 1

    @rule(path=st.sampled_from(PATHS))
    def delete(self, path: str) -> None:
        self.disk.pop(path, None)

    @rule(number=st.integers(1, 8), profile=st.sampled_from(["", "soft"]))
    def retry(self, number: int, profile: str) -> None:
        self.ledger.jobs.retry((str(number),), profile, self.tick())

    # what the daemon does

    @rule()
    def scan(self) -> None:
        for folder in self.watched:
            seen = [file(p, v) for p, (_, v) in self.disk.items() if p.startswith(folder.watch.decode() + "/")]
            self.ledger.photos.scanned(folder.id, seen, self.tick())

    @rule()
    def settle(self) -> None:
        for folder in self.watched:
            for photo in self.ledger.photos.settling(folder.id):
                content, version = self.disk.get(photo.path.decode(), ("", 0))
                if file(photo.path.decode(), version) == Seen(photo.path, photo.identity):
                    self.ledger.photos.settle(photo.id, photo.identity, digest(content.encode()), self.tick())

    @rule()
    def plan(self) -> None:
        for photo in self.ledger.photos.due(self.tick(), 10):
            self.ledger.jobs.enqueue(photo.id, plan(photo.path.decode().rpartition("/")[2][:-4] + ".jpg"), self.tick())

    @rule(limit=st.integers(1, 3))
    def begin(self, limit: int) -> None:
        for job in self.ledger.jobs.due(self.tick(), limit):
            if (order := self.ledger.jobs.begin(job.id, None, self.tick())) is not None:
                self.orders[job.id] = order

    @rule(data=st.data())
    def report(self, data: Any) -> None:
        """Whatever an engine may answer for a job that is developing."""
        job = self.pick(data, "developing")
        if job is None:
            return
        jobs, now = self.ledger.jobs, self.tick()
        match data.draw(st.sampled_from(["staged", "set aside", "bug", "engine", "requeue", "changed", "wait"])):
            case "staged":
                assert jobs.stage(job.id, report(self.orders[job.id]), now) is not None
            case "set aside":
                jobs.set_aside(job.id, "broken", now)
            case "bug":
                jobs.fail(job.id, "bug", now)
            case "engine":
                jobs.killed_engine(job.id, "died", now)
            case "requeue":
                jobs.requeue(job.id, now)
            case "changed":
                jobs.changed(job.id, now)
            case "wait":
                jobs.wait(job.id, "space", "full", data.draw(st.sampled_from([None, now + 2])), now)

    @rule(data=st.data())
    def publish(self, data: Any) -> None:
        job = self.pick(data, "staged")
        if job is None:
            return
        match data.draw(st.sampled_from(["deliver", "taken", "lost", "wait"])):
            case "deliver":
                self.delivered[job.id] = self.ledger.jobs.deliver(job.id, self.tick())
            case "taken":
                self.ledger.jobs.next_name(job.id, 0)
            case "lost":
                self.ledger.jobs.unstage(job.id, self.tick())
            case "wait":
                self.ledger.jobs.wait(job.id, "space", "full", None, self.tick())

    @rule()
    def wake(self) -> None:
        self.ledger.jobs.wake("space", self.tick())

    @rule()
    def restart(self) -> None:
        self.ledger.close()
        self.ledger = Ledger(self.state, self.tick())
        self.ledger.jobs.recover(self.tick())

    # what must be true

    @invariant()
    def what_was_delivered_stays(self) -> None:
        assert {job.id: job for job in self.ledger.reading.delivered()} == self.delivered

    @invariant()
    def no_two_live_jobs_want_one_name(self) -> None:
        live = [job for job in self.jobs() if job.state not in ("failed", "set_aside")]
        names = [folded(product.name) for job in live for product in job.products]
        assert len(names) == len(set(names))

    @invariant()
    def one_job_at_a_time_for_a_content(self) -> None:
        going = [job.photo_digest for job in self.jobs() if job.state in ("queued", "waiting", *UNDER_WAY)]
        assert len(going) == len(set(going))

    @invariant()
    def staging_is_kept_for_those_who_need_it(self) -> None:
        wanted = {f"{job.id}.0.jpg".encode() for job in self.jobs() if job.state == "staged"}
        assert wanted <= self.ledger.jobs.live_staging(b"/out")

    @invariant()
    def counts_are_as_listed(self) -> None:
        counts = [row.queued + row.delivered + row.settling for row in self.ledger.reading.counts()]
        listed = [line for line in self.ledger.reading.listing() if line.state in ("queued", "delivered", "settling")]
        assert sum(counts) == len(listed)

    def jobs(self) -> list[Job]:
        return [job for line in self.ledger.reading.listing() if (job := self.job(line.id))]

    def job(self, one: str) -> Job | None:
        return None if one.startswith("p") else self.ledger.jobs.get(int(one))

    def pick(self, data: Any, state: str) -> Job | None:
        found = [job for job in self.jobs() if job.state == state]
        return data.draw(st.sampled_from(found)) if found else None

    def tick(self) -> float:
        self.now += 1.0
        return self.now


TestLife = Life.TestCase
