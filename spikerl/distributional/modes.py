"""``f(x) = sum_m p_m N(x; z_m, bandwidth^2)``: the modes of a distribution that was smoothed.

A single broad bump may lie near a distribution of many modes, in the mean; where the modes are tells the two apart.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import find_peaks

from spikerl.distributional.checking import alike, numbers
from spikerl.errors import DescriptionError, message
from spikerl.units import finite_number

PROMINENCE = 0.05
_STEPS = 10
_REACH = 4.0
_MOST = 200_000


class Modes(NamedTuple):
    """Where the modes are, `place` [mode] rising, and their `share` [mode] of the highest one's density."""

    place: NDArray[np.float64]
    share: NDArray[np.float64]


def modes(
    values: ArrayLike, bandwidth: float, weights: ArrayLike | None = None, prominence: float = PROMINENCE
) -> Modes:
    """``f'(x) = 0, f''(x) < 0``: return the maxima of the smoothed density that stand out from what lies between them.

    `values` [value] are samples, or with `weights` [value] a discrete distribution; `bandwidth` is in their unit. A
    mode rises above the higher of the valleys beside it by `prominence` of the highest density or more. Places are
    exact to a tenth of the bandwidth.

    Defaults: samples of equal weight, a prominence of 0.05. Raises `DescriptionError` for a bandwidth that is not
    above 0, or too small beside the range of the values, weights below 0, and a prominence not from 0 to 1.
    """
    x = numbers(values, "values")
    p = np.ones(len(x)) if weights is None else alike(weights, len(x), "weights", "value")
    if (p < 0.0).any() or not p.any():
        raise DescriptionError(message("weights", weights, "numbers of 0 or more, not all 0"))
    width = finite_number(bandwidth, "bandwidth")
    if width <= 0.0 or (np.ptp(x) / width + 2.0 * _REACH) * _STEPS > _MOST:
        least = f"more than 0, and than {_STEPS / _MOST:g} of the range of the values"
        raise DescriptionError(message("bandwidth", bandwidth, least, "smooth more"))
    if not 0.0 <= finite_number(prominence, "prominence") <= 1.0:
        raise DescriptionError(message("prominence", prominence, "a number from 0 to 1"))
    step = width / _STEPS
    grid = np.arange(x.min() - _REACH * width, x.max() + _REACH * width + step, step)
    density = np.zeros(len(grid))
    for place, mass in zip(x, p, strict=True):
        density += mass * np.exp(-0.5 * np.square((grid - place) / width))
    density /= density.max()
    at, _ = find_peaks(density, prominence=max(prominence, np.finfo(np.float64).eps))
    return Modes(grid[at], density[at])
