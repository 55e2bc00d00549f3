"""The loop: one thread that goes round a list of steps, none of which waits for long.

    survey ─▶ intake (settle, digest, facts, plan) ─▶ delivery (order, engine, publish) ─▶ the ledger remembers
                                        └▶ learning (a fit in a process of its own)

It holds the only connection that writes to the ledger.  A kill at any point loses nothing: the next start reads the
rows, finishes what was staged, sweeps what was not, and scans.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import ispd
from ispd.config import Config
from ispd.daemon import state
from ispd.daemon.clock import Now
from ispd.daemon.delivery import Delivery
from ispd.daemon.engines import Engines
from ispd.daemon.fitting import Command, fit_command
from ispd.daemon.intake import Intake, Patience
from ispd.daemon.learning import Learning
from ispd.daemon.ledger.ledger import Ledger
from ispd.daemon.ledger.rows import Cause, Counts
from ispd.daemon.ledger.store import Damaged
from ispd.daemon.service import Notify, Signals
from ispd.daemon.settle import Settling
from ispd.daemon.socket import Answer, Door, Question, socket_path
from ispd.daemon.survey import Survey
from ispd.daemon.troubles import Troubles
from ispd.daemon.watch import Watcher
from ispd.daemon.words import Batch, say
from ispd.errors import ConfigError, IspdError, MachineError, NoInput, NotPermitted, PhotoError
from ispd.models import models_folder
from ispd.profile import Library, open_library
from ispd.profile.library import learned_profiles
from ispd.sentences import counted

Waitable: TypeAlias = int | socket.socket | Door

LONGEST_SLEEP = 1.0
STALL_SECONDS = 5.0  # a loop that was away for longer may have missed events: stopped, swapped out, a slow disk
STOP_SECONDS = 20.0  # for what the engine has in hand, after SIGTERM
PAUSE_SECONDS = 5.0
HOPELESS = 3  # engines in a row that died without a picture: `ispd once` tells why instead of trying for ever
BACK_UP_SECONDS = 6 * 3600.0
CAUSES: tuple[Cause, ...] = ("incomplete", "learning", "folder", "space", "tool", "machine")


class Loop:
    """Everything that lives as long as the daemon, and one round of it as a method."""

    def __init__(
        self,
        config: Config,
        ledger: Ledger,
        watcher: Watcher | None,
        patience: Patience,
        fit: Command = fit_command,
    ) -> None:
        self.config = config
        self.patience = patience
        self.ledger = ledger
        self.engines = Engines(config.engine.device)
        self.settling = Settling(config.settle.quiet_seconds)
        self.troubles = Troubles()
        self.batch = Batch()
        self.survey = Survey(ledger, self.settling, config.settle.scan_seconds, watcher)
        self.learning = Learning(ledger, self.survey, config.state, patience.learn_after_seconds, fit)
        self._shelf = _stamp(learned_profiles(config.state))
        library = library_of(config)
        models = models_folder(config.state)
        self.intake = Intake(
            ledger, self.survey, self.settling, self.troubles, self.batch, self.learning, library, models, patience
        )
        self.delivery = Delivery(
            ledger,
            self.survey,
            self.engines,
            self.troubles,
            patience.give_up_seconds,
            self.batch,
            os.fsencode(models),
        )
        self._busy = True
        self._counts: tuple[Counts, ...] = ()
        self._count_again_at = 0.0

    def start(self, now: Now) -> None:
        """Take up where the last daemon ended, however it ended."""
        if self.ledger.recovered:
            say(self.ledger.recovered)
        self.survey.take_folders(self.config.folders, now)
        self.delivery.recover(now)
        for cause in CAUSES:  # whatever it was, it may be over by now
            self.ledger.jobs.wake(cause, now.wall)
            self.ledger.photos.wake(cause, now.wall)

    def round(self, now: Now) -> None:
        """One step of everything."""
        self.survey.step(now)
        if self.settling:
            self.engines.warm_up(now.steady)  # loading torch takes as long as a file takes to settle
        self._busy = self.intake.step(now)
        settled = not self._busy and not self.settling.is_expecting(now.steady)
        self.learning.step(self.intake.library, settled, now)
        self._look_for_profiles(now)
        self.delivery.step(now)

    def _look_for_profiles(self, now: Now) -> None:
        """Take up a learned profile that is new, mended, or an older version that somebody went back to."""
        if (shelf := _stamp(learned_profiles(self.config.state))) != self._shelf:
            self._shelf = shelf
            self.intake.library = library_of(self.config)
            self.ledger.photos.wake("machine", now.wall)  # among them those that a mistake in a profile held up

    def sum_up(self, now: Now) -> None:
        """One line for the journal, once a batch is through."""
        if self.is_idle(now) and (line := self.batch.sum_up(now.steady)):
            say(line)

    def is_idle(self, now: Now | None = None) -> bool:
        """Nothing is being settled, planned or developed.  With `now` by counts that may be a moment old."""
        if self._busy or self.settling or self.engines.orders or self.learning.busy:
            return False
        counts = self.counts(now) if now else self.ledger.reading.counts()
        return not any(state.at_work(row) for row in counts)

    def counts(self, now: Now) -> tuple[Counts, ...]:
        """How many photos stand where; counting a large ledger takes at most a two-hundredth of the time."""
        if now.steady >= self._count_again_at:
            began = time.monotonic()
            self._counts = self.ledger.reading.counts()
            self._count_again_at = now.steady + 200 * (time.monotonic() - began)
        return self._counts

    def sleep_seconds(self, now: float) -> float:
        """How long nothing will be due."""
        if self._busy:
            return 0.0
        dues = [due for due in (self.settling.next_due(), self.survey.next_due()) if due is not None]
        return min(max(0.0, min(dues, default=now + LONGEST_SLEEP) - now), LONGEST_SLEEP)

    def take_config(self, config: Config, now: Now) -> None:
        """Go on with another config.  Jobs under way keep their recipe."""
        if config.state != self.config.state:
            raise ConfigError("the state folder cannot change while ispd runs: stop it first")
        shelf, library = _stamp(learned_profiles(config.state)), library_of(config)
        self.config, self._shelf = config, shelf
        self.intake.library = library
        self.intake.patience = patience_of(config)
        self.learning.learn_after_seconds = config.settle.learn_after_seconds
        self.learning.look_again()
        self.delivery.give_up_seconds = config.settle.give_up_seconds
        self.settling.quiet_seconds = config.settle.quiet_seconds
        self.survey.scan_seconds = config.settle.scan_seconds
        self.survey.take_folders(config.folders, now)
        self.engines.use(config.engine.device)
        for cause in CAUSES:
            self.delivery.wake(cause, None, now)

    def close(self) -> None:
        """End what was started."""
        self.engines.stop()
        self.learning.stop()
        self.intake.close()


class Daemon:
    """The loop as a service: signals, the socket, what systemd is told."""

    def __init__(
        self, loop: Loop, signals: Signals, notify: Notify, door: Door | None, reread: Callable[[], Config]
    ) -> None:
        self.loop = loop
        self._reread = reread
        self.refused = ""  # why the config of the last SIGHUP was not taken
        self.paused = ""  # why nothing is done now
        self._told_pause = ""
        self._signals = signals
        self._notify = notify
        self._door = door
        self._last_round = Now.read()
        self._back_up_at = self._last_round.steady

    def run(self) -> int:
        """Until SIGTERM or SIGINT."""
        now = Now.read()
        self.loop.start(now)
        say(f"ispd {ispd.__version__} watches {counted(len(self.loop.config.folders), 'folder')}")
        self._notify.ready()
        while not self._signals.stop:
            try:
                self._round()
                self._told_pause = ""
            except Damaged:
                raise  # the next start restores a backup
            except MachineError as error:
                self._begin_again(error)
            self._wait(self.loop.sleep_seconds(Now.read().steady))
        self._end()
        return 0

    def _begin_again(self, error: MachineError) -> None:
        """The ledger could not be written: whatever was half done is taken up as after a crash, once it can."""
        if self._told_pause != str(error):
            say(f"{error}; ispd pauses for {PAUSE_SECONDS:.0f} s at a time until this is mended")
        self.paused = self._told_pause = str(error)
        self.loop.engines.stop()
        while self.paused and not self._signals.stop:
            for _ in range(int(PAUSE_SECONDS)):
                self._notify.status(self.paused)
                self._notify.alive(Now.read().steady)
                self._wait(1.0)
            with suppress(MachineError):
                self.loop.start(Now.read())
                self.paused = ""

    def _round(self) -> None:
        now = Now.read()
        if now.steady - self._last_round.steady > STALL_SECONDS:
            self.loop.survey.scan_all_soon(now)
        if self._signals.reload:
            self._signals.reload = False
            self._reload(now)
        self.loop.round(now)
        self.loop.sum_up(now)
        if now.steady >= self._back_up_at and self.loop.is_idle(now):
            self.loop.ledger.back_up(now.wall)
            self._back_up_at = now.steady + BACK_UP_SECONDS
        self._notify.status(state.line(self.loop.counts(now), self._problems()))
        self._notify.alive(now.steady)
        self._last_round = Now.read()

    def _wait(self, seconds: float) -> None:
        """Sleep until something happens."""
        engines = self.loop.engines
        readers: list[Waitable] = [self._signals.fd, *engines.sockets(), *([self._door] if self._door else [])]
        readable, _, _ = select.select(readers, engines.blocked(), [], seconds)
        self._signals.drain()
        if self._door in readable and self._door is not None:
            self._door.serve(self.reply)
        # the time asleep is no stall, the time that sleep took longer is
        self._last_round = Now(self._last_round.steady + seconds, self._last_round.wall)

    def _reload(self, now: Now) -> None:
        """A new config, wholly or not at all."""
        self._notify.reloading()
        try:
            self.loop.take_config(self._reread(), now)
        except IspdError as error:
            self.refused = f"the config was not read again, the old one holds: {error}"
            say(self.refused)
        else:
            self.refused = ""
            say(f"the config was read again: {counted(len(self.loop.config.folders), 'folder')}")
        self._notify.ready()

    def _end(self) -> None:
        """No new orders; what is in hand may be finished, for a while."""
        self._notify.stopping()
        self.loop.delivery.stopping = True
        until = Now.read().steady + STOP_SECONDS
        while self.loop.engines.orders and Now.read().steady < until:
            self.loop.delivery.step(Now.read())
            self._wait(0.1)
        if line := self.loop.batch.sum_up(Now.read().steady):
            say(line)

    def reply(self, question: Question) -> Answer:
        """What the command line asks."""
        match question:
            case {"ask": "status"}:
                return state.report(self.loop, self._problems())
            case {"ask": "retry", "what": list(what), **rest}:
                return {"sentences": self._retry([str(item) for item in what], str(rest.get("profile", "")))}
        raise MachineError(f"the daemon does not know what to do with {question}; is it another version of ispd?")

    def _retry(self, what: list[str], profile: str) -> list[str]:
        now = Now.read()
        sentences = self.loop.ledger.jobs.retry(tuple(what), profile, now.wall)
        for folder in self.loop.survey.folders:
            self.loop.survey.settle_again(folder, now)
        return list(sentences)

    def _problems(self) -> list[str]:
        folders = self.loop.survey.folders
        said = [sentence for folder in folders for sentence in (folder.missing, folder.hidden) if sentence]
        return [
            *filter(None, [self.paused, self.refused, self.loop.engines.last_death]),
            *said,
            *self.loop.troubles.sentences(),
            *self.loop.intake.library.problems,  # photos that would get such a profile wait
        ]


def run(reread: Callable[[], Config], signals: Signals, environment: Mapping[str, str] = os.environ) -> int:
    """`ispd run`: watch until told to stop.  `reread` reads the config, now and at every SIGHUP.

    Raises ConfigError, and MachineError where another ispd holds the ledger.
    """
    config = reread()
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger(config.state, Now.read().wall))
        watcher = Watcher(signals.wake)
        stack.callback(watcher.close)
        loop = Loop(config, ledger, watcher, patience_of(config))
        stack.callback(loop.close)
        door = _door(socket_path(config.state), stack.callback)
        return Daemon(loop, signals, Notify(environment), door, reread).run()


@dataclass(frozen=True)
class Result:
    """How many photos came out how, and what was in the way."""

    delivered: int
    set_aside: int
    waiting: int
    failed: int
    problems: tuple[str, ...]
    exit_code: int


def once(config: Config) -> Result:
    """`ispd once`: develop what is there and come back.

    Raises MachineError where another ispd holds the ledger or no engine lives, NoInput where a watched folder is gone.
    """
    with ExitStack() as stack:
        signals = Signals()
        stack.callback(signals.close)
        ledger = stack.enter_context(Ledger(config.state, Now.read().wall))
        # nothing more is coming: neither the rest of a file nor a reference is waited for
        loop = Loop(config, ledger, None, Patience(give_up_seconds=0.0, learn_after_seconds=0.0, looks_again=False))
        stack.callback(loop.close)
        loop.start(Now.read())
        while not signals.stop:
            loop.round(Now.read())
            if loop.is_idle():
                break
            if loop.engines.deaths_in_row >= HOPELESS:
                raise MachineError(loop.engines.last_death)
            engines = loop.engines
            readers: list[Waitable] = [signals.fd, *engines.sockets()]
            select.select(readers, engines.blocked(), [], loop.sleep_seconds(Now.read().steady))
            signals.drain()
        if signals.stop:
            raise KeyboardInterrupt
        missing = [folder.missing for folder in loop.survey.folders if folder.missing]
        if missing:
            raise NoInput("; ".join(missing))
        hidden = [folder.hidden for folder in loop.survey.folders if folder.hidden]
        numbers = loop.batch.numbers()
        code = exit_code(*numbers, loop.troubles.exit_code())
        if hidden and code == 0:
            code = NotPermitted.exit_code
        return Result(*numbers, (*hidden, *loop.troubles.sentences()), code)


def exit_code(delivered: int, set_aside: int, waiting: int, failed: int, trouble: int | None) -> int:
    """0 all well, 65 every photo was bad input, the trouble's own where it stopped all, else 1.

    >>> exit_code(3, 0, 0, 0, None), exit_code(0, 2, 0, 0, None), exit_code(0, 0, 5, 0, 73), exit_code(3, 1, 0, 0, None)
    (0, 65, 73, 1)
    """
    if not (set_aside or waiting or failed):
        return 0
    if delivered or failed:
        return 1
    if not waiting:
        return PhotoError.exit_code
    return trouble or 1


def patience_of(config: Config) -> Patience:
    """How long the config wants to wait."""
    return Patience(config.settle.give_up_seconds, config.settle.learn_after_seconds)


def _stamp(folder: Path) -> tuple[tuple[str, int], ...]:
    """Something else after each change of a file in a folder; () where there is none."""
    try:
        with os.scandir(folder) as entries:
            return tuple(sorted((entry.name, entry.stat(follow_symlinks=False).st_mtime_ns) for entry in entries))
    except OSError:
        return ()


def library_of(config: Config) -> Library:
    """All profiles.  A broken one is told here, and stops only the photos that need it."""
    library = open_library(config.profiles, config.state)
    for problem in library.problems:
        say(problem)
    return library


def _door(path: Path, at_end: Callable[[Callable[[], None]], object]) -> Door | None:
    """The status socket; without it ispd works, only `ispd status` knows less."""
    try:
        door = Door(path)
    except (MachineError, OSError) as error:
        say(f"no status socket: {error}")
        return None
    at_end(door.close)
    return door
