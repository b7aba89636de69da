"""Nine bit widths of the striatum at once against nine sessions one after another, in one process, by the clock.

Each instance plays reversals in the closed loop; opening a session is within the time, a first run of each kind, for
compilers, is not. The nine sessions are of the back end ``norse``, one of each width; the one session with nine
conditions is of ``norse``, or of ``native``. Figures are medians over repetitions, with the middle half as their
interval, and hold only where all choices are the same. ``python benchmarks/quantization_cost.py [--trials N]
[--repeats N] [--instances N ...]``.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rows import Row, printed

import spikerl as sp
from spikerl.circuit import load_circuit
from spikerl.hardware.quantize import Rounding
from spikerl.loop import ClosedLoop
from spikerl.tasks.base import load_task
from spikerl.tasks.protocol import TrialProtocol

WIDTHS = (1, 2, 3, 4, 5, 6, 8, 12, 16)
SEED = 1
SIZES = (1, 4)
"""Instances of each width."""
ROUNDINGS: tuple[Rounding, ...] = ("nearest", "stochastic")
TARGETS = {"native": 10.0, "norse": 2.5}
"""By the back end that plays all widths at once, how many times less it is to cost."""


class Played(NamedTuple):
    """The seconds of a session from its opening to its end, and the choices, [trial, width x instance]."""

    seconds: float
    choices: NDArray[np.int64]


def played(backend: str, widths: Sequence[int], rounding: Rounding, instances: int, trials: int) -> Played:
    """Play `trials` of so many `instances` of each width in one session."""
    task, circuit = load_task("reversal"), load_circuit("striatum")
    numbers = [*range(instances)] * len(widths)
    start = time.perf_counter()
    built = circuit.build(circuit.parameters())
    tasks = task.batch(task.parameters(), SEED, numbers)
    asked = [sp.Quantization(bits, rounding) for bits in widths]
    record = sp.Record(spikes=built.read(), modulators=())
    with sp.open(
        built.network, backend, seed=SEED, batch=instances, record=record, threads=None, quantization=asked
    ) as session:
        loop = ClosedLoop(session, built, TrialProtocol(), tasks, SEED, numbers)
        choices = np.stack([loop.trial().columns["choice"] for _ in range(trials)])
    return Played(time.perf_counter() - start, choices)


def apart(rounding: Rounding, instances: int, trials: int) -> Played:
    """Play the widths one after another on ``norse``, a session each."""
    each = [played("norse", [width], rounding, instances, trials) for width in WIDTHS]
    return Played(sum(one.seconds for one in each), np.concatenate([one.choices for one in each], 1))


def measured(rounding: Rounding, instances: int, trials: int, repeats: int) -> list[Row]:
    """Return how many times less all widths cost at once, on each back end."""
    runs = []
    for _ in range(repeats):
        together = {backend: played(backend, WIDTHS, rounding, instances, trials) for backend in TARGETS}
        runs.append((apart(rounding, instances, trials), together))
    found = []
    for backend, target in TARGETS.items():
        same = all(np.array_equal(nine.choices, one[backend].choices) for nine, one in runs)
        factors = [nine.seconds / one[backend].seconds for nine, one in runs]
        low, value, high = (float(q) for q in np.percentile(factors, (25, 50, 75)))
        nine, one = (float(np.median(s)) for s in ([a.seconds for a, _ in runs], [b[backend].seconds for _, b in runs]))
        source = (
            f"{trials} trials: {nine:.2f} s one after another, {one:.2f} s at once; {min(factors):.3g} to "
            f"{max(factors):.3g}; the same choices: {'yes' if same else 'NO'}; {repeats} pairs of runs"
        )
        sessions = f"{instances} instance{'s' if instances > 1 else ''}, {rounding}"
        name = f"nine bit widths, {sessions}: nine runs on norse over one on {backend}"
        found.append(Row(name, value, low, high, f">= {target:g}", same and value >= target, source))
    return found


def rows(repeats: int = 3, trials: int = 2, sizes: Sequence[int] = SIZES) -> list[Row]:
    """Return all figures of this benchmark."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for rounding in ROUNDINGS:
        for backend, widths in (("norse", WIDTHS[:1]), *((backend, WIDTHS) for backend in TARGETS)):
            played(backend, widths, rounding, 1, 1)
    return [row for size in sizes for rounding in ROUNDINGS for row in measured(rounding, size, trials, repeats)]


def main() -> None:
    """Print the table, and where its figures come from."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--instances", type=int, nargs="+", default=SIZES)
    chosen = parser.parse_args()
    printed(rows(chosen.repeats, chosen.trials, chosen.instances))


if __name__ == "__main__":
    main()
