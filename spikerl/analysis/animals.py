"""How did the animals do in the same blocks? Their curves, and the circuit's difference, paired by recorded block."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.analysis.blocks import blocks, column, reversals
from spikerl.analysis.intervals import Interval, mean_over_blocks, proportion_over_blocks
from spikerl.analysis.learning_curve import AFTER, BEFORE, Curve, around, over_blocks
from spikerl.results import Results


class Animals(NamedTuple):
    """The recorded animals in the blocks that a run replayed, each block counted once however often it was replayed.

    `start` and `reversal` are P(better) over trials (Wilson over blocks; `reversal` None where no block reverses),
    `overall` over all trials, and `difference` circuit minus animals, paired by recorded block (Student).
    """

    start: Curve
    reversal: Curve | None
    overall: Interval
    difference: Interval


def replayed(results: Results) -> bool:
    """Return whether the run replayed recorded blocks."""
    return "animal_better" in results.trials


def animals(results: Results) -> Animals:
    """Compare the run with the animals whose blocks it replayed; raises `FileError` where it replayed none."""
    laid = blocks(results)
    theirs = laid.table(column(results, "animal_better"))
    ours = laid.table(column(results, "better"))
    recorded = laid.table(column(results, "recorded_block"))
    number = np.nanmax(recorded, axis=1)
    names, which = np.unique(number, return_inverse=True)
    played = (laid.row >= 0).sum(axis=1)
    # A replay that was cut short shows less of its block than another replay of it.
    first = np.array([max(np.flatnonzero(which == k), key=played.__getitem__) for k in range(len(names))])
    table = theirs[first]
    zero = reversals(results, laid)[first] if "reversal" in results.trials else np.full(len(first), -1)
    paired = _means(ours, which) - _means(theirs, which)
    return Animals(
        over_blocks(table),
        around(table, zero, BEFORE, AFTER) if (zero >= 0).any() else None,
        proportion_over_blocks(np.nansum(table, axis=1), np.isfinite(table).sum(axis=1)),
        mean_over_blocks(paired),
    )


def _means(table: NDArray[np.float64], which: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean over the trials of all rows of `table` that have one value of `which`."""
    there = np.isfinite(table)
    total = np.bincount(which, np.where(there, table, 0.0).sum(axis=1))
    return total / np.bincount(which, there.sum(axis=1))
