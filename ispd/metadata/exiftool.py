"""The only door to exiftool: one process that stays, asked through pipes, never trusted after a doubt.

What makes it a door (measured with exiftool 12.57):
- A line is an argument, so a newline in a value or a name would be another argument.  Only words of ours go through:
  tag names that fit a pattern with a group in front (no option does), and paths of ours: an ASCII link in a private
  folder for each file.  Every value goes by a JSON file.
- `-if`, `-p` and `${…}` run Perl; none of them fits the pattern.  So do `~/.ExifTool_config` and
  `./.ExifTool_config`: `-config` comes first, and HOME and the working folder are none of anybody's.
- It has no deadline and can die or hang: an answer must come in time, between our random marks, or the process is
  killed and the question asked once more of a new one.  So a late answer is never taken for the next one's.
- It would outlive us: see shim.py.  The kernel's signal comes when the *thread* that started the process ends, so
  a thread of the door's own starts it and lives as long.
"""

from __future__ import annotations

import base64
import fcntl
import itertools
import json
import os
import re
import secrets
import selectors
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, TypeAlias

from ispd.errors import CannotCreate, MachineError, MissingTool, PhotoError
from ispd.sentences import shown

Value: TypeAlias = str | list[str]
Charset: TypeAlias = Literal["Latin", "UTF8"]
Tags: TypeAlias = dict[str, Value]
"""By family-1 group and name: {"ExifIFD:ISO": "400", "XMP-dc:Subject": ["one", "two"]}; numbers as printed."""

DEADLINE_SECONDS = 10.0
SLOWEST_DISK = 20e6  # bytes a second that a file adds to the deadline
LARGEST_ANSWER = 64 << 20  # bytes
UPDATED = "    1 image files updated"
OLDEST = (12, 24)  # earlier ones run code in a crafted file (CVE-2021-22204)

CONFIG = Path(__file__).with_name("ispd.config")
SHIM = Path(__file__).with_name("shim.py")
STAY_OPEN = ("-config", str(CONFIG), "-stay_open", "True", "-@", "-")
PREFIX = "ispd-exiftool-"

TAG = r"[A-Za-z][A-Za-z0-9_-]*:[A-Za-z0-9_*?-]+"
COPIED = re.compile(rf"-?{TAG}(<[A-Za-z][A-Za-z0-9_-]*(:[A-Za-z0-9_-]+)?)?", re.ASCII)
NAMED = re.compile(TAG, re.ASCII)
SAFE_NAME = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}")


@dataclass(frozen=True)
class Copy:
    """Tags to be copied from `source`, in this order: "ExifIFD:all", "-ExifIFD:UserComment" (not that one),
    "ExifIFD:ISO<ISO" (from wherever it stands)."""

    source: bytes  # absolute path
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What exiftool printed for one command, without our marks."""

    output: bytes
    complaints: tuple[str, ...]
    status: int

    def beginning(self, word: str) -> tuple[str, ...]:
        """The complaints that begin with "Warning" or "Error", without that word and without the names of our links."""
        said = (line.partition(": ")[2] for line in self.complaints if line.startswith(word))
        return tuple(dict.fromkeys(line.rpartition(" - /")[0] or line for line in said))


class _Doubt(Exception):
    """No answer, half an answer, or more than an answer: the process may not be asked again."""


class _TooMuch(_Doubt):
    """It is the file's fault: more tags than memory or patience."""


class ExifTool:
    """A context manager; the process starts with the first question.  One question at a time, from any thread.

    Raises MissingTool where exiftool is not installed or too old, MachineError where it fails twice to answer.
    """

    def __init__(self, deadline_seconds: float = DEADLINE_SECONDS, executable: str = "exiftool") -> None:
        self._deadline_seconds = deadline_seconds
        self._executable = executable
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()
        self._names = itertools.count(1)

    def __enter__(self) -> ExifTool:
        with ExitStack() as stack:
            self._folder = stack.enter_context(_private_folder())
            # the kernel's signal at our death belongs to the thread that starts the child: this one lives as long as we
            self._starter = stack.enter_context(ThreadPoolExecutor(1, "exiftool-parent"))
            stack.callback(self._kill)
            self._closing = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    @property
    def pid(self) -> int | None:
        """The process that answers, if one has been started."""
        return self._process.pid if self._process else None

    def version(self) -> str:
        """Which exiftool it is."""
        with self._lock:
            return self._ask([b"-ver"], os.fsencode(os.devnull)).output.decode("ascii", "replace").strip()

    def read(self, path: bytes) -> Tags:
        """Every tag of the file, numbers without print conversion; binary ones as "(Binary data N bytes …)", the XMP
        packet ("XMP:XMP") and maker notes ("ExifIFD:MakerNoteCanon") as such among them.

        Raises PhotoError where exiftool cannot make sense of the file.
        """
        with self._lock, self._link(path) as link:
            answer = self._ask([b"-json", b"-G1", b"-n", b"-all", b"-XMP", b"-MakerNotes", link], path)
        try:
            tags = json.loads(answer.output.decode("utf-8", "replace"), parse_float=str, parse_int=str)[0]
        except (ValueError, IndexError) as error:
            reason = "; ".join(answer.beginning("Error")) or "no answer"
            raise PhotoError(f"{_name(path)} cannot be read by exiftool: {reason}") from error
        if reason := tags.get("ExifTool:Error"):
            raise PhotoError(f"{_name(path)} cannot be read by exiftool: {reason}")
        del tags["SourceFile"]  # our link
        return {name: _as_text(value) for name, value in tags.items()}

    def xmp_packet(self, path: bytes) -> bytes:
        """The XMP packet inside a file as it stands there; empty if there is none."""
        with self._lock, self._link(path) as link:
            return self._ask([b"-b", b"-XMP", link], path).output

    def binary(self, path: bytes, tag: str) -> bytes:
        """A tag's value as it stands in the file, "SubIFD1:PreviewImage" for one; empty if there is none."""
        with self._lock, self._link(path) as link:
            return self._ask([b"-b", b"-" + _checked(NAMED, tag), link], path).output

    def write(
        self,
        target: bytes,
        copies: Sequence[Copy] = (),
        values: Mapping[str, Value] | None = None,
        delete: Sequence[str] = (),
        iptc_charset: Charset = "Latin",
    ) -> tuple[str, ...]:
        """In the picture `target`, delete tags, copy tags, then set values; returns exiftool's warnings.

        The file is replaced (a new inode, not synced).  Its name must be a plain ASCII one, as staging names are; its
        folder may have any.  `iptc_charset`: what IPTC texts are in that do not say so themselves.
        Raises CannotCreate where exiftool refuses; the file is then as it was.
        """
        folder, name = os.path.split(target)
        if not SAFE_NAME.fullmatch(name):
            raise ValueError(f"not a staging name: {name!r}")
        # -fast: or it works out the checksum of every PNG chunk in Perl, 70 ms a megabyte
        arguments = [b"-m", b"-n", b"-fast", b"-overwrite_original", b"-api", b"PNGEarlyXMP=1"]
        arguments += [b"-charset", b"iptc=" + iptc_charset.encode()]
        arguments += [b"-" + _checked(NAMED, tag) + b"=" for tag in delete]
        with self._lock, ExitStack() as stack:
            path = stack.enter_context(self._link(folder)) + b"/" + name
            for copy in copies:
                arguments += [b"-tagsFromFile", stack.enter_context(self._link(copy.source))]
                arguments += [b"-" + _checked(COPIED, tag) for tag in copy.tags]
            if values:
                arguments.append(b"-json=" + stack.enter_context(self.private_file(_json(values), ".json")))
            remnant = Path(os.fsdecode(target) + "_exiftool_tmp")  # of a try that was killed
            answer = self._ask([*arguments, path], target, lambda: remnant.unlink(missing_ok=True))
        # where it says so depends: beside a JSON import on standard error
        said = (answer.output.decode("ascii", "replace").rstrip("\n"), *answer.complaints)
        if answer.status or UPDATED not in said:
            reason = "; ".join(answer.beginning("Error") or answer.complaints) or "it changed nothing"
            raise CannotCreate(f"exiftool cannot write tags into {_name(target)}: {reason}")
        return answer.beginning("Warning")

    @contextmanager
    def private_file(self, content: bytes, suffix: str) -> Iterator[bytes]:
        """The absolute path of a file of the door's own that holds `content`, for as long as the context lasts."""
        path = self._folder / f"{next(self._names)}{suffix}"
        try:
            path.write_bytes(content)
            yield os.fsencode(path)
        except OSError as error:
            raise MachineError(f"exiftool's folder {self._folder} cannot be used: {error.strerror}") from error
        finally:
            path.unlink(missing_ok=True)

    @contextmanager
    def _link(self, path: bytes) -> Iterator[bytes]:
        """A name of ours for a file or folder whose own name may be anything.  It keeps a plain extension, which
        exiftool needs to tell some raw formats from TIFF."""
        if not path.startswith(b"/"):
            raise ValueError(f"not an absolute path: {path!r}")
        extension = re.search(rb"\.[A-Za-z0-9]{1,8}\Z", path)
        link = self._folder / f"{next(self._names)}{extension[0].decode() if extension else ''}"
        link.symlink_to(os.fsdecode(path))
        try:
            yield os.fsencode(link)
        finally:
            link.unlink(missing_ok=True)

    def _ask(self, arguments: list[bytes], path: bytes, before: Callable[[], None] = lambda: None) -> Answer:
        """One command's answer; `before` runs ahead of each try.  `path`: the file that it is about."""
        seconds = self._deadline_seconds + _size(path) / SLOWEST_DISK
        doubts = []
        for _ in range(2):
            before()
            try:
                return self._exchange(self._started(), arguments, seconds)
            except _TooMuch as error:
                self._kill()
                raise PhotoError(f"{_name(path)} has more tags than any camera writes") from error
            except _Doubt as doubt:
                self._kill()
                doubts.append(str(doubt))
            except BaseException:  # interrupted half way: its answer is still to come
                self._kill()
                raise
        raise MachineError(f"exiftool failed twice at {_name(path)} ({', then '.join(doubts)})")

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = self._starter.submit(self._start).result()
            version = self._exchange(self._process, [b"-ver"], self._deadline_seconds).output
            if tuple(int(number) for number in re.findall(rb"\d+", version)) < OLDEST:
                self._kill()
                raise MissingTool(
                    f"exiftool {version.decode('ascii', 'replace').strip()} is too old: install 12.24 or newer"
                )
        return self._process

    def _start(self) -> subprocess.Popen[bytes]:
        program = shutil.which(self._executable)
        if program is None:
            raise MissingTool("exiftool is not installed: apt install libimage-exiftool-perl")
        return subprocess.Popen(
            [*(sys.executable, "-I", "-S", SHIM, str(os.getpid()), program), *STAY_OPEN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd=self._folder,
            env={"HOME": "/nonexistent", "PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            start_new_session=True,  # Ctrl-C on a terminal is for us alone
        )

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    pipe.close()
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)

    def _exchange(self, process: subprocess.Popen[bytes], arguments: list[bytes], seconds: float) -> Answer:
        """Send one command and take its answer up to our marks.  Raises _Doubt where anything else happens."""
        mark = b"%d" % secrets.randbits(63)
        command = [
            b"-echo",
            b"{begin%s}" % mark,
            *arguments,
            b"-echo4",
            b"{%s ${status}}" % mark,
            b"-execute" + mark,
            b"",
        ]
        output, complaints = _converse(process, b"\n".join(command), mark, seconds)
        before, _, output = output.partition(b"{begin%s}\n" % mark)
        if before:
            raise _Doubt("it answered something else")
        text, _, status = complaints.rpartition(b"{%s " % mark)
        lines = text.decode("utf-8", "replace").splitlines()
        return Answer(output.removesuffix(b"{ready%s}\n" % mark), tuple(lines), int(status.rstrip(b"}\n")))


def _converse(process: subprocess.Popen[bytes], command: bytes, mark: bytes, seconds: float) -> tuple[bytes, bytes]:
    """Write all of `command`, read standard output and error until each ends with its mark."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    until = time.monotonic() + seconds
    os.set_blocking(process.stdin.fileno(), False)  # a process that has stopped reads nothing
    said = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
    output, complaints = said.values()
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdin, selectors.EVENT_WRITE)
        for pipe in said:
            ready.register(pipe, selectors.EVENT_READ)
        while not (output.endswith(b"{ready%s}\n" % mark) and _is_marked(complaints, mark)):
            left = until - time.monotonic()
            events = ready.select(left) if left > 0 else []
            if not events:
                raise _Doubt(f"no answer within {seconds:.0f} s")
            for key, _ in events:
                if key.fileobj is process.stdin:
                    command = _written(process.stdin.fileno(), command)
                    if not command:
                        ready.unregister(process.stdin)
                else:
                    said[key.fd] += _received(key.fd, complaints)
            if len(output) + len(complaints) > LARGEST_ANSWER:
                raise (_TooMuch if output.startswith(b"{begin%s}" % mark) else _Doubt)("its answer had no end")
    return bytes(output), bytes(complaints)


def _is_marked(complaints: bytearray, mark: bytes) -> bool:
    return re.search(rb"\{%s \d+\}\n\Z" % mark, complaints[-80:]) is not None


def _written(pipe: int, command: bytes) -> bytes:
    """Write what the pipe takes; returns the rest."""
    try:
        return command[os.write(pipe, command) :]
    except BrokenPipeError as error:
        raise _Doubt("it ended") from error


def _received(pipe: int, complaints: bytearray) -> bytes:
    chunk = os.read(pipe, 1 << 16)
    if not chunk:
        raise (_TooMuch if b"Out of memory" in complaints else _Doubt)("it ended")
    return chunk


@contextmanager
def _private_folder() -> Iterator[Path]:
    """An empty folder that only we may enter.  Those of doors that were killed are removed: nobody holds their lock."""
    root = Path(tempfile.gettempdir())
    for old in root.glob(PREFIX + "*"):
        _remove_if_abandoned(old)
    try:
        folder, held = _locked_folder(root)
    except OSError as error:
        raise MachineError(f"exiftool needs a folder of its own in {root}: {error.strerror}") from error
    try:
        yield folder
    finally:
        os.close(held)
        shutil.rmtree(folder, ignore_errors=True)


def _locked_folder(root: Path) -> tuple[Path, int]:
    """A new folder with our lock on it: (path, descriptor)."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
        with suppress(FileNotFoundError):
            held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(held, fcntl.LOCK_EX)
            if folder.exists():  # else a door that opened just now swept it before it was locked
                return folder, held
            os.close(held)


def _remove_if_abandoned(folder: Path) -> None:
    with suppress(OSError):  # somebody else's, or just now removed, or in use
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if os.fstat(held).st_uid == os.geteuid():
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(held)


def _checked(pattern: re.Pattern[str], tag: str) -> bytes:
    """The bytes of a tag's name.  One that does not fit is a bug of ours: names never come from files or configs."""
    if not pattern.fullmatch(tag):
        raise ValueError(f"not a tag: {tag!r}")
    return tag.encode("ascii")


def _json(values: Mapping[str, Value]) -> bytes:
    """The values as exiftool imports them; a text that looks like base64 to it is sent as what it takes it for."""
    tags = {_checked(NAMED, name).decode(): _imported(value) for name, value in values.items()}
    # no \u escapes: exiftool takes the two halves of a pair for two letters
    return json.dumps([{"SourceFile": "*", **tags}], ensure_ascii=False).encode("utf-8", "replace")


def _imported(value: Value) -> Value:
    if isinstance(value, list):
        return [text for item in value for text in [_imported(item)] if isinstance(text, str)]
    if value.startswith("base64:"):
        return "base64:" + base64.b64encode(value.encode("utf-8", "replace")).decode()
    return value


def _as_text(value: object) -> Value:
    if isinstance(value, list):
        return [str(item) for item in value]
    return str(value)


def _size(path: bytes) -> int:
    try:
        return Path(os.fsdecode(path)).stat().st_size
    except OSError as error:
        raise MachineError(f"{_name(path)} cannot be read: {error.strerror}") from error


def _name(path: bytes) -> str:
    return shown(os.path.basename(path))  # whoever reads it knows the folder
