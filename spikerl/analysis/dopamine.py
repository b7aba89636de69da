"""Is dopamine the reward prediction error? Its rate in the phases of a trial, over trials, rewarded and omitted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.analysis.blocks import aligned, blocks, column, early_and_late, reversals
from spikerl.analysis.intervals import Band, Interval, gather, mean_over_blocks, ratio_over_blocks
from spikerl.errors import FileError, message
from spikerl.results import Results

BIN = 5


class Course(NamedTuple):
    """Rates in Hz in bins of trials: `trial` [bin] the middle of each, `band` over blocks (Student's interval)."""

    trial: NDArray[np.float64]
    band: Band


def tonic(results: Results) -> Interval:
    """Return the tonic rate in Hz: the mean in the interval phase, when the network hears no cue and no outcome."""
    table = blocks(results).table(column(results, "dopamine_interval"))
    return mean_over_blocks(_row_means(table))


def response(results: Results) -> dict[str, Interval]:
    """Return the outcome response in Hz beside the tonic rate of the same block, so that blocks may differ in it.

    Keys: ``early_rewarded``, ``early_omitted``, ``late_rewarded``, ``late_omitted`` (`blocks.early_and_late`), and
    ``rewarded_change``, late minus early of the rewarded trials, paired within blocks.

    Raises `FileError` for columns that were not recorded.
    """
    laid = blocks(results)
    beside = laid.table(column(results, "dopamine_outcome"))
    beside = beside - _row_means(laid.table(column(results, "dopamine_interval")))[:, None]
    rewarded = laid.table(column(results, "reward")) > 0
    early, late = early_and_late(results, laid)
    before, after = (_row_means(np.where(epoch & rewarded, beside, np.nan)) for epoch in (early, late))
    return {
        "early_rewarded": _over(beside, early & rewarded),
        "early_omitted": _over(beside, early & ~rewarded),
        "late_rewarded": _over(beside, late & rewarded),
        "late_omitted": _over(beside, late & ~rewarded),
        "rewarded_change": mean_over_blocks(after - before),
    }


def course(
    results: Results, phase: str, rewarded: bool | None = None, offsets: NDArray[np.int64] | None = None
) -> Course:
    """Return the rate in `phase` over trials, in bins of `BIN`, of all, rewarded or omitted trials.

    Trials are counted from the block's start; with `offsets` (rising by ones, a multiple of `BIN` of them), from the
    reversal. Raises `FileError` for a column that was not recorded, and for offsets where no block reverses.
    """
    laid = blocks(results)
    rate = laid.table(column(results, f"dopamine_{phase}"))
    if rewarded is not None:
        reward = laid.table(column(results, "reward"))
        rate = np.where((reward > 0) == rewarded, rate, np.nan)
    if offsets is not None:
        zero = reversals(results, laid)
        if not (zero >= 0).any():
            raise FileError(message("reversals", 0, "a block at least that reverses"))
        rate = aligned(rate, zero, offsets)
    edges = np.arange(0, rate.shape[1], BIN)
    rows = [_over(rate[:, edge : edge + BIN], np.isfinite(rate[:, edge : edge + BIN])) for edge in edges]
    first = 0 if offsets is None else offsets[0]
    width = np.minimum(BIN, rate.shape[1] - edges)
    return Course(first + edges + (width - 1) / 2.0, gather(rows))


def _over(table: NDArray[np.float64], mask: NDArray[np.bool_]) -> Interval:
    """Return the mean over the trials of `mask`, with its interval over blocks."""
    mask = mask & np.isfinite(table)
    return ratio_over_blocks(np.where(mask, table, 0.0).sum(axis=1), mask.sum(axis=1))


def _row_means(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each block over its finite values, NaN where it has none."""
    there = np.isfinite(table)
    count = there.sum(axis=1)
    total = np.where(there, table, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
