"""Jobs: queued → developing → staged → delivered, or waiting, failed, set aside.

Numbers are the steps of publishing: 1 enqueue, 2 begin, 4 stage, 5 next_name and claim, 7 deliver.
"""

from __future__ import annotations

import msgspec

from ispd.daemon.ledger import products, queries
from ispd.daemon.ledger.retry import retry
from ispd.daemon.ledger.rows import Cause, Job, JobState, Photo
from ispd.daemon.ledger.shared import AWAKE, SAME_CONTENT, by_turns, withdraw
from ispd.daemon.ledger.store import Store
from ispd.orders import Order, Plan, Recipe, Report, Written, to_json

INTERRUPTIONS = 20  # a daemon may be killed often, and for other reasons than this photo
FAILURES = 3
ENGINES = 2


class Jobs:
    """`ledger.jobs`.  Every method is one commit; times are seconds since 1970, passed in."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # ── the way of a job ─────────────────────────────────────────────────────────────────────────────────────────────

    def recover(self, now: float) -> tuple[Job, ...]:
        """At start, before sweeping and before engines: developing → queued; those that were interrupted 20 times fail,
        and are given back."""
        found = queries.jobs(self._store, "state = 'developing' ORDER BY job.id")
        with self._store.commit():
            for job in found:
                self._count(job, "interruptions")
                if job.interruptions + 1 < INTERRUPTIONS:
                    self._back(job.id, now)
                else:
                    self._end(job.id, "failed", f"ispd ended {INTERRUPTIONS} times while it developed this photo", now)
        return tuple(job for job in (self._there(job.id) for job in found) if job.state == "failed")

    def enqueue(self, photo: int, plan: Plan, now: float) -> Job:
        """Step 1: a job for this photo's content, its final names reserved (the first free of `{stem}`, `{stem}-2` … in
        the deliver folder, letter case ignored, one number for all outputs).  All photos of this content are bound to
        it.  Returns the job there is, where the photo has one already.  The photo must be settled."""
        with self._store.commit():
            row = queries.photo(self._store, photo)
            if row is None or row.digest is None:
                raise ValueError(f"photo {photo} has not settled")
            number = row.job or self._insert(row, row.digest, plan, now)
        return self._there(number)

    def due(self, now: float, limit: int) -> tuple[Job, ...]:
        """Jobs to begin: queued, or waiting until now; the folder served longest ago first, then oldest-settled;
        those that were interrupted or failed come after the others."""
        self.wake_due(now)
        return by_turns(self._store, limit, self._due_of)

    def begin(self, job: int, sidecar: bytes | None, now: float) -> Order | None:
        """Step 2: `developing`, one more attempt, staging names committed.  None where its file is gone (the job is
        withdrawn) or it is not queued.  Clear what an earlier attempt left in staging (`publish.clear_job`)."""
        with self._store.commit():
            row = queries.job(self._store, job)
            if row is None or row.state != "queued":
                return None
            photo = self._source(row)
            if photo is None:
                withdraw(self._store, row.folder, row.photo_digest)
                return None
            recipe = queries.recipe(self._store, row.recipe_digest)
            staging = products.assign_staging(self._store, row, recipe)
            self._move(job, "developing", now)
            self._store.run(
                "UPDATE job SET attempts = attempts + 1, begun = ?, source = ? WHERE id = ?", now, photo.path, job
            )
            self._store.run("UPDATE folder SET served = (SELECT max(served) + 1 FROM folder) WHERE id = ?", row.folder)
        return Order(job, photo.path, row.photo_digest, photo.identity, recipe, staging, sidecar, row.note)

    def stage(self, job: int, report: Report, now: float) -> Job | None:
        """Step 4: `staged` with the digests of its files; the report has one file an output, in order.
        None where the job is not developing (any more): the report comes too late."""
        with self._store.commit():
            row = queries.job(self._store, job)
            if row is None or row.state != "developing":
                return None
            products.write_digests(self._store, row, report.files)
            self._move(job, "staged", now)
            self._store.run(
                "UPDATE job SET warnings = ?, reader = ?, device = ?, seconds = ?, staged = ? WHERE id = ?",
                msgspec.json.encode(report.warnings).decode(),
                report.reader,
                report.device,
                report.seconds,
                now,
                job,
            )
        return self.get(job)

    def next_name(self, job: int, product: int) -> str:
        """Step 5: the reserved name is taken by a foreign file: reserve and commit the next free one.
        Raises CannotCreate after 1,000."""
        with self._store.commit():
            return products.next_name(self._store, self._there(job), product)

    def claim(self, job: int, product: int, dev: int, ino: int) -> None:
        """Step 5 where links do not work: this empty file under the final name is ours to finish."""
        with self._store.commit():
            products.claim(self._store, job, product, (dev, ino))

    def deliver(self, job: int, now: float) -> Job:
        """Step 7: `delivered`.  What lies in staging is nobody's from now on."""
        with self._store.commit():
            self._delivered(job, now)
        return self._there(job)

    def adopt(self, job: int, files: tuple[tuple[str, Written], ...], now: float) -> Job:
        """`delivered` without developing: (name, file) of each output was found in the deliver folder, carrying this
        photo's and recipe's digests.  A name that an undelivered job had reserved is taken from it."""
        with self._store.commit():
            products.adopt(self._store, self._there(job), files)
            self._delivered(job, now)
        return self._there(job)

    # ── what can come between ────────────────────────────────────────────────────────────────────────────────────────

    def unstage(self, job: int, now: float) -> Job:
        """Back to `queued`: neither the final nor the staging file has the staged digest."""
        return self.requeue(job, now)

    def requeue(self, job: int, now: float) -> Job:
        """Back to `queued` through no fault of its own: its engine was stopped, or another order killed it."""
        with self._store.commit():
            self._back(job, now)
        return self._there(job)

    def killed_engine(self, job: int, reason: str, now: float) -> Job:
        """This order killed its engine: queued again, set aside at the second time."""
        return self._again(job, "killed_engines", ENGINES, ("set_aside", reason), now)

    def fail(self, job: int, reason: str, now: float) -> Job:
        """An attempt ended in a fault of ours: queued again, `failed` at the third time."""
        return self._again(job, "failures", FAILURES, ("failed", reason), now)

    def wait(self, job: int, cause: Cause, reason: str, until: float | None, now: float) -> Job:
        """Something outside must change first; asked again at `until`, or when woken (None: only then).
        Files that are staged stay so: waking brings such a job back to `staged`."""
        with self._store.commit():
            self._move(job, "waiting", now, cause, reason, until)
        return self._there(job)

    def set_aside(self, job: int, reason: str, now: float) -> Job:
        """The file's fault."""
        with self._store.commit():
            self._end(job, "set_aside", reason, now)
        return self._there(job)

    def changed(self, job: int, now: float) -> None:
        """The file changed while it was developed: its photos settle again, the job is withdrawn."""
        with self._store.commit():
            row = self._there(job)
            self._store.run(
                f"""UPDATE photo SET digest = NULL, state = 'settling', since = ?3, changed = ?3, settled = NULL,
                    job = NULL, duplicate_of = NULL WHERE {SAME_CONTENT}""",
                row.folder,
                row.photo_digest,
                now,
            )
            self._back(job, now)
            withdraw(self._store, row.folder, row.photo_digest)

    def wake(self, cause: Cause, now: float, deliver: bytes | None = None) -> int:
        """Put jobs that wait for this cause back to work now; how many."""
        with self._store.commit():
            return self._store.run(
                f"""UPDATE job SET state = {AWAKE}, since = ?1 WHERE state = 'waiting' AND cause = ?2
                    AND (?3 IS NULL OR deliver = (SELECT id FROM deliver WHERE path = ?3))""",
                now,
                cause,
                deliver,
            )

    def wake_due(self, now: float) -> int:
        """Put waiting jobs whose time has come back to `queued` or `staged`; how many."""
        # a clock that was set back would otherwise let them wait for as long
        due = "state = 'waiting' AND (until <= ? OR since > ?)"
        if not self._store.value(f"SELECT count(*) FROM job WHERE {due}", now, now):
            return 0
        with self._store.commit():
            return self._store.run(f"UPDATE job SET state = {AWAKE}, since = ? WHERE {due}", now, now, now)

    def retry(self, what: tuple[str, ...], profile: str, now: float) -> tuple[str, ...]:
        """`ispd jobs retry`: "12" a job, "p7" a photo without one.  Its photos are planned anew (with `profile` as
        their wish, "" for the usual way) and get the next generation; what was delivered stays.  A sentence each."""
        with self._store.commit():
            return tuple(retry(self._store, one, profile, now) for one in what)

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def get(self, job: int) -> Job | None:
        """One row."""
        return queries.job(self._store, job)

    def staged(self) -> tuple[Job, ...]:
        """Jobs whose files wait for their final names."""
        return queries.jobs(self._store, "state = 'staged' ORDER BY job.id")

    def live_staging(self, deliver: bytes) -> frozenset[bytes]:
        """Names inside DELIVER/.ispd that a live row still needs: what the sweep must keep."""
        return products.live_staging(self._store, deliver)

    def recipe(self, job: Job) -> Recipe:
        """What shall be done, as it was planned then."""
        return queries.recipe(self._store, job.recipe_digest)

    # ── inside a transaction ─────────────────────────────────────────────────────────────────────────────────────────

    def _insert(self, photo: Photo, digest: str, plan: Plan, now: float) -> int:
        deliver = self._store.value("SELECT deliver FROM folder WHERE id = ?", photo.folder)
        generation = 1 + self._store.value(
            "SELECT coalesce(max(generation), 0) FROM job WHERE deliver = ? AND photo_digest = ?", deliver, digest
        )
        recipe = plan.recipe
        self._store.run("INSERT OR IGNORE INTO recipe VALUES (?, ?)", recipe.digest, to_json(recipe))
        values = (photo.folder, deliver, photo.path, digest, recipe.digest, generation, recipe.profile, plan.note)
        number = self._store.insert(
            """INSERT INTO job (folder, deliver, source, photo_digest, recipe_digest, generation, profile, note,
               settled, since, queued) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            *values,
            now if photo.settled is None else photo.settled,
            now,
            now,
        )
        products.reserve(self._store, number, deliver, plan.names)
        self._store.run(f"UPDATE photo SET job = ?3, wish = NULL WHERE {SAME_CONTENT}", photo.folder, digest, number)
        return number

    def _source(self, job: Job) -> Photo | None:
        """The photo whose file can be read."""
        where = f"{SAME_CONTENT} ORDER BY duplicate_of IS NOT NULL, id LIMIT 1"
        return next(iter(queries.photos(self._store, where, job.folder, job.photo_digest)), None)

    def _due_of(self, folder: int, limit: int) -> tuple[Job, ...]:
        where = "state = 'queued' AND folder = ? ORDER BY trouble, settled, job.id LIMIT ?"
        return queries.jobs(self._store, where, folder, limit)

    def _there(self, job: int) -> Job:
        row = self.get(job)
        if row is None:
            raise ValueError(f"there is no job {job}")
        return row

    def _again(self, job: int, counter: str, limit: int, end: tuple[JobState, str], now: float) -> Job:
        with self._store.commit():
            row = self._there(job)
            self._count(row, counter)
            if getattr(row, counter) + 1 < limit:
                self._back(job, now, end[1])
            else:
                self._end(job, *end, now)
        return self._there(job)

    def _count(self, job: Job, counter: str) -> None:
        self._store.run(f"UPDATE job SET {counter} = {counter} + 1, trouble = trouble + 1 WHERE id = ?", job.id)

    def _back(self, job: int, now: float, reason: str = "") -> None:
        """To the queue; its names stay reserved, its files are nobody's."""
        products.forget_files(self._store, job)
        self._move(job, "queued", now, reason=reason)

    def _end(self, job: int, state: JobState, reason: str, now: float) -> None:
        """Without a picture: files and names are nobody's."""
        products.forget_files(self._store, job)
        products.release(self._store, job)
        self._move(job, state, now, reason=reason)

    def _delivered(self, job: int, now: float) -> None:
        self._store.run("UPDATE product SET staging = NULL WHERE job = ?", job)
        self._store.run("UPDATE job SET delivered = ? WHERE id = ?", now, job)
        self._move(job, "delivered", now)

    def _move(
        self,
        job: int,
        state: JobState,
        now: float,
        cause: Cause | None = None,
        reason: str = "",
        until: float | None = None,
    ) -> None:
        self._store.run(
            "UPDATE job SET state = ?, since = ?, cause = ?, reason = ?, until = ? WHERE id = ?",
            state,
            now,
            cause,
            reason,
            until,
            job,
        )
