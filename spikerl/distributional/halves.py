"""Is it a property of the cell? Reversal points and asymmetries of halves of the trials, compared across cells.

Noise moves both numbers of one half together, so that asymmetry is set beside the reversal point of the other half
(Dabney et al. 2020). Intervals are percentiles of the bootstrap: over trials for one cell, over cells for correlations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.distributional.reversal import Recording, Reversals, Within, reversals
from spikerl.errors import DescriptionError, message
from spikerl.seeding import check_seed, generator
from spikerl.units import whole_number

LEVEL = 0.95
MOST = 100_000


class Correlation(NamedTuple):
    """The mean over splits of Pearson's r across cells, with its 95 % interval; `cells` were in every split's r.

    NaN where a split has fewer than three such cells.
    """

    value: float
    low: float
    high: float
    cells: float


class Bounds(NamedTuple):
    """The ends of a 95 % interval, each [cell]; NaN where the number is unknown in more than half of the draws."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Halves:
    """Reversal points and asymmetries of the two halves of each split, [split, 2, cell]; NaN for cells left out."""

    point: NDArray[np.float64]
    tau: NDArray[np.float64]
    seed: int

    def pairs(self, split: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return asymmetries of one half with reversal points of the other, both ways: two arrays [pair], to decode.

        Taken from the same trials, the two share their noise, which pairs them as expectiles are paired: cells that
        all predict the mean then decode to a wide distribution. Cells unknown in a half are left out of that pair.

        Default: the first split. Raises `DescriptionError` for a split that was not made.
        """
        whole_number(split, 0, len(self.tau) - 1, "split")
        tau, point = self.tau[split].ravel(), self.point[split, ::-1].ravel()
        known = np.isfinite(tau) & np.isfinite(point)
        return tau[known], point[known]

    def points_agree(self, draws: int = 1000) -> Correlation:
        """Return the correlation of the reversal points of one half with those of the other."""
        return _correlation(self.point[:, 0], self.point[:, 1], self.seed, draws)

    def tau_follows_point(self, draws: int = 1000) -> Correlation:
        """Return the correlation of the asymmetries of one half with the reversal points of the other, both ways."""
        one = np.concatenate([self.tau[:, 0], self.tau[:, 1]])
        other = np.concatenate([self.point[:, 1], self.point[:, 0]])
        return _correlation(one, other, self.seed, draws)


def halves(recording: Recording, seed: int, splits: int = 100, within: Within = "line") -> Halves:
    """Estimate `reversals` in both halves of `splits` random splits of the trials, each magnitude split evenly.

    Split k is a function of `seed`, k and the magnitudes alone, and is one for all cells. Default: 100 splits.
    Raises `DescriptionError` for a bad seed or number, and for a magnitude that was given once only.
    """
    check_seed(seed)
    whole_number(splits, 1, MOST, "splits")
    groups = [np.flatnonzero(recording.magnitudes == level) for level in np.unique(recording.magnitudes)]
    if min(len(group) for group in groups) < 2:
        rare = next(float(recording.magnitudes[group[0]]) for group in groups if len(group) < 2)
        allowed = "two trials or more of each magnitude"
        raise DescriptionError(message("magnitudes", f"one trial of {rare:g}", allowed, "leave out that magnitude"))
    point, tau = (np.full((splits, 2, len(recording.responses)), np.nan) for _ in range(2))
    for k in range(splits):
        random = generator(seed, "distributional", "halves", k)
        order = [random.permutation(group) for group in groups]
        # Which half has the odd trial is drawn too, so that none is the larger one throughout.
        cut = [len(group) // 2 + (len(group) % 2) * int(random.integers(2)) for group in groups]
        parts = ([o[:c] for o, c in zip(order, cut, strict=True)], [o[c:] for o, c in zip(order, cut, strict=True)])
        for half, part in enumerate(parts):
            found = reversals(recording.taken(np.concatenate(part)), within)
            point[k, half] = np.where(found.inside, found.point, np.nan)
            tau[k, half] = np.where(found.usable, found.tau, np.nan)
    return Halves(point, tau, seed)


def bounds(recording: Recording, seed: int, draws: int = 1000, within: Within = "line") -> tuple[Bounds, Bounds]:
    """Return the 95 % intervals of each cell's reversal point and of its asymmetry.

    Trials are drawn again with replacement within each magnitude, `draws` times. Reversal points outside the
    magnitudes count as the bound they lie beyond. Default: 1000 draws. Raises `DescriptionError` for a bad seed or
    number.
    """
    check_seed(seed)
    whole_number(draws, 2, MOST, "draws")
    groups = [np.flatnonzero(recording.magnitudes == level) for level in np.unique(recording.magnitudes)]
    rows: list[Reversals] = []
    for k in range(draws):
        random = generator(seed, "distributional", "bounds", k)
        trials = np.concatenate([random.choice(group, len(group)) for group in groups])
        rows.append(reversals(recording.taken(trials), within))
    return _percentiles(np.array([row.point for row in rows])), _percentiles(np.array([row.tau for row in rows]))


def _percentiles(table: NDArray[np.float64]) -> Bounds:
    """Return the percentiles of each column of [draw, cell] over its known values."""
    known = np.isfinite(table)
    enough = 2 * known.sum(axis=0) >= len(table)
    ends = np.full((2, table.shape[1]), np.nan)
    for cell in np.flatnonzero(enough):
        ends[:, cell] = np.quantile(table[known[:, cell], cell], [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return Bounds(ends[0], ends[1])


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64], seed: int, draws: int) -> Correlation:
    """Return the mean correlation of the rows of two tables [split, cell], and its interval over cells."""
    whole_number(draws, 2, MOST, "draws")
    known = np.isfinite(one) & np.isfinite(other)
    cells = float(known.sum(axis=1).mean())
    value = float(_rows(one, other, known, np.ones(one.shape[1])).mean())
    random = generator(seed, "distributional", "cells")
    size = one.shape[1]
    times = [np.bincount(random.integers(size, size=size), minlength=size) for _ in range(draws)]
    drawn = np.array([_rows(one, other, known, often).mean() for often in times])
    # A draw may hold too few different cells to correlate; it says nothing, and most say something.
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or 2 * len(drawn) < draws:
        return Correlation(value, np.nan, np.nan, cells)
    low, high = np.quantile(drawn, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return Correlation(value, float(low), float(high), cells)


def _rows(
    one: NDArray[np.float64], other: NDArray[np.float64], known: NDArray[np.bool_], often: NDArray
) -> NDArray[np.float64]:
    """Return Pearson's r of each pair of rows over known cells, each counted `often` times; NaN below 3 cells."""
    weight = known * often
    total = weight.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y = (np.where(known, table, 0.0) for table in (one, other))
        x = np.where(known, x - ((weight * x).sum(axis=1) / total)[:, None], 0.0)
        y = np.where(known, y - ((weight * y).sum(axis=1) / total)[:, None], 0.0)
        r = (weight * x * y).sum(axis=1) / np.sqrt((weight * x * x).sum(axis=1) * (weight * y * y).sum(axis=1))
    return np.where((weight > 0).sum(axis=1) >= 3, r, np.nan)
