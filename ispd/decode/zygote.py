"""The zygote: a lean process with the readers warm, which forks one locked child for each photo.

Started by `Cell` as `python -m ispd.decode.zygote FD`; FD is its control socket.  It reads no photo itself.  Its end is
the socket's: when the engine closes it or dies, the zygote kills its children and goes.  (A parent-death signal would
be wrong here: it fires when the *thread* ends that started us.)  A child is killed as soon as the engine closes the
pipe on which it wanted to hear of that child's end, which is how a deadline is kept.

See ispd.decode.wire for what is said, ispd.decode.lock for what a child gives up.
"""

from __future__ import annotations

import fcntl
import gc
import logging
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from ispd.decode import lock, pictures, readers, wire
from ispd.decode.dng.layout import MOST_PIXELS
from ispd.decode.warmup import warm_up
from ispd.errors import IncompletePhoto, IspdError, MissingTool, PhotoError
from ispd.orders import from_json, to_json

PR_SET_PDEATHSIG = 1
SOURCE, ANSWERS = 3, 4  # a child's descriptors beside stdin, stdout and stderr, which are /dev/null
NOT_LOCKED = 71  # the child's exit code: nothing was decoded, and the photo is not to blame
LARGEST_FILE = 2 << 30


@dataclass(frozen=True)
class _Child:
    pid: int
    pidfd: int
    status: int  # the pipe on which the engine waits for its end


def main() -> int:
    """Warm up, say hello, serve until the socket ends."""
    logging.disable()  # what libraries tell of each broken file
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the engine's to handle; we end with its socket
    control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, fileno=int(sys.argv[1]))
    try:
        names = readers.names()
        warm_up()
        hello = wire.Hello(readers=names, unconfined=_try_the_lock())
    except (MissingTool, ImportError) as error:
        hello = wire.Hello(lacks=str(error))
    with suppress(BrokenPipeError):  # who asked is dead: the socket has ended, and so shall we
        control.send(to_json(hello))
    if hello.lacks:
        return MissingTool.exit_code
    gc.collect()
    gc.freeze()  # what is alive now stays: children need not touch, and so copy, its pages
    _serve(control)
    return 0


def _serve(control: socket.socket) -> None:
    """Fork, kill and bury children until the control socket ends."""
    poll = select.poll()
    poll.register(control, select.POLLIN)
    ended: dict[int, _Child] = {}  # by pidfd
    unheard: dict[int, _Child] = {}  # by status pipe
    while True:
        for fd, _ in poll.poll():
            if fd in ended:
                child = ended.pop(fd)
                if unheard.pop(child.status, None):
                    poll.unregister(child.status)
                poll.unregister(fd)
                _bury(child)
            elif fd in unheard:
                signal.pidfd_send_signal(unheard.pop(fd).pidfd, signal.SIGKILL)
                poll.unregister(fd)
            elif fd == control.fileno():
                request, descriptors = _request(control)
                if request is None:
                    return _end(list(ended.values()))
                if (new := _fork(request, *descriptors)) is not None:
                    ended[new.pidfd] = unheard[new.status] = new
                    poll.register(new.pidfd, select.POLLIN)
                    poll.register(new.status, 0)  # 0: only that the other end was closed


def _request(control: socket.socket) -> tuple[wire.Request | None, list[int]]:
    try:
        message, descriptors, _, _ = socket.recv_fds(control, wire.LONGEST_MESSAGE, 3)
    except ConnectionResetError:
        return None, []
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    return (from_json(message, wire.Request) if message else None), descriptors


def _fork(request: wire.Request, source: int, answers: int, status: int) -> _Child | None:
    parent = os.getpid()
    try:
        pid = os.fork()
    except OSError:  # no more processes: the engine sees both its ends closed
        pid = -1
    if pid == 0:
        _child(parent, request, source, answers)
    os.close(source)
    os.close(answers)
    if pid < 0:
        os.close(status)
        return None
    return _Child(pid, os.pidfd_open(pid), status)


def _bury(child: _Child) -> None:
    """Tell the engine how it ended."""
    _, status = os.waitpid(child.pid, 0)
    try:
        os.write(child.status, status.to_bytes(4, "little"))
    except BrokenPipeError:  # the engine gave it up: it knows
        pass
    finally:
        os.close(child.status)
        os.close(child.pidfd)


def _end(children: list[_Child]) -> None:
    for child in children:
        signal.pidfd_send_signal(child.pidfd, signal.SIGKILL)
        _bury(child)


# --- the child ------------------------------------------------------------------------------------------------------


def _child(zygote: int, request: wire.Request, source: int, answers: int) -> NoReturn:
    """Lock, decode, hand over, end.  Nothing returns from here: above us are the zygote's loop and its descriptors."""
    try:
        lock.LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != zygote:  # it died before the line above
            os._exit(1)
        _keep_only(source, answers)
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, fileno=ANSWERS)
        size = os.fstat(SOURCE).st_size
        memory = lock.MEMORY_FLOOR + min(size, LARGEST_FILE)
        lock.lock(memory, memory + lock.MEMORY_PER_SAMPLE * MOST_PIXELS * wire.MOST_PLANES)
        _decode(channel, size, memory, request)
        os._exit(0)
    finally:  # only an error comes here: it could not lock itself in
        os._exit(NOT_LOCKED)


def _keep_only(source: int, answers: int) -> None:
    null = os.open("/dev/null", os.O_RDWR)
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (source, answers)]
    for fd, place in zip((null, null, null, *high), (0, 1, 2, SOURCE, ANSWERS), strict=True):
        os.dup2(fd, place)
    os.closerange(ANSWERS + 1, os.sysconf("SC_OPEN_MAX"))


def _decode(channel: socket.socket, size: int, memory: int, request: wire.Request) -> None:
    def tell(answer: wire.Answer) -> None:
        channel.sendmsg([to_json(answer)])

    def sized(width: int, height: int, planes: int) -> None:
        lock.allow_memory(memory + lock.MEMORY_PER_SAMPLE * width * height * planes)
        tell(wire.Sized(width * height))

    try:
        if request.kind == "finished":
            finished = pictures.read(_content(size), sized)
            _hand_over(channel, finished.codes, to_json(finished.meaning))
        else:
            picture = readers.read(_content(size), request.leave_out, lambda reader: tell(wire.Trying(reader)), sized)
            _hand_over(channel, picture.samples, to_json(wire.Header(picture.shot, picture.reader, picture.warnings)))
    except IncompletePhoto as error:
        tell(_faulty("incomplete", error))
    except IspdError as error:
        tell(_faulty("photo", error))
    except MemoryError:
        tell(_faulty("photo", PhotoError("decoding it needs more memory than a picture of its size should")))
    except Exception as error:  # whatever a hostile file provokes is about that file; the engine hears of it
        tell(_faulty("stumbled", error))


def _faulty(kind: wire.FaultKind, error: Exception) -> wire.Faulty:
    sentence = str(error) if isinstance(error, IspdError) else f"{type(error).__name__}: {error}"
    return wire.Faulty(kind, sentence[: wire.LONGEST_SENTENCE])


def _content(size: int) -> bytes:
    if size > LARGEST_FILE:
        raise PhotoError(f"the file has {size / (1 << 30):.1f} GB: no raw photo is larger than 2 GB")
    pieces, at = [], 0
    while piece := os.pread(SOURCE, min(64 << 20, size - at), at):
        pieces.append(piece)
        at += len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _hand_over(channel: socket.socket, samples: wire.Samples | pictures.Codes, header: bytes) -> None:
    """Ask for memory, and write the samples and the header there."""
    channel.sendmsg([to_json(wire.Ready(wire.name_of(samples.dtype), samples.shape, len(header)))])
    _, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
    memory = lock.map_shared(descriptors[0], samples.nbytes + len(header))
    np.ndarray(samples.shape, samples.dtype, memory)[...] = samples
    memory[samples.nbytes :] = header


def _try_the_lock() -> tuple[str, ...]:
    """Lock a child in, to hear what this machine cannot take away."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if (pid := os.fork()) == 0:
        try:
            there.sendmsg([to_json(lock.lock(lock.MEMORY_FLOOR, lock.MEMORY_FLOOR))])
        finally:
            os._exit(0)
    there.close()
    with here:
        missing = here.recv(wire.LONGEST_MESSAGE)
    os.waitpid(pid, 0)
    return from_json(missing, tuple[str, ...]) if missing else ("the lock itself",)


if __name__ == "__main__":
    sys.exit(main())
