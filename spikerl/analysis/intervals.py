"""Intervals of 95 %: Wilson for a proportion, Student over blocks for everything that is averaged over blocks.

Blocks are the independent unit: trials of one block share its luck and its learning.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

LEVEL = 0.95
_NORMAL = 1.959963984540054


class Interval(NamedTuple):
    """An estimate `value` with its bounds `low` and `high`; `n` is the number of independent blocks behind it.

    The bounds are NaN where fewer than two blocks leave them undefined; all are NaN where nothing was seen.
    """

    value: float
    low: float
    high: float
    n: int

    def known(self) -> bool:
        """Return whether there is an interval at all."""
        return math.isfinite(self.low) and math.isfinite(self.high)


class Band(NamedTuple):
    """Intervals along an axis: `value`, `low`, `high` and `n`, each of the axis' shape."""

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n: NDArray[np.int64]

def wilson(successes: ArrayLike, n: ArrayLike, quantile: float = _NORMAL) -> Band:
    """``(p + z^2/2n +- z sqrt(p (1-p)/n + z^2/4n^2)) / (1 + z^2/n)``, with ``p = successes / n`` (Wilson, 1927).

    `successes` and `n` have one shape; `n` may be a fraction (an effective number). NaN where `n` is 0.
    """
    total = np.asarray(n, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.asarray(successes, dtype=np.float64) / total
        widen = quantile**2 / total
        middle = (p + widen / 2.0) / (1.0 + widen)
        half = quantile * np.sqrt(p * (1.0 - p) / total + widen / (4.0 * total)) / (1.0 + widen)
    # Rounding must not put the estimate outside its own interval.
    return Band(p, np.minimum(middle - half, p), np.maximum(middle + half, p), np.asarray(n).astype(np.int64))

def student_quantile(freedom: int, level: float = LEVEL) -> float:
    """``P(|T| < t) = level`` for Student's T with `freedom` degrees: return t (Student, 1908)."""
    return float(stdtrit(freedom, 0.5 + level / 2.0))

def mean_over_blocks(values: ArrayLike) -> Interval:
    """``mean +- t sd / sqrt(n)`` over blocks; `values` has shape [blocks], NaN for a block without one."""
    array = np.asarray(values, dtype=np.float64)
    return ratio_over_blocks(array, np.isfinite(array))

def ratio_over_blocks(totals: ArrayLike, counts: ArrayLike) -> Interval:
    """``r = sum(totals) / sum(counts) +- t s``, ``s^2 = n/(n-1) sum((total - r count)^2) / sum(counts)^2``.

    The mean of all trials, with the spread between blocks (linearised ratio; Cochran, 1977, section 6.3). Both
    arguments have shape [blocks]; blocks with a count of 0 are left out.
    """
    r, error, _, n = _pooled(totals, counts)
    if n < 2:
        return Interval(r, math.nan, math.nan, n)
    half = student_quantile(n - 1) * error * math.sqrt(n / (n - 1))
    return Interval(r, r - half, r + half, n)

def proportion_over_blocks(successes: ArrayLike, trials: ArrayLike) -> Interval:
    """Wilson's interval of ``p = sum(successes) / sum(trials)`` with the effective number ``p (1-p) / s^2`` of trials.

    `s` is the standard error that the spread between blocks gives (as in `ratio_over_blocks`), so trials count as
    much as they are independent, and Student's quantile stands for the normal one (Korn and Graubard, 1998, with
    Wilson's limits). The number is at most that of the trials; it is that of the blocks where `s` is 0.
    """
    p, error, count, n = _pooled(successes, trials)
    if n < 2:
        return Interval(p, math.nan, math.nan, n)
    effective = min(p * (1.0 - p) / error**2, count) if error > 0.0 else float(n)
    band = wilson(p * effective, effective, student_quantile(n - 1))
    return Interval(p, float(band.low), float(band.high), n)

def band_over_blocks(values: NDArray[np.float64]) -> Band:
    """Return `mean_over_blocks` of each column of `values` [blocks, ...]."""
    flat = values.reshape(len(values), -1)
    band = gather([mean_over_blocks(flat[:, column]) for column in range(flat.shape[1])])
    shape = values.shape[1:]
    return Band(band.value.reshape(shape), band.low.reshape(shape), band.high.reshape(shape), band.n.reshape(shape))

def gather(intervals: Sequence[Interval]) -> Band:
    """Return intervals along an axis, one after the other, as a band."""
    value, low, high, n = (np.array([row[k] for row in intervals]) for k in range(len(Interval._fields)))
    return Band(value, low, high, n.astype(np.int64))

def _pooled(totals: ArrayLike, counts: ArrayLike) -> tuple[float, float, float, int]:
    """Return ``r = sum(totals) / sum(counts)``, its linearised error, the sum of counts, and how many blocks count."""
    count = np.asarray(counts, dtype=np.float64)
    total = np.asarray(totals, dtype=np.float64)[count > 0]
    count = count[count > 0]
    whole = float(count.sum())
    if not count.size:
        return math.nan, math.nan, whole, 0
    r = float(total.sum()) / whole
    return r, float(np.sqrt(np.square(total - r * count).sum())) / whole, whole, count.size
