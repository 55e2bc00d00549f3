"""The lock of the cell: what a process that reads untrusted bytes gives up, for good, before it reads the first one.

`lock()` takes away, in this order: memory and time beyond a bound, new executable memory, every path and network port
(Landlock), new privileges, and all system calls but the few that arithmetic on bytes needs (seccomp; any other kills).
What is left: the file descriptors it already holds.  What this kernel cannot take away is returned by name, so that
`ispd status` can say so; it is no error, since each layer alone already holds most attacks.

Source  prctl(2), landlock(7), seccomp(2), bpf in linux/filter.h; numbers from asm/unistd_64.h and asm-generic/unistd.h
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import platform
import resource
import struct
from dataclasses import dataclass

MEMORY_FLOOR = 1 << 30  # what the readers need beside the pixels
MEMORY_PER_SAMPLE = 6  # bytes: the reader's own copy and ours, and some room
CPU_SECONDS = 30

PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2  # seccomp(2) itself is not in systemd's @system-service
PR_SET_MDWE = 65  # since Linux 6.3
PR_MDWE_REFUSE_EXEC_GAIN = 1

LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Machine:
    """What differs between processors: the audit architecture, and the numbers of the system calls."""

    arch: int
    calls: dict[str, int]


# fmt: off
MACHINES = {
    "x86_64": Machine(0xC000003E, {
        "read": 0, "write": 1, "close": 3, "lseek": 8, "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12,
        "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "pread64": 17, "sched_yield": 24, "mremap": 25,
        "madvise": 28, "getpid": 39, "sendmsg": 46, "recvmsg": 47, "clone": 56, "exit": 60, "gettimeofday": 96,
        "getrusage": 98, "sigaltstack": 131, "gettid": 186, "futex": 202, "sched_getaffinity": 204,
        "restart_syscall": 219, "clock_gettime": 228, "exit_group": 231, "tgkill": 234, "set_robust_list": 273,
        "prlimit64": 302, "getrandom": 318, "rseq": 334, "clone3": 435,
    }),
    "aarch64": Machine(0xC00000B7, {
        "close": 57, "lseek": 62, "read": 63, "write": 64, "pread64": 67, "exit": 93, "exit_group": 94, "futex": 98,
        "set_robust_list": 99, "clock_gettime": 113, "sched_getaffinity": 123, "sched_yield": 124,
        "restart_syscall": 128, "tgkill": 131, "sigaltstack": 132, "rt_sigaction": 134, "rt_sigprocmask": 135,
        "rt_sigreturn": 139, "getrusage": 165, "gettimeofday": 169, "getpid": 172, "gettid": 178, "sendmsg": 211,
        "recvmsg": 212, "brk": 214, "munmap": 215, "mremap": 216, "clone": 220, "mmap": 222, "mprotect": 226,
        "madvise": 233, "prlimit64": 261, "getrandom": 278, "rseq": 293, "clone3": 435,
    }),
}
# fmt: on

LANDLOCK_CREATE_RULESET = 444  # the same on every processor
LANDLOCK_RESTRICT_SELF = 446


def lock(memory_bytes: int, memory_ceiling: int) -> tuple[str, ...]:
    """Lock this process in, for good.  Returns the names of the layers that this kernel or processor lacks.

    `memory_bytes` of address space may be used at first, `allow_memory` raises that up to `memory_ceiling`.
    """
    _bound_resources(memory_bytes, memory_ceiling)
    missing = []
    if LIBC.prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0:
        missing.append("memory-deny-write-execute")
    if LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        missing.append("no-new-privileges")
    if not no_paths():
        missing.append("landlock")
    if not few_calls():
        missing.append("seccomp")
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))  # not with seccomp, which allows threads and no processes
    return tuple(missing)


def allow_memory(memory_bytes: int) -> None:
    """Raise the soft limit of the address space, as far as the hard one lets us."""
    ceiling = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (min(memory_bytes, ceiling), ceiling))


def map_shared(file: int, size: int) -> memoryview:
    """`size` bytes of a descriptor's memory, writable, for good.

    Python's own mmap asks for the file's status first; that call takes paths too, and so is not among the few.
    """
    LIBC.mmap.restype = ctypes.c_void_p
    LIBC.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *(ctypes.c_int,) * 3, ctypes.c_longlong)
    address = LIBC.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, file, 0)
    if address in (None, ctypes.c_void_p(-1).value):
        raise MemoryError
    return memoryview((ctypes.c_char * size).from_address(address)).cast("B")


def _bound_resources(memory_bytes: int, memory_ceiling: int) -> None:
    for limit, soft, hard in (
        (resource.RLIMIT_AS, memory_bytes, memory_ceiling),
        (resource.RLIMIT_CPU, CPU_SECONDS, CPU_SECONDS + 1),
        (resource.RLIMIT_NOFILE, 16, 16),
        (resource.RLIMIT_FSIZE, 0, 0),  # the picture leaves through a mapping that already has its size
        (resource.RLIMIT_CORE, 0, 0),
    ):
        inherited = resource.getrlimit(limit)[1]
        most = hard if inherited == resource.RLIM_INFINITY else min(hard, inherited)
        resource.setrlimit(limit, (min(soft, most), most))


def no_paths() -> bool:
    """Landlock with no rule at all: every path, TCP port, abstract socket and foreign process is out of reach."""
    abi = LIBC.syscall(LANDLOCK_CREATE_RULESET, None, 0, 1)
    if abi < 1:
        return False
    file_rights = (1 << (13, 14, 15, 15, 16)[min(abi, 5) - 1]) - 1  # 13 rights in ABI 1, + refer, truncate, ioctl_dev
    network, scope = (3 if abi >= 4 else 0), (3 if abi >= 6 else 0)
    attributes = struct.pack("=QQQ", file_rights, network, scope)[: 8 if abi < 4 else 16 if abi < 6 else 24]
    ruleset = LIBC.syscall(LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    try:
        return bool(LIBC.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


# --- seccomp: a small assembler for classic BPF ---------------------------------------------------------------------

LOAD, JUMP_EQUAL, JUMP_GREATER_EQUAL, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
KILL, ALLOW = 0x80000000, 0x7FFF0000
NO_SUCH_CALL = 0x00050000 | errno.ENOSYS
AT_CALL, AT_ARCH, AT_ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data

PROT_EXEC = 4
THREAD = 0x3D0F00  # the flags of glibc's pthread_create: JPEG XL in flashraw starts one, whatever we ask for
X32_CALLS = 0x40000000  # the same numbers with other meanings, on x86-64


@dataclass(frozen=True)
class Condition:
    """An argument must equal `value`; or, with `lacks`, have no bit of it."""

    argument: int
    value: int
    lacks: bool = False


def _conditions() -> dict[str, tuple[Condition, ...]]:
    """The calls that are harmless only with these arguments."""
    return {
        "clone": (Condition(0, THREAD),),
        "mmap": (Condition(2, PROT_EXEC, lacks=True),),
        "mprotect": (Condition(2, PROT_EXEC, lacks=True),),
        "prlimit64": (Condition(0, 0), Condition(1, resource.RLIMIT_AS)),  # our own memory, below its ceiling
        "tgkill": (Condition(0, os.getpid()),),  # abort() tells the right signal
        "write": (Condition(0, 2),),  # the complaints of libraries; the cell's stderr is /dev/null
    }


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def few_calls() -> bool:
    """Seccomp with the calls of MACHINES alone; False where this kernel or processor has it not."""
    machine = MACHINES.get(platform.machine())
    if machine is None or struct.calcsize("P") != 8:
        return False
    code = assemble(machine)
    program = _Program(len(code) // 8, code)
    return bool(LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


NOT_THERE = [(RETURN, 0, 0, NO_SUCH_CALL)]  # clone3 keeps its flags in memory, out of sight: glibc then uses clone


def assemble(machine: Machine) -> bytes:
    """The filter: 8 bytes an instruction (code, jump if true, jump if false, operand)."""
    code = [
        (LOAD, 0, 0, AT_ARCH),
        (JUMP_EQUAL, 1, 0, machine.arch),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, AT_CALL),
        (JUMP_GREATER_EQUAL, 0, 1, X32_CALLS),
        (RETURN, 0, 0, KILL),
    ]
    conditions = _conditions()
    for name, number in machine.calls.items():
        block = NOT_THERE if name == "clone3" else _block(conditions.get(name, ()))
        code += [(JUMP_EQUAL, 0, len(block), number), *block]
    code.append((RETURN, 0, 0, KILL))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _block(conditions: tuple[Condition, ...]) -> list[tuple[int, int, int, int]]:
    """Allow if all conditions hold, else kill.  Arguments have 64 bits, the machine of BPF loads 32 at a time."""
    tests = []
    for condition in conditions:
        at = AT_ARGUMENTS + 8 * condition.argument  # the low half comes first: both processors are little-endian
        if condition.lacks:
            tests.append(((LOAD, 0, 0, at), (JUMP_ANY_BIT, condition.value, False)))
        else:
            tests.append(((LOAD, 0, 0, at), (JUMP_EQUAL, condition.value, True)))
            tests.append(((LOAD, 0, 0, at + 4), (JUMP_EQUAL, 0, True)))
    block: list[tuple[int, int, int, int]] = []
    for position, (load, (jump, operand, holds_if_true)) in enumerate(tests):
        to_kill = 2 * (len(tests) - position - 1) + 1  # over the remaining pairs and the ALLOW
        block += [load, (jump, 0, to_kill, operand) if holds_if_true else (jump, to_kill, 0, operand)]
    return [*block, (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, KILL)] if tests else [(RETURN, 0, 0, ALLOW)]
