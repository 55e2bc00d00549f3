"""Become a command that ends with the daemon and takes only the time that nobody else wants.

    python -P -m ispd.daemon.apprentice PARENT COMMAND…

Only a process itself can ask the kernel to be killed when its parent dies, and preexec_fn is unsafe beside threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h; it outlives exec
NICE = 10


def main() -> None:
    """Ask, step back, become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)
    os.setpriority(os.PRIO_PROCESS, 0, max(NICE, os.getpriority(os.PRIO_PROCESS, 0)))  # however nice the daemon is
    # one processor, so that whatever it computes with takes one thread; by its niceness it gives way there too
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
