"""Becomes another program behind a unit's SystemCallFilter=, as systemd would put it there: cage.py UNIT PROGRAM …

A call that the unit does not allow kills, so that nobody takes a refusal for an answer.  For tests alone.
"""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

KILL_PROCESS, ALLOW = 0x80000000, 0x7FFF0000  # seccomp.h of libseccomp
PR_SET_NO_NEW_PRIVS = 38


def main() -> None:
    """Lock, then become."""
    lock(allowed(Path(sys.argv[1]).read_text()))
    os.execvp(sys.argv[2], sys.argv[2:])


def allowed(unit: str) -> set[str]:
    """The system calls that a unit lets through; its first list must be one of what is allowed."""
    calls = members("@default")
    for line in unit.splitlines():
        key, _, value = line.partition("=")
        if key == "SystemCallFilter":
            named = {call for word in value.removeprefix("~").split() for call in members(word)}
            calls = calls - named if value.startswith("~") else calls | named
    return calls


def members(name: str) -> set[str]:
    """The calls of a set, those of sets in it too; a call is its own."""
    if not name.startswith("@"):
        return {name}
    command = ["systemd-analyze", "syscall-filter", name]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    words = [line.strip() for line in text.splitlines()[1:]]
    return {call for word in words if word and not word.startswith("#") for call in members(word)}


def lock(calls: set[str]) -> None:
    """Let through these calls and no others, from now on."""
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(KILL_PROCESS)))
    for call in calls:
        number = seccomp.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:  # another processor's, or too new for this library
            assert seccomp.seccomp_rule_add(rules, ctypes.c_uint32(ALLOW), number, 0) == 0, call
    ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    assert seccomp.seccomp_load(rules) == 0


if __name__ == "__main__":
    main()
