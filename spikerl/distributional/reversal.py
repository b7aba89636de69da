"""The reward at which a cell's response changes its sign, and how much steeper it is above than below.

``R = argmax_m #(positive responses to rewards > m) + #(negative responses to rewards < m)`` (Dabney et al. 2020) and,
with lines through (R, baseline), ``response - baseline = alpha+ max(m - R, 0) + alpha- min(m - R, 0)``,
``tau = alpha+ / (alpha+ + alpha-)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spikerl.distributional.checking import alike, numbers
from spikerl.errors import DescriptionError, message

Within = Literal["line", "middle"]
_PLACES = 201


@dataclass(frozen=True, eq=False)
class Reversals:
    """One number for each cell, shape [cell]; magnitudes in the unit given, slopes in responses per that unit.

    `point` is the reversal point and `side` where it lies: 0 between the magnitudes, -1 below all and 1 above all of
    them, where `point` is the least or largest magnitude and no more than a bound. `above` and `below` are the slopes,
    NaN where the cell saw no magnitude on that side; `tau` is NaN there, and where the slopes are not both positive.
    All is NaN, with side 0, for a silent cell, which never left its baseline.
    """

    point: NDArray[np.float64]
    side: NDArray[np.int64]
    above: NDArray[np.float64]
    below: NDArray[np.float64]

    @property
    def tau(self) -> NDArray[np.float64]:
        """``alpha+ / (alpha+ + alpha-)``, NaN where it is not between 0 and 1."""
        with np.errstate(invalid="ignore", divide="ignore"):
            rising = (self.above > 0.0) & (self.below > 0.0)
            return np.where(rising, self.above / (self.above + self.below), np.nan)

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Whether the reversal point lies between the magnitudes."""
        return (self.side == 0) & np.isfinite(self.point)

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Whether a cell has both a reversal point between the magnitudes and an asymmetry."""
        return self.inside & np.isfinite(self.tau)

    def counts(self) -> dict[str, int]:
        """Return how many cells are usable, and how many are left out for what reason."""
        return {
            "cells": len(self.side),
            "usable": int(self.usable.sum()),
            "below all magnitudes": int((self.side < 0).sum()),
            "above all magnitudes": int((self.side > 0).sum()),
            "silent": int(np.isnan(self.point).sum()),
            "without asymmetry": int((self.inside & ~self.usable).sum()),
        }


@dataclass(frozen=True, eq=False)
class Recording:
    """Responses [cell, trial] to rewards `magnitudes` [trial] beside each cell's `baseline`, a number or [cell].

    Responses and baseline are in one unit (Hz, spikes), `magnitudes` in the unit in which the slopes shall be taken:
    ul, or utility. Default: a baseline of 0, for responses from which it has been taken.

    Raises `DescriptionError` for shapes that do not fit, numbers that are not finite, and fewer than two magnitudes.
    """

    responses: NDArray[np.float64]
    magnitudes: NDArray[np.float64]
    baseline: ArrayLike = 0.0

    def __post_init__(self) -> None:
        """Refuse what does not fit; hold the responses without their baseline."""
        responses = numbers(self.responses, "responses", dimensions=2)
        magnitudes = alike(self.magnitudes, responses.shape[1], "magnitudes", "trial")
        if len(np.unique(magnitudes)) < 2:
            raise DescriptionError(message("magnitudes", magnitudes, "two different ones or more"))
        given = np.asarray(self.baseline)
        base = numbers(given[None] if given.ndim == 0 else given, "baseline")
        if given.ndim:
            alike(base, len(responses), "baseline", "cell")
        object.__setattr__(self, "responses", responses - base[:, None])
        object.__setattr__(self, "magnitudes", magnitudes)
        object.__setattr__(self, "baseline", 0.0)

    def taken(self, trials: NDArray[np.int64]) -> Recording:
        """Return the recording of `trials` alone, by their positions, in which one may come twice."""
        return Recording(self.responses[:, trials], self.magnitudes[trials])


def reversals(recording: Recording, within: Within = "line") -> Reversals:
    """``R = argmax_m #(response > 0, reward > m) + #(response < 0, reward < m)``, and the slopes on both sides of R.

    The count is one number between two neighbouring magnitudes and so finds the pair about R; of pairs with equal
    counts, the one with the largest sum of responses above less those below. Where between the two R is, it leaves
    open: ``"line"`` takes the R of the least squared error of the two lines through (R, 0), ``"middle"`` the middle.
    Slopes are least squares over trials, ``sum (m - R) response / sum (m - R)^2`` on either side. Default: ``"line"``.

    Raises `DescriptionError` for another `within`.
    """
    if within not in get_args(Within):
        raise DescriptionError(message("within", within, f"one of {', '.join(get_args(Within))}"))
    level, of = np.unique(recording.magnitudes, return_inverse=True)
    shown = np.eye(len(level))[of]
    positive, negative = (recording.responses > 0.0) @ shown, (recording.responses < 0.0) @ shown
    total, trials = recording.responses @ shown, shown.sum(axis=0)
    score = _above(positive) + _below(negative)
    swing = _above(total) - _below(total)
    # The number of magnitudes below R, from none to all.
    gap = np.where(score == score.max(axis=1, keepdims=True), swing, -np.inf).argmax(axis=1)
    silent = score.max(axis=1) == 0.0
    side = np.where(silent, 0, np.where(gap == 0, -1, np.where(gap == len(level), 1, 0)))
    low, high = level[np.maximum(gap - 1, 0)], level[np.minimum(gap, len(level) - 1)]
    share = np.array([0.5]) if within == "middle" else np.linspace(0.0, 1.0, _PLACES)[1:-1]
    places = low[:, None] + (high - low)[:, None] * share
    over = np.arange(len(level)) >= gap[:, None]
    explained = _line(places, level, total, trials, over)[1] + _line(places, level, total, trials, ~over)[1]
    point = places[np.arange(len(places)), explained.argmax(axis=1)]
    (above, _), (below, _) = (_line(point[:, None], level, total, trials, mask) for mask in (over, ~over))
    point, above, below = (np.where(silent, np.nan, found) for found in (point, above[:, 0], below[:, 0]))
    return Reversals(point, side.astype(np.int64), above, below)


def _above(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of the magnitudes from k on, [cell, k], k from 0 to the number of magnitudes."""
    return np.pad(table[:, ::-1].cumsum(axis=1)[:, ::-1], ((0, 0), (0, 1)))


def _below(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of the magnitudes before k, [cell, k]."""
    return np.pad(table.cumsum(axis=1), ((0, 0), (1, 0)))


def _line(
    places: NDArray[np.float64],
    level: NDArray[np.float64],
    total: NDArray[np.float64],
    trials: NDArray[np.float64],
    mask: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the slope through each of `places` [cell, place] over the levels of `mask`, and what it explains.

    A slope is NaN where there is no level; what a line explains is the fall of the squared error, 0 there.
    """
    x = np.where(mask[:, None, :], level - places[:, :, None], 0.0)
    product, square = (x * total[:, None, :]).sum(axis=2), (np.square(x) * trials).sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = product / square
        return slope, np.where(square > 0.0, product * slope, 0.0)
