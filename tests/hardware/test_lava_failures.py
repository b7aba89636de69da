"""A Lava worker that fails, hangs, dies or is abandoned is found out, says why, and leaves nothing behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spikerl.errors import DescriptionError, RunError
from spikerl.hardware.lava import wire
from spikerl.hardware.lava.machine import LavaMachine
from spikerl.hardware.lava.process import WorkerProcess
from spikerl.hardware.machine import FixedWindow
from spikerl.hardware.program import Factor, Product, Program, Rule
from tests.hardware.circuits import one_to_one, recurrent, spikes
from tests.hardware.families import TIMED, Family, until

pytestmark = pytest.mark.xdist_group("lava")

if sys.platform != "linux":
    pytest.skip("what a killed worker leaves is looked up in /proc and /dev/shm", allow_module_level=True)


def _window(steps: int = 5) -> FixedWindow:
    return FixedWindow(steps, {"in": spikes(steps, 1, 12)})


def _family(machine: LavaMachine) -> Family:
    family = Family(machine._workers[0].guardian.pid)
    assert len(family.members) > 5 and family.segments(), "nothing was there that could be left"
    return family


@TIMED
def test_a_closed_machine_leaves_nothing(interpreter: Path, within: float) -> None:
    """Catches Lava's processes and segments of shared memory that outlive a machine, and a second close that fails."""
    machine = LavaMachine(recurrent(), python=interpreter)
    machine.run(_window())
    family = _family(machine)
    begin = time.monotonic()
    machine.close()
    machine.close()
    until(family.gone, within, begin)


_SAID = {
    "worker": r"it was ended by signal 9 \(Killed\)",
    "guardian": r"its guardian was ended by signal 9 \(Killed\)",
    "child": "a process of Lava's ended",
}


@TIMED
@pytest.mark.parametrize("attempt", range(3))
@pytest.mark.parametrize("victim", ["worker", "guardian", "child"])
def test_whoever_is_killed_takes_the_rest_along(interpreter: Path, victim: str, attempt: int, within: float) -> None:
    """Catches a run that waits for the dead, an error that does not say what ended, and what a SIGKILL leaves."""
    with LavaMachine(recurrent(), python=interpreter) as machine:
        machine.run(_window())
        family = _family(machine)
        children = family.worker.children()
        chosen = {"worker": family.worker, "guardian": family.guardian, "child": children[-1 - attempt]}[victim]
        chosen.kill()
        begin = time.monotonic()
        with pytest.raises(RunError, match=f"^Lava worker, 'run': {_SAID[victim]}"):
            machine.run(_window(2000))
        until(family.gone, within, begin)


@TIMED
@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_nothing_outlives_a_program_that_is_killed(interpreter: Path, busy: bool, within: float) -> None:
    """Catches a worker, or shared memory, that waits for ever for a program that is gone."""
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from tests.hardware.circuits import recurrent\n"
        "from tests.hardware.test_lava_failures import _window\n"
        "from spikerl.hardware.lava.machine import LavaMachine\n"
        "machine = LavaMachine(recurrent(), python=Path(sys.argv[1]))\n"
        "machine.run(_window())\n"
        "print(machine._workers[0].guardian.pid, flush=True)\n"
        + ("machine.run(_window(200_000))\n" if busy else "time.sleep(600)\n")
    )
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", script, str(interpreter)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as program:
        try:
            assert program.stdout is not None
            family = Family(int(program.stdout.readline()))
            assert len(family.members) > 5 and family.segments()
        finally:
            program.send_signal(signal.SIGKILL)
            begin = time.monotonic()
    until(family.gone, within, begin)


@TIMED
@pytest.mark.parametrize("steps", [5, 20_000], ids=["that answers nothing", "that takes nothing"])
def test_a_stopped_worker_is_found_out(interpreter: Path, steps: int, within: float) -> None:
    """Catches a run that waits for ever for a worker whose heart no longer beats, or for it to take a long message."""
    with LavaMachine(recurrent(), python=interpreter) as machine:
        machine.run(_window())
        family = _family(machine)
        family.worker.suspend()
        begin = time.monotonic()
        with pytest.raises(RunError, match="^Lava worker, 'run': it hangs: no sign of life"):
            machine.run(_window(steps))
        assert time.monotonic() - begin < wire.HEARTBEAT + within
        until(family.gone, within)
        with pytest.raises(RunError, match="has ended"):
            machine.run(_window())


def test_a_stopped_process_of_lavas_is_found_out(interpreter: Path) -> None:
    """Catches a worker whose heart beats while no step is taken."""
    with LavaMachine(recurrent(), python=interpreter, patience=3.0) as machine:
        machine.run(_window())
        family = _family(machine)
        for child in family.worker.children():
            child.suspend()
        with pytest.raises(RunError, match="no step in 3 s"):
            machine.run(_window())
        until(family.gone)


def test_what_fails_in_the_worker_is_told_with_its_trace(interpreter: Path) -> None:
    """Catches a trace that is lost on the way, and a worker that goes on after an error."""
    worker = WorkerProcess(interpreter)
    with pytest.raises(RunError, match=r"(?s)unknown-request.*Traceback.*worker\.py"):
        worker.ask("unknown-request", answer="ran")
    assert worker.guardian.poll() is not None


def test_a_worker_of_another_protocol_is_refused(interpreter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches an old worker that is spoken to as if it were this one's."""
    monkeypatch.setattr(wire, "PROTOCOL", wire.PROTOCOL + 1)
    with pytest.raises(RunError, match="protocol"):
        WorkerProcess(interpreter)


def test_an_interpreter_without_lava_is_refused() -> None:
    """Catches an error that does not say that it is the interpreter."""
    with pytest.raises(RunError, match="lava"):
        WorkerProcess(Path(sys.executable))


def _ruled(**changes: object) -> Program:
    products = (Product("w", "u", 1, 0, (Factor("x1"),)),)
    return one_to_one(100, rule=replace(Rule(products, x_tau=(5, 0), x_impulse=(9, 0)), **changes))  # type: ignore[arg-type]


def _of(product: Product) -> Program:
    return _ruled(products=(product,))


REFUSED = {
    "decimate": _ruled(decimate=10),
    "mantissa": _of(Product("w", "x0", 8, 0, ())),
    "exponent": _of(Product("w", "x0", 1, 9, ())),
    "sgn": _of(Product("w", "x0", 1, 0, (Factor("x1", sign=True),))),
    "product": _ruled(products=()),
    "impulse": _ruled(x_impulse=(128, 0)),
    "delay": one_to_one(100, delay=64),
    "weight": one_to_one(256),
    "vth": one_to_one(100, vth=1 << 17),
    "bias_mant": one_to_one(100, bias_mant=4096),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_lava_would_take_otherwise_is_refused_before_it_starts(name: str) -> None:
    """Catches `u10`, which Lava reads as `u1`, and numbers that do not fit and that it cuts or keeps in silence."""
    with pytest.raises(DescriptionError, match=name):
        LavaMachine(REFUSED[name], python=Path("/nonexistent"))


def test_a_window_that_does_not_fit_is_refused_and_the_machine_goes_on(interpreter: Path) -> None:
    """Catches messages that are cut to their bits, and a machine that a refusal ends."""
    with LavaMachine(one_to_one(100), python=interpreter) as machine:
        for wrong in (np.full((3, 1, 1), 2), np.zeros((3, 1, 2), np.int64), np.zeros((2, 1, 1), np.int64)):
            with pytest.raises(DescriptionError, match="messages of 'in'"):
                machine.run(FixedWindow(3, {"in": wrong}))
        assert machine.run(FixedWindow(3, {"in": np.ones((3, 1, 1), np.int64)})).spikes["out"].shape == (3, 1, 1)
