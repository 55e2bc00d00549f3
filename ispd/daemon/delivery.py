"""Delivery: a queued job becomes an order, an engine's report becomes an outcome, a staged file gets its final name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from ispd.daemon.clock import Now
from ispd.daemon.engines import DEPTH, Died, Engines, Event, Reported
from ispd.daemon.ledger.adopt import adopt_if_there
from ispd.daemon.ledger.ledger import Ledger
from ispd.daemon.ledger.rows import Cause, Folder, Job
from ispd.daemon.survey import Survey
from ispd.daemon.troubles import Trouble, Troubles
from ispd.daemon.words import Batch, Every, say
from ispd.errors import CannotCreate, FolderGone, MachineError, MissingTool
from ispd.orders import Delivered, Failed, Fault, Order, Outcome, Output, Report, SetAside, Waiting
from ispd.photo import find_sidecar
from ispd.publish import Desk, Staged, StagingLost, check_room, clear_job, open_desk, publish, publish_again, sweep
from ispd.publish.names import join
from ispd.sentences import shown

Desks: TypeAlias = dict[bytes, Desk]

BYTES_A_RAW_BYTE = {"jpeg": 1, "png": 4, "tiff": 6}  # how large a picture may become: a raw's pixel takes 1 to 2 bytes


class Delivery:
    """The way from `queued` to `delivered`.  The ledger's rows are the truth; nothing here outlives the process."""

    def __init__(
        self,
        ledger: Ledger,
        survey: Survey,
        engines: Engines,
        troubles: Troubles,
        give_up_seconds: float,
        batch: Batch,
        models: bytes,
    ) -> None:
        self.give_up_seconds = give_up_seconds
        self.stopping = False
        self._ledger = ledger
        self._survey = survey
        self._engines = engines
        self._troubles = troubles
        self._batch = batch
        self._models = models  # the folder of imported networks
        self._desks: Desks = {}
        self._lines = Every(seconds=60, burst=30)

    def recover(self, now: Now) -> None:
        """At start, before engines: finish what was staged, sweep what nobody needs, requeue the rest."""
        for job in self._ledger.jobs.recover(now.wall):
            self._tell(job, Failed(job.reason), now)
        self._publish_staged(now)
        for folder in self._survey.folders:
            try:
                desk = self._desk(folder.row)
                sweep(desk, self._ledger.jobs.live_staging(desk.deliver))
            except MachineError as error:
                self._meet(error, folder.row.deliver, now)

    def step(self, now: Now) -> None:
        """Hear the engine, look whether troubles are over, hand out orders."""
        for event in self._engines.step(now.steady):
            self._hear(event, now)
        for trouble in self._troubles.to_look_at(now.steady):
            self._look_at(trouble, now)
        self._publish_staged(now)
        if not self.stopping:
            self._hand_out(now)

    def desk_methods(self) -> dict[bytes, str]:
        """How each deliver folder takes final names, as far as it was opened."""
        return {deliver: desk.method for deliver, desk in self._desks.items()}

    def _publish_staged(self, now: Now) -> None:
        """Finish jobs whose files were ready when something came between: a kill, a full disk."""
        for job in self._ledger.jobs.staged():
            outcome = self._publish(job, now, publish_again)  # the disk may have lost what the row promises
            if outcome is not None:
                self._tell(job, outcome, now)

    def _hand_out(self, now: Now) -> None:
        """Orders for an engine that has room, and for those that must wait a reason."""
        for job in self._ledger.jobs.due(now.wall, 2 * DEPTH):
            self._batch.work(now.steady)
            if self._holds_up(job, now):
                continue
            self._engines.warm_up(now.steady)
            if self._engines.takes(job.id):
                self._begin(job, now)

    def _holds_up(self, job: Job, now: Now) -> bool:
        """Whether something known is in the way; the job then waits for it."""
        folder = self._survey.by_row(job.folder)
        if folder is None or folder.missing:
            reason = folder.missing if folder else "its folder is not in the config any more"
            self._ledger.jobs.wait(job.id, "folder", reason, None, now.wall)
            return True
        trouble = self._troubles.in_the_way(job.deliver, now.steady)
        if trouble is not None:
            self._wait(job, trouble, now)
        return trouble is not None

    def _begin(self, job: Job, now: Now) -> None:
        folder = self._survey.by_row(job.folder)
        photos = self._ledger.reading.photos_of(job)
        if folder is None or not photos:
            return
        try:
            size = photos[0].identity.size
            desk = self._desk(folder.row)
            if (there := adopt_if_there(self._ledger, desk, job, now.wall)) is not None:  # the ledger was lost
                self._tell(there, Delivered(tuple(join(job.deliver, each.name) for each in there.products)), now)
                return
            check_room(desk, expected_size(size, self._ledger.jobs.recipe(job).outputs))
            clear_job(desk, job.id)
        except MachineError as error:
            self._wait(job, self._meet(error, job.deliver, now), now)
            return
        order = self._ledger.jobs.begin(job.id, find_sidecar(photos[0].path, folder.sight.sidecars), now.wall)
        if order is not None:
            self._engines.give(replace(order, models=self._models))

    def _hear(self, event: Event, now: Now) -> None:
        match event:
            case Reported(report=report):
                self._judge(report, now)
            case Died(sentence=sentence, back=back, blamed=blamed):
                say(sentence)
                for order in back:
                    self._ledger.jobs.requeue(order.job, now.wall)
                if blamed is not None:
                    self._blame(blamed, sentence, now)

    def _blame(self, order: Order, sentence: str, now: Now) -> None:
        job = self._ledger.jobs.killed_engine(order.job, sentence, now.wall)
        if job.state == "set_aside":
            self._tell(job, SetAside(job.reason), now)

    def _judge(self, report: Report, now: Now) -> None:
        """What a report means for its job."""
        job = self._ledger.jobs.get(report.job)
        if job is None or job.state != "developing":
            return  # withdrawn meanwhile; the sweep finds its files
        if report.fault is not None:
            outcome = self._outcome_of(job, report.fault, now)
        else:
            self._troubles.mended("tool", None)
            self._troubles.mended("machine", None)
            staged = self._ledger.jobs.stage(job.id, report, now.wall)
            outcome = self._publish(staged, now) if staged else None
        if outcome is not None:
            self._tell(job, outcome, now)

    def _outcome_of(self, job: Job, fault: Fault, now: Now) -> Outcome | None:
        """Write the fault into the ledger.  None: the job goes on by itself, and there is nothing to tell yet."""
        match fault.kind:
            case "photo":
                return SetAside(self._ledger.jobs.set_aside(job.id, fault.sentence, now.wall).reason)
            case "incomplete":
                return self._incomplete(job, fault.sentence, now)
            case "changed":
                self._ledger.jobs.changed(job.id, now.wall)
                if (folder := self._survey.by_row(job.folder)) is not None:
                    self._survey.settle_again(folder, now)
                return None
            case "bug":
                failed = self._ledger.jobs.fail(job.id, fault.sentence, now.wall)
                return Failed(failed.reason) if failed.state == "failed" else None
            case "space" | "tool" | "machine":
                return self._wait(job, self._meet(_error_of(fault), job.deliver, now), now)

    def _incomplete(self, job: Job, reason: str, now: Now) -> Outcome:
        """The decoder found its end too early: the copy may go on, for as long as the owner allows."""
        photos = self._ledger.reading.photos_of(job)
        until = max((photo.changed for photo in photos), default=0.0) + self.give_up_seconds
        if now.wall >= until:
            return SetAside(self._ledger.jobs.set_aside(job.id, reason, now.wall).reason)
        self._ledger.jobs.wait(job.id, "incomplete", reason, until, now.wall)
        return Waiting(reason)

    def _publish(self, job: Job, now: Now, by: Callable[..., tuple[str, ...]] = publish) -> Outcome | None:
        """Final names for a staged job."""
        files = tuple(
            Staged(product.staging or b"", product.name, product.sha256, product.size, product.claim)
            for product in job.products
        )
        try:
            desk = self._desk_of(job)
            names = by(desk, files, _Rows(self._ledger, job.id))
            done = self._ledger.jobs.deliver(job.id, now.wall)
            clear_job(desk, job.id)
        except StagingLost:
            self._ledger.jobs.unstage(job.id, now.wall)
            return None
        except MachineError as error:
            return self._wait(job, self._meet(error, job.deliver, now), now)
        self._troubles.mended("space", job.deliver)
        self._troubles.mended("folder", job.deliver)
        return Delivered(tuple(join(job.deliver, name) for name in names), done.warnings)

    def _look_at(self, trouble: Trouble, now: Now) -> None:
        """Is it over?  Those that cannot be asked are tried with a photo."""
        if trouble.deliver is not None:
            rows = [folder.row for folder in self._survey.folders if folder.row.deliver == trouble.deliver]
            try:
                self._desks.pop(trouble.deliver, None)
                for row in rows:
                    self._desk(row)
            except MachineError as error:
                self._meet(error, trouble.deliver, now)
                return
        self._troubles.try_again(trouble)
        if not self.wake(trouble.cause, trouble.deliver, now):
            self._troubles.mended(trouble.cause, trouble.deliver)

    def wake(self, cause: Cause, deliver: bytes | None, now: Now) -> int:
        """Put what waits for this cause back to work; how many rows."""
        woken = self._ledger.jobs.wake(cause, now.wall, deliver)
        for folder in self._survey.folders:
            if deliver in (None, folder.row.deliver):
                woken += self._ledger.photos.wake(cause, now.wall, folder.row.id)
                self._survey.settle_again(folder, now)
        return woken

    def _wait(self, job: Job, trouble: Trouble, now: Now) -> Waiting:
        until = now.wall + max(0.0, trouble.look_at - now.steady)
        self._ledger.jobs.wait(job.id, trouble.cause, trouble.sentence, until, now.wall)
        self._batch.count(job.source, Waiting(trouble.sentence))
        return Waiting(trouble.sentence)

    def _meet(self, error: MachineError, deliver: bytes, now: Now) -> Trouble:
        known = self._troubles.sentences()
        trouble = self._troubles.meet(error, deliver, now.steady)
        for sentence in self._troubles.sentences():
            if sentence not in known:
                say(sentence)
        return trouble

    def _desk_of(self, job: Job) -> Desk:
        row = next((row for row in self._ledger.folders.all() if row.id == job.folder), None)
        if row is None:
            raise FolderGone(f"{shown(job.deliver)} is not in the ledger any more")
        return self._desk(row)

    def _desk(self, row: Folder) -> Desk:
        """The deliver folder, opened once and remembered."""
        desk = self._desks.get(row.deliver)
        if desk is None:
            desk = self._desks[row.deliver] = open_desk(row.deliver, row.mark)
            if (desk.mark, desk.method) != (row.mark, row.method):
                self._survey.remember(self._ledger.folders.remember(row.id, desk.mark, desk.method))
        return desk

    def _tell(self, job: Job, outcome: Outcome, now: Now) -> None:
        """Count it, and say what people should know; what went well stands in the batch's line."""
        source = shown(job.source)
        self._batch.count(job.source, outcome)
        match outcome:
            case Delivered(warnings=warnings):
                sentence = f"{source} is delivered, with a warning: {warnings[0]}" if warnings else ""
            case Waiting(reason=reason):
                sentence = f"{source} waits: {reason}"
            case SetAside(reason=reason):
                sentence = f"{source} is set aside: {reason}"
            case Failed(reason=reason):
                sentence = f"{source} failed: {reason}"
        if sentence and self._lines.passes(now.steady):
            say(sentence)


class _Rows:
    """What publishing must remember, in the ledger."""

    def __init__(self, ledger: Ledger, job: int) -> None:
        self._ledger = ledger
        self._job = job

    def next_name(self, number: int) -> str:
        return self._ledger.jobs.next_name(self._job, number)

    def claim(self, number: int, dev: int, ino: int) -> None:
        self._ledger.jobs.claim(self._job, number, dev, ino)


def expected_size(raw_bytes: int, outputs: tuple[Output, ...]) -> int:
    """About how many bytes the pictures of a raw will take."""
    return sum(raw_bytes * BYTES_A_RAW_BYTE[output.format] for output in outputs)


def _error_of(fault: Fault) -> MachineError:
    kinds = {"space": CannotCreate, "tool": MissingTool}
    return kinds.get(fault.kind, MachineError)(fault.sentence)
