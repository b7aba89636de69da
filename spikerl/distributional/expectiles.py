"""Expectiles: where ``tau E[max(x - e, 0)] = (1 - tau) E[max(e - x, 0)]`` (Newey and Powell 1987)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spikerl.distributional.checking import alike, asymmetries, numbers
from spikerl.errors import DescriptionError, message


def expectile(tau: ArrayLike, values: ArrayLike, weights: ArrayLike | None = None) -> NDArray[np.float64]:
    """``tau sum p max(x - e, 0) = (1 - tau) sum p max(e - x, 0)``: return e for every `tau`, in the unit of `values`.

    `values` [value] are samples, or with `weights` [value] a discrete distribution whose probabilities are the weights
    over their sum. The answer has the shape of `tau`. It is exact: between two neighbouring values the equation is
    linear, and the left side less the right falls from value to value, so the pair that holds e is found first.

    Default: samples of equal weight. Raises `DescriptionError` for tau not between 0 and 1, for values that are not
    finite, and for weights that are negative or all zero.
    """
    asked = asymmetries(tau)
    given = numbers(values, "values")
    mass = np.full(len(given), 1.0) if weights is None else alike(weights, len(given), "weights", "value")
    if (mass < 0.0).any() or not mass.any():
        raise DescriptionError(message("weights", weights, "numbers of 0 or more, not all 0"))
    order = np.argsort(given[mass > 0.0], kind="stable")
    middle = given.mean()
    x, p = given[mass > 0.0][order] - middle, mass[mass > 0.0][order]
    below, above = p.cumsum(), p[::-1].cumsum()[::-1] - p
    sum_below, sum_above = (p * x).cumsum(), (p * x)[::-1].cumsum()[::-1] - p * x
    flat = asked.reshape(-1, 1)
    excess = flat * (sum_above - x * above) - (1.0 - flat) * (x * below - sum_below)
    at = np.maximum((excess >= 0.0).sum(axis=1) - 1, 0)
    one = flat[:, 0]
    found = (one * sum_above[at] + (1.0 - one) * sum_below[at]) / (one * above[at] + (1.0 - one) * below[at])
    found = np.clip(found, x[at], x[np.minimum(at + 1, len(x) - 1)])
    return (found + middle).reshape(asked.shape)


def updated(
    value: NDArray[np.float64], reward: float, alpha_plus: ArrayLike, alpha_minus: ArrayLike
) -> NDArray[np.float64]:
    """``V + alpha+ max(d, 0) + alpha- min(d, 0), d = reward - V``: return the predictions [cell] after one reward.

    Its fixed point, on average over rewards, is the expectile of ``tau = alpha+ / (alpha+ + alpha-)``: there the
    expected steps up and down are equal (Dabney et al. 2020). The rates, a number or [cell], are fractions of the
    error.
    """
    error = reward - value
    return value + np.asarray(alpha_plus) * np.maximum(error, 0.0) + np.asarray(alpha_minus) * np.minimum(error, 0.0)
