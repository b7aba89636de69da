"""The models of choice in plain Python, trial by trial, without a line of spikerl; and blocks to choose in."""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


def probabilities(
    parameters: Mapping[str, float], initial: float, choices: Sequence[int], rewards: Sequence[float], options: int
) -> Iterator[list[float]]:
    """Yield P of every option before each choice of one block."""
    values = [initial] * options
    last = None
    for choice, reward in zip(choices, rewards, strict=True):
        odds = []
        for option in range(options):
            stay = parameters.get("kappa", 0.0) if option == last else 0.0
            odds.append(math.exp(parameters["beta"] * values[option] + stay))
        yield [odd / sum(odds) for odd in odds]
        if "alpha" in parameters:
            rate = parameters["alpha"]
        elif reward > values[choice]:
            rate = parameters["alpha_plus"]
        else:
            rate = parameters["alpha_minus"]
        for option in range(options):
            if option == choice:
                values[option] += rate * (reward - values[option])
            else:
                values[option] *= 1.0 - parameters.get("decay", 0.0)
        last = choice


def nll(
    parameters: Mapping[str, float], initial: float, choices: Sequence[int], rewards: Sequence[float], options: int
) -> float:
    """Return the negative log likelihood of one block in nats."""
    before = probabilities(parameters, initial, choices, rewards, options)
    return -sum(math.log(chances[choice]) for chances, choice in zip(before, choices, strict=True))


def reversals(blocks: int, trials: int = 80, high: float = 0.8) -> NDArray[np.float64]:
    """Return what two options pay, shape [blocks, trials, 2]: `high` and its rest, exchanged in mid-block."""
    pays = np.empty((blocks, trials, 2))
    pays[:, : trials // 2] = high, 1.0 - high
    pays[:, trials // 2 :] = 1.0 - high, high
    pays[1::2] = pays[1::2, :, ::-1].copy()
    return pays
