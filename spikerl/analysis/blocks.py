"""Trials put in their blocks: one row a block, one column a trial, aligned to the block's start or its reversal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikerl.errors import FileError, message, nearest
from spikerl.results import Results

EARLY = 10
LATE = 10


@dataclass(frozen=True, eq=False)
class Blocks:
    """Where the rows of the trial columns stand.

    `row` [block, trial] is the row of a trial, -1 where a block has no such trial; `instance` [block] and `number`
    [block] name the blocks; `sequence` [instance, k] is the row of the k-th trial that an instance played, -1 past
    its last.
    """

    row: NDArray[np.int64]
    instance: NDArray[np.int64]
    number: NDArray[np.int64]
    sequence: NDArray[np.int64]

    def table(self, column: NDArray) -> NDArray[np.float64]:
        """Return a column of numbers, [row], as [block, trial]; NaN where there is no trial."""
        if not column.size:
            return np.full(self.row.shape, np.nan)
        return np.where(self.row >= 0, column[self.row].astype(np.float64), np.nan)


def column(results: Results, name: str) -> NDArray:
    """Return a column of numbers of the trials; raises `FileError` for one that was not recorded or is text."""
    if name not in results.trials:
        remedy = nearest(name, results.trials)
        raise FileError(message("trial column", name, "a column that was recorded", remedy))
    values = results.trials[name]
    if values.dtype.kind not in "iufb":
        raise FileError(message(f"trial column {name!r}", "text", "numbers"))
    return values


def blocks(results: Results) -> Blocks:
    """Put the trials of a run in their blocks, in the order of instance and block.

    Raises `FileError` where no trial was played, or the numbers of trials are no numbers of trials.
    """
    instance, block, trial = (column(results, name) for name in ("instance", "block", "trial"))
    if not trial.size:
        raise FileError(message("trials", 0, "one trial at least", "let the run go on (--resume)"))
    if not 0 <= trial.min() <= trial.max() < trial.size:
        found = f"{trial.min()} to {trial.max()}"
        raise FileError(message("trial column 'trial'", found, f"numbers from 0 to {trial.size - 1}"))
    names, which = np.unique(np.stack([instance, block], axis=1), axis=0, return_inverse=True)
    which = which.reshape(-1)
    row = np.full((len(names), int(trial.max()) + 1), -1, dtype=np.int64)
    row[which, trial] = np.arange(trial.size)
    if np.count_nonzero(row >= 0) != trial.size:
        raise FileError(message("trials", "a trial of a block twice", "each trial of a block once"))
    players = int(results.contents.instances)
    played = np.bincount(instance, minlength=players)
    order = np.argsort(instance, kind="stable")
    sequence = np.full((players, int(played.max())), -1, dtype=np.int64)
    sequence[instance[order], np.arange(trial.size) - (played.cumsum() - played)[instance[order]]] = order
    return Blocks(row, names[:, 0], names[:, 1], sequence)


def reversals(results: Results, laid: Blocks) -> NDArray[np.int64]:
    """Return the first trial after the reversal of each block, [block], -1 where there is none."""
    values = laid.table(column(results, "reversal"))
    return np.nan_to_num(np.nanmax(values, axis=1), nan=-1.0).astype(np.int64)


def aligned(table: NDArray[np.float64], zero: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """``aligned[b, k] = table[b, zero[b] + offsets[k]]``, NaN outside the block or where `zero` is negative."""
    wanted = zero[:, None] + offsets[None, :]
    inside = (zero[:, None] >= 0) & (wanted >= 0) & (wanted < table.shape[1])
    picked = np.take_along_axis(table, np.where(inside, wanted, 0), axis=1)
    return np.where(inside, picked, np.nan)


def early_and_late(results: Results, laid: Blocks) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return two masks [block, trial]: the first `EARLY` trials, and the last `LATE` before the reversal.

    Where a block has no reversal, late means its last trials; no trial is both early and late.
    """
    there = laid.row >= 0
    trial = np.arange(laid.row.shape[1])[None, :]
    zero = reversals(results, laid) if "reversal" in results.trials else np.full(len(there), -1)
    end = np.where(zero >= 0, zero, there.sum(axis=1))[:, None]
    early = there & (trial < np.minimum(EARLY, end))
    return early, there & (trial >= end - LATE) & (trial < end) & ~early


def option_count(results: Results) -> int:
    """Return the number of options: the columns ``votes_0``, ``votes_1``, ... or else those that were met."""
    votes = sum(name.startswith("votes_") for name in results.trials)
    met = [column(results, name) for name in ("choice", "better_option") if name in results.trials]
    return votes or max(2, *(1 + int(values.max(initial=0)) for values in met))
