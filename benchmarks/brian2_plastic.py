"""A thousand neurons, a hundred thousand plastic synapses: spikerl on Brian2 against Brian2 written by hand.

Both programs run the same network in one process, in turns, so that a busy machine slows both; the figure is the
median of the ratios of neighbouring runs, its interval their middle half. The one by hand is in the style of Brian2's
example after Izhikevich (2007): eligibility and weight clock-driven, traces event-driven, weights clipped at spikes.
``python benchmarks/brian2_plastic.py [--seconds S] [--repeats N]``.
"""

from __future__ import annotations

import argparse
import math
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rows import Row, table

import spikerl as sp

NEURONS, DRIVERS = 1000, 500
DOPAMINE = 0.3
TARGET = 1.15


def network() -> sp.Network:
    """Return the circuit: Poisson neurons drive a population with plastic recurrent synapses."""
    drive = sp.Population("drive", DRIVERS, sp.Poisson(rate="20 Hz"))
    neuron = sp.LIF(tau_mem="20 ms", tau_syn="5 ms", rest="-70 mV", threshold="-50 mV", reset="-60 mV")
    cells = sp.Population("cells", NEURONS, neuron)
    rule = sp.dopamine_stdp(sp.Modulator("dopamine", tau="200 ms"), bounds=(0.0, 1.0))
    return sp.Network(
        sp.Projection(drive, cells, weight="3.5 mV", connectivity=sp.Probability(0.1, seed=1)),
        sp.Projection(
            cells, cells, weight=sp.Uniform("0 mV", "0.4 mV"), connectivity=sp.Probability(0.1, seed=2), rule=rule
        ),
    )


def on_grid(milliseconds: float) -> float:
    """``1 / (1 - exp(-1 / tau))``: the time constant with which Euler steps of 1 ms are exact; both in ms."""
    return 1 / -math.expm1(-1 / milliseconds)


def by_hand(session: sp.Session, record: bool) -> tuple[Any, Any]:
    """Return the same circuit as a Brian2 program: its network and its spike monitor or None."""
    from brian2 import Hz, Network, NeuronGroup, PoissonGroup, SpikeMonitor, Synapses, ms, mV

    cells = NeuronGroup(
        NEURONS,
        "dv/dt = (rest - v + u)/tau_mem : volt\ndu/dt = -u/tau_syn : volt",
        threshold="v > -50*mV",
        reset="v = -60*mV",
        method="euler",
        namespace={"rest": -70 * mV, "tau_mem": on_grid(20) * ms, "tau_syn": on_grid(5) * ms},
        dt=1 * ms,
    )
    cells.v = -70 * mV
    drive = PoissonGroup(DRIVERS, 20 * Hz, dt=1 * ms)
    fixed = session.plan.projections["drive_to_cells"]
    inputs = Synapses(drive, cells, on_pre="u_post += 3.5*mV", dt=1 * ms)
    inputs.connect(i=fixed.pre_index, j=fixed.post_index)
    plastic = session.plan.projections["cells_to_cells"]
    synapses = Synapses(
        cells,
        cells,
        """dc/dt = -c/tau_c : 1 (clock-driven)
           dw/dt = rate*dopamine*c/ms : 1 (clock-driven)
           dx/dt = -x/tau : 1 (event-driven)
           dy/dt = -y/tau : 1 (event-driven)
           dopamine : 1 (shared)""",
        on_pre="u_post += w*mV\nx += 1\nc -= 0.012*y\nw = clip(w, 0, 1)",
        on_post="y += 1\nc += 0.01*x\nw = clip(w, 0, 1)",
        method="euler",
        namespace={"tau_c": on_grid(1000) * ms, "tau": 20 * ms, "rate": 1e-3},
        dt=1 * ms,
    )
    synapses.connect(i=plastic.pre_index, j=plastic.post_index)
    synapses.w = plastic.weight
    synapses.dopamine = DOPAMINE
    monitor = SpikeMonitor(cells) if record else None
    parts = [cells, drive, inputs, synapses, *([monitor] if record else [])]
    return Network(*parts), monitor


def runtime(seconds: float, repeats: int, record: bool = True) -> list[Row]:
    """Return the ratio of times in runtime mode, preparation and compilation left out on both sides."""
    from brian2 import second

    seen = sp.Record(spikes=None if record else (), modulators=())
    with sp.open(network(), "brian2", seed=1, record=seen) as session:
        other, monitor = by_hand(session, record)
        other.run(0.1 * second)
        session.step("100 ms", modulators={"dopamine": DOPAMINE})
        fired: list[float] = []

        def ours() -> None:
            window = session.step(f"{seconds * 1e3:.0f} ms", modulators={"dopamine": DOPAMINE})
            if record:
                fired.append(float(window.spikes["cells"].mean()) * 1e3)

        def theirs() -> None:
            other.run(seconds * second)

        def prepare() -> None:
            other.run(0 * second)

        times = [(_timed(ours), _timed(theirs) - _timed(prepare)) for _ in range(repeats)]
    rate = (
        f"; {np.mean(fired):.1f} Hz, by hand {monitor.num_spikes / NEURONS / float(other.t):.1f} Hz" if record else ""
    )
    return [_row(f"runtime, {'spikes recorded' if record else 'nothing recorded'}", times, seconds, rate)]


def standalone(seconds: float, repeats: int) -> list[Row]:
    """Return the ratio of times in standalone mode: of the compiled programs, from start to end."""
    from brian2 import second
    from brian2.devices.device import get_device, reset_device, set_device

    from spikerl.backends.base import initial_state
    from spikerl.backends.brian2 import backend
    from spikerl.backends.brian2.standalone import compiled
    from spikerl.inputs import Hearing

    with (
        sp.open(network(), "reference") as session,
        tempfile.TemporaryDirectory() as one,
        tempfile.TemporaryDirectory() as two,
    ):
        plan = session.plan
        window = Hearing(plan, 1, range(1)).window(0, round(seconds * 1e3), {}, {}, {"dopamine": DOPAMINE})
        with compiled(plan, backend.lower(plan), 1, initial_state(plan, 1), window, (), one):
            pass
        set_device("cpp_standalone", build_on_run=False)
        try:
            program, _ = by_hand(session, record=True)
            program.run(seconds * second)
            get_device().build(directory=two, run=False, with_output=False)
        finally:
            get_device().reinit()
            reset_device()
        times = [(_program(one), _program(two)) for _ in range(repeats)]
    return [_row("standalone", times, seconds, "")]


def rows(seconds: float = 10.0, repeats: int = 7) -> list[Row]:
    """Return all figures of this benchmark."""
    recorded, silent = (runtime(seconds, repeats, record) for record in (True, False))
    return [*recorded, *silent, *standalone(seconds, repeats)]


def _timed(work: Callable[[], None]) -> float:
    """Return the processor's seconds: both sides use one core, and other programs' time is not theirs."""
    start = time.process_time()
    work()
    return time.process_time() - start


def _program(directory: str) -> float:
    """Run the compiled program in `directory` and return the processor's seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    results = str(Path(directory) / "results") + "/"
    subprocess.run(["./main", "--results_dir", results], cwd=directory, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _row(mode: str, times: list[tuple[float, float]], seconds: float, note: str) -> Row:
    low, value, high = (float(q) for q in np.percentile([ours / theirs for ours, theirs in times], (25, 50, 75)))
    ours, theirs = np.median(times, axis=0)
    source = f"{seconds:g} s simulated in {ours:.2f} s, by hand in {theirs:.2f} s of a core; {len(times)} pairs of runs"
    name = f"Brian2, {mode}: time over that of a program by hand"
    return Row(name, value, low, high, f"<= {TARGET}", value <= TARGET, source + note)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--repeats", type=int, default=7)
    chosen = parser.parse_args()
    found = rows(chosen.seconds, chosen.repeats)
    print(table(found))
    for one in found:
        print(one.source)
