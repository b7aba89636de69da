"""A hundred kills and ten hangs at random moments of a worker's life: nothing is left, and the next run works."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from spikerl.hardware.emulation.emulator import Emulator
from spikerl.hardware.lava import wire
from spikerl.hardware.lava.machine import LavaMachine
from spikerl.hardware.lava.process import START
from spikerl.hardware.machine import FixedWindow
from tests.hardware.circuits import recurrent, spikes
from tests.hardware.families import BOUND, LONGEST, MARK, SEGMENTS, marked, until

pytestmark = [pytest.mark.xdist_group("lava"), pytest.mark.nightly]

if sys.platform != "linux":
    pytest.skip("what is left is looked up in /proc and /dev/shm", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[2]
LATEST = 3.0  # seconds; a worker starts, builds and runs within about one
_SILENCE = r"it hangs: no sign of life"
# A program that makes a machine whose name is known, and runs it until the machine fails; then it says how.
_PROGRAM = """
import sys
from pathlib import Path
from types import SimpleNamespace
from spikerl.errors import RunError
from spikerl.hardware.lava import process
from spikerl.hardware.lava.machine import LavaMachine
from spikerl.hardware.machine import FixedWindow
from tests.hardware.circuits import recurrent, spikes
process.secrets = SimpleNamespace(token_hex=lambda count: sys.argv[2])
window = FixedWindow(50, {"in": spikes(50, 1, 12)})
print("begins", flush=True)
try:
    with LavaMachine(recurrent(), python=Path(sys.argv[1])) as machine:
        while True:
            machine.run(window)
except RunError as error:
    print(str(error).splitlines()[0], flush=True)
"""


class Victim:
    """A program with its worker, in a process of its own, and whatever either starts."""

    def __init__(self, interpreter: Path, name: str) -> None:
        self.name = name
        command = [sys.executable, "-c", _PROGRAM, str(interpreter), name]
        environment = os.environ | {MARK: name}
        self.program = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=environment, text=True)
        assert self._line() == "begins"

    def _line(self) -> str:
        assert self.program.stdout is not None
        return self.program.stdout.readline().strip()

    def worker(self) -> psutil.Process:
        """Return the worker, as soon as it is there."""
        found: list[psutil.Process] = []

        def there() -> bool:
            for guardian in psutil.Process(self.program.pid).children():
                with contextlib.suppress(psutil.NoSuchProcess):
                    found.extend(one for one in guardian.children() if "worker.py" in " ".join(one.cmdline()))
            return bool(found)

        until(there)
        return found[0]

    def processes(self) -> int:
        """Return how many processes live, without the program."""
        return len(marked(self.name) - {self.program.pid})

    def segments(self) -> int:
        """Return how many segments of shared memory there are."""
        return sum(self.name in path.name for path in SEGMENTS.iterdir())

    def ended(self) -> bool:
        """Return whether only the program may be left."""
        return not self.processes() and not self.segments()

    def said(self) -> str:
        """Return what the program says at its end."""
        line = self._line()
        assert self.program.wait(LONGEST) == 0
        return line


@contextlib.contextmanager
def _victim(interpreter: Path, name: str) -> Iterator[Victim]:
    victim = Victim(interpreter, name)
    try:
        yield victim
    finally:
        with victim.program:
            victim.program.kill()
        for left in marked(name):  # where the test fails, it leaves nothing itself
            os.kill(left, signal.SIGKILL)


def _works(interpreter: Path) -> None:
    """Run a machine, and hold it against the emulator."""
    window = FixedWindow(20, {"in": spikes(20, 1, 12)})
    with LavaMachine(recurrent(), python=interpreter) as machine:
        found, expected = machine.run(window, ("cells",)), Emulator(recurrent()).run(window, ("cells",))
    np.testing.assert_array_equal(found.v["cells"], expected.v["cells"])


def test_a_hundred_kills_leave_nothing(interpreter: Path) -> None:
    """Catches an orphan, a segment or a lock that is left by a death at one moment and not at another."""
    rng = random.Random(20180116)
    slowest, met, counts = 0.0, [0, 0], {"worker": 0, "program": 0}
    for attempt in range(100):
        side, delay, name = rng.choice(["worker", "program"]), rng.uniform(0, LATEST), secrets.token_hex(6)
        with _victim(interpreter, name) as victim:
            time.sleep(delay)
            killed = victim.worker() if side == "worker" else psutil.Process(victim.program.pid)
            counts[side] += 1
            met = [met[0] + victim.processes(), met[1] + victim.segments()]
            killed.kill()
            where = f"attempt {attempt}: the {side}, after {delay:.3f} s"
            with _about(where):
                slowest = max(slowest, until(victim.ended, BOUND))
            if side == "worker":
                said = victim.said()
                assert "it was ended by signal 9 (Killed)" in said and said.startswith("Lava worker, "), (where, said)
        with _about(f"the run after {where}"):
            _works(interpreter)
    print(f"\nkilled: {counts}; there were {met[0]} processes, {met[1]} segments; left: 0, 0; slowest {slowest:.2f} s")
    assert met[1] > 0, "no kill met a machine that was running"


def test_ten_hangs_are_found_out(interpreter: Path) -> None:
    """Catches a worker that hangs and is waited for longer than its heart beat and the bound; until it has started, it
    has no heart, and as long as an interpreter may take to start.
    """
    rng = random.Random(20211003)
    slowest, started = 0.0, 0
    for attempt in range(10):
        delay, name = rng.uniform(0, LATEST), secrets.token_hex(6)
        with _victim(interpreter, name) as victim:
            time.sleep(delay)
            worker = victim.worker()
            begin = time.monotonic()
            worker.suspend()
            where = f"attempt {attempt}, after {delay:.3f} s"
            with _about(where):
                seconds = until(victim.ended, START + BOUND, begin)
            said = victim.said()
            assert _SILENCE in said, (where, said)
            if f"in {START:g} s" not in said:
                assert seconds < wire.HEARTBEAT + BOUND, where
                slowest, started = max(slowest, seconds), started + 1
        with _about(f"the run after {where}"):
            _works(interpreter)
    print(f"\n10 hangs found out; {started} of workers that had started, the slowest in {slowest:.2f} s")
    assert started > 5, "hardly any worker had started"


@contextlib.contextmanager
def _about(where: str) -> Iterator[None]:
    """Say at which attempt an assertion failed."""
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"{where}: {error}") from error
