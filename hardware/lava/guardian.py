"""The guardian: a script that starts the worker, outlives worker and program, and leaves nothing of either behind.

``guardian.py PARENT NAME DESCRIPTOR COMMAND ...`` starts ``COMMAND ... DESCRIPTOR NAME``. It ends when the worker has
ended, when its standard input closes, or when PARENT, the process that started it, is gone; before it does so it kills
all that the worker started and removes the shared memory whose name begins with NAME. Its exit status is the worker's
(128 and the signal for one that a signal ended), or 0 where the worker had not ended. Orphans of the worker become its
children (on Linux), so it finds them all. It knows the standard library only, and runs in a session of its own, which
a signal to the program's group does not reach.
"""

from __future__ import annotations

import contextlib
import ctypes
import glob
import os
import select
import signal
import subprocess
import sys
import time

SECONDS = 0.1
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def main() -> None:
    """Start, watch, clean up."""
    parent, name, descriptor, *command = sys.argv[1:]
    if sys.platform == "linux":
        _control(_PR_SET_CHILD_SUBREAPER, 1)
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    worker = subprocess.Popen(
        [*command, descriptor, name],
        pass_fds=[int(descriptor)],
        stdin=subprocess.DEVNULL,
        process_group=0,
        preexec_fn=_become_the_worker,
    )
    os.close(int(descriptor))
    # A closed input does not tell of a parent that was killed and whose forked children have it open as well.
    while os.getppid() == int(parent) and worker.poll() is None:
        if select.select([sys.stdin], [], [], SECONDS)[0]:
            break
    ended = worker.returncode
    _end_all(worker)
    for left in glob.glob(f"/dev/shm/{name}*") + glob.glob(f"/dev/shm/sem.{name}*"):
        with contextlib.suppress(OSError):
            os.unlink(left)
    sys.exit(0 if ended is None else 128 - ended if ended < 0 else ended)


def _become_the_worker() -> None:
    """Hear signals again, and end with the guardian, before there is a worker that could ask for it."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_DFL)
    if sys.platform == "linux":
        _control(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _control(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _end_all(worker: subprocess.Popen[bytes]) -> None:
    """Kill until no child is left; those whose parent died in the meantime have become children."""
    while True:
        with contextlib.suppress(OSError):
            os.killpg(worker.pid, signal.SIGKILL)
        for process in _descendants(os.getpid()):
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(SECONDS / 10)


def _descendants(root: int) -> set[int]:
    """Return all processes below `root`, read from /proc; none where there is no such folder."""
    children: dict[int, list[int]] = {}
    for entry in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(entry, encoding="utf-8", errors="replace") as file:
                number, _, rest = file.read().partition(" ")
        except OSError:
            continue
        parent = int(rest.rpartition(")")[2].split()[1])
        children.setdefault(parent, []).append(int(number))
    found, open_ends = set(), [root]
    while open_ends:
        for child in children.get(open_ends.pop(), []):
            if child not in found:
                found.add(child)
                open_ends.append(child)
    return found


if __name__ == "__main__":
    main()
