"""The large circuit in NEST, in a process of its own, since NEST's threads, signals and state are those of a process.

``python benchmarks/nest_program.py DT SECONDS`` runs it once and prints ``{"seconds": ..., "rate": ...}``. Neurons are
``iaf_psc_exp``, synapses ``stdp_dopamine_synapse`` with a ``volume_transmitter``, the input comes from a
``poisson_generator`` through parrots. Dopamine is held by its baseline b, as ``dw/dt = c (n - b)``: no neuron of it
fires, which is the least work that NEST can have with it.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from networks import DOPAMINE, LEARNING, RATE, TAU_SYN, large
from pairs import Program, Timed

from spikerl.discretise import Plan, discretise

TAU_MEM = 20.0
"""In milliseconds."""
DELIVERED = 100.0
"""Between two updates of all weights, in milliseconds; NEST counts it in shortest delays."""
WARMING = 100.0
"""Simulated before the time is taken, in milliseconds."""


def installed() -> bool:
    """Return whether NEST is there."""
    return importlib.util.find_spec("nest") is not None


@contextlib.contextmanager
def nest(dt: str, seconds: float) -> Iterator[Program]:
    """Yield the program at steps of `dt`; the process that it starts for each run builds the circuit anew."""
    command = [sys.executable, str(Path(__file__).resolve()), dt, str(seconds)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYNEST_QUIET": "1"}

    def run() -> Timed:
        output = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
        return Timed(**json.loads(output.splitlines()[-1]))

    yield run


def simulate(plan: Plan, seconds: float) -> Timed:
    """Build the circuit of `plan` in NEST, and return the processor's seconds of its loop, the first steps left out."""
    import nest

    step = plan.dt * 1e3
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution, nest.local_num_threads, nest.rng_seed = step, 1, 1
    cells = nest.Create("iaf_psc_exp", plan.size("cells"), params=neuron(step))
    generator = nest.Create("poisson_generator", params={"rate": RATE})
    drive = nest.Create("parrot_neuron", plan.size("drive"))
    recorder = nest.Create("spike_recorder", params={"start": WARMING})
    shortest = step * min(int(projection.delay.min()) for projection in plan.projections.values())
    interval = round(DELIVERED / shortest)
    transmitter = nest.Create("volume_transmitter", params={"deliver_interval": interval})
    rule = {
        "volume_transmitter": transmitter,
        "A_plus": 0.01,
        "A_minus": 0.012,
        "tau_plus": 20.0,
        "tau_c": 1000.0,
        "b": -LEARNING * DOPAMINE,
        "Wmin": 0.0,
        "Wmax": 1.0,
    }
    nest.CopyModel("stdp_dopamine_synapse", "plastic", rule)
    nest.Connect(generator, drive)
    fixed, plastic = plan.projections["drive_to_cells"], plan.projections["cells_to_cells"]
    for projection, source, model in ((fixed, drive, "static_synapse"), (plastic, cells, "plastic")):
        nest.Connect(
            source[0].global_id + projection.pre_index,
            cells[0].global_id + projection.post_index,
            "one_to_one",
            {"synapse_model": model, "weight": projection.weight, "delay": projection.delay * step},
        )
    nest.Connect(cells, recorder)
    nest.Simulate(WARMING)
    start = time.process_time()
    nest.Simulate(seconds * 1e3)
    taken = time.process_time() - start
    return Timed(taken, recorder.n_events / plan.size("cells") / seconds)


def neuron(step: float) -> dict[str, float]:
    """Return the neuron's parameters, such that a weight of 1 pA is ours of 1 mV.

    A spike there carries ``w tau_syn``, on our grid ``w dt / (1 - exp(-dt/tau_syn))``: the capacitance makes up for it.
    """
    charge = step / -math.expm1(-step / TAU_SYN) / TAU_SYN
    return {
        "C_m": TAU_MEM / charge,
        "tau_m": TAU_MEM,
        "tau_syn_ex": TAU_SYN,
        "tau_minus": 20.0,
        "E_L": -70.0,
        "V_m": -70.0,
        "V_th": -50.0,
        "V_reset": -60.0,
        "t_ref": 0.0,
    }


def main() -> None:
    """Run once and print the result as the last line, a JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dt", help="such as '1 ms'")
    parser.add_argument("seconds", type=float)
    chosen = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):
        found = simulate(discretise(large(chosen.dt), chosen.dt), chosen.seconds)
    print(json.dumps(found._asdict()))


if __name__ == "__main__":
    main()
