"""256 circuits of 200 neurons and 9,000 plastic synapses: the back end ``native`` against other simulators, one core.

Each figure is how many times longer the other program's loop takes; the sources give circuit-seconds in a second. In
Brian2 the circuits stand side by side in one network. ``python benchmarks/native_batch.py [--backend NAME]
[--circuits N] [--repeats N]``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

import brian2_program
from networks import small
from pairs import Program, ratio
from rows import Row, printed
from spikerl_session import session

from spikerl.discretise import discretise

BACKEND = "native"
CIRCUITS = 256


@contextmanager
def by_hand(circuits: int, seconds: float) -> Iterator[Program]:
    """Yield the loop of the C++ program that Brian2 makes of the circuits written by hand."""
    with brian2_program.written_by_hand(discretise(small()), 1.0, seconds, circuits) as program:
        yield program.loop


@contextmanager
def our_brian2(circuits: int, seconds: float) -> Iterator[Program]:
    """Yield the loop of the C++ program of our back end ``brian2``, which hears input that was drawn beforehand."""
    with brian2_program.by_backend(discretise(small()), seconds, circuits) as program:
        yield program.loop


def norse(circuits: int, seconds: float) -> AbstractContextManager[Program]:
    """Return the window of our back end ``norse`` in double precision, on one thread."""
    return _norse(circuits, seconds, "float64")


def norse_in_single(circuits: int, seconds: float) -> AbstractContextManager[Program]:
    """Return the window of our back end ``norse`` in single precision, on one thread."""
    return _norse(circuits, seconds, "float32")


def _norse(circuits: int, seconds: float, precision: str) -> AbstractContextManager[Program]:
    import torch

    torch.set_num_threads(1)
    return session(small(), "norse", seconds, batch=circuits, precision=precision)


class Comparator(NamedTuple):
    """Another program for so many small circuits, how long it simulates, and how many times faster ours is to be.

    `precision` is that of ours; `opened` takes the number of circuits and the seconds to simulate.
    """

    name: str
    seconds: float
    target: float
    precision: str
    opened: Callable[[int, float], AbstractContextManager[Program]]


COMPARATORS: tuple[Comparator, ...] = (
    Comparator("Brian2 by hand, C++", 1.0, 20, "float64", by_hand),
    Comparator("our Brian2, C++", 1.0, 1, "float64", our_brian2),
    Comparator("our Norse, float64", 0.2, 10, "float64", norse),
    Comparator("our Norse, float32", 0.2, 1, "float32", norse_in_single),
)


def rows(circuits: int = CIRCUITS, repeats: int = 3, backend: str = BACKEND) -> list[Row]:
    """Return all figures of this benchmark."""
    found = []
    for one in COMPARATORS:
        with (
            session(small(), backend, one.seconds, batch=circuits, precision=one.precision) as ours,
            one.opened(circuits, one.seconds) as theirs,
        ):
            name = f"{backend}, {circuits} circuits: time of {one.name} over ours"
            found.append(ratio(name, ours, theirs, repeats, one.target, simulated=one.seconds, circuits=circuits))
    return found


def main() -> None:
    """Print the table, and where its figures come from."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default=BACKEND)
    parser.add_argument("--circuits", type=int, default=CIRCUITS)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    printed(rows(chosen.circuits, chosen.repeats, chosen.backend))


if __name__ == "__main__":
    main()
