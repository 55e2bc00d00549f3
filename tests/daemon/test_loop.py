"""The loop, round by round, on a real folder with a real ledger.  Its clock is a value, so ten minutes take no time."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ispd.config import Config, Folder, Settle
from ispd.config import Engine as EngineConfig
from ispd.daemon import state
from ispd.daemon.clock import Now
from ispd.daemon.ledger.ledger import Ledger
from ispd.daemon.ledger.rows import Listed
from ispd.daemon.loop import Loop, patience_of
from ispd.daemon.settle import look
from ispd.errors import ConfigError
from ispd.photo import digest_of
from tests.journeys.house import tiny_photo

LETTER = "Dear reader, this is no photo, however it is called. " * 3
QUIET, GIVE_UP, LEARN_AFTER = 3.0, 600.0, 30.0


@dataclass
class Rounds:
    """A loop without a watcher, and the clock it goes by."""

    loop: Loop
    inbox: Path
    outbox: Path
    now: Now

    def pass_by(self, seconds: float) -> None:
        """So much later, one round and as many as it asks for at once."""
        self.now = Now(self.now.steady + seconds, self.now.wall + seconds)
        self.loop.survey.scan_all_soon(self.now)
        self.loop.round(self.now)
        while self.loop.sleep_seconds(self.now.steady) == 0:
            self.loop.round(self.now)

    def listed(self) -> dict[str, Listed]:
        """What the ledger says of each photo."""
        return {os.fsdecode(os.path.basename(line.source)): line for line in self.loop.ledger.reading.listing()}

    def state_of(self, name: str) -> str:
        return self.listed()[name].state

    def develop(self) -> None:
        """Until the engine has answered everything; here alone time passes by itself."""
        deadline = time.monotonic() + 150  # a machine that has to compile the kernels first, and is busy
        while not self.loop.is_idle():
            assert time.monotonic() < deadline, self.listed()
            engines = self.loop.engines
            select.select(engines.sockets(), engines.blocked(), [], 0.1)
            self.loop.round(self.now)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    for name in ("in", "other"):
        (tmp_path / name).mkdir()
    folder = Folder(watch=tmp_path / "in", deliver=tmp_path / "out", profile="neutral")
    settle = Settle(QUIET, 60.0, GIVE_UP, LEARN_AFTER)
    return Config((folder,), EngineConfig("cpu"), settle, state=tmp_path / "state", source=tmp_path / "ispd.toml")


@pytest.fixture
def rounds(config: Config) -> Iterator[Rounds]:
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger(config.state, 1000.0))
        loop = Loop(config, ledger, None, patience_of(config))
        stack.callback(loop.close)
        rounds = Rounds(loop, config.folders[0].watch, config.folders[0].deliver, Now(0.0, time.time()))
        loop.start(rounds.now)
        yield rounds


def test_a_photo_waits_for_its_quiet_time_and_then_has_a_plan(rounds: Rounds) -> None:
    (rounds.inbox / "a.dng").write_bytes(tiny_photo(1))
    rounds.pass_by(1)
    assert rounds.state_of("a.dng") == "settling"
    rounds.pass_by(QUIET)
    assert rounds.state_of("a.dng") == "queued"
    assert rounds.listed()["a.dng"].names == ("a.jpg",)


def test_a_queued_photo_is_delivered(rounds: Rounds) -> None:
    (rounds.inbox / "a.dng").write_bytes(tiny_photo(1))
    rounds.pass_by(0)
    rounds.pass_by(QUIET)
    rounds.develop()
    assert rounds.state_of("a.dng") == "delivered"
    assert (rounds.outbox / "a.jpg").exists()
    assert rounds.loop.batch.numbers() == (1, 0, 0, 0)


def test_half_a_photo_is_shown_at_once_and_set_aside_after_ten_minutes(rounds: Rounds) -> None:
    (rounds.inbox / "half.dng").write_bytes(tiny_photo(1)[:5000])
    rounds.pass_by(0)
    rounds.pass_by(QUIET)
    assert rounds.state_of("half.dng") == "waiting"
    assert rounds.listed()["half.dng"].reason
    rounds.pass_by(GIVE_UP - QUIET - 1)
    assert rounds.state_of("half.dng") == "waiting"
    rounds.pass_by(2)
    assert rounds.state_of("half.dng") == "set_aside"


def test_any_change_wakes_half_a_photo_even_one_that_was_set_aside(rounds: Rounds) -> None:
    path = rounds.inbox / "half.dng"
    path.write_bytes(tiny_photo(1)[:5000])
    rounds.pass_by(0)
    rounds.pass_by(QUIET)
    rounds.pass_by(GIVE_UP)
    assert rounds.state_of("half.dng") == "set_aside"
    path.write_bytes(tiny_photo(1))
    rounds.pass_by(1)
    assert rounds.state_of("half.dng") == "settling"
    rounds.pass_by(QUIET)
    assert rounds.state_of("half.dng") == "queued"


def test_a_change_starts_the_ten_minutes_again(rounds: Rounds) -> None:
    path = rounds.inbox / "half.dng"
    path.write_bytes(tiny_photo(1)[:5000])
    rounds.pass_by(0)
    rounds.pass_by(GIVE_UP - 10)
    path.write_bytes(tiny_photo(1)[:6000])
    rounds.pass_by(1)
    rounds.pass_by(GIVE_UP - 10)
    assert rounds.state_of("half.dng") == "waiting"


def test_an_empty_file_may_still_be_filled(rounds: Rounds) -> None:
    (rounds.inbox / "empty.dng").write_bytes(b"")
    rounds.pass_by(0)
    rounds.pass_by(QUIET)
    assert rounds.state_of("empty.dng") == "waiting"


def test_what_is_no_photo_is_set_aside_and_left_as_it_is(rounds: Rounds) -> None:
    path = rounds.inbox / "text.dng"
    path.write_text(LETTER)
    rounds.pass_by(0)
    rounds.pass_by(QUIET)
    assert rounds.state_of("text.dng") == "set_aside"
    assert path.read_text() == LETTER
    assert rounds.loop.batch.numbers() == (0, 1, 0, 0)


def test_a_clock_that_jumps_settles_nothing(rounds: Rounds) -> None:
    (rounds.inbox / "a.dng").write_bytes(tiny_photo(1))
    rounds.pass_by(1)
    rounds.now = replace(rounds.now, wall=rounds.now.wall + 86400)
    rounds.pass_by(1)
    assert rounds.state_of("a.dng") == "settling"
    rounds.now = replace(rounds.now, wall=rounds.now.wall - 7 * 86400)
    rounds.pass_by(QUIET)
    assert rounds.state_of("a.dng") == "queued"


def test_a_photo_that_goes_before_its_turn_is_forgotten(rounds: Rounds) -> None:
    path = rounds.inbox / "a.dng"
    path.write_bytes(tiny_photo(1))
    rounds.pass_by(0)
    path.unlink()
    rounds.pass_by(QUIET)
    assert rounds.listed() == {}
    assert rounds.loop.is_idle()


def test_a_watched_folder_that_is_gone_loses_no_photo(rounds: Rounds) -> None:
    (rounds.inbox / "half.dng").write_bytes(tiny_photo(1)[:5000])
    rounds.pass_by(0)
    rounds.pass_by(QUIET)
    aside = rounds.inbox.rename(rounds.inbox.parent / "unplugged")
    rounds.pass_by(60)
    assert "not there" in rounds.loop.survey.folders[0].missing
    assert rounds.state_of("half.dng") == "waiting"
    aside.rename(rounds.inbox)
    rounds.pass_by(60)
    assert rounds.loop.survey.folders[0].missing == ""


def test_a_photo_whose_turn_came_while_its_folder_was_gone_has_another(rounds: Rounds) -> None:
    (rounds.inbox / "a.dng").write_bytes(tiny_photo(1))
    rounds.pass_by(0)
    aside = rounds.inbox.rename(rounds.inbox.parent / "unplugged")
    rounds.pass_by(QUIET)
    aside.rename(rounds.inbox)
    rounds.pass_by(60)
    rounds.pass_by(QUIET)
    assert rounds.state_of("a.dng") == "queued"


def test_an_empty_mount_point_is_not_an_empty_folder(rounds: Rounds) -> None:
    (rounds.inbox / "a.dng").write_bytes(tiny_photo(1))
    rounds.pass_by(0)
    rounds.pass_by(QUIET)
    rounds.inbox.rename(rounds.inbox.parent / "unplugged")
    rounds.inbox.mkdir()
    rounds.pass_by(60)
    assert "mounted" in rounds.loop.survey.folders[0].missing
    assert "a.dng" in rounds.listed()


def library_without_match(rounds: Rounds) -> None:
    rounds.loop.survey.folders[0].config = replace(rounds.loop.survey.folders[0].config, profile="auto")


def test_without_references_nothing_is_waited_for(rounds: Rounds) -> None:
    library_without_match(rounds)
    (rounds.inbox / "a.dng").write_bytes(tiny_photo(1))
    rounds.pass_by(0)
    rounds.pass_by(QUIET)
    assert rounds.state_of("a.dng") == "queued"


def test_a_new_config_is_taken_with_its_folders_and_its_patience(rounds: Rounds, config: Config) -> None:
    other = Folder(watch=rounds.inbox.parent / "other", deliver=rounds.outbox, profile="neutral")
    (other.watch / "b.dng").write_bytes(tiny_photo(2))
    rounds.loop.take_config(replace(config, folders=(*config.folders, other), settle=Settle(1.0)), rounds.now)
    rounds.pass_by(0)
    rounds.pass_by(1)
    assert rounds.state_of("b.dng") == "queued"


def test_photos_of_a_folder_that_left_the_config_wait_for_it(rounds: Rounds, config: Config) -> None:
    (rounds.inbox / "a.dng").write_bytes(tiny_photo(1))
    rounds.pass_by(0)
    rounds.pass_by(QUIET)
    other = Folder(watch=rounds.inbox.parent / "other", deliver=rounds.outbox, profile="neutral")
    rounds.loop.take_config(replace(config, folders=(other,)), rounds.now)
    for _ in range(10):
        rounds.pass_by(1)
    assert rounds.state_of("a.dng") == "queued"
    assert rounds.loop.is_idle()
    rounds.loop.take_config(config, rounds.now)
    rounds.develop()
    assert rounds.state_of("a.dng") == "delivered"


def test_the_ledgers_place_cannot_change_under_a_running_daemon(rounds: Rounds, config: Config) -> None:
    with pytest.raises(ConfigError, match="state"):
        rounds.loop.take_config(replace(config, state=rounds.inbox.parent / "elsewhere"), rounds.now)
    assert rounds.loop.config is config


def test_a_deliver_folder_inside_the_watched_one_feeds_nothing_back(rounds: Rounds, config: Config) -> None:
    inside = replace(config.folders[0], deliver=rounds.inbox / "graded")
    rounds.loop.take_config(replace(config, folders=(inside,)), rounds.now)
    inside.deliver.mkdir()
    (inside.deliver / "b.dng").write_bytes(tiny_photo(2))
    (rounds.inbox / "a.dng").write_bytes(tiny_photo(1))
    rounds.pass_by(0)
    rounds.pass_by(QUIET)
    assert set(rounds.listed()) == {"a.dng"}


def test_a_broken_profile_lets_its_photos_wait_for_a_mended_one(rounds: Rounds, config: Config) -> None:
    (rounds.inbox / "a.dng").write_bytes(tiny_photo(1))
    rounds.loop.survey.folders[0].config = replace(config.folders[0], profile="no-such-profile")
    rounds.pass_by(0)
    rounds.pass_by(QUIET)
    assert rounds.state_of("a.dng") == "waiting"
    assert "no-such-profile" in rounds.listed()["a.dng"].reason
    rounds.loop.take_config(config, rounds.now)
    rounds.pass_by(1)
    assert rounds.state_of("a.dng") == "queued"


def test_one_line_says_what_goes_on(rounds: Rounds) -> None:
    assert state.line(rounds.loop.counts(rounds.now), []) == "idle"
    (rounds.inbox / "a.dng").write_bytes(tiny_photo(1))
    (rounds.inbox / "text.dng").write_text(LETTER)
    rounds.pass_by(0)
    rounds.pass_by(QUIET)
    assert state.line(rounds.loop.counts(rounds.now), []) == "developing, 1 photo to go, 1 set aside"
    assert state.line(rounds.loop.counts(rounds.now), ["no room", "no tool"]) == "no room"


def test_a_digest_is_of_the_file_that_was_meant(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    path.write_bytes(b"abc")
    identity = look(bytes(path))
    assert identity is not None
    assert digest_of(bytes(path), identity) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest_of(bytes(path), replace(identity, size=4)) is None
    assert digest_of(bytes(tmp_path / "gone.dng"), identity) is None
