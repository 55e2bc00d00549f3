"""Jobs: queued → developing → staged → delivered, or waiting, failed, set aside.

The numbers are the steps of docs/decisions on publishing: 1 enqueue, 2 begin, 4 stage, 5 next_name / claim, 7 deliver.
"""

from __future__ import annotations

from dataclasses import dataclass

from ispd.daemon.ledger.rows import Cause, Job
from ispd.orders import Order, Plan, Recipe, Report, Written


@dataclass(frozen=True)
class Recovery:
    """What `recover` found at start."""

    requeued: tuple[Job, ...]  # were developing when the last daemon ended
    failed: tuple[Job, ...]  # interrupted too often
    staged: tuple[Job, ...]  # finish these by publish before any engine starts


class Jobs:
    """`ledger.jobs`.  Every method is one commit; times are seconds since 1970, passed in."""

    def recover(self, now: float) -> Recovery:
        """At start, before sweeping and before engines: developing → queued (failed after 20 interruptions)."""
        raise NotImplementedError

    def live_staging(self, deliver: bytes) -> frozenset[bytes]:
        """Names inside DELIVER/.ispd that a live row still needs: what the sweep must keep."""
        raise NotImplementedError

    def enqueue(self, photo: int, plan: Plan, now: float) -> Job:
        """Step 1: a job for this photo's content, its final names reserved (the first free of `{stem}`, `{stem}-2` … in
        the deliver folder, letter case ignored, one number for all outputs).  All photos of this content are bound to
        it.  Returns the job there is, where the photo has one already."""
        raise NotImplementedError

    def due(self, now: float, limit: int) -> tuple[Job, ...]:
        """Jobs to begin: queued, or waiting until now; the folder served longest ago first, then oldest-settled;
        those that were interrupted or failed come after the others."""
        raise NotImplementedError

    def begin(self, job: int, sidecar: bytes | None, now: float) -> Order | None:
        """Step 2: `developing`, one more attempt, staging names committed.  None where its file is gone (the job is
        withdrawn) or it is not to be begun."""
        raise NotImplementedError

    def stage(self, job: int, report: Report, now: float) -> Job:
        """Step 4: `staged` with the digests of its files.  The report has one file an output, in order."""
        raise NotImplementedError

    def next_name(self, job: int, product: int) -> str:
        """Step 5: the reserved name is taken by a foreign file: reserve and commit the next free one.
        Raises CannotCreate after 1,000."""
        raise NotImplementedError

    def claim(self, job: int, product: int, dev: int, ino: int) -> None:
        """Step 5 where links do not work: this empty file under the final name is ours to finish."""
        raise NotImplementedError

    def deliver(self, job: int, now: float) -> Job:
        """Step 7: `delivered`."""
        raise NotImplementedError

    def adopt(self, job: int, files: tuple[tuple[str, Written], ...], now: float) -> Job:
        """`delivered` without developing: (name, file) of each output was found in the deliver folder, carrying this
        photo's and recipe's digests.  A name that an undelivered job had reserved is taken from it."""
        raise NotImplementedError

    def unstage(self, job: int, now: float) -> Job:
        """Back to `queued`: neither the final nor the staging file has the staged digest."""
        raise NotImplementedError

    def requeue(self, job: int, now: float) -> Job:
        """Back to `queued` through no fault of its own: its engine was stopped, or another order killed it."""
        raise NotImplementedError

    def killed_engine(self, job: int, reason: str, now: float) -> Job:
        """This order killed its engine: queued again, set aside at the second time."""
        raise NotImplementedError

    def fail(self, job: int, reason: str, now: float) -> Job:
        """An attempt ended in a fault of ours: queued again, `failed` at the third time."""
        raise NotImplementedError

    def wait(self, job: int, cause: Cause, reason: str, until: float | None, now: float) -> Job:
        """Something outside must change first; asked again at `until`, or when woken (None: only then).
        A staged job stays staged inside: waking brings it back to `staged`."""
        raise NotImplementedError

    def set_aside(self, job: int, reason: str, now: float) -> Job:
        """The file's fault."""
        raise NotImplementedError

    def changed(self, job: int, now: float) -> None:
        """The file changed while it was developed: the job is withdrawn, its photos settle again."""
        raise NotImplementedError

    def wake(self, cause: Cause, deliver: bytes | None = None) -> int:
        """Put jobs that wait for this cause back to work now; how many."""
        raise NotImplementedError

    def retry(self, what: tuple[str, ...], profile: str, now: float) -> tuple[str, ...]:
        """`ispd jobs retry`: "12" a job, "p7" a photo without one.  Its photos are planned anew (with `profile` as their
        wish, "" for the usual way) and get the next generation; what was delivered stays.  A sentence for each."""
        raise NotImplementedError

    def get(self, job: int) -> Job | None:
        """One row."""
        raise NotImplementedError

    def staged(self) -> tuple[Job, ...]:
        """Jobs whose files wait for their final names."""
        raise NotImplementedError

    def recipe(self, job: Job) -> Recipe:
        """What shall be done, as it was planned then."""
        raise NotImplementedError
