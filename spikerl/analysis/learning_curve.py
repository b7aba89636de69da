"""Does it learn? P(better option) over the trials of a block and around its reversal, and over all trials."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.analysis.blocks import Blocks, aligned, blocks, column, reversals
from spikerl.analysis.intervals import Band, Interval, proportion_over_blocks, wilson
from spikerl.errors import FileError, message
from spikerl.results import Results

BEFORE, AFTER = 20, 30


class Curve(NamedTuple):
    """``p[k] = successes[k] / n[k]`` at each `trial` [k] with Wilson's 95 % interval; `band.n` counts blocks."""

    trial: NDArray[np.int64]
    band: Band


def from_start(results: Results, name: str = "better") -> Curve:
    """P(`name` = 1) on each trial of a block, counted from 0, over blocks; raises `FileError`."""
    return over_blocks(blocks(results).table(column(results, name)))


def around_reversal(results: Results, name: str = "better", before: int = BEFORE, after: int = AFTER) -> Curve:
    """P(`name` = 1) on the `before` trials before and the `after` from the reversal on; 0 is the first after it.

    Raises `FileError` where no block reverses.
    """
    laid = blocks(results)
    zero = reversals(results, laid)
    return around(laid.table(column(results, name)), zero, before, after)


def over_blocks(table: NDArray[np.float64]) -> Curve:
    """Return the curve of a table of zeros and ones [block, trial], NaN where there is no trial."""
    there = np.isfinite(table)
    return Curve(np.arange(table.shape[1]), wilson(np.nansum(table, axis=0), there.sum(axis=0)))


def around(table: NDArray[np.float64], zero: NDArray[np.int64], before: int = BEFORE, after: int = AFTER) -> Curve:
    """Return the curve of a table [block, trial] aligned to trial `zero` of each block; raises `FileError`."""
    if not (zero >= 0).any():
        raise FileError(message("reversals", 0, "a block at least that reverses"))
    offsets = np.arange(-before, after)
    return over_blocks(aligned(table, zero, offsets))._replace(trial=offsets)


def overall(results: Results, name: str = "better") -> Interval:
    """P(`name` = 1) over all trials, with the 95 % interval that the spread between blocks gives."""
    return proportion(blocks(results), column(results, name))


def proportion(laid: Blocks, values: NDArray) -> Interval:
    """Return the share of ones in `values` [row] with its interval over blocks."""
    table = laid.table(values)
    return proportion_over_blocks(np.nansum(table, axis=1), np.isfinite(table).sum(axis=1))


def at_offset(results: Results, offset: int) -> Interval:
    """P(better) on one trial, `offset` trials from the first after the reversal; Wilson's interval over blocks."""
    curve = around_reversal(results, before=0, after=offset + 1)
    value, low, high, n = (part[offset] for part in curve.band)
    return Interval(float(value), float(low), float(high), int(n))
