"""Run a program that must not outlive us: `python -I -S shim.py PARENT PROGRAM ARGUMENT…`, started as a script.

exiftool waits at the end of its input for more, for ever; when its parent is killed, nobody tells it.  The kernel can
(PR_SET_PDEATHSIG), but only a process itself can ask for it, and Python's preexec_fn is unsafe beside threads.  So
this small program asks, takes limits upon itself, and becomes the other one.

Imports nothing of ispd: it runs isolated, in 15 ms.
"""

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38  # linux/prctl.h
LIMITS = {
    resource.RLIMIT_AS: 1 << 30,  # exiftool needs 60 MB; a photo that makes it want a gigabyte is an attack
    resource.RLIMIT_NPROC: 0,  # it reads and writes files; nothing it does for us starts a program
    resource.RLIMIT_NOFILE: 64,
    resource.RLIMIT_CORE: 0,
}


def main() -> None:
    """Ask, take the limits, become the program."""
    parent, program, arguments = int(sys.argv[1]), sys.argv[2], sys.argv[2:]
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)
    for limit, value in LIMITS.items():
        most = resource.getrlimit(limit)[1]  # whoever started us may have set a lower one, which nobody can raise
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(limit, (value, value))
    os.execv(program, arguments)


if __name__ == "__main__":
    main()
