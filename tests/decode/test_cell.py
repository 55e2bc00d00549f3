"""The cell keeps what happens in it to itself: a verdict comes out, or samples, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
import rawpy
from numpy.typing import NDArray

from ispd.decode import wire
from ispd.decode.cell import Cell, Memory, Patience, misfit
from ispd.decode.readers import libraw
from ispd.errors import ChangedPhoto, IncompletePhoto, MachineError, MissingTool, NoInput, PhotoError
from ispd.isp.values import Area, Shot
from ispd.orders import Identity
from ispd.simulate.dng import Negative, encode_dng
from tests.conftest import Dng
from tests.decode.processes import children, descriptors, resident, state, until, zygotes

Codes: TypeAlias = NDArray[np.uint16]


def identity(path: Path) -> Identity:
    return Identity.of(path.stat())


@pytest.fixture
def codes() -> Codes:
    return np.random.default_rng(1).integers(0, 16384, (48, 64), dtype=np.uint16)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A photo that takes a while: 20 MP of noise."""
    samples = np.random.default_rng(2).integers(64, 16384, (4000, 5000), dtype=np.uint16)
    path = tmp_path / "large.dng"
    path.write_bytes(encode_dng(Negative(samples, bits=16)))
    return path


def test_the_samples_that_were_stored_come_back(cell: Cell, tmp_path: Path, codes: Codes) -> None:
    path = tmp_path / "photo.dng"
    path.write_bytes(encode_dng(Negative(codes, bits=16, black=(512.0,), white=16000, orientation=6)))
    decoded = cell.decode(os.fsencode(path), identity(path))
    assert decoded.samples.dtype == np.uint16
    assert np.array_equal(decoded.samples, codes[None])
    assert (decoded.shot.cfa, decoded.shot.orientation, decoded.shot.levels.white) == ("RGGB", 6, (16000.0,))
    assert decoded.reader.startswith("LibRaw")


def test_the_samples_may_be_written_and_outlive_the_cell(photo: Path) -> None:
    with Cell() as cell:
        samples = cell.decode(os.fsencode(photo)).samples
    samples[0, 0, 0] = 7
    assert samples[0, 0, 0] == 7


def test_names_are_bytes(cell: Cell, photo: Path, tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/-o \n\xff.dng"
    os.link(photo, odd)
    assert cell.decode(odd).samples.size


# --- what a name may stand for ---------------------------------------------------------------------------------------


def test_only_regular_files_are_opened(cell: Cell, photo: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.dng")
    (tmp_path / "folder.dng").mkdir()
    (tmp_path / "link.dng").symlink_to(photo)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "socket.dng"))
    for name in ("pipe", "folder", "link", "socket"):
        with pytest.raises(PhotoError):
            cell.decode(os.fsencode(tmp_path / f"{name}.dng"))
    with pytest.raises(NoInput):
        cell.decode(os.fsencode(tmp_path / "none.dng"))


def test_another_file_than_the_planned_one_is_not_decoded(cell: Cell, photo: Path) -> None:
    planned = identity(photo)
    os.utime(photo, ns=(0, 0))
    with pytest.raises(ChangedPhoto):
        cell.decode(os.fsencode(photo), planned)


@pytest.mark.parametrize("whole", [True, False])
def test_a_file_that_changes_while_it_is_read_is_looked_at_again(cell: Cell, photo: Path, whole: bool) -> None:
    """Also where the bytes read were no photo: they were neither the old file nor the new one."""
    if not whole:
        os.truncate(photo, 5000)
    over = threading.Event()

    def touch() -> None:
        while not over.is_set():
            os.utime(photo)

    with ThreadPoolExecutor(1) as other:
        other.submit(touch)
        try:
            with pytest.raises(ChangedPhoto):
                cell.decode(os.fsencode(photo))
        finally:
            over.set()


# --- crashes, hangs, kills -------------------------------------------------------------------------------------------


@contextmanager
def fresh(patience: Patience | None = None) -> Iterator[tuple[Cell, int]]:
    """A cell of the test's own, and its zygote."""
    others = zygotes(os.getpid())
    with Cell(patience or Patience()) as cell:
        (zygote,) = set(zygotes(os.getpid())) - set(others)
        yield cell, zygote


@contextmanager
def disturbed(zygote: int, deed: Callable[[int], None], times: int = 1 << 30) -> Iterator[None]:
    """Do `deed` to the children of `zygote`, once each, up to `times` of them."""
    over = threading.Event()

    def watch() -> None:
        done: set[int] = set()
        while not over.is_set() and len(done) < times:
            for child in set(children(zygote)) - done:
                try:
                    deed(child)
                    done.add(child)
                except (ProcessLookupError, FileNotFoundError):
                    continue

    with ThreadPoolExecutor(1) as other:
        watching = other.submit(watch)
        try:
            yield
        finally:
            over.set()
            watching.result()


def once_it_decodes(number: int) -> Callable[[int], None]:
    """Send a signal when the child has the file in memory and a reader at work."""

    def deed(child: int) -> None:
        until(lambda: not state(child) or resident(child) > 72 << 20)
        os.kill(child, number)

    return deed


def test_a_photo_on_which_one_reader_crashes_is_given_to_the_other(large: Path) -> None:
    with fresh() as (cell, zygote):
        with disturbed(zygote, once_it_decodes(signal.SIGSEGV), times=1):
            decoded = cell.decode(os.fsencode(large))
        assert decoded.reader.startswith("flashraw")
        assert any("LibRaw crashed" in warning for warning in decoded.warnings)


def test_a_photo_on_which_every_reader_crashes_is_set_aside(large: Path, photo: Path) -> None:
    with fresh() as (cell, zygote):
        with (
            disturbed(zygote, once_it_decodes(signal.SIGSEGV)),
            pytest.raises(PhotoError, match=r"crashed .*signal 11"),
        ):
            cell.decode(os.fsencode(large))
        assert cell.decode(os.fsencode(photo)).samples.size
        assert zygote in zygotes(os.getpid())


def test_a_photo_that_hangs_is_killed_at_its_deadline(photo: Path) -> None:
    with fresh(Patience(first_seconds=0.2, most_seconds=0.2)) as (cell, zygote):
        with (
            disturbed(zygote, lambda child: os.kill(child, signal.SIGSTOP)),
            pytest.raises(PhotoError, match=r"within 0\.2 seconds"),
        ):
            cell.decode(os.fsencode(photo))
        until(lambda: not children(zygote))


def test_a_kill_from_outside_is_not_the_photos_fault(large: Path) -> None:
    with (
        fresh() as (cell, zygote),
        disturbed(zygote, once_it_decodes(signal.SIGKILL), times=1),
        pytest.raises(MachineError),
    ):
        cell.decode(os.fsencode(large))


def test_a_killed_zygote_costs_one_photo_its_turn(large: Path, photo: Path) -> None:
    with fresh() as (cell, zygote):
        orphans: list[int] = []

        def kill_parent(child: int) -> None:
            orphans.append(child)
            os.kill(zygote, signal.SIGKILL)

        with disturbed(zygote, kill_parent, times=1), pytest.raises(MachineError):
            cell.decode(os.fsencode(large))
        assert cell.decode(os.fsencode(photo)).samples.size
        until(lambda: not any(map(state, orphans)))


def test_the_zygote_does_not_outlive_its_owner(photo: Path) -> None:
    program = f"""
        import sys, time
        from ispd.decode.cell import Cell
        with Cell() as cell:
            cell.decode({os.fsencode(photo)!r})
            print("ready", flush=True)
            time.sleep(600)
    """
    owner = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True)
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "ready\n"
        (zygote,) = zygotes(owner.pid)
        owner.kill()
    until(lambda: not state(zygote))


def test_leaving_the_cell_ends_its_processes(photo: Path) -> None:
    before = zygotes(os.getpid())
    with Cell() as cell:
        cell.decode(os.fsencode(photo))
        assert len(zygotes(os.getpid())) == len(before) + 1
    assert zygotes(os.getpid()) == before


def test_the_owner_may_enter_in_a_thread_that_ends(photo: Path) -> None:
    """A parent-death signal would kill the zygote here."""
    cell = Cell()
    with ThreadPoolExecutor(1) as other:
        other.submit(cell.__enter__).result()
    started = zygotes(os.getpid())
    try:
        cell.decode(os.fsencode(photo))
        assert zygotes(os.getpid()) == started
    finally:
        cell.__exit__()


# --- many photos -----------------------------------------------------------------------------------------------------


def test_nothing_grows_with_the_number_of_photos(photo: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.dng"
    bad.write_bytes(photo.read_bytes()[:3000])
    with fresh() as (cell, zygote):
        quiet = descriptors(zygote)

        def decode(times: int) -> tuple[int, int]:
            for _ in range(times):
                cell.decode(os.fsencode(photo))
                with pytest.raises(IncompletePhoto):
                    cell.decode(os.fsencode(bad))
            until(lambda: not children(zygote) and descriptors(zygote) == quiet)
            return descriptors(os.getpid()), resident(zygote)

        ours, memory = decode(5)
        ours_later, memory_later = decode(40)
        assert ours_later == ours
        assert memory_later - memory < 1 << 20


def test_threads_may_decode_at_the_same_time(cell: Cell, dng: Dng) -> None:
    paths = [dng(f"{seed}.dng", seed=seed) for seed in range(6)]
    alone = [cell.decode(os.fsencode(path)) for path in paths]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(cell.decode, [os.fsencode(path) for path in paths * 3]))
    for one, other in zip(alone * 3, together, strict=True):
        assert np.array_equal(one.samples, other.samples)
        assert one.shot == other.shot


# --- what is believed of a child -------------------------------------------------------------------------------------


def test_the_lent_memory_keeps_its_size() -> None:
    ready = wire.Ready("uint16", (1, 100, 100), 10)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        Memory.for_picture(ready).lend(ours)
        _, (lent,), _, _ = socket.recv_fds(theirs, 1, 1)
    try:
        assert os.fstat(lent).st_size == 20010
        for size in (0, 20009, 1 << 20):
            with pytest.raises(PermissionError):
                os.ftruncate(lent, size)
    finally:
        os.close(lent)


@pytest.fixture(scope="module")
def shot(cell: Cell, tmp_path_factory: pytest.TempPathFactory) -> Shot:
    path = tmp_path_factory.mktemp("shot") / "photo.dng"
    path.write_bytes(encode_dng(Negative(np.full((48, 64), 500, np.uint16), bits=16)))
    return cell.decode(os.fsencode(path)).shot


def test_a_shot_that_fits_its_samples_is_believed(shot: Shot) -> None:
    assert misfit(shot, (1, 48, 64)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"active": Area(0, 0, 49, 64)},
        {"active": Area(0, -1, 48, 64)},
        {"active": Area(5, 0, 5, 64)},
        {"crop": Area(0, 0, 48, 65)},
        {"cfa": "RGXB"},
        {"cfa": ""},
        {"colors": "RGBE"},
        {"neutral": (1.0, 1.0)},
        {"neutral": (0.0, 1.0, 1.0)},
        {"rec2020_from_camera": ((1.0, 0.0, 0.0),) * 2},
        {"rec2020_from_camera": ((1.0, 0.0),) * 3},
        {"orientation": 0},
        {"scene_ev": float("nan")},
    ],
)
def test_a_shot_that_does_not_fit_its_samples_is_refused(shot: Shot, change: dict[str, object]) -> None:
    assert misfit(replace(shot, **change), (1, 48, 64)) is not None  # type: ignore[arg-type]


def test_levels_that_do_not_fit_the_samples_are_refused(shot: Shot) -> None:
    for levels in (
        replace(shot.levels, black=(0.0,) * 3),
        replace(shot.levels, black_shape=(0, 1, 1), black=()),
        replace(shot.levels, white=()),
    ):
        assert misfit(replace(shot, levels=levels), (1, 48, 64)) is not None


# --- the machine -----------------------------------------------------------------------------------------------------


def test_the_cell_tells_which_layers_of_the_lock_an_old_kernel_lacks(cell: Cell) -> None:
    assert set(cell.confinement) <= {"landlock", "memory-deny-write-execute"}


def test_the_cell_tells_its_readers(cell: Cell) -> None:
    assert [name.split()[0] for name in cell.readers] == ["LibRaw", "flashraw"]


def test_an_unsafe_libraw_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rawpy, "libraw_version", (0, 22, 0))
    with pytest.raises(MissingTool):
        libraw.check_version()
