"""The emulator of fixed-point programs against Lava, on one network, step for step the same; one thread.

Input spikes at 5 %; starting either is left out, and so is a first window, for compilers. Both hear the same windows in
turns, and a ratio holds only where all spikes, weights and tags are the same to the last bit.
``python benchmarks/emulator.py [--repeats N] [--python PATH]``; without Lava's environment its rows are missing.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from pairs import Timed, ratio
from rows import Row, printed

from spikerl.hardware.emulation.emulator import Emulator
from spikerl.hardware.lava.machine import LavaMachine, available
from spikerl.hardware.machine import FixedRun, FixedWindow, Machine
from spikerl.hardware.program import Connection, Factor, Heard, Input, Neurons, Product, Program, Rule, Signal

RATE = 0.05
STATIC = ((100, 1000, 5000), (500, 300, 2000), (1000, 120, 1000))
"""Neurons on either side, the least ratio, and the steps of a window: some milliseconds of ours, some 1,000 of Lava."""
LEARNING = (300, 100, 50)
BATCH, BATCH_STEPS = 16, 800


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
    messages = rng.random((steps, batch, program.size("in"))) < RATE  # as a session gives them
    held = {name: rng.integers(-20, 60, (steps, batch)) for name in program.signals}
    return FixedWindow(steps, {"in": messages}, held)


def timed(machine: Machine, heard: FixedWindow, kept: list[FixedRun] | None = None) -> Timed:
    """Run the window; return its seconds, and how often a neuron spikes in 1,000 steps; the run goes to `kept`."""
    start = time.perf_counter()
    seen = machine.run(heard)
    seconds = time.perf_counter() - start
    if kept is not None:
        kept.append(seen)
    return Timed(seconds, float(seen.spikes["out"].mean()) * 1000)


def against_lava(program: Program, name: str, target: float, steps: int, repeats: int, python: Path | None) -> Row:
    """Return how many times longer Lava takes."""
    heard, ours = window(program, steps), Emulator(program)
    here: list[FixedRun] = []
    there: list[FixedRun] = []
    with LavaMachine(program, python=python) as lava:
        timed(ours, heard, here), timed(lava, heard, there)
        found = ratio(
            name,
            lambda: timed(ours, heard, here),
            lambda: timed(lava, heard, there),
            repeats,
            target,
            simulated=steps / 1000,
        )
        mine, its = ours.learned("c"), lava.learned("c")
    same = np.array_equal(mine.weight, its.weight) and np.array_equal(mine.tag, its.tag)
    same &= all(np.array_equal(a.spikes["out"], b.spikes["out"]) for a, b in zip(here, there, strict=True))
    note = f"{found.source}; the same bits: {'yes' if same else 'NO'}"
    return found._replace(holds=found.holds and same, source=note)


def batched(repeats: int) -> Row:
    """Return what an instance of a batch costs, over one alone."""
    program = network(300, three_factor())
    many, one = Emulator(program, BATCH), Emulator(program)
    wide, narrow = window(program, BATCH_STEPS // BATCH, BATCH), window(program, BATCH_STEPS)
    many.run(wide)
    one.run(narrow)
    name = f"emulator, learning 300 x 300: {BATCH} instances over so many steps of one"
    return ratio(
        name, lambda: timed(many, wide), lambda: timed(one, narrow), repeats, 1.1, False, simulated=BATCH_STEPS / 1000
    )


def rows(repeats: int = 9, python: Path | None = None) -> list[Row]:
    """Return all figures of this benchmark.

    Without Lava's environment, it says so and returns no rows of Lava.
    """
    found = []
    if python is None and not available():
        print("Lava's environment is not there, its rows are not measured: spikerl lava setup")
    else:
        cases = [(f"{size} x {size}", network(size), target, steps) for size, target, steps in STATIC]
        size, target, steps = LEARNING
        cases.append((f"learning {size} x {size}", network(size, three_factor()), target, steps))
        for case, program, target, steps in cases:
            name = f"emulator, {case}: time of Lava over ours"
            found.append(against_lava(program, name, target, steps, repeats, python))
    return [*found, batched(5 * repeats)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--python", type=Path, help="the interpreter of Lava; default that of `spikerl lava setup`")
    chosen = parser.parse_args()
    printed(rows(chosen.repeats, chosen.python))
