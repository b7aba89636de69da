"""``NLL = -sum_t log P(choice_t | choices and rewards before t in its block)``, and its gradient.

The equations are those of `spikerl.behaviour.models`. All trials count, the first of a block too. One pass over the
trials serves all blocks at once. The values' derivatives by the three rates follow the values: where
``V <- V + rate (target - V)``, ``dV <- (1 - rate) dV + [the rate is this one] (target - V)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.behaviour.models import ChoiceModel, log_probabilities, logits, movement, targets
from spikerl.behaviour.trials import Trials


class Likelihood(NamedTuple):
    """The negative log likelihood of each block in nats [blocks], and its gradient [blocks, parameters]."""

    blocks: NDArray[np.float64]
    scores: NDArray[np.float64]


def likelihood(model: ChoiceModel, numbers: NDArray[np.float64], trials: Trials) -> Likelihood:
    """Return the likelihood of recorded choices and its gradient by the model's `numbers`, shape [parameters]."""
    rates = model.rates(numbers)
    chosen = trials.chosen()
    values = np.full(chosen.shape, model.initial, dtype=np.float64)
    slopes = np.zeros((len(chosen), 3, *chosen.shape[1:]))
    target = targets(chosen, trials.rewards.T)
    each = np.arange(3)[:, None, None]
    for trial in range(len(chosen) - 1):
        moved = movement(values[trial], chosen[trial], target[trial], rates)
        values[trial + 1] = values[trial] + moved.rate * moved.error
        slopes[trial + 1] = (1.0 - moved.rate) * slopes[trial] + (moved.which == each) * moved.error
    last = np.zeros_like(chosen)
    last[1:] = chosen[:-1]
    logarithms = log_probabilities(logits(values, last, rates))
    excess = np.exp(logarithms) - chosen  # the derivative of the sum by each logit
    by_value = rates.beta * np.einsum("tbo,tkbo->bk", excess, slopes)
    by_choice = [np.einsum("tbo,tbo->b", excess, factor) for factor in (values, last)]
    scores = np.column_stack([by_value, *by_choice]) @ model.matrix().T
    return Likelihood(-np.einsum("tbo,tbo->b", logarithms, chosen), scores)


def negative_log_likelihood(
    model: ChoiceModel, parameters: Mapping[str, float], trials: Trials
) -> NDArray[np.float64]:
    """Return the negative log likelihood of each block in nats, shape [blocks].

    Raises `DescriptionError` for parameters that the model has not, lacks, or does not allow.
    """
    return likelihood(model, model.numbers(parameters), trials).blocks
