"""The guardian alone, of a worker that notices nothing and ends with nobody: whoever goes, nothing is left.

A real worker hears by itself that its program is gone, and ends; this one cannot hide what the guardian misses.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from spikerl.errors import RunError
from spikerl.hardware.lava import process
from spikerl.hardware.lava.process import WorkerProcess
from tests.hardware.families import MARK, SEGMENTS, TIMED, Family, alive, marked, until

if sys.platform != "linux":
    pytest.skip("what is left is looked up in /proc and /dev/shm", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[2]
# Called as Python is: -s -E -u -B worker.py DESCRIPTOR NAME. Its child leaves its group and its session.
_DEAF = """#!/bin/sh
trap '' HUP INT TERM
: > "/dev/shm/$7left"
echo "$7" > "$0.name"
setsid sleep 600 &
sleep 600
"""
_PROGRAM = """
import os, sys, threading, time
from pathlib import Path
import psutil
from spikerl.hardware.lava.process import WorkerProcess
threading.Thread(target=WorkerProcess, args=(Path(sys.argv[1]),), daemon=True).start()
while not (guardians := psutil.Process().children()):
    time.sleep(0.01)
forked = 0
if sys.argv[2] == "forked":  # as multiprocessing does it: the child has the guardian's input and the channel open too
    forked = os.fork() or time.sleep(600)
print(guardians[0].pid, forked, flush=True)
time.sleep(600)
"""


@pytest.fixture
def deaf(tmp_path: Path) -> Path:
    path = tmp_path / "deaf"  # the folder is the test's alone, and its path the mark
    path.write_text(_DEAF, encoding="utf-8")
    path.chmod(0o755)
    return path


def _settled(guardian: int) -> Family:
    """Return the family once all of it is there: guardian, shell, the one in a session of its own, the last sleep."""

    def there() -> bool:
        running = psutil.Process(guardian).children(recursive=True)
        return [one.name() for one in running].count("sleep") == 2

    until(there)
    family = Family(guardian)
    assert family.segments(), "nothing was there that could be left"
    return family


@contextmanager
def _program(deaf: Path, kind: str) -> Iterator[tuple[subprocess.Popen[bytes], Family]]:
    """Start a program that waits for the deaf worker, and end its forked child, which is nobody's, at last."""
    command = [sys.executable, "-c", _PROGRAM, str(deaf), kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as program:
        assert program.stdout is not None
        guardian, forked = map(int, program.stdout.readline().split())
        try:
            yield program, _settled(guardian)
        finally:
            program.kill()
            if forked:
                os.kill(forked, signal.SIGKILL)


@TIMED
@pytest.mark.parametrize("kind", ["alone", "forked"])
def test_a_program_that_is_killed_is_noticed(deaf: Path, kind: str, within: float) -> None:
    """Catches a guardian that waits for a parent that is gone, also where its input and the channel stay open."""
    with _program(deaf, kind) as (program, family):
        program.kill()
        until(family.gone, within)


@TIMED
def test_a_worker_that_is_killed_takes_its_children_along(deaf: Path, within: float) -> None:
    """Catches a guardian that does not notice the end of the worker, or leaves those who left its group."""
    with _program(deaf, "alone") as (program, family):
        program.send_signal(signal.SIGSTOP)  # it shall not give its worker up, and so tell the guardian
        family.worker.kill()
        until(family.gone, within)


def test_a_worker_ends_with_its_guardian(deaf: Path) -> None:
    """Catches a worker that is not yet so far that it asks for it, and goes on without a guardian."""
    with _program(deaf, "alone") as (program, family):
        family.guardian.kill()
        until(lambda: not alive(family.worker))
        for left in family.members:  # which only the guardian could have found
            if alive(left):
                left.kill()
        for path in family.segments():
            path.unlink()


def test_a_worker_that_never_answers_is_given_up(deaf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a guardian that goes on when its input closes, while its parent lives."""
    monkeypatch.setenv(MARK, str(deaf.parent))
    monkeypatch.setattr(process, "START", 2.0)
    with pytest.raises(RunError, match="^Lava worker, 'hello': it hangs: no sign of life in 2 s"):
        WorkerProcess(deaf)
    assert not marked(str(deaf.parent))
    name = Path(f"{deaf}.name").read_text(encoding="utf-8").strip()
    assert name.startswith("spikerl-") and not [path for path in SEGMENTS.iterdir() if name in path.name]


@pytest.mark.parametrize(
    ("script", "said"),
    [("exit 3", r"it ended, with status 3 \("), ("kill -KILL $$", r"it was ended by signal 9 \(Killed\)")],
)
def test_how_a_worker_ended_is_told(tmp_path: Path, script: str, said: str) -> None:
    """Catches an error that does not tell a worker that was killed, for want of memory perhaps, from a failure."""
    fake = tmp_path / "fake"
    fake.write_text(f"#!/bin/sh\necho its last words >&2\n{script}\n", encoding="utf-8")
    fake.chmod(0o755)
    with pytest.raises(RunError, match=rf"(?s)^Lava worker, 'hello': {said}.*its last words"):
        WorkerProcess(fake)
