"""The daemon's door for the command line: a Unix socket of its owner, one line of JSON in, one line out.

{"ask": "status"}                                      → {"ok": true, "answer": {…}}
{"ask": "retry", "what": ["4", "p7"], "profile": "…"}  → {"ok": true, "answer": {"sentences": […]}}
anything else                                          → {"ok": false, "sentence": "…"}
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from ispd.errors import IspdError, MachineError

Question: TypeAlias = dict[str, object]
Answer: TypeAlias = dict[str, object]

LARGEST = 1 << 20
PATIENCE_SECONDS = 5.0


def socket_path(state: Path) -> Path:
    """Where the socket lies: beside the ledger, which is on a local disk.

    No runtime folder: a unit, a login and a cron job have different ones, and they must find the same daemon.
    """
    return state / "ispd.sock"


class Door:
    """Listens at `path` (0600), without ever waiting for a client: a slow one is dropped, not served late."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # the ledger's lock is ours by now, so an old socket belongs to a daemon that is dead
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        before = os.umask(0o177)
        try:
            with _short(path) as name:
                self._socket.bind(name)
        except OSError as error:
            raise MachineError(f"{path}: the socket for `ispd status` cannot be made: {error.strerror}") from error
        finally:
            os.umask(before)
        self._socket.listen(16)

    def fileno(self) -> int:
        """For a selector."""
        return self._socket.fileno()

    def serve(self, reply: Callable[[Question], Answer]) -> None:
        """Answer whoever waits."""
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:  # nobody any more
                return
            with client, contextlib.suppress(OSError):
                client.settimeout(1.0)  # the question is one line of a program of ours: it is there, or never
                client.sendall(_reply(_line(client), reply) + b"\n")

    def close(self) -> None:
        """Leave nothing behind."""
        self._socket.close()
        self.path.unlink(missing_ok=True)


def request(path: Path, question: Question) -> Answer | None:
    """Ask the daemon at `path`; None: no daemon runs.  Raises MachineError with the daemon's sentence if it refuses."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.settimeout(PATIENCE_SECONDS)
        try:
            with _short(path) as name:
                door.connect(name)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except OSError as error:
            raise MachineError(f"{path}: the daemon cannot be asked: {error.strerror or error}") from error
        try:
            door.sendall(json.dumps(question).encode() + b"\n")
            answer = json.loads(_line(door) or b"{}")
        except (OSError, ValueError) as error:
            raise MachineError("the daemon runs but does not answer; it may be busy: try again") from error
    if not answer.get("ok"):
        raise MachineError(str(answer.get("sentence", "the daemon refused")))
    reply: Answer = answer["answer"]
    return reply


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name for `path` that fits the 108 bytes of a socket address, however deep the folder lies."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _reply(line: bytes, reply: Callable[[Question], Answer]) -> bytes:
    try:
        question = json.loads(line)
        if not isinstance(question, dict):
            raise ValueError("not a question")
        return json.dumps({"ok": True, "answer": reply(question)}).encode()
    except (IspdError, ValueError) as error:
        return json.dumps({"ok": False, "sentence": str(error)}).encode()


def _line(peer: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\n") and len(data) < LARGEST:
        piece = peer.recv(65536)
        if not piece:
            break
        data += piece
    return data
