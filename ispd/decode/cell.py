"""The cell: untrusted bytes are decoded in a locked process, and nothing that happens there reaches us but a verdict.

    with Cell() as cell:
        decoded = cell.decode(b"/photos/IMG_1.dng")

A `Cell` owns one zygote process (ispd.decode.zygote), which forks a locked child for each photo.  A child that
crashes, hangs or eats memory costs its photo one more try by the other reader, and then a PhotoError.  Only the samples
come back, in shared memory whose size the child cannot change, with a header that is checked against them.

Threads may call `decode` at the same time.
"""

from __future__ import annotations

import fcntl
import math
import mmap
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from ispd.decode import wire
from ispd.decode.dng.layout import MOST_PIXELS, MOST_SIDE
from ispd.decode.facts import open_photo
from ispd.decode.wire import Samples
from ispd.errors import ChangedPhoto, IncompletePhoto, MachineError, MissingTool, PhotoError
from ispd.isp.values import Light, Shot
from ispd.orders import Identity, from_json, to_json

T = TypeVar("T")

START_SECONDS = 60.0  # a cold start reads the libraries from disk
NOT_STARTED = "the decoding process did not start; what it said of that stands in the log"

ENVIRONMENT = {  # one thread, and no look at files or folders: the children may not
    "HOME": "/nonexistent",
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_PERTURB_": "255",  # new memory is zero: what LibRaw leaves unfilled is the same each time, and nobody's
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "TZ": "UTC0",  # unset, localtime() would look at /etc/localtime each time
}
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH")  # where Python and the libraries are found


@dataclass(frozen=True)
class Patience:
    """How long one try may take; a 12 MP photo needs 0.1 to 0.6 s."""

    first_seconds: float = 5.0  # until the picture's size is known, and for small ones
    seconds_per_megapixel: float = 0.5
    most_seconds: float = 60.0

    def seconds(self, pixels: int) -> float:
        return min(self.first_seconds + self.seconds_per_megapixel * max(pixels, 0) / 1e6, self.most_seconds)


@dataclass(frozen=True)
class Decoded:
    """A decoded raw: the whole stored image (planes, H, W), uint16 or float32, and what is still to be done to it.

    The samples lie in shared memory that only we hold; they may be written.
    """

    samples: Samples
    shot: Shot
    reader: str  # "LibRaw 0.22.2"
    warnings: tuple[str, ...] = ()
    lens_correction: str = ""  # what was added to the shot that the file does not carry


@dataclass(frozen=True)
class Finished:
    """A decoded JPEG, TIFF or PNG: code values as stored (channels, H, W), uint8 or uint16, and what they mean."""

    codes: NDArray[np.uint8] | NDArray[np.uint16]
    meaning: wire.Meaning

    @property
    def curves(self) -> NDArray[np.float32]:
        """(channels, entries): each channel's light over its codes from 0 to the greatest."""
        return np.frombuffer(self.meaning.curves, "<f4").reshape(len(self.codes), -1)


class _Crash(Exception):
    """The child ended without a verdict; `reader` had the bytes."""

    def __init__(self, reader: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reader = reader


class Cell:
    """Decodes raw files in locked processes.  A context manager: leaving it ends them all.

    Raises MissingTool on entering where a reader is missing or too old to be safe.
    """

    def __init__(self, patience: Patience = Patience()) -> None:
        self._patience = patience
        self._starting = threading.Lock()
        self._zygote: _Zygote | None = None

    def __enter__(self) -> Cell:
        self._running()
        return self

    def __exit__(self, *_: object) -> None:
        with self._starting:
            if self._zygote is not None:
                self._zygote.end()
            self._zygote = None

    @property
    def confinement(self) -> tuple[str, ...]:
        """Layers of the lock that this machine lacks; empty is good."""
        return self._running().hello.unconfined

    @property
    def readers(self) -> tuple[str, ...]:
        """The readers with their versions."""
        return self._running().hello.readers

    def decode(self, path: bytes, identity: Identity | None = None) -> Decoded:
        """The samples and the shot of a raw file.

        Raises PhotoError (IncompletePhoto where bytes are missing), ChangedPhoto where the file is not or no longer
        the one of `identity`, NoInput, NotPermitted, and MachineError where the cell itself was killed.
        """
        with open_photo(path) as file, _unchanged(file.fd, identity):
            return self._attempts(file.fd)

    def finished(self, path: bytes) -> Finished:
        """A finished picture: JPEG, TIFF or PNG.

        Raises PhotoError, ChangedPhoto where the file changes meanwhile, NoInput, NotPermitted, MachineError.
        """
        with open_photo(path) as file, _unchanged(file.fd, None):
            return self._finished(file.fd)

    def finished_in(self, data: bytes) -> Finished:
        """A finished picture that lay inside another file.  Raises PhotoError, MachineError."""
        file = os.memfd_create("ispd-preview", os.MFD_CLOEXEC)
        try:
            with open(file, "wb", closefd=False) as memory:
                memory.write(data)
            return self._finished(file)
        finally:
            os.close(file)

    def _finished(self, source: int) -> Finished:
        try:
            return self._running().decode(source, wire.Request(kind="finished"), self._patience).finished()
        except _Crash as crash:
            raise PhotoError(str(crash)) from None

    def _attempts(self, source: int) -> Decoded:
        """A second try, by the other reader, for a photo on which one crashed."""
        leave_out: tuple[str, ...] = ()
        while True:
            try:
                return self._running().decode(source, wire.Request(leave_out), self._patience).decoded()
            except _Crash as crash:
                leave_out = (*leave_out, crash.reader)
                if not crash.reader or len(leave_out) == len(self.readers):
                    raise PhotoError(str(crash)) from None

    def _running(self) -> _Zygote:
        """The zygote; a new one where the last has died."""
        with self._starting:
            if self._zygote is not None and not self._zygote.is_alive():
                self._zygote.end()
                self._zygote = None
            if self._zygote is None:
                self._zygote = _Zygote.start()
            return self._zygote


@contextmanager
def _unchanged(source: int, identity: Identity | None) -> Iterator[None]:
    """Raises ChangedPhoto where the file is not the one of `identity`, or does not stay the same within."""
    before = Identity.of(os.fstat(source))
    if identity not in (None, before):
        raise ChangedPhoto("the file is no longer the one that was planned: it is looked at again")
    try:
        yield
    finally:  # also where decoding failed: half a file is no verdict on the whole one
        if Identity.of(os.fstat(source)) != before:
            raise ChangedPhoto("the file changed while it was read: it is looked at again")


@dataclass(frozen=True)
class _Zygote:
    """The process that forks the children, and the socket on which it takes requests."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    hello: wire.Hello

    @classmethod
    def start(cls) -> _Zygote:
        """Spawned, never forked: we may have threads, and torch."""
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "ispd.decode.zygote", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=ENVIRONMENT | {key: os.environ[key] for key in PASSED_ON if key in os.environ},
            )
        control.settimeout(START_SECONDS)
        try:
            message = control.recv(wire.LONGEST_MESSAGE)
        except TimeoutError:
            message = b""
        hello = from_json(message, wire.Hello) if message else wire.Hello(lacks=NOT_STARTED)
        zygote = cls(process, control, hello)
        if hello.lacks:
            zygote.end()
            raise (MissingTool if message else MachineError)(hello.lacks)
        control.settimeout(None)
        return zygote

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def end(self) -> None:
        """Close its socket, at which it ends itself and its children."""
        self.control.close()
        try:
            self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def decode(self, source: int, request: wire.Request, patience: Patience) -> Memory:
        """One try in one child."""
        with ExitStack() as stack:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            ended, ending = os.pipe()
            stack.enter_context(ours)
            stack.callback(os.close, ended)  # where the child still lives, the zygote sees this and kills it
            try:
                socket.send_fds(self.control, [to_json(request)], [source, theirs.fileno(), ending])
            except OSError:
                raise MachineError("the decoding process is gone: it is started anew for the next photo") from None
            finally:
                theirs.close()
                os.close(ending)
            return _Attempt(ours, ended, patience, patience.seconds(0)).outcome()


@dataclass
class _Attempt:
    """Our end of one child: what it says, and when it must have said it."""

    answers: socket.socket
    ended: int
    patience: Patience
    seconds: float  # that it may take in all
    started: float = field(default_factory=time.monotonic)
    reader: str = ""  # that has the bytes now
    memory: Memory | None = None
    fault: wire.Faulty | None = None

    def outcome(self) -> Memory:
        """Raises PhotoError, MachineError, or _Crash where another reader may do better."""
        while (message := self._next()) is not None:
            self._hear(message)
        status = self._status()
        if self.fault is not None:
            self._judge(self.fault)
        if os.WIFSIGNALED(status):
            self._bury(os.WTERMSIG(status))
        if os.WEXITSTATUS(status) != 0:
            raise MachineError("the decoder could not lock itself in, and so read nothing")
        if self.memory is None:
            raise _Crash(self.reader, "the decoder ended without a picture or a reason")
        return self.memory

    def _next(self) -> bytes | None:
        """The child's next message; None at its end."""
        self.answers.settimeout(self._left())
        try:
            return self.answers.recv(wire.LONGEST_MESSAGE) or None
        except TimeoutError:
            raise self._late() from None
        except ConnectionResetError:
            return None

    def _left(self) -> float:
        left = self.started + self.seconds - time.monotonic()
        if left <= 0:
            raise self._late()
        return left

    def _late(self) -> _Crash:
        return _Crash(self.reader, f"the decoder did not finish within {self.seconds:g} seconds")

    def _hear(self, message: bytes) -> None:
        try:
            answer: wire.Answer = msgspec.json.decode(message, type=wire.Answer)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _Crash(self.reader, "the decoder answered nonsense") from None
        match answer:
            case wire.Trying():
                self.reader = answer.reader[:32]
            case wire.Sized():
                self.seconds = max(self.seconds, self.patience.seconds(answer.pixels))
            case wire.Ready():
                if self.memory is not None or not _is_plausible(answer):
                    raise _Crash(self.reader, "the decoder asked for memory that no picture needs")
                self.memory = Memory.for_picture(answer)
                self.memory.lend(self.answers)
            case wire.Faulty():
                self.fault = answer

    def _status(self) -> int:
        """How the child ended, as the zygote tells it, which the child cannot forge."""
        poll = select.poll()  # select() cannot watch descriptors above 1023
        poll.register(self.ended, select.POLLIN)
        if not poll.poll(1000 * self._left()):
            raise self._late()
        told = os.read(self.ended, 4)
        if len(told) < 4:
            raise MachineError("the decoding process was killed: it is started anew for the next photo")
        return int.from_bytes(told, "little")

    def _judge(self, fault: wire.Faulty) -> None:
        sentence = fault.sentence[: wire.LONGEST_SENTENCE]
        match fault.kind:
            case "incomplete":
                raise IncompletePhoto(sentence)
            case "photo":
                raise PhotoError(sentence)
            case "stumbled":
                raise _Crash(self.reader, f"the decoder stumbled over this file ({sentence})")

    def _bury(self, number: int) -> None:
        if number == signal.SIGKILL:  # not ours: that would have been a timeout.  Most likely the kernel's, for memory
            raise MachineError("the decoder was killed from outside, perhaps because the machine ran out of memory")
        raise _Crash(self.reader, f"the decoder crashed on this file (signal {number})")


@dataclass(frozen=True)
class Memory:
    """Shared memory for one picture: its samples, then its header.  Its size is sealed before the child sees it."""

    map: mmap.mmap
    file: int
    ready: wire.Ready

    @classmethod
    def for_picture(cls, ready: wire.Ready) -> Memory:
        size = _samples_size(ready) + ready.header
        file = os.memfd_create("ispd-mosaic", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(file, size)
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
            return cls(mmap.mmap(file, size), file, ready)
        except OSError:
            os.close(file)
            raise

    def lend(self, answers: socket.socket) -> None:
        """Give the child its descriptor; our mapping keeps the memory."""
        try:
            socket.send_fds(answers, [b"\0"], [self.file])
        except OSError:  # it has ended already: its status will say how
            pass
        finally:
            os.close(self.file)

    def decoded(self) -> Decoded:
        """What the child left, now that it has ended and can no longer change it."""
        samples: Samples = np.ndarray(self.ready.shape, np.dtype(self.ready.dtype), self.map)
        header = self._header(wire.Header)
        if self.ready.dtype == "uint8":
            raise PhotoError("the decoder's description does not fit the picture: its samples")
        if (doubt := misfit(header.shot, self.ready.shape)) is not None:
            raise PhotoError(f"the decoder's description does not fit the picture: {doubt}")
        return Decoded(samples, header.shot, header.reader, header.warnings)

    def finished(self) -> Finished:
        """The same of a finished picture."""
        shape, meaning = self.ready.shape, self._header(wire.Meaning)
        rows, values = meaning.rec2020, np.frombuffer(meaning.curves[: len(meaning.curves) // 4 * 4], "<f4")
        fits = (
            self.ready.dtype != "float32"
            and shape[0] in (1, 3)
            and len(rows) == 3
            and all(len(row) == shape[0] and np.isfinite(row).all() for row in rows)
            and 2 * shape[0] <= len(values)
            and len(values) % shape[0] == 0
            and bool(np.isfinite(values).all())
            and 1 <= meaning.orientation <= 8
        )
        if not fits:
            raise PhotoError("the decoder's description does not fit the picture")
        return Finished(np.ndarray(shape, np.dtype(self.ready.dtype), self.map), meaning)

    def _header(self, kind: type[T]) -> T:
        try:
            return from_json(self.map[_samples_size(self.ready) :], kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise PhotoError(f"the decoder's description of the picture makes no sense ({error})") from None


def _samples_size(ready: wire.Ready) -> int:
    planes, height, width = ready.shape
    return planes * height * width * np.dtype(ready.dtype).itemsize


def _is_plausible(ready: wire.Ready) -> bool:
    planes, height, width = ready.shape
    return (
        1 <= planes <= wire.MOST_PLANES
        and 1 <= height <= MOST_SIDE
        and 1 <= width <= MOST_SIDE
        and height * width <= MOST_PIXELS
        and 0 < ready.header <= wire.LONGEST_HEADER
    )


def _is_light(light: Light, colors: int) -> bool:
    rows = (light.neutral, *light.rec2020_from_camera)
    return len(rows) == 4 and all(len(row) == colors for row in rows) and min(light.temperature_k, *light.neutral) > 0


def misfit(shot: Shot, shape: tuple[int, int, int]) -> str | None:
    """Why rendering would stumble over this shot; None where it would not.

    A child that was taken over can say what it likes: sizes and counts must fit, or later indexing would fail there.
    """
    planes, height, width = shape
    active, crop, levels = shot.active, shot.crop, shot.levels
    rows, columns, levels_planes = levels.black_shape
    checks = {
        "its active area": 0 <= active.top < active.bottom <= height and 0 <= active.left < active.right <= width,
        "its crop": 0 <= crop.top < crop.bottom <= active.height and 0 <= crop.left < crop.right <= active.width,
        "its color filter": not shot.cfa or (planes == 1 and set(shot.cfa) <= set(shot.colors)),
        "its planes": bool(shot.cfa) or planes == len(shot.colors),
        "its black level": min(levels.black_shape) >= 1 and len(levels.black) == rows * columns * levels_planes,
        "its white level": len(levels.white) == planes,
        "its neutral": len(shot.neutral) == len(shot.colors) and all(value > 0 for value in shot.neutral),
        "its matrix": len(shot.rec2020_from_camera) == 3
        and all(len(row) == len(shot.colors) for row in shot.rec2020_from_camera),
        "its lights": all(_is_light(light, len(shot.colors)) for light in shot.lights),
        "its scene": shot.scene_ev is None or math.isfinite(shot.scene_ev),
        "its orientation": 1 <= shot.orientation <= 8,
    }
    return next((what for what, holds in checks.items() if not holds), None)
