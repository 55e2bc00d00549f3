"""What a locked process cannot do.  Each deed is tried in a child that has locked itself as the cell's child does."""

from __future__ import annotations

import mmap
import os
import platform
import resource
import signal
import socket
import struct
import subprocess
import sys
import textwrap
from collections.abc import Callable

import pytest

from ispd.decode import lock

GIB = 1 << 30
KILLED = -signal.SIGSYS


def locked(deed: str) -> int:
    """Run `deed` in a fresh interpreter after the lock; its exit code: -31 where the filter killed it."""
    program = f"""
        import ctypes, mmap, os, resource, signal, socket, sys
        from ispd.decode import lock
        memory = os.memfd_create("test", os.MFD_ALLOW_SEALING)
        os.ftruncate(memory, 4096)
        missing = lock.lock({GIB}, {2 * GIB})
        try:
            {deed}
        except (OSError, ValueError, MemoryError):
            os._exit(3)
        os._exit(0)
    """
    finished = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return finished.returncode


@pytest.mark.parametrize(
    "deed",
    [
        "os.open('/etc/passwd', os.O_RDONLY)",
        "os.open('/tmp/ispd-must-not-be', os.O_CREAT | os.O_WRONLY)",
        "os.stat('/etc/passwd')",
        "os.listdir('/')",
        "socket.socket()",
        "socket.socketpair()",
        "os.execv('/bin/true', ['true'])",
        "os.fork()",
        "os.kill(os.getppid(), signal.SIGTERM)",
        "os.kill(os.getpid(), signal.SIGTERM)",
        "lock.LIBC.ptrace(16, os.getppid(), 0, 0)",
        "os.ftruncate(memory, 0)",
        "os.write(memory, b'x')",
        "os.memfd_create('more')",
        "os.setuid(1)",
        "os.dup(memory)",
        "mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)",
        "resource.prlimit(os.getppid(), resource.RLIMIT_AS)",
        "resource.setrlimit(resource.RLIMIT_CPU, (1, 1))",
        "lock.LIBC.prctl(4, 1, 0, 0, 0)",
    ],
)
def test_the_filter_kills_a_locked_process_that_reaches_out(deed: str) -> None:
    assert locked(deed) == KILLED


def test_a_locked_process_can_compute() -> None:
    assert locked("assert missing == () and sum(bytearray(100 << 20)) == 0") == 0


def test_a_locked_process_can_write_to_shared_memory_of_a_given_size() -> None:
    assert locked("lock.map_shared(memory, 4096)[:2] = b'hi'; assert os.pread(memory, 2, 0) == b'hi'") == 0


def test_memory_ends_at_the_limit_and_can_be_raised_to_the_ceiling_only() -> None:
    assert locked(f"bytearray({GIB})") == 3
    assert locked(f"lock.allow_memory({2 * GIB}); bytearray({GIB})") == 0
    assert locked(f"lock.allow_memory({9 * GIB}); bytearray({2 * GIB})") == 3


def test_a_locked_process_may_start_threads() -> None:
    # JPEG XL in flashraw does
    assert locked("import _thread; done = _thread.allocate_lock(); done.acquire()\n"
                  "            _thread.start_new_thread(done.release, ()); done.acquire()") == 0  # fmt: skip


def test_an_abort_dies_of_its_own_signal() -> None:
    assert locked("os.abort()") == -signal.SIGABRT


def in_child(deed: Callable[[], object]) -> int:
    """The errno with which `deed` failed in a forked child; 0 where it did not."""
    pid = os.fork()
    if pid == 0:
        try:
            deed()
        except OSError as error:
            os._exit(error.errno or 255)
        except BaseException:
            os._exit(254)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.fixture
def landlock() -> Callable[[], None]:
    """Landlock alone, without the filter that would kill first."""

    def only() -> None:
        lock.LIBC.prctl(lock.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if not lock.no_paths():
            os._exit(253)

    if in_child(only) == 253:
        pytest.skip("this kernel has no Landlock")
    return only


def test_landlock_alone_puts_every_path_out_of_reach(landlock: Callable[[], None]) -> None:
    def reads() -> None:
        landlock()
        os.open("/etc/passwd", os.O_RDONLY)

    def makes() -> None:
        landlock()
        os.mkdir("/tmp/ispd-must-not-be")

    assert in_child(reads) == 13
    assert in_child(makes) == 13


def test_landlock_alone_puts_the_network_and_other_processes_out_of_reach(landlock: Callable[[], None]) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def calls() -> None:
        landlock()
        socket.create_connection(listener.getsockname())

    def signals() -> None:
        landlock()
        os.kill(os.getppid(), 0)

    with listener:
        abi = lock.LIBC.syscall(lock.LANDLOCK_CREATE_RULESET, None, 0, 1)
        assert in_child(calls) == (13 if abi >= 4 else 0)
        assert in_child(signals) == (1 if abi >= 6 else 0)


@pytest.mark.parametrize("machine", sorted(lock.MACHINES))
def test_the_filter_of_each_processor_decides_as_its_table_says(machine: str) -> None:
    """Runs the assembled program on an interpreter of classic BPF, written from linux/filter.h."""
    table = lock.MACHINES[machine]
    code = lock.assemble(table)
    outcomes = {
        (name, arguments): run_bpf(code, table.arch, table.calls[name], arguments)
        for name, arguments in [
            ("read", ()),
            ("write", (2,)),
            ("write", (1,)),
            ("write", (2 + (1 << 32),)),
            ("mmap", (0, 4096, 3)),
            ("mmap", (0, 4096, 7)),
            ("clone", (lock.THREAD,)),
            ("clone", (17,)),
            ("clone3", ()),
            ("prlimit64", (0, resource.RLIMIT_AS)),
            ("prlimit64", (1, resource.RLIMIT_AS)),
        ]
    }
    assert {key for key, verdict in outcomes.items() if verdict == lock.ALLOW} == {
        ("read", ()),
        ("write", (2,)),
        ("mmap", (0, 4096, 3)),
        ("clone", (lock.THREAD,)),
        ("prlimit64", (0, resource.RLIMIT_AS)),
    }
    assert outcomes["clone3", ()] == lock.NO_SUCH_CALL
    others = {lock.MACHINES[other].arch for other in lock.MACHINES} - {table.arch}
    assert all(run_bpf(code, arch, table.calls["read"], ()) == lock.KILL for arch in others)
    allowed = [n for n in range(500) if run_bpf(code, table.arch, n, (0, 0, 0)) == lock.ALLOW]
    assert set(allowed) <= set(table.calls.values())
    assert run_bpf(code, table.arch, lock.X32_CALLS | table.calls["read"], ()) == lock.KILL


def run_bpf(code: bytes, arch: int, call: int, arguments: tuple[int, ...]) -> int:
    data = struct.pack("=IIQ6Q", call, arch, 0, *(*arguments, *(0,) * 6)[:6])
    accumulator, at = 0, 0
    while True:
        operation, if_true, if_false, operand = struct.unpack_from("=HBBI", code, 8 * at)
        at += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, operand)
        elif operation == 0x06:
            return int(operand)
        else:
            holds = {0x15: accumulator == operand, 0x35: accumulator >= operand, 0x45: bool(accumulator & operand)}
            at += if_true if holds[operation] else if_false


def test_this_machine_has_a_table() -> None:
    assert platform.machine() in lock.MACHINES


def test_a_shared_mapping_that_cannot_be_made_is_a_lack_of_memory() -> None:
    with pytest.raises(MemoryError):
        lock.map_shared(-1, mmap.PAGESIZE)
