"""Experiments on processes of this machine: each a program of its own, started anew, with one thread for its sums.

A process that dies (out of memory, killed) takes nothing with it: its experiment is given to another, `TRIES` times
in all. When the one who asks ends, however it ends, so do the processes.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from collections import Counter, deque
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, final

from spikerl.errors import DescriptionError, message
from spikerl.sweep.work import RUN, Work

TRIES = 3
_THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS"),
)
_CHUNK = 2**16
_LONGEST = 2**12  # bytes of what a process said before it died
# The same places to import from as here; the main program is not imported again.
_PROGRAM = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from spikerl.sweep.worker import main; main()"


class Job(NamedTuple):
    """The experiment `text` (TOML, complete), to be run in `directory`; `name` is what it is called in events.

    Of other `work`, `text` is what its performer takes.
    """

    name: str
    text: str
    directory: Path
    work: Work = RUN


class Event(NamedTuple):
    """What has happened to a job: a `share` of it is done, it runs "again" after a death, or its end; `detail`: why."""

    name: str
    state: Literal["running", "again", "finished", "failed"]
    share: float = 0.0
    detail: str = ""


def processes(workers: int | None) -> int:
    """Return the number of processes to use: `workers`, or one for each processor core that this process may use.

    Raises `DescriptionError` for fewer than one.
    """
    if workers is None:
        return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise DescriptionError(message("workers", workers, "a whole number from 1"))
    return workers


def run_here(jobs: Sequence[Job], workers: int) -> Generator[Event, None, None]:
    """Run `jobs` on `workers` processes, giving events as they come; closing it ends all of them.

    A job whose directory holds an unfinished run goes on from its last checkpoint.
    """
    waiting = deque(jobs)
    deaths: Counter[str] = Counter()
    crew: set[_Worker] = set()
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or crew:
                while waiting and len(crew) < workers:
                    worker = _Worker()
                    crew.add(worker)
                    selector.register(worker.answers, selectors.EVENT_READ, worker)
                    worker.give(waiting.popleft())
                for key, _ in selector.select():
                    worker = key.data
                    lines = worker.read()
                    if lines is None:
                        selector.unregister(worker.answers)
                        crew.discard(worker)
                        reason = worker.end()
                        if worker.job is not None:
                            deaths[worker.job.name] += 1
                            yield _died(worker.job, deaths[worker.job.name], reason, waiting)
                    for line in lines or ():
                        assert worker.job is not None
                        name = worker.job.name
                        if "share" in line:
                            yield Event(name, "running", line["share"])
                            continue
                        worker.give(waiting.popleft() if waiting else None)
                        yield Event(name, "failed", 0, line["failed"]) if "failed" in line else Event(name, "finished")
        finally:
            for worker in crew:
                worker.end()


def _died(job: Job, deaths: int, reason: str, waiting: deque[Job]) -> Event:
    """Put the job of a process that died first in the row again, unless it was the last try."""
    if deaths < TRIES:
        waiting.appendleft(job)
        return Event(job.name, "again", 0, f"its process ended with {reason}; try {deaths + 1} of {TRIES}")
    return Event(job.name, "failed", 0, f"its process ended {TRIES} times, the last time with {reason}")


@final
class _Worker:
    """One process, and the `job` that it has (None: it was let go and will end by itself)."""

    def __init__(self) -> None:
        self.job: Job | None = None
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `end`
        self._rest = b""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=dict.fromkeys(_THREADS, "1") | os.environ,
            process_group=0,  # the keyboard's interrupt is for the one who asks, who then ends the group
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._asked, self.answers = self._process.stdin, self._process.stdout

    def give(self, job: Job | None) -> None:
        """Hand `job` over, or let the process go."""
        self.job = job
        with contextlib.suppress(BrokenPipeError):  # a death shows when its answers are read
            if job is None:
                self._asked.close()
            else:
                asked = {"directory": str(job.directory), "text": job.text, "performer": job.work.performer}
                line = json.dumps(asked)
                self._asked.write(line.encode() + b"\n")
                self._asked.flush()

    def read(self) -> list[dict[str, Any]] | None:
        """Return the lines that have come, or None where the process has ended."""
        chunk = os.read(self.answers.fileno(), _CHUNK)
        if not chunk:
            return None
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [json.loads(line) for line in lines]

    def end(self) -> str:
        """End the process and all that it has started; return how it ended, and the last line that it said."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)  # it has not been waited for, so the number is its own
        code = self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._asked.close()
        self.answers.close()
        with self._said as said:
            said.seek(max(0, said.seek(0, os.SEEK_END) - _LONGEST))
            last = said.read().decode(errors="replace").strip().splitlines()[-1:]
        how = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
        return ": ".join([how, *last])
