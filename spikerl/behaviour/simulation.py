"""Choices drawn from a model, in blocks that pay with given probabilities."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from spikerl.behaviour.models import ChoiceModel, log_probabilities, logits, movement, targets
from spikerl.behaviour.trials import Trials
from spikerl.errors import DescriptionError, message
from spikerl.seeding import generator


def simulate(
    model: ChoiceModel, parameters: Mapping[str, float], probabilities: NDArray[np.float64], seed: int
) -> Trials:
    """Return what the model chooses and gets where option i pays 1 with ``probabilities[block, trial, i]``, else 0.

    `probabilities` has the shape [blocks, trials, options]. The same seed draws the same numbers for every model.

    Raises `DescriptionError` for another shape, for probabilities that are none, and for parameters out of range.
    """
    rates = model.rates(model.numbers(parameters))
    pays = np.array(probabilities, dtype=np.float64)
    if pays.ndim != 3 or not pays.size or pays.shape[2] < 2:
        allowed = "(blocks, trials, options), at least one block, one trial and two options"
        raise DescriptionError(message("probabilities, shape", pays.shape, allowed))
    if not ((pays >= 0) & (pays <= 1)).all():
        worst = float(pays[~((pays >= 0) & (pays <= 1))][0])
        raise DescriptionError(message("probabilities", worst, "numbers from 0 to 1"))
    blocks, length, options = pays.shape
    drawn = generator(seed, "behaviour", "simulation").random((2, blocks, length))
    values, chosen = np.full((blocks, options), float(model.initial)), np.zeros((blocks, options), dtype=bool)
    choices, rewards = np.zeros((blocks, length), dtype=np.int64), np.zeros((blocks, length))
    for trial in range(length):
        cumulative = np.exp(log_probabilities(logits(values, chosen, rates))).cumsum(axis=1)
        # All but the last bound: the last is 1 but for rounding, and the draw is below 1.
        choices[:, trial] = (drawn[0, :, trial, None] >= cumulative[:, :-1]).sum(axis=1)
        rewards[:, trial] = drawn[1, :, trial] < pays[np.arange(blocks), trial, choices[:, trial]]
        chosen = choices[:, trial, None] == np.arange(options)
        moved = movement(values, chosen, targets(chosen, rewards[:, trial]), rates)
        values = values + moved.rate * moved.error
    return Trials(choices, rewards, options, f"simulated {model.name}")
