"""The reversal experiment from its file to its results: the back end ``native`` against ``brian2``, by the clock.

Task, protocol, plasticity, the recording of spikes, and of weights after every trial, checkpoints and files are within
the time; a first short run, for compilers, is not. ``python benchmarks/native_loop.py [--repeats N]``.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from rows import Row, printed

import spikerl as sp

RECORDED = {"record.spikes": ["d1", "d2", "dopamine"], "record.weights": "every trial"}
TARGET = 15.0
SIZES = ((8, 80, 1), (64, 20, 1), (64, 20, 2))
"""Instances, trials of each, threads of ``native``; the first is the experiment as it ships."""


def played(backend: str, instances: int, trials: int, threads: int, folder: Path) -> tuple[float, np.ndarray]:
    """Return the seconds of one run, and its choices."""
    settings = RECORDED | ({"run.threads": threads} if threads > 1 else {})
    out = folder / f"{backend}-{time.perf_counter_ns()}"
    start = time.perf_counter()
    results = sp.run(
        "reversal", backend=backend, instances=instances, trials=trials, seed=1, settings=settings, out=out
    )
    return time.perf_counter() - start, np.asarray(results.trials["choice"])


def row(instances: int, trials: int, threads: int, repeats: int) -> Row:
    """Return how many times longer ``brian2`` takes; it holds only where all choices are the same."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for backend in ("native", "brian2"):
            played(backend, instances, 1, 1, folder)
        runs = [
            (
                played("native", instances, trials, threads, folder),
                played("brian2", instances, trials, 1, folder),
            )
            for _ in range(repeats)
        ]
    same = all(np.array_equal(ours[1], theirs[1]) for ours, theirs in runs)
    low, value, high = (float(q) for q in np.percentile([b[0] / a[0] for a, b in runs], (25, 50, 75)))
    ours, theirs = (float(np.median([pair[k][0] for pair in runs])) for k in (0, 1))
    source = (
        f"{ours:.2f} s, brian2 {theirs:.2f} s; the same choices: {'yes' if same else 'NO'}; {repeats} pairs of runs"
    )
    name = f"reversal, {instances} instances of {trials} trials, {threads} thread{'s' if threads > 1 else ''}:"
    holds = same and value >= TARGET
    return Row(f"{name} time of brian2 over that of native", value, low, high, f">= {TARGET:g}", holds, source)


def rows(repeats: int = 3) -> list[Row]:
    """Return all figures of this benchmark, on one thread where nothing else is said."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    return [row(*size, repeats) for size in SIZES]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    found = rows(parser.parse_args().repeats)
    printed(found)
