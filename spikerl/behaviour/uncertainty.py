"""``C = n/(n-1) H^-1 (sum_b g_b g_b^T) H^-1``: how far fitted numbers would move with other blocks.

H is the second derivative of the negative log likelihood at the fit, g_b the gradient of block b (Huber 1967; White
1982, clustered by block). Blocks are the independent unit, so animals or days that differ widen the errors as they
should. H is the central difference of the exact gradient.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spikerl.behaviour.likelihood import likelihood
from spikerl.behaviour.models import ChoiceModel
from spikerl.behaviour.trials import Trials

_STEP = 1e-5  # as a share of a number, or of 1: the cube root of the rounding of gradients


def standard_errors(model: ChoiceModel, numbers: NDArray[np.float64], trials: Trials) -> NDArray[np.float64]:
    """Return the standard errors of fitted `numbers`, shape [parameters], in their units.

    A number on an end of its range is taken as given there, and its error is NaN. All are NaN where the data leave a
    direction open (H is not positive definite), or are one block.
    """
    errors = np.full(len(numbers), np.nan)
    low, high = (np.array([parameter[k] for parameter in model.parameters]) for k in (1, 2))
    free = np.flatnonzero((low < numbers) & (numbers < high))
    if trials.blocks < 2 or not free.size:
        return errors
    curvature = np.empty((free.size, free.size))
    for row, position in enumerate(free):
        step = np.zeros(len(numbers))
        room = min(high[position] - numbers[position], numbers[position] - low[position])
        step[position] = min(_STEP * max(1.0, abs(numbers[position])), room)
        ends = [likelihood(model, numbers + sign * step, trials).scores.sum(axis=0) for sign in (1.0, -1.0)]
        curvature[row] = (ends[0] - ends[1])[free] / (2.0 * step[position])
    curvature = (curvature + curvature.T) / 2.0
    scale = np.sqrt(np.abs(np.diagonal(curvature)))
    if not scale.all() or np.linalg.eigvalsh(curvature / np.outer(scale, scale)).min() < 1e-8:
        return errors
    inverse = np.linalg.inv(curvature)
    scores = likelihood(model, numbers, trials).scores[:, free]
    spread = inverse @ (scores.T @ scores) @ inverse * (trials.blocks / (trials.blocks - 1))
    errors[free] = np.sqrt(np.diagonal(spread))
    return errors
