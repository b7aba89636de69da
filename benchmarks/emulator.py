"""The emulator of fixed-point programs against Lava, on one network, step for step the same; one thread.

Input spikes at 5 %; starting either is left out. ``python benchmarks/emulator.py [--repeats N] [--python PATH]``.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from pairs import Timed, ratio
from rows import Row, printed

from spikerl.hardware.emulation.emulator import Emulator
from spikerl.hardware.lava.machine import LavaMachine
from spikerl.hardware.machine import FixedWindow, Machine
from spikerl.hardware.program import Connection, Factor, Heard, Input, Neurons, Product, Program, Rule, Signal

RATE = 0.05
STATIC = ((100, 1000, 500), (500, 300, 300), (1000, 120, 100))
"""Neurons on either side, the least ratio, and steps that Lava is timed for."""
LEARNING = (300, 100, 100)
BATCH, BATCH_STEPS = 16, 2000


def three_factor() -> Rule:
    """Pairs feed a tag, a signal times the tag moves the weight, in every step."""
    products = (
        Product("t", "y0", 1, 0, (Factor("x1"),)),
        Product("t", "x0", -1, 0, (Factor("y1"),)),
        Product("t", "u", -1, -6, (Factor("t"),)),
        Product("w", "u", 1, -6, (Factor("y2"), Factor("t"))),
    )
    hears = (Heard("trace", decay=200, impulse=16), Heard("signal", signal="reward"), Heard("constant"))
    return Rule(products, x_tau=(20, 0), x_impulse=(16, 0), heard=hears)


def network(size: int, rule: Rule | None = None) -> Program:
    """Return an input of `size` neurons onto as many, all to all."""
    rng = np.random.default_rng(0)
    pre, post = (index.ravel() for index in np.indices((size, size)))
    weight = rng.integers(-128, 128, pre.size) * 2 if rule is None else rng.integers(0, 256, pre.size)
    sign = "mixed" if rule is None else "excitatory"
    synapses = Connection("c", "in", "out", pre, post, weight, np.zeros(pre.size, np.int64), 0, 8, sign, rule)
    vth = 4000 if rule is None else 100 * size
    neurons = Neurons("out", size, du=400, dv=200, vth=vth)
    signals = {"reward": Signal("reward", None, 0, 0, 0, 1, 0, 0)} if rule else {}
    return Program({"in": Input("in", size)}, {"out": neurons}, signals, {"c": synapses})


def window(program: Program, steps: int, batch: int = 1) -> FixedWindow:
    """Return random input for `steps` steps."""
    rng = np.random.default_rng(1)
    messages = (rng.random((steps, batch, program.size("in"))) < RATE).astype(np.int64)
    held = {name: rng.integers(-20, 60, (steps, batch)) for name in program.signals}
    return FixedWindow(steps, {"in": messages}, held)


def timed(machine: Machine, heard: FixedWindow, times: int = 1) -> Timed:
    """Run the window so many times; return the seconds of one, and how often a neuron spikes in 1,000 steps."""
    start = time.perf_counter()
    for _ in range(times):
        seen = machine.run(heard)
    return Timed((time.perf_counter() - start) / times, float(seen.spikes["out"].mean()) * 1000)


def against_lava(program: Program, name: str, target: float, steps: int, repeats: int, python: Path | None) -> Row:
    """Return how many times longer Lava takes; it counts only where both end with the same weights."""
    heard = window(program, steps)
    emulator = Emulator(program)
    with LavaMachine(program, python=python) as lava:
        for machine in (emulator, lava):
            machine.run(heard)
        same = np.array_equal(emulator.learned("c").weight, lava.learned("c").weight)
        fresh = Emulator(program)
        found = ratio(
            name, lambda: timed(fresh, heard, 5), lambda: timed(lava, heard), repeats, target, simulated=steps / 1000
        )
    return found._replace(holds=found.holds and same, source=f"{found.source}; the same weights: {same}")


def batched(repeats: int) -> Row:
    """Return what an instance of a batch costs, over one alone."""
    program = network(300, three_factor())
    many, one = Emulator(program, BATCH), Emulator(program)
    wide, narrow = window(program, BATCH_STEPS // BATCH, BATCH), window(program, BATCH_STEPS)
    many.run(wide)
    one.run(narrow)
    name = f"emulator, learning 300 x 300: {BATCH} instances over so many steps of one"
    return ratio(name, lambda: timed(many, wide), lambda: timed(one, narrow), repeats, 1.1, False)


def rows(repeats: int = 3, python: Path | None = None) -> list[Row]:
    """Return all figures of this benchmark."""
    found = [
        against_lava(
            network(size), f"emulator, {size} x {size}: time of Lava over ours", target, steps, repeats, python
        )
        for size, target, steps in STATIC
    ]
    size, target, steps = LEARNING
    name = f"emulator, learning {size} x {size}: time of Lava over ours"
    found.append(against_lava(network(size, three_factor()), name, target, steps, repeats, python))
    return [*found, batched(repeats)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--python", type=Path, help="the interpreter of Lava; default that of `spikerl lava setup`")
    chosen = parser.parse_args()
    printed(rows(chosen.repeats, chosen.python))
