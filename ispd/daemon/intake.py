"""Intake: a file that has settled becomes a photo with a digest, a photo becomes a job with a plan.

settling ─▶ quiet? nobody writes? whole? ─▶ digest ─▶ facts ─▶ plan ─▶ queued
                    └ no: waiting(incomplete), set aside when nothing changes for long
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from ispd.daemon.clock import Now
from ispd.daemon.learning import Learning
from ispd.daemon.ledger.ledger import Ledger
from ispd.daemon.ledger.rows import Cause, Photo, Seen
from ispd.daemon.settle import Settling, look, someone_writes
from ispd.daemon.survey import Survey, Watched
from ispd.daemon.troubles import Troubles
from ispd.daemon.words import Batch, Every, say
from ispd.decode.facts import check_whole
from ispd.errors import BadModel, ConfigError, IncompletePhoto, MachineError, NoInput, NotPermitted, PhotoError
from ispd.metadata.exiftool import ExifTool
from ispd.models import pinned
from ispd.orders import Identity, Plan, SetAside, Waiting
from ispd.photo import digest_of, facts_of
from ispd.plan import References, may_learn, plan
from ispd.profile import Library
from ispd.sentences import shown

AT_A_TIME_SECONDS = 0.25  # then engines, signals and the socket have their turn
AT_A_TIME = 50
LOOK_AGAIN_SECONDS = 60.0  # at a file that waits for its rest
LEARNING_SECONDS = 600.0  # asked again anyway, though the end of the fit wakes it
GONE_SECONDS = 60.0  # by then a scan has forgotten its row


@dataclass(frozen=True)
class Patience:
    """How long to wait for what; `once` waits for nothing that may never come."""

    give_up_seconds: float = 600.0
    learn_after_seconds: float = 30.0
    looks_again: bool = True  # at a file that somebody writes or that may not be read


class Intake:
    """From a path to a queued job.  Close it: it may have started an exiftool."""

    def __init__(
        self,
        ledger: Ledger,
        survey: Survey,
        settling: Settling,
        troubles: Troubles,
        batch: Batch,
        learning: Learning,
        library: Library,
        models: Path,
        patience: Patience,
    ) -> None:
        self.library = library
        self._models = models  # the folder of imported networks
        self.patience = patience
        self._troubles = troubles
        self._ledger = ledger
        self._survey = survey
        self._settling = settling
        self._batch = batch
        self._learning = learning
        self._open = ExitStack()
        self._door = self._open.enter_context(ExifTool())  # starts when it is first asked
        self._lines = Every(seconds=60, burst=20)

    def close(self) -> None:
        """End the exiftool, if there is one."""
        self._open.close()

    def step(self, now: Now) -> bool:
        """Do what is due, for a moment; True: there is more."""
        until = time.monotonic() + AT_A_TIME_SECONDS
        due = self._settling.due(now.steady)
        for path in due:
            if time.monotonic() > until:
                return True
            self._settle(path, now)
        photos = self._ledger.photos.due(now.wall, AT_A_TIME)
        for photo in photos:
            if time.monotonic() > until:
                return True
            self._plan(photo, now)
        return len(photos) == AT_A_TIME

    def _settle(self, path: bytes, now: Now) -> None:
        """One look at a file that may be whole by now."""
        folder, identity = self._survey.of(path), look(path)
        row = self._ledger.photos.at(folder.row.id, path) if folder else None
        if folder is None or identity is None or row is None:
            self._settling.forget(path)  # not watched any more, or gone: the next scan tells the ledger
            return
        if not self._settling.observe(path, identity, now.steady):
            if row.identity != identity:
                self._ledger.photos.observe(folder.row.id, [Seen(path, identity)], now.wall)
            folder.last_arrival = now.steady
            return
        if someone_writes(path):
            self._wait_for_writer(row, now)
            return
        self._take(row, path, identity, now)

    def _take(self, photo: Photo, path: bytes, identity: Identity, now: Now) -> None:
        """It is quiet: check that it is whole, and know it by its content from now on."""
        try:
            check_whole(path)
            digest = digest_of(path, identity)
        except NoInput:
            digest = None
        except IncompletePhoto as error:
            self._wait_for_rest(photo, str(error), now)
            return
        except PhotoError as error:
            self._set_aside(photo, str(error), now)
            return
        except MachineError as error:
            self._wait_for_permission(photo, f"{shown(path)}: {error}", now)
            return
        if digest is None:  # it changed while we read it
            self._settling.look_again(path, now.steady, self._settling.quiet_seconds)
            return
        self._batch.work(now.steady)
        self._settling.forget(path)
        self._ledger.photos.settle(photo.id, identity, digest, now.wall)

    def _wait_for_rest(self, photo: Photo, reason: str, now: Now) -> None:
        left = self.patience.give_up_seconds - self._settling.quiet_for(photo.path, now.steady)
        if left <= 0:
            self._set_aside(photo, reason, now)
            return
        if photo.cause != "incomplete":
            self._wait(photo, "incomplete", reason, None, now)
            self._say(f"{shown(photo.path)} is not all there yet: {reason}", now)
        self._settling.look_again(photo.path, now.steady, min(left, LOOK_AGAIN_SECONDS))

    def _wait_for_writer(self, photo: Photo, now: Now) -> None:
        if not self.patience.looks_again:
            self._wait(photo, "incomplete", "somebody is still writing it", None, now)
        self._look_again(photo.path, max(0.1, self._settling.quiet_seconds / 2), now)

    def _wait_for_permission(self, photo: Photo, reason: str, now: Now) -> None:
        if photo.cause != "machine":
            self._wait(photo, "machine", reason, None, now)
            self._say(reason, now)
        self._look_again(photo.path, LOOK_AGAIN_SECONDS, now)

    def _look_again(self, path: bytes, seconds: float, now: Now) -> None:
        """Later, or, where nothing is waited for, at the next start."""
        if self.patience.looks_again:
            self._settling.look_again(path, now.steady, seconds)
        else:
            self._settling.forget(path)

    def _set_aside(self, photo: Photo, reason: str, now: Now) -> None:
        self._settling.forget(photo.path)
        self._ledger.photos.set_aside(photo.id, reason, now.wall)
        self._batch.work(now.steady)
        self._batch.count(photo.path, SetAside(reason))
        self._say(f"{shown(photo.path)} is set aside: {reason}", now)

    def _plan(self, photo: Photo, now: Now) -> None:
        """What shall be done with a photo whose content is known."""
        self._batch.work(now.steady)
        folder = self._survey.by_row(photo.folder)
        if folder is None or folder.missing:
            reason = folder.missing if folder else "its folder is not in the config any more"
            self._wait(photo, "folder", reason, None, now)
            return
        try:
            made, references = self._planned(photo, folder, now)
        except ConfigError as error:
            self._wait(photo, "machine", str(error), None, now)  # a new config wakes it
            self._say(str(error), now)
        except NoInput:
            self._ledger.photos.wait(photo.id, "folder", "the file is gone", now.wall + GONE_SECONDS, now.wall)
        except PhotoError as error:
            self._set_aside(photo, str(error), now)
        except BadModel as error:  # it can be imported; meanwhile other photos go on
            self._wait(photo, "machine", str(error), now.wall + LOOK_AGAIN_SECONDS, now)
            self._say(f"{shown(photo.path)} waits: {error}", now)
        except NotPermitted as error:  # this photo's own trouble, nobody else waits for it
            reason = f"{shown(photo.path)}: {error}"
            self._wait(photo, "machine", reason, now.wall + LOOK_AGAIN_SECONDS, now)
            self._say(reason, now)
        except MachineError as error:
            trouble = self._troubles.meet(error, None, now.steady)
            until = now.wall + trouble.look_at - now.steady
            self._wait(photo, trouble.cause, trouble.sentence, until, now)
            self._say(trouble.sentence, now)
        else:
            self._keep(photo, made, references, now)

    def _planned(self, photo: Photo, folder: Watched, now: Now) -> tuple[Plan | Waiting, References]:
        wish = replace(folder.config, profile=photo.wish) if photo.wish else folder.config
        relative = os.path.relpath(photo.path, folder.root.path)
        facts = facts_of(photo.path, self._door)
        references, lesson = References.NONE, ""
        if may_learn(facts, relative, wish, self.library):
            references, lesson = self._learning.hope(photo, folder, facts, self.library, now)
        made = plan(facts, relative, wish, self.library, references, lesson)
        if isinstance(made, Plan):
            made = replace(made, recipe=pinned(made.recipe, self._models))
        return made, references

    def _keep(self, photo: Photo, made: Plan | Waiting, references: References, now: Now) -> None:
        match made:
            case Waiting(reason=reason):
                is_learning = references is References.LEARNING
                seconds = LEARNING_SECONDS if is_learning else max(1.0, self.patience.learn_after_seconds / 4)
                self._ledger.photos.wait(photo.id, "learning", reason, now.wall + seconds, now.wall)
            case Plan():
                self._ledger.jobs.enqueue(photo.id, made, now.wall)

    def _wait(self, photo: Photo, cause: Cause, reason: str, until: float | None, now: Now) -> None:
        self._ledger.photos.wait(photo.id, cause, reason, until, now.wall)
        self._batch.count(photo.path, Waiting(reason))

    def _say(self, sentence: str, now: Now) -> None:
        """One line for people; a flood is cut, since the ledger has every verdict."""
        if self._lines.passes(now.steady):
            if self._lines.held_back:
                say(f"… and {self._lines.held_back} more of these; `ispd jobs list` has them all")
                self._lines.held_back = 0
            say(sentence)
