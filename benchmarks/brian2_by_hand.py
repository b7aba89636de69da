"""The circuits of networks.py as a Brian2 program written by hand, and its runs with Brian2's runtime.

It is in the style of Brian2's example after Izhikevich (2007): eligibility and weight clock-driven, traces
event-driven, weights clipped at spikes. Each neuron and synapse has the constants of ours; a delay in Brian2 is
counted from the end of a step, so that it is a step shorter.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from networks import DOPAMINE, LEARNING, RATE, TAU_SYN
from pairs import Program, Timed

from spikerl.discretise import Plan

DRIVE = {"1 ms": 0.997, "0.1 ms": 1.003}
"""By step, what the input's weights to the large circuit are multiplied with so that it fires as ours does.

At 1 ms the program by hand fires at 19.3 Hz without, and ours at 19.0: where two neurons fire in the same step, ours
adds to the eligibility and takes from it, and what `by_hand` does at spikes adds only, so that its weights fall less.
At 0.1 ms that is rarer; 18.6 Hz instead of 18.9 comes from the other random input.
"""


def on_grid(tau: float, dt: float) -> float:
    """``dt / (1 - exp(-dt/tau))``: the time constant with which Euler steps of `dt` are exact; all in one unit."""
    return dt / -math.expm1(-dt / tau)


def by_hand(plan: Plan, drive: float, copies: int = 1, record: bool = True) -> tuple[Any, Any]:
    """Return `copies` of a circuit side by side: the Brian2 network, and the monitor of its spikes or None.

    `drive` multiplies the weights of the input (`DRIVE`).
    """
    from brian2 import Clock, Hz, Network, NeuronGroup, PoissonGroup, SpikeMonitor, Synapses, ms, mV, second

    dt, clock = plan.dt * 1e3, Clock(plan.dt * second)
    neurons = plan.size("cells")
    fixed, plastic = plan.projections["drive_to_cells"], plan.projections["cells_to_cells"]
    cells = NeuronGroup(
        copies * neurons,
        "dv/dt = (rest - v + u)/tau_mem : volt\ndu/dt = -u/tau_syn : volt",
        threshold="v > -50*mV",
        reset="v = -60*mV",
        method="euler",
        namespace={"rest": -70 * mV, "tau_mem": on_grid(20, dt) * ms, "tau_syn": on_grid(TAU_SYN, dt) * ms},
        clock=clock,
    )
    cells.v = -70 * mV
    source = PoissonGroup(copies * plan.size("drive"), RATE * Hz, clock=clock)
    inputs = Synapses(
        source,
        cells,
        on_pre="u_post += jump",
        delay=(fixed.delay[0] - 1) * plan.dt * second,
        namespace={"jump": drive * float(fixed.weight[0]) * mV},
        clock=clock,
    )
    inputs.connect(
        i=beside(fixed.pre_index, plan.size("drive"), copies), j=beside(fixed.post_index, neurons, copies)
    )
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
        delay={"pre": (plastic.delay[0] - 1) * plan.dt * second},
        method="euler",
        namespace={"tau_c": on_grid(1000, dt) * ms, "tau": 20 * ms, "rate": LEARNING},
        clock=clock,
    )
    synapses.connect(i=beside(plastic.pre_index, neurons, copies), j=beside(plastic.post_index, neurons, copies))
    synapses.w = np.tile(plastic.weight, copies)
    synapses.dopamine = DOPAMINE
    monitor = SpikeMonitor(cells) if record else None
    parts = [cells, source, inputs, synapses, *([monitor] if record else [])]
    return Network(*parts), monitor


def beside(index: np.ndarray, size: int, copies: int) -> np.ndarray:
    """Return the indices of `copies` of neurons that stand one after another, `size` apart."""
    return (np.arange(copies)[:, None] * size + index).ravel()


def runtime(plan: Plan, drive: float, seconds: float, record: bool = True) -> Program:
    """Return the run of the program by hand in Brian2's runtime mode; what `run` prepares is left out.

    Each run builds the circuit anew, from code in Brian2's cache: its ``restore`` has been seen to end the process.
    """
    from brian2 import second, seed

    def run() -> Timed:
        seed(1)
        network, monitor = by_hand(plan, drive, record=record)
        moments: list[float] = []
        network.run(
            seconds * second,
            report=lambda *_: moments.append(time.process_time()),  # called before the first step and after the last
            report_period=1e9 * second,
            namespace={},
        )
        taken = moments[-1] - moments[0]
        return Timed(taken, int(monitor.num_spikes) / plan.size("cells") / seconds if record else math.nan)

    return run
