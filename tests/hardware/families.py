"""What a Lava machine starts, looked up in /proc and /dev/shm, so that tests can say whether anything of it is left."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

SEGMENTS = Path("/dev/shm")
LONGEST = 60.0
"""Seconds; a bound for what is broken, not a claim about speed."""
BOUND = 5.0
"""Seconds after which nothing may be left of a machine one of whose sides was killed."""

TIMED = pytest.mark.parametrize(
    "within",
    [pytest.param(LONGEST, id="at-last"), pytest.param(BOUND, id="within-5-s", marks=pytest.mark.nightly)],
)
"""The bound is what is asked for, but a machine with too much to do might break it: timed in the nightly tests only."""


def until(true: Callable[[], bool], within: float = LONGEST, since: float | None = None) -> float:
    """Wait until it is true, at most `within` seconds from `since` (now); return the seconds that it took."""
    begin = time.monotonic() if since is None else since
    while not true():
        assert time.monotonic() < begin + within, f"still there after {within:g} s"
        time.sleep(0.02)
    return time.monotonic() - begin


def alive(process: psutil.Process) -> bool:
    """Return whether it runs, or is stopped; one that has ended and was not waited for is not alive."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


MARK = "SPIKERL_TEST_MARK"
"""An environment variable; whoever is started with it, by whomever, is found by its value."""


def marked(mark: str) -> set[int]:
    """Return the numbers of the processes whose `MARK` is `mark`; one that has ended has no environment."""
    found = set()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"{MARK}={mark}".encode() in environment.read_bytes().split(b"\0"):
                found.add(int(environment.parent.name))
    return found


class Family:
    """A guardian, its worker, and all that the worker has started, and their shared memory."""

    def __init__(self, guardian: int) -> None:
        self.guardian = psutil.Process(guardian)
        self.name = next(part for part in self.guardian.cmdline() if part.startswith("spikerl-"))
        self.worker = self.guardian.children()[0]
        self.members = [self.guardian, *self.guardian.children(recursive=True)]

    def segments(self) -> list[Path]:
        """Return the shared memory that bears the family's name."""
        return [path for path in SEGMENTS.iterdir() if self.name in path.name]

    def gone(self) -> bool:
        """Return whether nothing is left."""
        return not any(alive(member) for member in self.members) and not self.segments()
