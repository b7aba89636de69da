"""A thousand neurons, a hundred thousand plastic synapses: spikerl on Brian2 against Brian2 written by hand.

Both programs run the same circuit in turns, so that a busy machine slows both; the figure is the median of the ratios
of neighbouring runs, its interval their middle half. ``python benchmarks/brian2_plastic.py [--seconds S] [--repeats
N]``.
"""

from __future__ import annotations

import argparse

import brian2_by_hand
import brian2_program
from networks import large
from pairs import ratio
from rows import Row, printed
from spikerl_session import session

from spikerl.discretise import discretise

TARGET = 1.15


def runtime(seconds: float, repeats: int, record: bool) -> Row:
    """Return the ratio of times in runtime mode, preparation and compilation left out on both sides."""
    network = large()
    plan = discretise(network)
    theirs = brian2_by_hand.runtime(plan, brian2_by_hand.DRIVE["1 ms"], seconds, record)
    with session(network, "brian2", seconds, record=record) as ours:
        mode = "spikes recorded" if record else "nothing recorded"
        name = f"Brian2, runtime, {mode}: time over that of a program by hand"
        return ratio(name, ours, theirs, repeats, TARGET, at_least=False, simulated=seconds)


def standalone(seconds: float, repeats: int) -> Row:
    """Return the ratio of times in standalone mode: of the compiled programs, from start to end."""
    plan = discretise(large())
    with (
        brian2_program.by_backend(plan, seconds) as ours,
        brian2_program.written_by_hand(plan, brian2_by_hand.DRIVE["1 ms"], seconds) as theirs,
    ):
        name = "Brian2, standalone: time over that of a program by hand"
        return ratio(name, ours.whole, theirs.whole, repeats, TARGET, at_least=False, simulated=seconds)


def rows(seconds: float = 10.0, repeats: int = 5) -> list[Row]:
    """Return all figures of this benchmark."""
    recorded, silent = (runtime(seconds, repeats, record) for record in (True, False))
    return [recorded, silent, standalone(seconds, repeats)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    found = rows(chosen.seconds, chosen.repeats)
    printed(found)
