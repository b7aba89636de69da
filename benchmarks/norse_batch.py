"""Sixty-four instances of the striatum on Norse: one batch against as many sessions after one another, on one core.

Both hear the same input in the same windows, every population driven; figures are medians over repetitions, with the
middle half as their interval. ``python benchmarks/norse_batch.py [--instances N] [--repeats N]``.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from rows import Row, table

import spikerl as sp
from spikerl.circuit import load_circuit
from spikerl.tasks.protocol import rates

INSTANCES = 64
TARGET = 8.0


def window(batch: int, first: int, precision: str, duration: str = "850 ms") -> float:
    """Return the seconds that one window of a trial's length takes, opening and a first short window left out."""
    factory = load_circuit("striatum")
    circuit = factory.build(factory.parameters())
    with sp.open(
        circuit.network, "norse", seed=1, batch=batch, first_instance=first, precision=precision
    ) as session:
        driven = {
            drive.population: rates(session, drive, np.ones((batch, drive.groups), dtype=bool))
            for drive in (*circuit.cues, *circuit.events())
        }
        session.step("50 ms", rates=driven)
        start = time.perf_counter()
        session.step(duration, rates=driven)
        return time.perf_counter() - start


def ratio(precision: str, repeats: int, instances: int = INSTANCES) -> Row:
    """Return how many times faster one batch is than its instances one after another."""
    pairs = []
    for _ in range(repeats):
        together = window(instances, 0, precision)
        alone = sum(window(1, instance, precision) for instance in range(instances))
        pairs.append((together, alone))
    low, value, high = (float(q) for q in np.percentile([alone / together for together, alone in pairs], (25, 50, 75)))
    together, alone = np.median(pairs, axis=0)
    source = f"0.85 s of {instances} instances: {together:.2f} s in one batch, {alone:.1f} s one after another"
    name = f"Norse, {precision}: {instances} runs one after another over one batch"
    return Row(name, value, low, high, f">= {TARGET:g}", value >= TARGET, f"{source}; {repeats} pairs of runs")


def rows(repeats: int = 3, instances: int = INSTANCES) -> list[Row]:
    """Return all figures of this benchmark."""
    return [ratio(precision, repeats, instances) for precision in ("float64", "float32")]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=INSTANCES)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    print(table(rows(chosen.repeats, chosen.instances)))


if __name__ == "__main__":
    main()
