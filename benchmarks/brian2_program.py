"""C++ programs that Brian2 writes in its standalone mode: compiled once, run as processes of their own.

A program's loop is timed by itself: Brian2's generated code counts the processor's seconds from the first to the last
step of a ``run``, and leaves them in ``last_run_info.txt``. Making the synapses and queues, and reading and writing
files, come before and after, and are not in them.
"""

from __future__ import annotations

import resource
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from brian2_by_hand import by_hand
from networks import DOPAMINE
from pairs import Timed

from spikerl.backends.base import initial_state
from spikerl.discretise import Plan
from spikerl.inputs import Hearing


class Compiled(NamedTuple):
    """The program ``main`` in `directory`, which leaves the number of its spikes in the file `counted`."""

    directory: Path
    counted: str
    neurons: int
    simulated: float

    def loop(self) -> Timed:
        """Run it, and return the time of its loop."""
        self.whole()
        seconds = float((self.results / "last_run_info.txt").read_text(encoding="utf-8").split()[0])
        return Timed(seconds, self._rate())

    def whole(self) -> Timed:
        """Run it, and return the processor's seconds from its start to its end."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = ["./main", "--results_dir", f"{self.results}/"]
        subprocess.run(command, cwd=self.directory, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return Timed(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, self._rate())

    @property
    def results(self) -> Path:
        """Where it leaves what it found."""
        return self.directory / "results"

    def _rate(self) -> float:
        spikes = int(np.fromfile(self.results / self.counted, dtype=np.int32)[0])
        return spikes / self.neurons / self.simulated


@contextmanager
def written_by_hand(plan: Plan, drive: float, seconds: float, copies: int = 1) -> Iterator[Compiled]:
    """Yield the compiled program by hand of `copies` of a circuit side by side."""
    from brian2 import second, seed
    from brian2.devices.device import get_device, reset_device, set_device

    with tempfile.TemporaryDirectory() as directory:
        set_device("cpp_standalone", build_on_run=False)
        device = get_device()
        try:
            seed(1)
            network, monitor = by_hand(plan, drive, copies)
            network.run(seconds * second, namespace={})
            device.build(directory=directory, run=False, with_output=False)
            counted = _file(device, monitor)
        finally:
            device.reinit()
            reset_device()
        yield Compiled(Path(directory), counted, copies * plan.size("cells"), seconds)


@contextmanager
def by_backend(plan: Plan, seconds: float, batch: int = 1) -> Iterator[Compiled]:
    """Yield the compiled program that our back end ``brian2`` makes of a circuit; its input is drawn beforehand."""
    from brian2 import SpikeMonitor

    from spikerl.backends.brian2 import backend
    from spikerl.backends.brian2.standalone import compiled

    window = Hearing(plan, 1, range(batch)).window(0, round(seconds / plan.dt), {}, {}, {"dopamine": DOPAMINE})
    state = initial_state(plan, batch)
    with tempfile.TemporaryDirectory() as directory:
        with compiled(plan, backend.lower(plan), batch, state, window, (), directory) as (device, circuit, _):
            (monitor,) = (one for one in circuit.network.objects if isinstance(one, SpikeMonitor))
            counted = _file(device, monitor)
        yield Compiled(Path(directory), counted, batch * plan.size("cells"), seconds)


def _file(device: Any, monitor: Any) -> str:
    """Return the name of the file in which the program leaves the number of the monitor's spikes."""
    return Path(device.get_array_filename(monitor.variables["N"])).name
