"""Our own back ends as the programs that are timed: a window of an open session, always from the same state."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from networks import DOPAMINE, milliseconds
from pairs import Program, Timed

import spikerl as sp

HELD = {"dopamine": DOPAMINE}


@contextmanager
def session(
    network: sp.Network,
    backend: str,
    seconds: float,
    dt: str = "1 ms",
    batch: int = 1,
    precision: str = "float64",
    record: bool = True,
    threads: int = 1,
) -> Iterator[Program]:
    """Yield the run of `batch` instances of `network` for `seconds`; opening, and a first ten steps, are left out.

    The window's input is drawn and its spikes are recorded within the time; what `native` recorded is unpacked after
    it, as the files of a C++ program are read after theirs. The time is the processor's; with more `threads` than one,
    the clock's.
    """
    clock = time.process_time if threads == 1 else time.perf_counter
    seen = sp.Record(spikes=("cells",) if record else (), modulators=())
    with sp.open(
        network, backend, seed=1, dt=dt, batch=batch, precision=precision, threads=threads, record=seen
    ) as opened:
        beginning = opened.state()
        opened.step(f"{10 * milliseconds(dt)} ms", modulators=HELD)

        def run() -> Timed:
            opened.restore(beginning)
            start = clock()
            window = opened.step(f"{seconds} s", modulators=HELD)
            taken = clock() - start
            return Timed(taken, float(window.spikes["cells"].mean()) / opened.plan.dt if record else math.nan)

        yield run
