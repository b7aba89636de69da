"""A thousand neurons, a hundred thousand plastic synapses: the back end ``native`` against other simulators, one core.

Ten seconds at steps of 1 ms and of 0.1 ms; each figure is how many times longer the other program's loop takes.
``python benchmarks/native_network.py [--backend NAME] [--seconds S] [--repeats N]``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

import brian2_by_hand
import brian2_program
import nest_program
from networks import large
from pairs import Program, ratio
from rows import Row, printed
from spikerl_session import session

from spikerl.discretise import discretise

BACKEND = "native"


@contextmanager
def compiled_by_hand(dt: str, seconds: float) -> Iterator[Program]:
    """Yield the loop of the C++ program that Brian2 makes of the circuit written by hand."""
    plan = discretise(large(dt), dt)
    with brian2_program.written_by_hand(plan, brian2_by_hand.DRIVE[dt], seconds) as program:
        yield program.loop


@contextmanager
def runtime_by_hand(dt: str, seconds: float) -> Iterator[Program]:
    """Yield the loop of the circuit written by hand in Brian2's runtime mode, with compiled (Cython) steps."""
    plan = discretise(large(dt), dt)
    yield brian2_by_hand.runtime(plan, brian2_by_hand.DRIVE[dt], seconds)


@contextmanager
def our_brian2(dt: str, seconds: float) -> Iterator[Program]:
    """Yield the loop of the C++ program of our back end ``brian2``, which hears input that was drawn beforehand."""
    with brian2_program.by_backend(discretise(large(dt), dt), seconds) as program:
        yield program.loop


class Comparator(NamedTuple):
    """Another program for the large circuit, how often it is run, and how many times faster ours is to be.

    `opened` takes the step and the seconds to simulate.
    """

    name: str
    dt: str
    repeats: int
    target: float
    opened: Callable[[str, float], AbstractContextManager[Program]]


COMPARATORS: tuple[Comparator, ...] = (
    Comparator("Brian2 by hand, C++", "1 ms", 5, 5, compiled_by_hand),
    Comparator("Brian2 by hand, Cython", "1 ms", 5, 8, runtime_by_hand),
    Comparator("our Brian2, C++", "1 ms", 5, 1, our_brian2),
    Comparator("NEST", "1 ms", 5, 25, nest_program.nest),
    Comparator("Brian2 by hand, C++", "0.1 ms", 3, 18, compiled_by_hand),
    Comparator("our Brian2, C++", "0.1 ms", 3, 1, our_brian2),
    Comparator("NEST", "0.1 ms", 3, 25, nest_program.nest),
)


def rows(seconds: float = 10.0, repeats: int | None = None, backend: str = BACKEND) -> list[Row]:
    """Return all figures of this benchmark; `repeats` in place of each comparator's own.

    Without NEST, it says so and leaves its rows out.
    """
    compared = COMPARATORS
    if not nest_program.installed():
        print("NEST is not installed, its rows are left out: pip install 'spikerl[bench]'")
        compared = tuple(one for one in COMPARATORS if one.opened is not nest_program.nest)
    found = []
    for dt in dict.fromkeys(one.dt for one in compared):
        with session(large(dt), backend, seconds, dt) as ours:
            for one in (one for one in compared if one.dt == dt):
                with one.opened(dt, seconds) as theirs:
                    name = f"{backend} at {dt}: time of {one.name} over ours"
                    times = repeats or one.repeats
                    found.append(ratio(name, ours, theirs, times, one.target, simulated=seconds))
    return found


def main() -> None:
    """Print the table, and where its figures come from."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default=BACKEND)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--repeats", type=int)
    chosen = parser.parse_args()
    printed(rows(chosen.seconds, chosen.repeats, chosen.backend))


if __name__ == "__main__":
    main()
